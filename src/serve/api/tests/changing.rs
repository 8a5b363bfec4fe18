//! Routes that change something.

use super::*;

const CHANGING: [(&str, &str); 4] = [
    (
        "POST",
        "/api/v1/incidents/products-CacheMissRatioHigh-1/acknowledge",
    ),
    ("POST", "/api/v1/silences"),
    ("DELETE", "/api/v1/silences/0123"),
    ("POST", "/api/v1/annotations"),
];

#[tokio::test]
async fn nothing_is_changed_without_the_token() {
    let (open, store) = start(Some(TOKEN)).await;
    let (closed, _) = start(None).await;
    for (method, path) in CHANGING {
        for token in ["", "0123456789abcdeX", "0123456789abcde", "x"] {
            let answer = send(&open, method, path, token, "{}").await;
            assert_eq!(answer.status(), 401, "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.0.contains(TOKEN));
            parsed(&answer);
        }
        for token in ["", TOKEN] {
            let answer = send(&closed, method, path, token, "{}").await;
            assert_eq!(answer.status(), 403, "{method} {path}");
            let said = parsed(&answer);
            assert!(
                said["remedy"].as_str().unwrap().contains("set api_token"),
                "{said}"
            );
        }
        // Who has the token gets further.
        let answer = send(&open, method, path, TOKEN, "{}").await;
        assert!(matches!(answer.status(), 400 | 404), "{}", answer.0);
    }
    assert!(store.silences(Timestamp::MIN).await.unwrap().is_empty());
    assert_eq!(
        store.incident(OPEN).await.unwrap().unwrap().acknowledged,
        None
    );
}

#[tokio::test]
async fn an_incident_is_acknowledged() {
    let (server, store) = start(Some(TOKEN)).await;
    let path = |id| format!("/api/v1/incidents/{id}/acknowledge");
    let ack = json!({"author": "ann", "comment": "looking\nat it"});
    let (status, said) = post(&server, &path(OPEN), &ack).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(said["acknowledged"]["author"], "ann");
    let kept = store
        .incident(OPEN)
        .await
        .unwrap()
        .unwrap()
        .acknowledged
        .unwrap();
    assert_eq!((kept.comment.as_str(), kept.at), ("looking\nat it", now()));
    assert_eq!(post(&server, &path(PAST), &ack).await.0, 409);
    assert_eq!(post(&server, &path("nope"), &ack).await.0, 404);
    for (bad, words) in [
        (json!({}), "author: it is missing"),
        (json!({"author": "ann", "why": 1}), "unknown field why"),
        (json!({"author": "a".repeat(201)}), "author"),
        (json!({"author": "ann\nbob"}), "author"),
        (
            json!({"author": "ann", "comment": "c".repeat(2001)}),
            "comment",
        ),
        (json!([]), "no object"),
    ] {
        let (status, said) = post(&server, &path(OPEN), &bad).await;
        assert_eq!(status, 400, "{bad}");
        assert!(said["error"].as_str().unwrap().contains(words), "{said}");
    }
    let huge = "x".repeat(64 * 1024 + 1);
    let answer = send(&server, "POST", &path(OPEN), TOKEN, &huge).await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn a_silence_comes_and_goes() {
    let (server, store) = start(Some(TOKEN)).await;
    let body = json!({"matchers": ["cache=prod*", "team=web"], "author": "ann", "comment": "deploy", "duration": "2h"});
    let (status, made) = post(&server, "/api/v1/silences", &body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["state"], "active");
    assert_eq!(made["open_incidents"], json!([OPEN]));
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    let kept = &store.silences(now()).await.unwrap()[0];
    assert_eq!(
        kept.ends.duration_since(kept.starts),
        SignedDuration::from_hours(2)
    );

    let later =
        json!({"matchers": ["cache=nope"], "author": "bob", "starts": "now+1h", "ends": "now+2h"});
    let (_, later) = post(&server, "/api/v1/silences", &later).await;
    assert_eq!(
        (&later["state"], &later["open_incidents"]),
        (&json!("pending"), &json!([]))
    );
    assert_ne!(later["id"], made["id"]);

    let (_, listed) = get(&server, "/api/v1/silences").await;
    assert_eq!(listed["silences"].as_array().unwrap().len(), 2);
    // The clock stands still, so that either may come first.
    let matchers = json!(["cache=prod*", "team=web"]);
    let listed = listed["silences"].as_array().unwrap();
    assert!(
        listed.iter().any(|one| one["matchers"] == matchers),
        "{listed:?}"
    );

    let path = format!("/api/v1/silences/{id}");
    let ended = send(&server, "DELETE", &path, TOKEN, "").await;
    assert_eq!(ended.status(), 200, "{}", ended.0);
    assert_eq!(parsed(&ended)["id"], id.as_str());
    assert_eq!(
        send(&server, "DELETE", &path, TOKEN, "").await.status(),
        404
    );
    let (_, listed) = get(&server, "/api/v1/silences").await;
    assert_eq!(listed["silences"].as_array().unwrap().len(), 1);
    let (_, all) = get(&server, "/api/v1/silences?ended_since=now-1h").await;
    assert_eq!(all["silences"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_silence_that_is_wrong_is_refused() {
    let (server, store) = start(Some(TOKEN)).await;
    let good = json!({"matchers": ["cache=a"], "author": "ann", "duration": "2h"});
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for (bad, words) in [
        (
            with("matchers", json!([])),
            "matchers: there must be 1 to 16",
        ),
        (
            with("matchers", json!(vec!["a=b"; 17])),
            "matchers: there must be",
        ),
        (
            with("matchers", json!("cache=a")),
            "matchers: this is no list",
        ),
        (
            with("matchers", json!(["cache=a", "sessions"])),
            "matchers[1]: a matcher is written",
        ),
        (with("author", json!("")), "author: it is missing"),
        (with("autor", json!("x")), "unknown field autor"),
        (with("duration", json!(null)), "ends: it must be said"),
        (with("ends", json!("now+1h")), "ends: it must be said once"),
        (with("duration", json!("0s")), "ends: it would be over"),
        (with("starts", json!("now-3h")), "ends: it would be over"),
        (with("duration", json!("31d")), "more than 30 days"),
        (with("duration", json!("9999999y")), "duration"),
        (with("force", json!("yes")), "force"),
    ] {
        let (status, said) = post(&server, "/api/v1/silences", &bad).await;
        assert_eq!(status, 400, "{bad}: {said}");
        assert!(
            said["error"].as_str().unwrap().contains(words),
            "{bad}: {said}"
        );
    }
    assert!(store.silences(now()).await.unwrap().is_empty());
    let mut long = with("duration", json!("31d"));
    long["force"] = json!(true);
    assert_eq!(post(&server, "/api/v1/silences", &long).await.0, 201);
}

#[tokio::test]
async fn annotations_are_told() {
    let (server, _store) = start(Some(TOKEN)).await;
    let deploy = json!({"kind": "deploy", "text": "shop <b>2.14</b>", "cache": "products"});
    let (status, made) = post(&server, "/api/v1/annotations", &deploy).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["at"], json!(now()));
    let flush = json!({"kind": "flush", "text": "all", "at": "now-2h", "until": "now-1h"});
    assert_eq!(post(&server, "/api/v1/annotations", &flush).await.0, 201);
    let texts = |(_, found): (u16, Value)| {
        let found = found["annotations"].as_array().unwrap().clone();
        found
            .iter()
            .map(|a| a["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(get(&server, "/api/v1/annotations").await),
        ["all", "shop <b>2.14</b>"]
    );
    assert_eq!(
        texts(get(&server, "/api/v1/annotations?cache=sessions").await),
        ["all"]
    );
    assert_eq!(
        texts(get(&server, "/api/v1/annotations?from=now-30m").await),
        ["shop <b>2.14</b>"]
    );
    for (bad, words) in [
        (json!({"text": "x"}), "kind: it is missing"),
        (json!({"kind": "deploy"}), "text: it is missing"),
        (json!({"kind": "a b", "text": "x"}), "kind: this is no word"),
        (json!({"kind": "d", "text": "x".repeat(1001)}), "text"),
        (
            json!({"kind": "d", "text": "x", "cache": "nope"}),
            "cache: no cache",
        ),
        (
            json!({"kind": "d", "text": "x", "until": "now-1h"}),
            "until",
        ),
        (
            json!({"kind": "d", "text": "x", "at": "now+99d"}),
            "at: this is too far",
        ),
        (
            json!({"kind": "d", "text": "x", "what": 1}),
            "unknown field what",
        ),
    ] {
        let (status, said) = post(&server, "/api/v1/annotations", &bad).await;
        assert_eq!(status, 400, "{bad}: {said}");
        assert!(
            said["error"].as_str().unwrap().contains(words),
            "{bad}: {said}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_may_be() {
    let (server, _store) = start(Some(TOKEN)).await;
    for (path, allow) in [
        ("/api/v1/incidents", "GET, HEAD"),
        ("/api/v1/incidents/x/acknowledge", "POST"),
        ("/api/v1/silences", "GET, HEAD, POST"),
        ("/api/v1/silences/x", "DELETE"),
        ("/api/v1/annotations", "GET, HEAD, POST"),
        ("/api/v1/caches/products/history", "GET, HEAD"),
    ] {
        let answer = send(&server, "PUT", path, TOKEN, "").await;
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}
