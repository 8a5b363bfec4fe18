//! The fake server, asked by the small client and by the client crate that the product uses.

use std::io::Read;
use std::net::TcpStream;

use crate::harness::resp::Client;
use crate::harness::wait::{millis, secs};
use crate::harness::{FakeAnswer, FakeRedis};

#[test]
fn is_taken_for_a_redis() {
    let fake = FakeRedis::plausible();
    let mut client = Client::connect(fake.addr(), secs(5)).unwrap();
    assert!(client.call(&["HELLO", "3"]).unwrap().is_error());
    assert!(
        client
            .call(&["INFO"])
            .unwrap()
            .text()
            .contains("keyspace_misses:100\r\n")
    );
    fake.set_info("# Server\nredis_version:9.9.9\n");
    assert!(client.call(&["info"]).unwrap().text().contains("9.9.9"));
    client.send(b"PING\r\n").unwrap();
    assert_eq!(client.receive().unwrap().text(), "PONG");
    let subscribed = client.call(&["SUBSCRIBE", "a", "b"]).unwrap();
    assert_eq!(subscribed.text(), "subscribe\na\n1");
    assert_eq!(client.receive().unwrap().text(), "subscribe\nb\n2");
    let names: Vec<String> = fake.commands().iter().map(|c| c[0].clone()).collect();
    assert_eq!(names, ["HELLO", "INFO", "info", "PING", "SUBSCRIBE"]);
}

#[test]
fn answers_as_told() {
    let fake = FakeRedis::plausible();
    let ask = || {
        Client::connect(fake.addr(), millis(300))
            .unwrap()
            .call(&["INFO"])
    };
    fake.on("info", FakeAnswer::loading());
    assert!(ask().unwrap().text().starts_with("LOADING"));
    fake.on("INFO", FakeAnswer::noauth());
    assert!(ask().unwrap().text().starts_with("NOAUTH"));
    fake.on("INFO", FakeAnswer::html());
    assert!(ask().is_err());
    fake.on("INFO", FakeAnswer::Close);
    assert!(ask().is_err());
    fake.on("INFO", FakeAnswer::Never);
    assert!(ask().is_err());
    fake.on("INFO", FakeAnswer::Drip(b"+slow\r\n".to_vec(), millis(10)));
    assert_eq!(ask().unwrap().text(), "slow");
}

#[test]
fn sends_a_megabyte_of_noise() {
    let fake = FakeRedis::always(FakeAnswer::garbage(1_000_000));
    let mut stream = TcpStream::connect(fake.addr()).unwrap();
    std::io::Write::write_all(&mut stream, b"INFO\r\n").unwrap();
    let mut noise = vec![0; 1_000_000];
    stream.read_exact(&mut noise).unwrap();
    assert!(noise.contains(&b'\n') && noise.contains(&b'$'));
}
