//! A real browser, driven over WebDriver (W3C) by plain blocking HTTP: Debian's chromium and its driver.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// The member of an element reference that holds its id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a condition is waited for. Long, for a slow machine: nothing waits longer than it must.
const WAIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ENTER: char = '\u{e007}';

/// What a browser is to be like.
pub(crate) struct Setting {
    pub(crate) script: bool,
    /// Accept-Language.
    pub(crate) languages: &'static str,
}

impl Default for Setting {
    fn default() -> Self {
        Self { script: true, languages: "en" }
    }
}

pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    script: bool,
}

impl Browser {
    pub(crate) fn start(setting: &Setting) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: testnet/setup/browser.sh installs it");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .map(Result::unwrap)
            .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        let (port, script) = (port.expect("chromedriver says its port"), setting.script);
        let mut browser = Self { driver, port, session: String::new(), script };
        let mut preferences = json!({ "intl.accept_languages": setting.languages });
        if !setting.script {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,1200"];
        let options = json!({ "args": arguments, "prefs": preferences });
        let wanted = json!({ "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } });
        let session = browser.send("POST", "/session", &json!({ "capabilities": wanted })).unwrap();
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        // What is looked for may be on a page that is still to come.
        browser.post("/timeouts", &json!({ "implicit": WAIT.as_millis() as u64 }));
        browser
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(WAIT * 2)).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).map_err(|error| error.to_string())?;
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).map_err(|error| error.to_string())?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].take()),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.send("POST", &path, body).unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    fn get(&self, path: &str) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.send("GET", &path, &Value::Null).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Goes to a page with scripts and waits until they have done their work.
    pub(crate) fn open(&self, url: &str) {
        self.go(url);
        self.wait("the page is ready", "return 'ready' in document.documentElement.dataset");
    }

    pub(crate) fn url(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    fn element(&self, css: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": css }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// The text that is seen.
    pub(crate) fn text(&self, css: &str) -> String {
        self.get(&format!("/element/{}/text", self.element(css))).as_str().unwrap().to_owned()
    }

    pub(crate) fn attribute(&self, css: &str, name: &str) -> Option<String> {
        self.get(&format!("/element/{}/attribute/{name}", self.element(css))).as_str().map(str::to_owned)
    }

    pub(crate) fn is_shown(&self, css: &str) -> bool {
        self.get(&format!("/element/{}/displayed", self.element(css))) == json!(true)
    }

    pub(crate) fn click(&self, css: &str) {
        self.post(&format!("/element/{}/click", self.element(css)), &json!({}));
    }

    /// Clicks on what leads to another page, and waits until that one has taken this one's place.
    pub(crate) fn follow(&self, css: &str) {
        let page = format!("/session/{}/element/{}/name", self.session, self.element("html"));
        self.click(css);
        let started = Instant::now();
        while self.send("GET", &page, &Value::Null).is_ok() {
            assert!(started.elapsed() < WAIT, "waited in vain for another page than {}", self.url());
            std::thread::sleep(POLL);
        }
    }

    /// Types into a field; into one for files, the path of a file.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.element(css)), &json!({ "text": text }));
    }

    /// Presses keys where the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        self.post("/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }));
    }

    /// The body of a function that returns a value.
    pub(crate) fn run(&self, script: &str, arguments: Value) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The body of an async function; what it throws is an error here.
    pub(crate) fn run_async(&self, script: &str, arguments: Value) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const given = arguments;
             (async () => {{ {script} }})().then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"
        );
        let done = self.post("/execute/async", &json!({ "script": script, "args": arguments }));
        assert!(done["error"].is_null(), "{}", done["error"]);
        done["value"].clone()
    }

    /// Waits until a script is true.
    pub(crate) fn wait(&self, what: &str, script: &str) {
        let started = Instant::now();
        while self.run(script, json!([])) != json!(true) {
            assert!(started.elapsed() < WAIT, "waited in vain until {what}; the page: {}", self.text("body"));
            std::thread::sleep(POLL);
        }
    }

    /// Waits for an answer and gives its status.
    pub(crate) fn status(&self) -> String {
        self.wait("there is an answer", "return document.querySelector('main:not([hidden]) [data-status]') !== null && !document.querySelector('[aria-busy]')");
        self.attribute("main:not([hidden]) [data-status]", "data-status").unwrap()
    }

    /// The status of an answer page, on which scripts may run or not.
    pub(crate) fn status_now(&self) -> String {
        if self.script { self.status() } else { self.attribute("main [data-status]", "data-status").unwrap() }
    }

    /// Runs a script in every page before the page's own.
    pub(crate) fn before_each_page(&self, script: &str) {
        let source = json!({ "source": script });
        self.post("/goog/cdp/execute", &json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": source }));
    }

    /// Lets what a page saves go to a folder.
    #[allow(dead_code)] // For the page on a network (tests/cli_checkpost).
    pub(crate) fn saves_to(&self, folder: &Path) {
        let params = json!({ "behavior": "allow", "downloadPath": folder });
        self.post("/goog/cdp/execute", &json!({ "cmd": "Browser.setDownloadBehavior", "params": params }));
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        // A window is never as narrow as a telephone; what the page sees can be.
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.post("/goog/cdp/execute", &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics }));
    }

    /// Shows the page as it would be printed, or as it is.
    pub(crate) fn paper(&self, printed: bool) {
        let media = json!({ "media": if printed { "print" } else { "" } });
        self.post("/goog/cdp/execute", &json!({ "cmd": "Emulation.setEmulatedMedia", "params": media }));
    }

    /// Prints the page, keeps the PDF beside the pictures, and counts its sheets.
    pub(crate) fn pdf(&self, name: &str) -> usize {
        let printed = self.post("/print", &json!({ "page": { "width": 21.0, "height": 29.7 }, "shrinkToFit": false }));
        let pdf = BASE64.decode(printed.as_str().unwrap()).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.pdf")), &pdf).unwrap();
        let kinds = pdf.windows(11).filter(|window| window == b"/Type /Page").count();
        let lists = pdf.windows(12).filter(|window| window == b"/Type /Pages").count();
        kinds - lists
    }

    /// Keeps a picture of the page under the target folder.
    pub(crate) fn picture(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal");
        std::fs::create_dir_all(&folder).unwrap();
        let whole = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } });
        let png = self.post("/goog/cdp/execute", &whole)["data"].as_str().map(|text| BASE64.decode(text).unwrap());
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, png.unwrap()).unwrap();
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ending the session ends the browser; a driver that is only killed would leave it behind.
        let _ended = self.send("DELETE", &format!("/session/{}", self.session), &Value::Null);
        let _killed = self.driver.kill();
        let _waited = self.driver.wait();
    }
}
