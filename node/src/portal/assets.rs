//! What browsers load: style, scripts, and the verifier in one file. All of it is part of the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::crypto::{Hash, sha256};

use super::answer::ICONS;
use super::pages;
use super::words::{Language, Words};

const STYLE: &str = include_str!("../../portal/portal.css");
const VERIFY: &str = include_str!("../../portal/verify.js");
const ANSWER: &str = include_str!("../../portal/answer.js");
const INPUTS: &str = include_str!("../../portal/inputs.js");
const PORTAL: &str = include_str!("../../portal/portal.js");
const CAMERA: &str = include_str!("../../portal/camera.js");
const SCAN: &str = include_str!("../../portal/scan.js");
const SLIP: &str = include_str!("../../portal/slip.js");
const BOOK: &str = include_str!("../../portal/book.js");
const BUNDLE: &str = include_str!("../../portal/bundle.js");
const JUDGE: &str = include_str!("../../portal/judge.js");
const DEVICE: &str = include_str!("../../portal/device.js");
const CHECKPOST: &str = include_str!("../../portal/checkpost.js");
const VERIFIER: &str = include_str!("../../portal/verifier.js");

/// Words and pictures as a script, from the same tables that the server renders with.
static WORDS: LazyLock<String> = LazyLock::new(|| {
    let words: BTreeMap<&str, &Words> = Language::ALL.into_iter().map(|it| (it.tag(), it.words())).collect();
    let icons: BTreeMap<&str, &str> = ICONS.into_iter().collect();
    let json = |value: Result<String, serde_json::Error>| value.expect("strings in maps have a JSON form");
    format!(
        "export const WORDS = {};\nexport const ICONS = {};\n",
        json(serde_json::to_string(&words)),
        json(serde_json::to_string(&icons))
    )
});

/// A file under `/portal/`: its media type and content.
pub(super) fn file(name: &str) -> Option<(&'static str, &'static str)> {
    let script = "text/javascript; charset=utf-8";
    Some(match name {
        "portal.css" => ("text/css; charset=utf-8", STYLE),
        "verify.js" => (script, VERIFY),
        "answer.js" => (script, ANSWER),
        "inputs.js" => (script, INPUTS),
        "portal.js" => (script, PORTAL),
        "camera.js" => (script, CAMERA),
        "scan.js" => (script, SCAN),
        "slip.js" => (script, SLIP),
        "book.js" => (script, BOOK),
        "bundle.js" => (script, BUNDLE),
        "judge.js" => (script, JUDGE),
        "device.js" => (script, DEVICE),
        "checkpost.js" => (script, CHECKPOST),
        "words.js" => (script, &WORDS),
        _ => return None,
    })
}

/// The verifier in one file.
#[derive(Debug)]
pub struct Verifier {
    /// The page.
    pub html: String,
    /// Its SHA-256, to be published.
    pub sha256: Hash,
    /// The content security policy that it carries: its own script and style, and nothing else, no network in particular.
    pub policy: String,
}

/// The verifier in one file, made of the same scripts.
pub fn verifier() -> &'static Verifier {
    static FILE: LazyLock<Verifier> = LazyLock::new(|| {
        let modules = [("verify.js", VERIFY), ("words.js", &*WORDS), ("answer.js", ANSWER), ("inputs.js", INPUTS)];
        let mut script = String::from("\n");
        for (name, source) in modules {
            script.push_str(&as_closure(name, source));
        }
        script.push_str(&without_imports(VERIFIER));
        let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(sha256(text.as_bytes()).0));
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            hash(&script),
            hash(STYLE)
        );
        let html = pages::verifier(&policy, STYLE, &script).into_string();
        Verifier { sha256: sha256(html.as_bytes()), html, policy }
    });
    &FILE
}

/// A module as one statement that names what it exports: names within stay within.
fn as_closure(name: &str, source: &str) -> String {
    let mut exported = Vec::new();
    let mut body = String::new();
    let source = without_imports(source);
    for line in source.lines() {
        let declaration = line.strip_prefix("export ").unwrap_or(line);
        if declaration.len() != line.len() {
            let words =
                declaration.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|word| !word.is_empty());
            exported.extend(words.skip_while(|word| matches!(*word, "async" | "function" | "const" | "class")).take(1));
        }
        body.push_str(declaration);
        body.push('\n');
    }
    let exported = exported.join(", ");
    format!("// {name}\nconst {{ {exported} }} = (() => {{\n{body}return {{ {exported} }};\n}})();\n")
}

/// A script without its import lines; each import of ours is one line.
fn without_imports(source: &str) -> String {
    source.lines().filter(|line| !line.starts_with("import ")).flat_map(|line| [line, "\n"]).collect()
}
