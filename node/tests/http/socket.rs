//! A WebSocket client, written apart from the product's (RFC 6455).

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(20);
const MASK: [u8; 4] = [1, 2, 3, 4];

pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    pub async fn open(address: std::net::SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The key's answer, as the RFC has it for this key.
        assert!(head.to_ascii_lowercase().contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        Self { stream }
    }

    pub async fn send(&mut self, text: &str) {
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(text.bytes().enumerate().map(|(place, byte)| byte ^ MASK[place % 4]));
        // A node that has heard enough may have closed already.
        let _closed = self.stream.write_all(&frame).await;
    }

    /// The next message; none once the node closed.
    pub async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("silence")
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            let first = self.stream.read_u8().await.ok()?;
            let length = match self.stream.read_u8().await.ok()? {
                126 => u64::from(self.stream.read_u16().await.ok()?),
                127 => self.stream.read_u64().await.ok()?,
                short => u64::from(short),
            };
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            match first & 0x0f {
                1 => return Some(serde_json::from_slice(&payload).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }

    /// Sends a call and returns its result; news that come before it are lost.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let call = serde_json::json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params });
        self.send(&call.to_string()).await;
        loop {
            let said = self.next().await.unwrap();
            if said["id"] == method {
                return said;
            }
        }
    }
}
