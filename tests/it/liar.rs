//! A broker that lies to whoever asks: everything passes through to a real one, and some answers are changed on the way.

use crate::{socket::read_answer, stage::Stage};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What becomes of an answer: method and path with query, then the body.
type Lie = Box<dyn Fn(&str, String) -> String + Send + Sync>;

/// The lying side. Ends with the test's process; it listens on loopback and holds nothing.
pub struct Liar {
    lie: Arc<Mutex<Lie>>,
}

impl Liar {
    /// Puts itself between everybody and the stage's broker, and tells the truth at first.
    pub fn before(stage: &mut Stage) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let public = url.clone();
        stage.restart_with(move |settings| settings.public_url = public);
        let target = stage.broker.as_ref().unwrap().address;
        stage.url = url;
        let truth: Lie = Box::new(|_, body| body);
        let lie = Arc::new(Mutex::new(truth));
        let told = lie.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let told = told.clone();
                thread::spawn(move || pass(stream.unwrap(), target, &told));
            }
        });
        Self { lie }
    }

    /// Lies like this from now on.
    pub fn tells(&self, lie: impl Fn(&str, String) -> String + Send + Sync + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }
}

fn pass(mut client: TcpStream, target: std::net::SocketAddr, lie: &Mutex<Lie>) -> Option<()> {
    let request = read_request(&mut client)?;
    let head = String::from_utf8_lossy(&request);
    let asked = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let mut broker = TcpStream::connect(target).ok()?;
    broker.write_all(&request).ok()?;
    let answer = read_answer(&mut broker).ok()?;
    let body = match String::from_utf8(answer.body.clone()) {
        Ok(text) => lie.lock().unwrap()(&asked, text).into_bytes(),
        Err(_) => answer.body,
    };
    let kept = answer.head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !line.is_empty() && !["content-length", "transfer-encoding", "connection"].contains(&name.as_str())
    });
    let head: Vec<&str> = kept.collect();
    let head = format!("{}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", head.join("\r\n"), body.len());
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(&body).ok()
}

/// Head and body of one request.
fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if let Some(length) = length.and_then(|text| text.trim().parse::<usize>().ok()) {
        let mut body = vec![0; length];
        client.read_exact(&mut body).ok()?;
        request.extend(body);
    } else if head.contains("transfer-encoding: chunked") {
        while !request.ends_with(b"\r\n0\r\n\r\n") {
            client.read_exact(&mut byte).ok()?;
            request.push(byte[0]);
        }
    }
    Some(request)
}
