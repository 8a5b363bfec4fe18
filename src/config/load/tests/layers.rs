//! Defaults < file < environment < flags, and what comes from outside the file.

use super::*;

#[test]
fn one_address_is_enough() {
    let config = load_env(&["redis://127.0.0.1:6379"], &[]).unwrap();
    assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
    assert_eq!(config.caches[0].name.as_str(), "127.0.0.1-6379");
    assert_eq!(config.caches[0].poll_interval, DEFAULT_POLL_INTERVAL);
    assert!(config.caches[0].events);
    let rules: Vec<_> = config
        .rules
        .iter()
        .map(|r| (r.name.as_str(), r.severity.as_str()))
        .collect();
    assert_eq!(
        rules,
        [("CacheMissRatioHigh", "warning"), ("CacheDown", "critical")]
    );
    let Signal::MissRatio(rule) = &config.rules[0].signal else {
        panic!("miss ratio")
    };
    assert_eq!(rule, &MissRatioRule::sequential());
}

#[test]
fn the_whole_main_job_can_be_said_by_the_environment() {
    let config = load_env(
        &[],
        &[
            (env::REDIS_URL, "sessions=rediss://cache"),
            (env::REDIS_USERNAME, "app"),
            (env::REDIS_PASSWORD, SECRET),
            (env::LISTEN, "0.0.0.0:80"),
            (env::POLL_INTERVAL, "2s"),
            (env::DATA_DIR, "/var/lib/cachewatch"),
            (env::EXTERNAL_URL, "http://cw/"),
            (
                env::SLACK_WEBHOOK_URL,
                "https://hooks.slack.com/services/hunter2",
            ),
            (env::WEBHOOK_URL, "http://127.0.0.1:9093/hook"),
            (env::SMTP_URL, "smtps://u:hunter2@mail"),
            (env::EMAIL_TO, "a@example.org, Ops <b@example.org>"),
            (env::CONFIG, ""),
        ],
    )
    .unwrap();
    let cache = &config.caches[0];
    assert_eq!(
        (cache.name.as_str(), cache.node().as_str()),
        ("sessions", "cache:6379")
    );
    assert_eq!(cache.username.as_deref(), Some("app"));
    assert_eq!(cache.password, Some(inline(SECRET)));
    assert_eq!(cache.poll_interval, Duration::from_secs(2));
    assert_eq!(config.external_url.as_deref(), Some("http://cw"));
    let channels: Vec<_> = config
        .channels
        .iter()
        .map(|c| (c.name.as_str(), c.kind.as_str()))
        .collect();
    assert_eq!(
        channels,
        [
            ("slack", "slack"),
            ("webhook", "webhook"),
            ("email", "email")
        ]
    );
    let ChannelKind::Email(mail) = &config.channels[2].kind else {
        panic!("email")
    };
    assert_eq!(mail.to, ["a@example.org", "Ops <b@example.org>"]);
    assert!(mail.from.starts_with("cachewatch <cachewatch@"));
    assert!(!config.redacted().to_string().contains(SECRET));
}

#[test]
fn flags_go_over_the_environment_and_that_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cachewatch.yaml");
    fs::write(
        &path,
        "listen: 127.0.0.1:1\npoll_interval: 11s\ndata_dir: /file\nexternal_url: http://file\n\
         caches: [{name: a, url: redis://a}, {name: b, url: redis://b, poll_interval: 7s}]\n",
    )
    .unwrap();
    let path_text = path.to_str().unwrap().to_owned();
    let env = |name: &str| match name {
        env::CONFIG => Some(path_text.clone()),
        env::LISTEN => Some("127.0.0.1:2".to_owned()),
        env::POLL_INTERVAL => Some("12s".to_owned()),
        _ => None,
    };
    let mut inputs = Inputs {
        config_file: None,
        urls: vec!["redis://c".to_owned()],
        flags: Overrides::default(),
        env: &env,
    };
    let config = load(&inputs).unwrap();
    assert_eq!(config.file.as_deref(), Some(path.as_path()));
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/file")));
    let intervals: Vec<_> = config
        .caches
        .iter()
        .map(|c| c.poll_interval.as_secs())
        .collect();
    assert_eq!(
        intervals,
        [12, 7, 12],
        "what a cache says about itself is stronger"
    );

    inputs.flags = Overrides {
        listen: Some("127.0.0.1:3".to_owned()),
        poll_interval: Some("13s".to_owned()),
        data_dir: Some(PathBuf::from("/flag")),
    };
    let config = load(&inputs).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/flag")));
    assert_eq!(config.caches[0].poll_interval.as_secs(), 13);
}

#[test]
fn a_wrong_variable_is_named_and_not_repeated() {
    let said = complaints(load_env(
        &[
            "redis://:hunter2@a?b",
            "x y=redis://c",
            "d",
            "redis://e",
            "again=redis://e",
        ],
        &[
            (env::LISTEN, SECRET),
            (env::POLL_INTERVAL, "1h"),
            (env::EXTERNAL_URL, SECRET),
            (env::REDIS_PASSWORD, SECRET),
            (env::REDIS_PASSWORD_FILE, SECRET),
            (env::SLACK_WEBHOOK_URL, SECRET),
            (env::SLACK_WEBHOOK_URL_FILE, SECRET),
            (env::WEBHOOK_URL_FILE, "/no/such/file"),
            (env::SMTP_URL, "smtps://u:hunter2@mail/x"),
            (env::EMAIL_TO, "nobody"),
            (env::EMAIL_FROM, "a\nb"),
        ],
    ));
    let expected = "\
CACHEWATCH_LISTEN: must be an address and a port: 127.0.0.1:9721, [::1]:9721, or 0.0.0.0:9721 for all interfaces
CACHEWATCH_EXTERNAL_URL: must be an address that begins with https:// or http://
CACHEWATCH_POLL_INTERVAL: must be between 1s and 5m
CACHEWATCH_REDIS_PASSWORD_FILE: CACHEWATCH_REDIS_PASSWORD is set too; keep one of them
URL 1: must not have parameters after `?` or `#`; use the keys of the file
URL 2: a name may hold letters, digits, '_', '-' and '.' only, and must begin with a letter or digit
URL 3: must be redis://[user[:password]@]host[:port][/db], rediss://… with TLS, or unix:///path
URL 5: is the same node as that of URL 4; name each node once
CACHEWATCH_SLACK_WEBHOOK_URL_FILE: CACHEWATCH_SLACK_WEBHOOK_URL is set too; keep one of them
CACHEWATCH_WEBHOOK_URL_FILE: cannot read /no/such/file: no such file
CACHEWATCH_EMAIL_TO: must be a mailbox: ops@example.org or Ops team <ops@example.org>
CACHEWATCH_EMAIL_FROM: must be a mailbox: ops@example.org or Ops team <ops@example.org>
CACHEWATCH_SMTP_URL: must end after the host and its port";
    assert_eq!(said, expected);
}

#[test]
fn no_cache_from_the_command_line_has_our_own_name() {
    for url in ["cachewatch=redis://a", "unix:///run/cachewatch"] {
        assert_eq!(
            complaints(load_env(&[url], &[])),
            "URL 1: `cachewatch` is the name under which cachewatch tells of itself; give the cache another one: \
             NAME=ADDRESS, or `name` in the file"
        );
    }
}

#[test]
fn mail_needs_a_server_and_a_recipient() {
    let with = |name| complaints(load_env(&["redis://a"], &[name]));
    assert_eq!(
        with((env::SMTP_URL, "smtp://mail")),
        "CACHEWATCH_SMTP_URL: needs CACHEWATCH_EMAIL_TO to say who gets mail"
    );
    assert_eq!(
        with((env::EMAIL_TO, "a@example.org")),
        "CACHEWATCH_EMAIL_TO: needs CACHEWATCH_SMTP_URL to say through which server"
    );
}

#[test]
fn names_from_outside_must_not_clash_with_those_of_the_file() {
    let env = |name: &str| match name {
        env::SLACK_WEBHOOK_URL => Some("https://hooks.slack.com/x".to_owned()),
        env::REDIS_URL => Some("sessions=redis://other".to_owned()),
        _ => None,
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cachewatch.yaml");
    let text = "caches: [{name: sessions, url: redis://a}]\nchannels: [{name: slack, type: slack, url: http://x}]\n";
    fs::write(&path, text).unwrap();
    let said = complaints(load(&Inputs {
        config_file: Some(path),
        urls: Vec::new(),
        flags: Overrides::default(),
        env: &env,
    }));
    assert_eq!(
        said,
        "CACHEWATCH_REDIS_URL: `sessions` is already the name of caches[0]\n\
         CACHEWATCH_SLACK_WEBHOOK_URL: `slack` is already the name of channels[0]"
    );
}

#[test]
fn without_anything_it_says_how_to_begin() {
    assert!(
        complaints(load_env(&[], &[]))
            .starts_with("no cache is named; give its address (cachewatch serve ")
    );
    let said = complaints(load_file(Path::new("no/such.yaml")));
    assert_eq!(
        said,
        "no/such.yaml: cannot read the file that --config names: no such file"
    );
}
