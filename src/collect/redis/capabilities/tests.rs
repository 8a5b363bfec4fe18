//! What is found on a real server, and that running the remedies, letter for letter, mends what they say they mend.

use super::super::testing::{Misbehaviour, RealServer, against, with_login};
use super::*;

/// Runs a remedy as a person would paste it.
async fn run(admin: &mut Connection, line: &str) {
    let line = line.replace('\'', "").replace("PASSWORD", "pw");
    let args: Vec<&str> = line.split(' ').collect();
    admin.command(&args).await.unwrap();
}

#[tokio::test]
async fn the_line_for_a_new_user_is_enough_and_no_more_than_enough() {
    let Some(server) = RealServer::start(&["--notify-keyspace-events", "Exem"]).await else {
        return;
    };
    let before = probe(&server.cache()).await.unwrap();
    assert!(before.is_complete(), "{before:?}");
    assert_eq!(before.acl_remedy, None);
    assert!(before.version.is_some());

    let mut admin = server.admin().await;
    run(&mut admin, &before.acl_full.unwrap()).await;
    let watcher = with_login(server.cache(), Some("cachewatch"), "pw");
    let found = probe(&watcher).await.unwrap();
    assert!(found.is_complete(), "{found:?}");
    assert!(found.config_get.is_allowed());
    assert_eq!(found.notes, Vec::<String>::new());

    let mut connection = Connection::open(&watcher, &SystemRoots::default())
        .await
        .unwrap();
    for forbidden in [
        &["GET", "k"][..],
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "RESETSTAT"],
        &["KEYS", "*"],
        &["ACL", "LIST"],
    ] {
        let error = connection.command(forbidden).await.unwrap_err();
        assert_eq!(error.kind, PollErrorKind::Denied, "{forbidden:?}");
    }
}

#[tokio::test]
async fn what_is_forbidden_is_found_and_the_remedies_mend_it() {
    let Some(server) = RealServer::start(&["--notify-keyspace-events", "AKE"]).await else {
        return;
    };
    let mut admin = server.admin().await;
    let bob = with_login(server.cache(), Some("bob"), "pw");
    run(
        &mut admin,
        "ACL SETUSER bob on >pw resetchannels -@all +ping",
    )
    .await;
    let found = probe(&bob).await.unwrap();
    assert_eq!((found.flavour, found.role), (None, None));
    assert!(!found.info.is_allowed() && !found.config_get.is_allowed());
    assert!(!found.subscribe.is_allowed() && !found.is_complete());
    assert_eq!(
        found.acl_remedy.as_deref(),
        Some("ACL SETUSER bob +info +config|get +subscribe &__keyevent@*__:*")
    );

    run(&mut admin, &found.acl_remedy.unwrap()).await;
    let found = probe(&bob).await.unwrap();
    assert!(found.info.is_allowed() && found.config_get.is_allowed());
    assert!(found.subscribe.is_allowed() && !found.is_complete());
    assert_eq!(found.acl_remedy, None);
    let text = |set: &Option<NotifySet>| set.as_ref().map(ToString::to_string);
    assert_eq!(text(&found.flags_found).as_deref(), Some("AKE"));
    assert_eq!(text(&found.flags_missing).as_deref(), Some("m"));
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);

    run(&mut admin, &found.flags_remedy.unwrap()).await;
    assert!(probe(&bob).await.unwrap().is_complete());
}

#[tokio::test]
async fn a_channel_that_is_not_granted_is_noticed() {
    let Some(server) = RealServer::start(&[]).await else {
        return;
    };
    let mut admin = server.admin().await;
    run(
        &mut admin,
        "ACL SETUSER bob on >pw resetchannels &__keyevent@0__:* -@all +info +config|get +subscribe",
    )
    .await;
    let bob = with_login(server.cache(), Some("bob"), "pw");
    let found = probe(&bob).await.unwrap();
    assert!(!found.subscribe.is_allowed());
    assert_eq!(
        found.flags_remedy.as_deref(),
        Some("CONFIG SET notify-keyspace-events Exem")
    );
    run(&mut admin, &found.acl_remedy.unwrap()).await;
    assert!(probe(&bob).await.unwrap().subscribe.is_allowed());
}

#[tokio::test]
async fn a_server_that_does_not_answer_info_is_an_error() {
    for (words, kind) in [
        (&b"-LOADING wait\r\n"[..], PollErrorKind::Loading),
        (b"+PONG\r\n", PollErrorKind::Protocol),
    ] {
        let error = against(Misbehaviour::Say(words.to_vec()), async |cfg| {
            probe(&cfg).await.unwrap_err()
        })
        .await;
        assert_eq!(error.kind, kind);
    }
}
