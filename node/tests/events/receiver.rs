//! A department's system that webhooks are posted to. It does what a test says, request by request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What it does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    RedirectTo(String),
    /// Begins an answer and never ends its body.
    EndlessBody,
    Hang,
    HangUp,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Posted {
    pub id: String,
    pub timestamp_s: u64,
    pub signature: String,
    pub body: Vec<u8>,
}

impl Posted {
    /// Checked as the documentation tells integrators to.
    pub fn is_signed_with(&self, secret: &[u8]) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("{}.{}.", self.id, self.timestamp_s).as_bytes());
        mac.update(&self.body);
        use base64::Engine as _;
        let expected = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        self.signature.split(' ').any(|one| one == format!("v1,{expected}"))
    }

    pub fn event(&self) -> dalil_node::shell::events::ShownEvent {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    posted: Arc<Mutex<Vec<Posted>>>,
    task: Arc<tokio::task::JoinHandle<()>>,
}

impl Receiver {
    /// Answers the n-th request, from 0, as `answer` says.
    pub async fn start(answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), None, answer).await
    }

    pub async fn start_at(
        at: SocketAddr,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(usize) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let posted = Arc::new(Mutex::new(Vec::new()));
        let seen = posted.clone();
        let task = tokio::spawn(async move {
            let answer = Arc::new(Mutex::new(answer));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, answer, tls) = (seen.clone(), answer.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &seen, &answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, &seen, &answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, posted, task: Arc::new(task) }
    }

    pub fn stop(self) {
        self.task.abort();
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks?from=dalil", self.address)
    }

    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }

    /// Waits for so many requests.
    pub async fn wait_for(&self, count: usize) -> Vec<Posted> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.posted().len() < count {
            assert!(Instant::now() < deadline, "{} of {count}", self.posted().len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.posted()
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Vec<Posted>>,
    answer: &Mutex<impl Fn(usize) -> Answer>,
) {
    let Some(posted) = read(&mut stream).await else { return };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(posted);
        seen.len() - 1
    };
    let answer = (answer.lock().unwrap())(number);
    let text = match answer {
        Answer::Status(status) => format!("HTTP/1.1 {status} -\r\ncontent-length: 2\r\n\r\nok"),
        Answer::RedirectTo(url) => format!("HTTP/1.1 307 -\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"),
        Answer::EndlessBody => "HTTP/1.1 200 -\r\ncontent-length: 99999999999\r\n\r\nand so on".to_owned(),
        Answer::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return;
        }
        Answer::HangUp => return,
    };
    let _gone = stream.write_all(text.as_bytes()).await;
    let _gone = stream.flush().await;
    // Until the other side goes.
    let _gone = stream.read(&mut [0; 64]).await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Posted> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hooks?from=dalil HTTP/1.1"));
    let headers: HashMap<_, _> = lines.filter_map(|line| line.split_once(": ")).collect();
    assert_eq!(headers["content-type"], "application/json");
    let length: usize = headers["content-length"].parse().unwrap();
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Posted {
        id: headers["webhook-id"].to_owned(),
        timestamp_s: headers["webhook-timestamp"].parse().unwrap(),
        signature: headers["webhook-signature"].to_owned(),
        body,
    })
}
