//! Each server version starts, is what it says it is, and comes back on its port.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::harness::each_version::on_all_servers;
use crate::harness::wait::secs;
use crate::harness::{Reply, Server, Version, eventually, resp, skip};

on_all_servers! {
    fn is_the_version_it_says(version: Version) {
        let server = Server::start(version, &["--maxmemory", "20mb"]);
        let field = if version.is_valkey() { "valkey_version" } else { "redis_version" };
        assert_eq!(server.info(field).as_deref(), Some(version.number()));
        assert_eq!(server.info_u64("maxmemory"), 20 * 1024 * 1024);
        assert_eq!(server.cli(&["PING"]), "PONG");
    }

    fn restarts_on_its_port_as_a_new_process(version: Version) {
        let mut server = Server::start(version, &[]);
        let (node, pid) = (server.node(), server.process().pid());
        let run_id = server.info("run_id");
        server.call(&["SET", "k", "v"]);
        server.restart();
        assert_eq!(server.node(), node);
        assert_ne!(server.process().pid(), pid);
        assert_ne!(server.info("run_id"), run_id);
        assert_eq!(server.cli(&["DBSIZE"]), "0");
        server.kill9();
        assert!(server.try_call(&["PING"]).is_err());
        server.restart();
        assert_eq!(server.cli(&["PING"]), "PONG");
    }

    fn passwords_and_users(version: Version) {
        let server = Server::builder(version).password("s3cret").unix_socket().start();
        let mut stranger = resp::Client::connect(server.addr(), secs(5)).unwrap();
        assert!(stranger.call(&["PING"]).unwrap().text().starts_with("NOAUTH"));
        server.acl_user("watch", "pw", &["+ping"]);
        stranger.call(&["AUTH", "watch", "pw"]).unwrap();
        assert_eq!(stranger.call(&["PING"]).unwrap().text(), "PONG");
        assert!(stranger.call(&["INFO"]).unwrap().text().starts_with("NOPERM"));

        let mut socket = UnixStream::connect(server.unix_path()).unwrap();
        socket.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"-NOAUTH");
    }

    fn speaks_tls_where_it_can(version: Version) {
        if !version.supports_tls() {
            // The bundled builds have none; Debian's has, and stands for all.
            assert_ne!(version, Version::Redis70);
            return;
        }
        let server = Server::builder(version).tls().start();
        let name = "localhost".try_into().unwrap();
        let mut tls = rustls::ClientConnection::new(server.pki().client_config(), name).unwrap();
        let mut tcp = std::net::TcpStream::connect(("127.0.0.1", server.tls_port())).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
        stream.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
    }
}

#[test]
fn replicates_freezes_and_thaws() {
    if !Version::USUAL.require() {
        return;
    }
    let primary = Server::start(Version::USUAL, &[]);
    let replica = Server::start(Version::USUAL, &[]);
    replica.replicate_from(&primary);
    primary.call(&["SET", "k", "v"]);
    eventually(secs(5), "the key arrives", || {
        (replica.cli(&["GET", "k"]) == "v").then_some(())
    });

    primary.sigstop();
    let mut client =
        resp::Client::connect(primary.addr(), std::time::Duration::from_millis(300)).unwrap();
    assert!(client.call(&["PING"]).is_err(), "a frozen server answered");
    primary.sigcont();
    assert_eq!(primary.call(&["PING"]), Reply::Simple("PONG".into()));
}

#[test]
fn a_wrong_argument_is_told_with_the_servers_own_words() {
    if !Version::USUAL.require() {
        return;
    }
    let outcome = std::panic::catch_unwind(|| {
        Server::start(Version::USUAL, &["--notify-keyspace-events", "?"])
    });
    let message = *outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(
        message.contains("Invalid event class character"),
        "{message}"
    );
}

#[test]
fn what_is_missing_is_skipped_where_it_may_be() {
    assert!(skip::may_go_on("a horse", true, true));
    assert!(!skip::may_go_on("a unicorn", false, false));
}

#[test]
#[should_panic(expected = "a unicorn is missing")]
fn what_is_missing_fails_where_it_must_not_be() {
    skip::may_go_on("a unicorn", false, true);
}
