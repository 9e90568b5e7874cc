//! An outside witness, written from C2SP tlog-witness and RFC 9162 and not from the product. It does what the texts say,
//! unless a test tells it to lie.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

type Digest = [u8; 32];

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Manner {
    /// As the texts say.
    Honest,
    /// A good head is signed by another key than its own, under its name.
    WrongKey,
    /// Another root is signed than the one it was shown.
    OtherRoot,
    /// Signed with a time so many seconds ahead.
    Ahead(u64),
    /// Signed with this time.
    At(u64),
    /// Only a line of somebody else.
    Stranger,
    /// Its own line twice.
    Twice,
    /// Status, content type and body as given.
    Says(u16, &'static str, String),
    /// It begins an answer and never ends it.
    Endless,
    /// A body that has no end.
    Flood,
    /// It takes the request and says nothing.
    Silent,
    /// It hangs up.
    HangUp,
    /// It forgets what it cosigned, and goes on honestly.
    Forget,
}

/// A request that it was sent, as far as it has the form that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub old: u64,
    pub proof: usize,
    pub origin: String,
    pub size: u64,
    /// Names in the signature lines.
    pub signers: Vec<String>,
    pub answered: u16,
}

#[derive(Default)]
struct Memory {
    /// By origin: what it cosigned last.
    heads: HashMap<String, (u64, Digest)>,
    asked: Vec<Asked>,
    requests: usize,
}

type Manners = Box<dyn Fn(usize) -> Manner + Send>;

/// It serves until the test's process ends.
#[derive(Clone)]
pub struct Witness {
    pub address: SocketAddr,
    name: String,
    key: SigningKey,
    memory: Arc<Mutex<Memory>>,
    manners: Arc<Mutex<Manners>>,
    /// Vkeys of logs; their names are the origins.
    trusted: Arc<Mutex<Vec<String>>>,
}

fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn key_id(name: &str, kind: u8, key: &[u8]) -> [u8; 4] {
    sha256(&[name.as_bytes(), b"\n", &[kind], key])[..4].try_into().unwrap()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Name, key id and key of a log's vkey.
fn parse_vkey(vkey: &str) -> (String, [u8; 4], VerifyingKey) {
    let parts: Vec<_> = vkey.splitn(3, '+').collect();
    let bytes = BASE64.decode(parts[2]).unwrap();
    assert_eq!(bytes[0], 1, "a log's key");
    let id = key_id(parts[0], 1, &bytes[1..]);
    assert_eq!(parts[1], hex::encode(id));
    (parts[0].to_owned(), id, VerifyingKey::from_bytes(bytes[1..].try_into().unwrap()).unwrap())
}

/// RFC 9162 §2.1.4.2, step by step.
fn is_consistent(first: u64, second: u64, path: &[Digest], first_hash: Digest, second_hash: Digest) -> bool {
    if first == second {
        return path.is_empty() && first_hash == second_hash;
    }
    let mut path = path.to_vec();
    if first.is_power_of_two() {
        path.insert(0, first_hash);
    }
    let Some((start, rest)) = path.split_first() else { return false };
    let (mut fnode, mut snode) = (first - 1, second - 1);
    while fnode & 1 == 1 {
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    let (mut fr, mut sr) = (*start, *start);
    for c in rest {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            fr = sha256(&[&[1], c, &fr]);
            sr = sha256(&[&[1], c, &sr]);
            while fnode & 1 == 0 && fnode != 0 {
                (fnode, snode) = (fnode >> 1, snode >> 1);
            }
        } else {
            sr = sha256(&[&[1], &sr, c]);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    fr == first_hash && sr == second_hash && snode == 0
}

/// What a request holds.
struct Parsed {
    old: u64,
    proof: Vec<Digest>,
    text: String,
    origin: String,
    size: u64,
    root: Digest,
    signatures: Vec<(String, Vec<u8>)>,
}

fn decimal(text: &str) -> u64 {
    let number: u64 = text.parse().unwrap();
    assert_eq!(number.to_string(), text, "one spelling");
    number
}

/// The product sends nothing else than what the text says: whatever is wrong ends the test.
fn parse(body: &str) -> Parsed {
    let (head, note) = body.split_once("\n\n").expect("an empty line before the checkpoint");
    let mut lines = head.lines();
    let old = decimal(lines.next().unwrap().strip_prefix("old ").unwrap());
    let hash = |line: &str| -> Digest { BASE64.decode(line).unwrap().try_into().unwrap() };
    let proof: Vec<_> = lines.map(hash).collect();
    assert!(proof.len() <= 63);
    let (text, signatures) = note.split_once("\n\n").expect("an empty line before the signatures");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "no extension lines");
    let signature = |line: &str| {
        let (name, base64) = line.strip_prefix("— ").unwrap().split_once(' ').unwrap();
        (name.to_owned(), BASE64.decode(base64).unwrap())
    };
    assert!(signatures.ends_with('\n'));
    Parsed {
        old,
        proof,
        origin: lines[0].to_owned(),
        size: decimal(lines[1]),
        root: hash(lines[2]),
        signatures: signatures.lines().map(signature).collect(),
        text: format!("{text}\n"),
    }
}

impl Witness {
    /// Trusts these log keys, and answers the n-th request, from 0, as `manners` says.
    pub fn start(name: &str, trusted: Vec<String>, manners: impl Fn(usize) -> Manner + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let witness = Self {
            address: listener.local_addr().unwrap(),
            name: name.to_owned(),
            key: SigningKey::from_bytes(&sha256(&[b"test key of ", name.as_bytes()])),
            memory: Arc::default(),
            manners: Arc::new(Mutex::new(Box::new(manners))),
            trusted: Arc::new(Mutex::new(trusted)),
        };
        let served = witness.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let served = served.clone();
                std::thread::spawn(move || served.converse(stream.unwrap()));
            }
        });
        witness
    }

    pub fn honest(name: &str, trusted: Vec<String>) -> Self {
        Self::start(name, trusted, |_| Manner::Honest)
    }

    /// Its submission prefix.
    pub fn url(&self) -> String {
        format!("http://{}/witness/", self.address)
    }

    pub fn vkey(&self) -> String {
        let key = self.key.verifying_key().to_bytes();
        let bytes = [&[4][..], &key].concat();
        format!("{}+{}+{}", self.name, hex::encode(key_id(&self.name, 4, &key)), BASE64.encode(bytes))
    }

    pub fn trust(&self, vkeys: Vec<String>) {
        *self.trusted.lock().unwrap() = vkeys;
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.memory.lock().unwrap().asked.clone()
    }

    /// What it cosigned last of a log.
    pub fn knows(&self, origin: &str) -> Option<(u64, Digest)> {
        self.memory.lock().unwrap().heads.get(origin).copied()
    }

    /// As if it had cosigned this.
    pub fn remember(&self, origin: &str, size: u64, root: Digest) {
        self.memory.lock().unwrap().heads.insert(origin.to_owned(), (size, root));
    }

    /// Whether a note of three lines carries exactly one good cosignature of its own. Returns the time of it.
    pub fn cosigned(&self, note: &str) -> Option<u64> {
        let (text, lines) = note.split_once("\n\n").unwrap();
        let public = self.key.verifying_key();
        let id = key_id(&self.name, 4, public.as_bytes());
        let mut own = lines.lines().filter_map(|line| {
            let (name, base64) = line.strip_prefix("— ").unwrap().split_once(' ').unwrap();
            let bytes = BASE64.decode(base64).unwrap();
            (name == self.name && bytes[..4] == id).then_some(bytes)
        });
        let bytes = own.next()?;
        assert!(own.next().is_none(), "two lines of {}", self.name);
        let time_s = u64::from_be_bytes(bytes[4..12].try_into().unwrap());
        let message = format!("cosignature/v1\ntime {time_s}\n{text}\n");
        let signature = Signature::from_slice(&bytes[12..]).unwrap();
        public.verify_strict(message.as_bytes(), &signature).expect("its line verifies");
        Some(time_s)
    }

    fn line(&self, key: &SigningKey, name: &str, text: &str, time_s: u64) -> String {
        let signature = key.sign(format!("cosignature/v1\ntime {time_s}\n{text}").as_bytes());
        let id = key_id(name, 4, key.verifying_key().as_bytes());
        let bytes = [&id[..], &time_s.to_be_bytes(), &signature.to_bytes()].concat();
        format!("— {name} {}\n", BASE64.encode(bytes))
    }

    /// Whether a key that it trusts for the origin signed, as the text demands; else the status to answer.
    fn check_log(&self, parsed: &Parsed) -> Result<(), u16> {
        let trusted: Vec<_> = self.trusted.lock().unwrap().iter().map(|vkey| parse_vkey(vkey)).collect();
        let of_origin: Vec<_> = trusted.into_iter().filter(|(name, ..)| *name == parsed.origin).collect();
        if of_origin.is_empty() {
            return Err(404);
        }
        let mut signed = false;
        for (name, bytes) in &parsed.signatures {
            let Some((.., key)) = of_origin.iter().find(|(known, id, _)| known == name && bytes[..4] == *id) else {
                continue;
            };
            let signature = Signature::from_slice(&bytes[4..]).map_err(|_| 403_u16)?;
            key.verify_strict(parsed.text.as_bytes(), &signature).map_err(|_| 403_u16)?;
            signed = true;
        }
        if signed { Ok(()) } else { Err(403) }
    }

    /// The answer that the text demands: status, content type, body.
    fn honest_answer(&self, parsed: &Parsed) -> (u16, &'static str, String) {
        const TEXT: &str = "text/plain; charset=utf-8";
        if let Err(status) = self.check_log(parsed) {
            return (status, TEXT, String::new());
        }
        if parsed.old > parsed.size {
            return (400, TEXT, String::new());
        }
        let mut memory = self.memory.lock().unwrap();
        let (known, known_root) = memory.heads.get(&parsed.origin).copied().unwrap_or((0, sha256(&[])));
        if parsed.old != known {
            return (409, "text/x.tlog.size", format!("{known}\n"));
        }
        let proven = match parsed.old {
            0 => parsed.proof.is_empty() && (parsed.size != 0 || parsed.root == sha256(&[])),
            old => is_consistent(old, parsed.size, &parsed.proof, known_root, parsed.root),
        };
        if !proven {
            return (422, TEXT, String::new());
        }
        memory.heads.insert(parsed.origin.clone(), (parsed.size, parsed.root));
        (200, TEXT, self.line(&self.key, &self.name, &parsed.text, now_s()))
    }

    fn answer(&self, manner: Manner, parsed: &Parsed) -> (u16, &'static str, String) {
        const TEXT: &str = "text/plain; charset=utf-8";
        let signed = |key: &SigningKey, name: &str, text: &str, time_s| (200, TEXT, self.line(key, name, text, time_s));
        let stranger = SigningKey::from_bytes(&[9; 32]);
        match manner {
            Manner::WrongKey => {
                let (.., line) = signed(&stranger, &self.name, &parsed.text, now_s());
                let bytes = BASE64.decode(line.trim_end().rsplit_once(' ').unwrap().1).unwrap();
                let id = key_id(&self.name, 4, self.key.verifying_key().as_bytes());
                let disguised = [&id[..], &bytes[4..]].concat();
                (200, TEXT, format!("— {} {}\n", self.name, BASE64.encode(disguised)))
            }
            Manner::OtherRoot => {
                let text = format!("{}\n{}\n{}\n", parsed.origin, parsed.size, BASE64.encode([7; 32]));
                signed(&self.key, &self.name, &text, now_s())
            }
            Manner::Ahead(seconds) => signed(&self.key, &self.name, &parsed.text, now_s() + seconds),
            Manner::At(time_s) => signed(&self.key, &self.name, &parsed.text, time_s),
            Manner::Stranger => signed(&stranger, "witness.example/stranger", &parsed.text, now_s()),
            Manner::Twice => {
                let (status, kind, line) = signed(&self.key, &self.name, &parsed.text, now_s());
                (status, kind, line.repeat(2))
            }
            Manner::Says(status, kind, body) => (status, kind, body),
            Manner::Forget => {
                self.memory.lock().unwrap().heads.clear();
                self.honest_answer(parsed)
            }
            _ => self.honest_answer(parsed),
        }
    }

    fn converse(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        assert_eq!(line, "POST /witness/add-checkpoint HTTP/1.1\r\n");
        let mut length = 0;
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).unwrap();
            let field = field.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            length = field.strip_prefix("content-length: ").map_or(length, |it| it.parse().unwrap());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let parsed = parse(&String::from_utf8(body).unwrap());
        let number = {
            let mut memory = self.memory.lock().unwrap();
            memory.requests += 1;
            memory.requests - 1
        };
        let manner = (self.manners.lock().unwrap())(number);
        let (status, kind, body) = self.answer(manner.clone(), &parsed);
        self.memory.lock().unwrap().asked.push(Asked {
            old: parsed.old,
            proof: parsed.proof.len(),
            origin: parsed.origin.clone(),
            size: parsed.size,
            signers: parsed.signatures.iter().map(|(name, _)| name.clone()).collect(),
            answered: status,
        });
        let head = format!("HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\n");
        // A client may have gone.
        let _gone = match manner {
            Manner::HangUp => Ok(()),
            Manner::Silent => {
                std::thread::sleep(Duration::from_secs(60));
                Ok(())
            }
            Manner::Endless => {
                let _gone = stream.write_all(format!("{head}content-length: 9999\r\n\r\n— and so on").as_bytes());
                std::thread::sleep(Duration::from_secs(60));
                Ok(())
            }
            Manner::Flood => {
                let _gone = stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes());
                let line = body.repeat(64);
                (0..10_000).try_for_each(|_| stream.write_all(line.as_bytes()))
            }
            _ => {
                let length = body.len();
                stream
                    .write_all(format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}").as_bytes())
            }
        };
    }
}
