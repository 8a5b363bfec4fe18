//! The HTTP receiver records, and misbehaves as told.

use std::io::ErrorKind;

use crate::harness::http::{get, request};
use crate::harness::wait::{millis, now, secs};
use crate::harness::{Answer, Receiver};

#[test]
fn records_what_it_gets() {
    let receiver = Receiver::start();
    let body = br#"{"text":"hello"}"#;
    let headers = [("X-Test", "1")];
    let answer = request(receiver.addr(), "POST", "/hook?a=b", &headers, body).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let got = &receiver.wait_for(1, secs(5))[0];
    assert_eq!(
        (got.method.as_str(), got.path.as_str()),
        ("POST", "/hook?a=b")
    );
    assert_eq!(got.header("x-test"), Some("1"));
    assert_eq!(got.json()["text"], "hello");
}

#[test]
fn follows_its_script() {
    let drip = Answer::Drip(b"x".to_vec(), millis(5));
    let receiver = Receiver::script([
        Answer::retry_after(429, "7"),
        Answer::Say(500, "broken".into()),
        Answer::Reset,
        Answer::HalfBody,
        Answer::Raw(b"no http at all\r\n".to_vec()),
        Answer::Late(millis(100), Box::new(Answer::redirect("http://elsewhere/"))),
        Answer::Huge(100_000),
        drip,
        Answer::Silence,
    ]);
    let ask = || get(receiver.addr(), "/");

    let limited = ask().unwrap();
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("7"))
    );
    let broken = ask().unwrap();
    assert_eq!((broken.status, broken.text().as_str()), (500, "broken"));
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::InvalidData);
    let began = now();
    assert_eq!(ask().unwrap().header("location"), Some("http://elsewhere/"));
    assert!(began.elapsed() >= millis(100));
    assert_eq!(ask().unwrap().body.len(), 100_000);

    // What never ends is looked at from the outside, with a reader that gives up.
    for dripping in [true, false] {
        let mut stream = std::net::TcpStream::connect(receiver.addr()).unwrap();
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").unwrap();
        stream.set_read_timeout(Some(millis(300))).unwrap();
        let mut got = Vec::new();
        // Bounded, as the drip has no end.
        let mut piece = [0; 64];
        while got.len() < 100 {
            match std::io::Read::read(&mut stream, &mut piece) {
                Ok(0) | Err(_) => break,
                Ok(n) => got.extend_from_slice(&piece[..n]),
            }
        }
        assert_eq!(got.len() >= 100, dripping, "{got:?}");
    }

    assert_eq!(receiver.requests().len(), 9);
    assert_eq!(ask().unwrap().status, 200);
    receiver.set(Answer::status(503));
    assert_eq!(ask().unwrap().status, 503);
    receiver.clear();
    assert!(receiver.requests().is_empty());
}
