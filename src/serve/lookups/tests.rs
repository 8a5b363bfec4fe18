//! The route as an application sees it, over real TCP.

use tokio::sync::mpsc::Receiver;

use super::*;
use crate::export::sample;
use crate::serve::listener::Limits;
use crate::serve::router;
use crate::serve::tests::{Answer, Frozen, Server};

const TOKEN: &str = "0123456789abcdef";
const PATH: &str = "/api/v1/caches/sessions/lookups";
const BODY: &str = r#"{"lookups":[{"namespace":"ai:answer:*","hits":120,"misses":3},{"namespace":"b","hits":1,"misses":0}]}"#;

async fn start(token: Option<&str>, room: usize) -> (Server, Receiver<LookupBatch>) {
    let (queue, batches) = mpsc::channel(room);
    let token = token.map(|token| Secret::new(token.to_owned()));
    let intake = Intake {
        token: Arc::new(ArcSwapOption::from_pointee(token)),
        queue,
    };
    let snapshot = sample::rich();
    let clock = Arc::new(Frozen(snapshot.at));
    let http = Arc::clone(&snapshot.own.http);
    let current = Arc::new(arc_swap::ArcSwap::from_pointee(snapshot));
    let state = AppState::new(current, http, clock).with_intake(intake);
    let server = Server::with(Limits::default(), sample::rich(), |_| router(state)).await;
    (server, batches)
}

async fn post(server: &Server, path: &str, authorization: &str, body: &str) -> Answer {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Answer(server.raw(&request).await)
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn what_is_told_goes_to_the_engine() {
    let (server, mut batches) = start(Some(TOKEN), 4).await;
    let answer = post(&server, PATH, &bearer(TOKEN), BODY).await;
    assert_eq!(answer.status(), 202, "{}", answer.0);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.body(),
        r#"{"accepted":{"entries":2,"hits":121,"misses":3}}"#
    );
    let batch = batches.try_recv().unwrap();
    assert_eq!(batch.cache.as_str(), "sessions");
    assert_eq!(&*batch.lookups[0].namespace, "ai:answer:*");
    assert_eq!((batch.lookups[0].hits, batch.lookups[0].misses), (120, 3));
    // The scheme is not case-sensitive, and chunks are as good as a length.
    let chunked = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nauthorization: bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{BODY}\r\n0\r\n\r\n",
        BODY.len()
    );
    assert_eq!(Answer(server.raw(&chunked).await).status(), 202);
    assert_eq!(batches.try_recv().unwrap().lookups.len(), 2);
}

#[tokio::test]
async fn only_who_has_the_token_is_let_in() {
    let (server, mut batches) = start(Some(TOKEN), 4).await;
    let twice = bearer(TOKEN).repeat(2);
    for authorization in [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer 0123456789abcdeX\r\n",
        "Authorization: Bearer 0123456789abcde\r\n",
        "Authorization: Bearer 0123456789abcdef0\r\n",
        "Authorization: Basic 0123456789abcdef\r\n",
        &twice,
    ] {
        for path in [PATH, "/api/v1/caches/nope/lookups"] {
            let answer = post(&server, path, authorization, BODY).await;
            assert_eq!(answer.status(), 401, "{authorization}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.0.contains(TOKEN));
        }
    }
    let (closed, mut nothing) = start(None, 4).await;
    for authorization in [String::new(), bearer(TOKEN), bearer("")] {
        let answer = post(&closed, PATH, &authorization, BODY).await;
        assert_eq!(answer.status(), 403);
        assert!(answer.body().contains("set api_token"), "{}", answer.body());
    }
    assert!(batches.try_recv().is_err() && nothing.try_recv().is_err());
    // Nor by a server that was given no intake at all.
    let bare = Server::start(Limits::default()).await;
    assert_eq!(post(&bare, PATH, &bearer(TOKEN), BODY).await.status(), 403);
}

#[tokio::test]
async fn a_token_can_be_changed() {
    let (queue, _batches) = mpsc::channel(4);
    let token = Arc::new(ArcSwapOption::from_pointee(Secret::new(TOKEN.to_owned())));
    let intake = Intake {
        token: Arc::clone(&token),
        queue,
    };
    let snapshot = sample::rich();
    let clock = Arc::new(Frozen(snapshot.at));
    let http = Arc::clone(&snapshot.own.http);
    let current = Arc::new(arc_swap::ArcSwap::from_pointee(snapshot));
    let state = AppState::new(current, http, clock).with_intake(intake);
    let server = Server::with(Limits::default(), sample::rich(), |_| router(state)).await;
    token.store(Some(Arc::new(Secret::new("another-token-than".to_owned()))));
    assert_eq!(
        post(&server, PATH, &bearer(TOKEN), BODY).await.status(),
        401
    );
    assert_eq!(
        post(&server, PATH, &bearer("another-token-than"), BODY)
            .await
            .status(),
        202
    );
    token.store(None);
    assert_eq!(
        post(&server, PATH, &bearer("another-token-than"), BODY)
            .await
            .status(),
        403
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_taken_in() {
    let (server, mut batches) = start(Some(TOKEN), 4).await;
    let bearer = bearer(TOKEN);
    let answer = post(&server, "/api/v1/caches/nope/lookups", &bearer, BODY).await;
    assert_eq!(
        (answer.status(), answer.body().contains("/api/v1/caches")),
        (404, true)
    );
    for bad in ["..", "sessions%2f", "%ff", "", "sessions%00"] {
        let path = format!("/api/v1/caches/{bad}/lookups");
        let status = post(&server, &path, &bearer, BODY).await.status();
        assert!(status == 404 || status == 400, "{bad}: {status}");
    }
    let half = r#"{"lookups":[{"namespace":"a","hits":1,"misses":1},{"namespace":"a","hits":-1,"misses":1}]}"#;
    let answer = post(&server, PATH, &bearer, half).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.body(),
        "lookups[1].hits: must be a whole number, 0 to 2^53\n"
    );
    let many = vec![r#"{"namespace":"a","hits":1,"misses":1}"#; 1001].join(",");
    let answer = post(
        &server,
        PATH,
        &bearer,
        &format!(r#"{{"lookups":[{many}]}}"#),
    )
    .await;
    assert_eq!(answer.status(), 413);
    let large = "x".repeat(64 * 1024 + 1);
    assert_eq!(post(&server, PATH, &bearer, &large).await.status(), 413);
    let chunked = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let answer = Answer(server.raw(&chunked).await);
    assert_eq!(answer.status(), 413);
    assert!(batches.try_recv().is_err());
}

#[tokio::test]
async fn a_full_queue_is_told_and_other_methods_are_refused() {
    let (server, mut batches) = start(Some(TOKEN), 1).await;
    assert_eq!(
        post(&server, PATH, &bearer(TOKEN), BODY).await.status(),
        202
    );
    let answer = post(&server, PATH, &bearer(TOKEN), BODY).await;
    assert_eq!(
        (answer.status(), answer.header("retry-after")),
        (429, Some("1"))
    );
    batches.try_recv().unwrap();
    assert_eq!(
        post(&server, PATH, &bearer(TOKEN), BODY).await.status(),
        202
    );
    drop(batches);
    assert_eq!(
        post(&server, PATH, &bearer(TOKEN), BODY).await.status(),
        503
    );
    let answer = server.get(PATH).await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, Some("POST"))
    );
    assert!(answer.header("content-security-policy").is_some());
}

#[test]
fn tokens_are_equal_or_not() {
    assert!(is_equal(b"abc", b"abc"));
    for (a, b) in [
        ("abc", "abd"),
        ("abc", "ab"),
        ("ab", "abc"),
        ("", "a"),
        ("xbc", "abc"),
    ] {
        assert!(!is_equal(a.as_bytes(), b.as_bytes()), "{a} {b}");
    }
}
