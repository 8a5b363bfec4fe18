//! Charts and incidents as a browser sees them, over a store that remembers something.

use std::collections::BTreeMap;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::incident::{DownEvidence, Evidence, Notification, Severity, Transition};
use crate::model::name::Name;
use crate::model::record::{HistoryPoint, IncidentRecord};
use crate::model::secret::Secret;
use crate::model::signed::{Action, Signer};
use crate::serve::Intake;
use crate::store::{Backend, Batch, Store};

const TOKEN: &str = "0123456789abcdef";
const ID: &str = "sessions-CacheDown-1";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn record(at: Timestamp) -> IncidentRecord {
    let started = at - SignedDuration::from_mins(5);
    let notification = Notification {
        incident: ID.to_owned(),
        transition: Transition::Firing,
        rule: name("CacheDown"),
        cache: name("sessions"),
        subject: None,
        severity: Severity::Critical,
        labels: BTreeMap::new(),
        started,
        pending_since: started,
        at: started,
        duration: Duration::ZERO,
        runbook: Some("javascript:alert(1)".to_owned()),
        note: None,
        coincidences: Vec::new(),
        evidence: Evidence::Down(DownEvidence {
            nodes: Vec::new(),
            total: 1,
        }),
    };
    IncidentRecord {
        id: ID.to_owned(),
        cache: name("sessions"),
        rule: name("CacheDown"),
        subject: String::new(),
        severity: Severity::Critical,
        labels: BTreeMap::new(),
        started,
        resolved: None,
        headline: "sessions is <b>down</b>".to_owned(),
        notification: Arc::new(notification),
        acknowledged: None,
    }
}

/// A server whose store holds some history of `sessions` and one incident.
async fn start(token: Option<&str>) -> (Server, Store, Timestamp) {
    let snapshot = sample::rich();
    let at = snapshot.at.wall;
    let clock: Arc<dyn Clock> = Arc::new(Frozen(snapshot.at));
    let store = Store::open(Backend::Memory, Arc::clone(&clock)).await;
    for seconds in (1..90).rev() {
        let at = at - SignedDuration::from_secs(seconds * 10);
        let point = HistoryPoint {
            at,
            covered_seconds: 10.0,
            hits: Some(90),
            misses: Some(10),
            ..HistoryPoint::default()
        };
        let caches = vec![(name("sessions"), point)];
        store.append_history(at, caches, Vec::new()).await;
    }
    let mut batch = Batch::new(at);
    batch.incidents.push(record(at));
    store.commit(batch).await;
    let http = Arc::clone(&snapshot.own.http);
    let current = Arc::new(ArcSwap::from_pointee(snapshot));
    let token = token.map(|token| Secret::new(token.to_owned()));
    let intake = Intake {
        token: Arc::new(ArcSwapOption::from_pointee(token)),
        queue: tokio::sync::mpsc::channel(1).0,
    };
    let state = AppState::new(current, http, clock)
        .with_intake(intake)
        .with_store(store.clone());
    let server = Server::with(Limits::default(), sample::rich(), |_| router(state)).await;
    (server, store, at)
}

async fn post(server: &Server, path: &str, body: &str) -> Answer {
    let head = format!("Content-Length: {}\r\n", body.len());
    let request =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n{body}");
    Answer(server.raw(&request).await)
}

#[tokio::test]
async fn charts_are_drawn_and_kept_by_the_browser() {
    let (server, _, _) = start(None).await;
    let path = "/charts/sessions/hit_ratio.svg?range=15m&theme=dark&width=640&height=200";
    let chart = server.get(path).await;
    assert_eq!(chart.status(), 200, "{}", chart.0);
    assert_eq!(chart.header("content-type"), Some("image/svg+xml"));
    assert_eq!(chart.header("cache-control"), Some("private, max-age=10"));
    assert!(chart.body().contains("now 90"), "{}", chart.body());
    let etag = format!("If-None-Match: {}\r\n", chart.header("etag").unwrap());
    assert_eq!(server.request("GET", path, &etag).await.status(), 304);
    let png = server.get("/charts/sessions/memory.png").await;
    assert_eq!(png.header("content-type"), Some("image/png"));
    for (path, status) in [
        ("/charts/sessions/hit_ratio.svg?range=2h", 400),
        ("/charts/sessions/hit_ratio.svg?x=1", 400),
        ("/charts/sessions/nothing.svg", 400),
        ("/charts/nobody/hit_ratio.svg", 404),
    ] {
        assert_eq!(server.get(path).await.status(), status, "{path}");
    }
    let without = Server::start(Limits::default()).await;
    let chart = without.get("/charts/sessions/hit_ratio.svg").await;
    assert_eq!(chart.status(), 503);
}

#[tokio::test]
async fn a_page_names_its_charts_in_words() {
    let (server, _, _) = start(None).await;
    let page = server.get("/caches/sessions?range=15m").await;
    let body = page.body();
    assert!(
        body.contains("alt=\"Hit ratio of sessions over 15"),
        "{body}"
    );
    assert!(body.contains("/charts/sessions/memory.svg?range=15m"));
    assert!(body.contains("<a href=\"?range=15m\" aria-current=\"true\">"));
}

#[tokio::test]
async fn an_incident_has_a_page_that_harms_nobody() {
    let (server, _, _) = start(None).await;
    let list = server.get("/incidents").await;
    assert!(list.body().contains("1 open incident"));
    assert!(list.body().contains(&format!("/incidents/{ID}")));
    let none = server.get("/incidents?cache=products").await;
    assert!(none.body().contains("No open incident"));
    let page = server.get(&format!("/incidents/{ID}")).await;
    assert!(page.body().contains("sessions is &#60;b&#62;down"));
    assert!(!page.body().contains("javascript:"));
    assert!(page.body().contains("set <code>api_token</code>"));
    assert_eq!(server.get("/incidents/none").await.status(), 404);
}

#[tokio::test]
async fn forms_want_the_token() {
    let (server, store, at) = start(Some(TOKEN)).await;
    let acknowledge = format!("/incidents/{ID}/acknowledge");
    let silence = format!("/incidents/{ID}/silence");
    for (path, body, status) in [
        (&acknowledge, "author=ann".to_owned(), 401),
        (
            &acknowledge,
            "author=ann&token=0123456789abcdee".to_owned(),
            401,
        ),
        (&silence, "author=ann&duration=1h&token=".to_owned(), 401),
        (&acknowledge, format!("token={TOKEN}"), 400),
        (
            &silence,
            format!("author=ann&token={TOKEN}&duration=9y"),
            400,
        ),
    ] {
        let answer = post(&server, path, &body).await;
        assert_eq!(answer.status(), status, "{body}");
        assert!(!answer.body().contains("0123456789abcde"), "{body}");
    }
    assert!(
        store
            .incident(ID)
            .await
            .unwrap()
            .unwrap()
            .acknowledged
            .is_none()
    );
    assert!(store.silences(at).await.unwrap().is_empty());

    let body = format!("author=ann&comment=on+it&token={TOKEN}");
    let answer = post(&server, &acknowledge, &body).await;
    assert_eq!(answer.status(), 303, "{}", answer.0);
    let place = format!("/incidents/{ID}?done=acknowledged");
    assert_eq!(answer.header("location"), Some(place.as_str()));
    let acknowledged = store.incident(ID).await.unwrap().unwrap().acknowledged;
    assert_eq!(acknowledged.unwrap().author, "ann");
    let body = format!("author=ann&duration=4h&token={TOKEN}");
    assert_eq!(post(&server, &silence, &body).await.status(), 303);
    let silences = store.silences(at).await.unwrap();
    assert_eq!(silences[0].ends, at + SignedDuration::from_hours(4));
    assert_eq!(silences[0].matchers[0].to_string(), "cache=sessions");

    let (closed, _, _) = start(None).await;
    let body = format!("author=ann&token={TOKEN}");
    assert_eq!(post(&closed, &acknowledge, &body).await.status(), 403);
}

#[tokio::test]
async fn a_signed_link_asks_and_only_its_button_acts() {
    let (server, store, at) = start(Some(TOKEN)).await;
    let signer = Signer::new(&Secret::new(TOKEN.to_owned()));
    let until = at + SignedDuration::from_hours(1);
    let link = signer.link("", Action::Silence, ID, until);
    let question = server.get(&link).await;
    assert_eq!(question.status(), 200, "{}", question.0);
    assert!(question.body().contains("Silence CacheDown of sessions?"));
    assert!(
        store.silences(at).await.unwrap().is_empty(),
        "a GET changes nothing"
    );

    let (path, query) = link.split_once('?').unwrap();
    let forged = query.replace(ID, "sessions-CacheDown-2");
    assert_eq!(post(&server, path, &forged).await.status(), 403);
    assert_eq!(post(&server, "/act/acknowledge", query).await.status(), 403);
    let old = signer.link("", Action::Silence, ID, at);
    assert_eq!(server.get(&old).await.status(), 403);

    // Whatever else the form says, it is for an hour.
    let body = format!("{query}&author=ann&duration=7d");
    assert_eq!(post(&server, path, &body).await.status(), 303);
    let silences = store.silences(at).await.unwrap();
    assert_eq!(silences[0].ends, at + SignedDuration::from_hours(1));
}

#[tokio::test]
async fn pages_are_packed_for_those_who_can_unpack() {
    let server = Server::start(Limits::default()).await;
    let plain = server.get("/").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
    let packed = server
        .request("GET", "/", "Accept-Encoding: gzip\r\n")
        .await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let length = |answer: &Answer| {
        answer
            .header("content-length")
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    assert!(length(&packed) * 2 < length(&plain));
    let json = server
        .request("GET", "/api/v1/caches", "Accept-Encoding: gzip\r\n")
        .await;
    assert_eq!(json.header("content-encoding"), None);
}
