//! Routes that tell.

use super::*;

#[tokio::test]
async fn incidents_are_listed_and_filtered() {
    let (server, _store) = start(None).await;
    let ids = |(status, found): (u16, Value)| {
        assert_eq!(status, 200, "{found}");
        let found = found["incidents"].as_array().unwrap().clone();
        found
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let of = |query: &str| format!("/api/v1/incidents{query}");
    assert_eq!(ids(get(&server, &of("")).await), [OPEN, PAST]);
    assert_eq!(ids(get(&server, &of("?state=open")).await), [OPEN]);
    assert_eq!(ids(get(&server, &of("?state=past")).await), [PAST]);
    assert_eq!(ids(get(&server, &of("?since=now-1h")).await), [OPEN]);
    assert_eq!(ids(get(&server, &of("?offset=1")).await), [PAST]);
    assert!(ids(get(&server, &of("?cache=other")).await).is_empty());
    let (_, first) = get(&server, &of("?limit=1")).await;
    assert_eq!(first["more"], true);
    assert_eq!(ids((200, first)), [OPEN]);

    let (_, all) = get(&server, &of("")).await;
    assert_eq!(all["more"], false);
    let open = &all["incidents"][0];
    assert_eq!(open["state"], "firing");
    assert_eq!(open["duration_seconds"], 1800.0);
    assert_eq!(open["labels"]["team"], "web");
    assert_eq!(
        (&open["subject"], &open["acknowledged"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(all["incidents"][1]["state"], "resolved");
    assert_eq!(all["incidents"][1]["duration_seconds"], 6000.0);

    let (_, one) = get(&server, &format!("/api/v1/incidents/{OPEN}")).await;
    assert_eq!(one["notification"]["incident"], OPEN);
}

#[tokio::test]
async fn an_incident_is_explained() {
    let (server, _store) = start(None).await;
    let (status, told) = get(&server, &format!("/api/v1/incidents/{OPEN}/explain")).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["fired_because"], "39 % for 1m");
    let rule = &told["rule"];
    assert_eq!(rule["about_this_incident"], true);
    assert_eq!(rule["muted"], "silenced until 14:30 by ann");
    assert_eq!(rule["evaluations"][0]["verdict"], "breach");
    assert_eq!(rule["evaluations"][0]["times"], 12);
    assert_eq!(told["transitions"].as_array().unwrap().len(), 2);
    let message = &told["messages"][0];
    assert_eq!(
        (&message["channel"], &message["status"]),
        (&json!("hook"), &json!("waiting"))
    );
    assert_eq!(message["attempts"][0]["code"], 503);
    assert_eq!(message["attempts"][0]["why"], "HTTP 503");
    assert!(message["next"].is_string() && message["attempts"][0]["next"].is_string());

    let (_, past) = get(&server, &format!("/api/v1/incidents/{PAST}/explain")).await;
    assert_eq!(past["rule"]["about_this_incident"], false);
    assert_eq!(past["fired_because"], Value::Null);
}

#[tokio::test]
async fn each_attempt_is_told_also_where_it_went_with_another_incident() {
    const OTHER: &str = "products-CacheDown-1";
    let (server, store) = start(None).await;
    let mut batch = Batch::new(now());
    batch.incidents = vec![incident(OTHER, ago(30), None)];
    batch.outbox = [OTHER, OPEN]
        .map(|id| OutboxItem {
            key: format!("{id}/firing/chat"),
            channel: Name::new("chat").unwrap(),
            notification: notification(id, Transition::Firing),
            queued: ago(29),
            due: ago(29),
            attempts: 0,
            status: OutboxStatus::Waiting,
        })
        .into();
    let keys: Vec<String> = batch.outbox.iter().map(|item| item.key.clone()).collect();
    store.commit(batch).await;
    // One channel refuses for good; the other takes both incidents in one letter.
    let refused = Attempt {
        at: ago(29),
        code: Some(403),
        outcome: "refused".to_owned(),
        why: Some("HTTP 403".to_owned()),
        next: None,
        ..attempt()
    };
    let own = [refused.key.clone()];
    store
        .attempted(&refused, &own, OutboxStatus::Dead, now())
        .await;
    let delivered = Attempt {
        key: format!("{OTHER}/firing/chat"),
        incident: OTHER.to_owned(),
        channel: Name::new("chat").unwrap(),
        at: ago(28),
        code: Some(200),
        outcome: "delivered".to_owned(),
        why: None,
        next: None,
        ..attempt()
    };
    store
        .attempted(&delivered, &keys, OutboxStatus::Delivered, now())
        .await;

    let (_, told) = get(&server, &format!("/api/v1/incidents/{OPEN}/explain")).await;
    let [hook, chat] = told["messages"].as_array().unwrap().as_slice() else {
        panic!("{told}");
    };
    assert_eq!(
        (&hook["channel"], &hook["status"], &hook["next"]),
        (&json!("hook"), &json!("dead"), &Value::Null)
    );
    let codes = |attempts: &Value| {
        let attempts = attempts.as_array().unwrap().iter();
        let told = attempts.map(|a| (a["code"].as_u64().unwrap(), a["outcome"].clone()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        codes(&hook["attempts"]),
        [(503, json!("retry")), (403, json!("refused"))]
    );
    assert_eq!(
        (&chat["channel"], &chat["status"], &chat["tried"]),
        (&json!("chat"), &json!("delivered"), &json!(1))
    );
    assert_eq!(codes(&chat["attempts"]), []);
    assert_eq!(codes(&told["other_attempts"]), [(200, json!("delivered"))]);
    assert_eq!(told["other_attempts"][0]["channel"], "chat");
    assert_eq!(told["other_attempts"][0]["took_seconds"], 0.25);

    let (_, other) = get(&server, &format!("/api/v1/incidents/{OTHER}/explain")).await;
    assert_eq!(
        codes(&other["messages"][0]["attempts"]),
        [(200, json!("delivered"))]
    );
    assert_eq!(other.get("other_attempts"), None);
}

#[tokio::test]
async fn history_comes_with_ratios() {
    let (server, store) = start(None).await;
    let cache = Name::new("products").unwrap();
    let at =
        |seconds: i64| Timestamp::from_second((now().as_second() / 60) * 60 + seconds).unwrap();
    for (seconds, hits) in [(-60, 60), (-50, 0), (-40, 30)] {
        let point = HistoryPoint {
            at: at(seconds),
            covered_seconds: 10.0,
            hits: Some(hits),
            misses: Some(if hits == 0 { 0 } else { 40 }),
            ..HistoryPoint::default()
        };
        store
            .append_history(now(), vec![(cache.clone(), point)], Vec::new())
            .await;
    }
    let (status, found) = get(&server, "/api/v1/caches/products/history?from=now-10m").await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["slot_seconds"], 10);
    let points = found["points"].as_array().unwrap();
    assert_eq!(points.len(), 3, "{points:?}");
    assert_eq!(
        (&points[0]["hits"], &points[0]["miss_ratio"]),
        (&json!(60), &json!(0.4))
    );
    assert_eq!(points[1]["miss_ratio"], Value::Null);
    assert_eq!(points[0]["evictions"], Value::Null);
    let (_, one) = get(
        &server,
        "/api/v1/caches/products/history?from=now-10m&points=1",
    )
    .await;
    assert_eq!(one["points"][0]["hits"], 90);
    let (status, nothing) = get(&server, "/api/v1/caches/sessions/history").await;
    assert_eq!((status, &nothing["points"]), (200, &json!([])));
    let (status, no) = get(&server, "/api/v1/caches/nope/history").await;
    assert_eq!(status, 404);
    assert!(no["remedy"].as_str().unwrap().contains("/api/v1/caches"));
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let (server, _store) = start(None).await;
    for (path, status, words) in [
        (
            "/api/v1/incidents?status=open",
            400,
            "unknown parameter status",
        ),
        ("/api/v1/incidents?state=closed", 400, "state"),
        ("/api/v1/incidents?limit=0", 400, "limit"),
        ("/api/v1/incidents?limit=1&limit=2", 400, "limit"),
        ("/api/v1/incidents?since=soon", 400, "since"),
        ("/api/v1/incidents?cache=..%2f", 400, "cache"),
        ("/api/v1/incidents/nope", 404, "no incident"),
        ("/api/v1/incidents/nope/explain", 404, "no incident"),
        ("/api/v1/silences?all=1", 400, "unknown parameter all"),
        ("/api/v1/annotations?from=now&to=now-1h", 400, "from"),
        ("/api/v1/caches/products/history?points=9999", 400, "points"),
        ("/api/v1/caches/a%20b/history", 404, "no cache"),
    ] {
        let (got, said) = get(&server, path).await;
        assert_eq!(got, status, "{path}: {said}");
        assert!(
            said["error"].as_str().unwrap().contains(words),
            "{path}: {said}"
        );
        assert!(!said["remedy"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn without_a_store_it_says_so() {
    let server = Server::start(Limits::default()).await;
    for path in [
        "incidents",
        "silences",
        "annotations",
        "caches/products/history",
    ] {
        let (status, said) = get(&server, &format!("/api/v1/{path}")).await;
        assert_eq!(status, 503, "{path}: {said}");
    }
}
