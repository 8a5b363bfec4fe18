//! The proxy, between the small client and a fake server.

use std::io::ErrorKind;

use crate::harness::resp::Client;
use crate::harness::wait::{millis, now, secs};
use crate::harness::{FakeRedis, Mode, Proxy, eventually};

#[test]
fn every_mode_does_what_it_says() {
    let server = FakeRedis::plausible();
    let proxy = Proxy::start(server.addr());
    let connect = || Client::connect(proxy.addr(), millis(400)).unwrap();
    let mut client = connect();
    assert_eq!(client.call(&["PING"]).unwrap().text(), "PONG");
    assert_eq!(proxy.open(), 1);

    proxy.set(Mode::Delay(millis(100)));
    let began = now();
    client.call(&["PING"]).unwrap();
    // There and back.
    assert!(began.elapsed() >= millis(200));

    proxy.set(Mode::Throttle(100));
    let began = now();
    client.call(&["PING"]).unwrap();
    assert!(began.elapsed() >= millis(60), "7 bytes at 100 a second");

    proxy.set(Mode::Garbage(b"+surprise\r\n".to_vec()));
    assert_eq!(client.call(&["PING"]).unwrap().text(), "surprise");

    proxy.set(Mode::Cut);
    eventually(secs(5), "the open connection is cut", || {
        (proxy.open() == 0).then_some(())
    });
    let error = client.call(&["PING"]).unwrap_err().kind();
    assert!(
        matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        "{error}"
    );
    // Reset before or while it asks; connecting itself may succeed.
    assert!(
        Client::connect(proxy.addr(), millis(400))
            .and_then(|mut c| c.call(&["PING"]))
            .is_err()
    );

    proxy.set(Mode::HalfOpen);
    let mut hung = connect();
    let error = hung.call(&["PING"]).unwrap_err();
    assert!(crate::harness::net::timed_out(&error), "{error}");

    proxy.set(Mode::Pass);
    assert_eq!(connect().call(&["PING"]).unwrap().text(), "PONG");
    // What was held back arrives.
    assert_eq!(hung.receive().unwrap().text(), "PONG");
}

#[test]
fn goes_elsewhere_when_told() {
    let (first, second) = (FakeRedis::plausible(), FakeRedis::plausible());
    let proxy = Proxy::start(first.addr());
    Client::connect(proxy.addr(), secs(5))
        .unwrap()
        .call(&["PING"])
        .unwrap();
    proxy.redirect(second.addr());
    Client::connect(proxy.addr(), secs(5))
        .unwrap()
        .call(&["PING"])
        .unwrap();
    assert_eq!((first.commands().len(), second.commands().len()), (1, 1));
}
