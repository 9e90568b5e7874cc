//! Running the built program, and what it said.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.
#![allow(dead_code)]

pub(crate) mod nodes;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// What the program printed and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?} {:?}", self.out, self.err))
    }
}

/// Runs `dalil` in `folder`.
pub(crate) fn dalil(folder: &Path, arguments: &[&str]) -> Said {
    let output: Output =
        Command::new(env!("CARGO_BIN_EXE_dalil")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// A node that gives every client, one after the other, the answer that `answer` makes of the request's first line.
/// Returns its URL. The thread ends with the test's process.
pub(crate) fn serve(answer: impl Fn(&str) -> (u16, Vec<u8>) + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let (status, body) = answer(&first);
            let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            // A client may have gone, such as one that only looked whether somebody listens.
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    url
}
