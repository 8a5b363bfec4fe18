//! Connections to a real server.

use std::io::Write as _;

use super::super::super::testing::{RealServer, with_login};
use super::*;

#[tokio::test]
async fn a_real_server_answers() {
    let Some(server) = RealServer::start(&[]).await else {
        return;
    };
    let mut c = server.admin().await;
    let reading = c.info().await.unwrap();
    assert_eq!(
        (reading.flavour, reading.role),
        (Flavour::Redis, Role::Primary)
    );
    assert!(reading.identity.run_id.is_some());
    assert!(reading.fields.with_prefix("cmdstat_").count() > 0);
    assert_eq!(c.config_get("maxmemory").await, Ok(Some("0".to_owned())));
    assert_eq!(c.config_get("no-such-setting").await, Ok(None));
    assert_eq!(
        c.command(&["CLIENT", "GETNAME"]).await,
        Ok(Reply::Bulk(b"cachewatch".to_vec()))
    );
    let wrong = c.command(&["SET", "secret-key"]).await.unwrap_err();
    assert_eq!(wrong.kind, PollErrorKind::Server);
    assert!(
        wrong
            .message
            .contains("refuses SET: ERR wrong number of arguments")
    );
    assert!(!wrong.message.contains("secret-key"));
    // A refusal is an answer: the connection goes on.
    let mut batch = Batch::new();
    let value: Vec<u8> = (0..=255).collect();
    batch.push(&[b"SET", b"k\r\n\0", &value]);
    batch.push(&[b"GET", b"k\r\n\0"]);
    batch.push(&[b"INCR", b"k\r\n\0"]);
    batch.push(&[b"GET", b"none"]);
    let answers = c.pipeline(&batch).await.unwrap();
    assert_eq!(answers[0], Reply::Status("OK".to_owned()));
    assert_eq!(answers[1], Reply::Bulk(value));
    assert!(matches!(&answers[2], Reply::Error(words) if words.starts_with("ERR value is not")));
    assert_eq!(answers[3], Reply::Nil);
}

#[tokio::test]
async fn a_real_server_checks_who_we_are() {
    let Some(server) = RealServer::start(&["--requirepass", "s3cret"]).await else {
        return;
    };
    let node = server.cache().node();
    let said = async |cache: CacheConfig| {
        let error = ask(cache).await.unwrap_err();
        assert!(!error.message.contains("s3cret") && !error.message.contains("wr0ng"));
        (error.kind, error.message.replace(node.as_str(), "NODE"))
    };
    let auth = |message: &str| (PollErrorKind::Auth, message.to_owned());
    assert_eq!(
        said(server.cache()).await,
        auth("NODE wants a password: set password or password_file for this cache")
    );
    assert_eq!(
        said(with_login(server.cache(), None, "wr0ng")).await,
        auth(
            "NODE refuses the password of user default: check username and password, and that the user is on"
        )
    );
    assert_eq!(
        said(with_login(server.cache(), Some("bob"), "s3cret")).await,
        auth(
            "NODE refuses the password of user bob: check username and password, and that the user is on"
        )
    );

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"s3cret \n").unwrap();
    let cache = CacheConfig {
        password: Some(Password::File(file.path().to_owned())),
        ..server.cache()
    };
    let mut admin = Connection::open(&cache, &SystemRoots::default())
        .await
        .unwrap();
    let user = "ACL SETUSER watcher on >pw resetchannels -@all +ping +config|get";
    admin
        .command(&user.split(' ').collect::<Vec<_>>())
        .await
        .unwrap();
    let watcher = with_login(server.cache(), Some("watcher"), "pw");
    assert_eq!(
        said(watcher).await,
        (
            PollErrorKind::Denied,
            "NODE forbids INFO to user watcher; allow it with: ACL SETUSER watcher +info \
             (it said: NOPERM this user has no permissions to run the 'info' command)"
                .to_owned()
        )
    );
}
