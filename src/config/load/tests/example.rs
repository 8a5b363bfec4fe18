//! The example and the documentation hold every key, and the example loads.

use super::*;

#[test]
fn the_example_holds_every_key_and_loads() {
    let dir = tempfile::tempdir().unwrap();
    let example = include_str!("../../../../cachewatch.example.yaml");
    for name in [
        "ca.pem",
        "client.pem",
        "client-key.pem",
        "redis-password",
        "webhook-url",
    ] {
        fs::write(dir.path().join(name), "https://example.org/hook").unwrap();
    }
    // The example names files where they usually are; here they are beside it.
    let text = example
        .replace("/run/secrets/", "./")
        .replace("/etc/cachewatch/", "./");
    let path = dir.path().join("cachewatch.yaml");
    fs::write(&path, text).unwrap();
    let env = |name: &str| match name {
        "SESSIONS_PASSWORD" | "SMTP_PASSWORD" | "SLACK_BOT_TOKEN" | "PAGERDUTY_KEY" => {
            Some(SECRET.to_owned())
        }
        "API_TOKEN" | "WEBHOOK_SECRET" => Some("hunter2".repeat(3)),
        "SLACK_WEBHOOK_URL" | "TEAMS_WORKFLOW_URL" => {
            Some("https://hooks.slack.com/services/hunter2".to_owned())
        }
        _ => None,
    };
    let config = load(&Inputs {
        config_file: Some(path),
        urls: Vec::new(),
        flags: Overrides::default(),
        env: &env,
    })
    .unwrap_or_else(|e| panic!("{e}"));
    assert!(config.caches.len() >= 3 && config.channels.len() >= 3 && config.rules.len() >= 3);

    let docs = include_str!("../../../../docs/configuration.md");
    for key in ALL_KEYS {
        let written = |line: &str| {
            // Of two keys that exclude each other, one is commented out.
            let line = line.trim_start().trim_start_matches("# ");
            let line = line.trim_start_matches("- ");
            line.split_once(':').is_some_and(|(found, _)| found == *key)
        };
        assert!(example.lines().any(written), "{key} is not in the example");
        assert!(
            docs.contains(&format!("`{key}`")),
            "{key} is not in docs/configuration.md"
        );
    }
}

/// Every key of the file.
const ALL_KEYS: &[&str] = &[
    "listen",
    "data_dir",
    "store",
    "external_url",
    "dashboard_url",
    "api_token",
    "api_token_file",
    "poll_interval",
    "caches",
    "channels",
    "rules",
    "name",
    "url",
    "username",
    "password",
    "password_file",
    "connect_timeout",
    "response_timeout",
    "events",
    "sampling",
    "monitor",
    "duration",
    "every",
    "max_bytes",
    "labels",
    "tls",
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "type",
    "url_file",
    "smtp_url",
    "from",
    "to",
    "send_resolved",
    "secret",
    "secret_file",
    "token",
    "token_file",
    "channel",
    "on_resolved",
    "routing_key",
    "routing_key_file",
    "urls",
    "resend_every",
    "template",
    "title",
    "body",
    "match",
    "severities",
    "min_severity",
    "repeat_every",
    "quiet_hours",
    "days",
    "heartbeat",
    "namespaces",
    "pattern",
    "cost_per_miss",
    "currency",
    "max_namespaces",
    "separators",
    "removals",
    "refill_time",
    "deletions",
    "notifications",
    "signal",
    "enabled",
    "severity",
    "runbook",
    "above",
    "clear_below",
    "short_window",
    "long_window",
    "extended_window",
    "min_lookups",
    "confidence",
    "for",
    "clear_for",
    "keep_firing_for",
    "subject",
    "max_subjects",
    "roles",
    "detector",
    "cause",
    "metric",
    "metric_labels",
    "below",
    "clear_above",
    "window",
    "deviations",
    "margin",
    "min_days",
    "warm_up",
    "maintenance",
    "matchers",
    "time_zone",
    "starts",
    "ends",
    "inhibitions",
    "source",
    "targets",
];

#[test]
fn the_list_of_all_keys_is_complete() {
    let said = complaints(load_text(
        b"zz: 1\nnamespaces: [{zz: 1}]\ncaches: [{zz: 1, tls: {zz: 1}, sampling: {zz: 1, monitor: {zz: 1}}}]\nchannels: [{zz: 1, template: {zz: 1}, quiet_hours: [{zz: 1}]}]\nheartbeat: {zz: 1}\nrules: [{zz: 1}]\nmaintenance: [{zz: 1}]\ninhibitions: [{zz: 1}]\n",
    ));
    let mut known: Vec<_> = said
        .lines()
        .filter_map(|line| line.split_once("known keys are "))
        .flat_map(|(_, keys)| keys.split(", "))
        .collect();
    known.sort_unstable();
    known.dedup();
    let mut all = ALL_KEYS.to_vec();
    all.sort_unstable();
    assert_eq!(known, all);
}
