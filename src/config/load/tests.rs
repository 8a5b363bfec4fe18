//! The folder of bad files with the exact complaints about each, and that of good ones.
//!
//! `layers` is about everything that is not the file, `reload` about changes, `random` about files nobody would write.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod example;
mod layers;
mod lookups;
mod random;
mod reload;
mod signals;

use super::{Inputs, Overrides, load};
use crate::config::*;

/// Stands in each file of `testdata` wherever a secret may be.
const SECRET: &str = "hunter2";

fn fake_env(name: &str) -> Option<String> {
    let value = match name {
        "SECRET" => SECRET,
        "REDIS_HOST" => "cache.example.org",
        "INJECTION" => "a\n    password: hunter2",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn load_file(path: &Path) -> Result<Config, ConfigErrors> {
    load(&Inputs {
        config_file: Some(path.to_path_buf()),
        urls: Vec::new(),
        flags: Overrides::default(),
        env: &fake_env,
    })
}

fn load_env(urls: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let env = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    load(&Inputs {
        config_file: None,
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        flags: Overrides::default(),
        env: &env,
    })
}

fn load_text(text: &[u8]) -> Result<Config, ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cachewatch.yaml");
    fs::write(&path, text).unwrap();
    load_file(&path)
}

fn complaints(result: Result<Config, ConfigErrors>) -> String {
    result
        .err()
        .map(|errors| errors.to_string())
        .unwrap_or_default()
}

/// All files of a folder of `testdata`, by path from the top of the repository, where tests run.
fn testdata(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(Path::new("src/config/testdata").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    files
}

/// Run with `UPDATE_TESTDATA=1` to write what is said now, and look at the difference.
#[test]
fn each_bad_file_gets_its_exact_complaints() {
    let files = testdata("bad");
    assert!(files.len() >= 27);
    for path in files {
        let said = complaints(load_file(&path)) + "\n";
        let expected_path = path.with_extension("txt");
        if std::env::var_os("UPDATE_TESTDATA").is_some() {
            fs::write(&expected_path, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        assert_eq!(said, expected, "{}", path.display());
        assert_ne!(said, "\n", "{} is not bad", path.display());
        assert!(!said.contains(SECRET), "{} tells a secret", path.display());
    }
}

#[test]
fn each_good_file_loads_and_keeps_its_secrets() {
    let files = testdata("good");
    assert!(files.len() >= 4);
    for path in files {
        let config = load_file(&path).unwrap_or_else(|e| panic!("{e}"));
        for shown in [format!("{config:?}"), config.redacted().to_string()] {
            assert!(!shown.contains(SECRET), "{} tells a secret", path.display());
        }
    }
}

#[test]
fn a_full_file_says_what_it_says() {
    let config = load_file(Path::new("src/config/testdata/good/full.yaml")).unwrap();
    assert_eq!(config.listen, "0.0.0.0:9721".parse().unwrap());
    assert_eq!(
        config.data_dir.as_deref(),
        Some(Path::new("src/config/testdata/good/state"))
    );
    assert_eq!(
        config.external_url.as_deref(),
        Some("https://cachewatch.example.org")
    );
    let [sessions, products] = config.caches.as_slice() else {
        panic!("two caches")
    };
    assert_eq!(sessions.node().as_str(), "cache.example.org:6380");
    assert_eq!(sessions.username.as_deref(), Some("cachewatch"));
    assert_eq!(sessions.password, Some(inline(SECRET)));
    assert_eq!(sessions.poll_interval, Duration::from_secs(90));
    assert_eq!(sessions.connect_timeout, Duration::from_millis(500));
    assert!(!sessions.events);
    assert_eq!(sessions.labels["price"], "5 $");
    let Transport::Tcp { tls: Some(tls), .. } = &sessions.transport else {
        panic!("TLS")
    };
    assert_eq!(tls.server_name.as_deref(), Some("redis.internal"));
    // Merged from the first one.
    assert_eq!(products.node().as_str(), "[2001:db8::1]:6379");
    assert_eq!(products.password, Some(inline(SECRET)));
}

#[test]
fn rules_of_the_file_are_put_over_the_default_ones() {
    let config = load_file(Path::new("src/config/testdata/good/rules.yaml")).unwrap();
    let names: Vec<_> = config.rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["CacheMissRatioHigh", "AnswersMissRatioHigh"]);
    let Signal::MissRatio(rule) = &config.rules[0].signal else {
        panic!("miss ratio")
    };
    assert!((rule.threshold - 0.3).abs() < 1e-9);
    assert!((rule.clear_threshold - 0.24).abs() < 1e-9, "0.8 of `above`");
    assert_eq!(rule.long_window, Duration::from_mins(15), "as by default");
    assert_eq!(
        config.caches[1].password,
        Some(inline("0123")),
        "as it was written"
    );
    assert!(config.rules[1].watches(&config.caches[1].name));
    assert!(!config.rules[1].watches(&config.caches[0].name));
}

#[test]
fn channels_read_their_secrets_from_files() {
    let config = load_file(Path::new("src/config/testdata/good/channels.yaml")).unwrap();
    let ChannelKind::Webhook { url, .. } = &config.channels[1].kind else {
        panic!("webhook")
    };
    assert_eq!(url.expose(), "https://example.org/hook/hunter2");
    assert!(!config.channels[1].send_resolved);
    let ChannelKind::Email(mail) = &config.channels[2].kind else {
        panic!("email")
    };
    assert_eq!(
        mail.password
            .as_ref()
            .map(crate::model::secret::Secret::expose),
        Some(SECRET)
    );
    assert_eq!((mail.security, mail.port), (SmtpSecurity::StartTls, 587));
    // The password of a cache is read when it connects, and its file is no reason to reload.
    assert!(
        matches!(&config.caches[0].password, Some(Password::File(path)) if path.ends_with("password"))
    );
    let watched: Vec<_> = config
        .files
        .iter()
        .map(|f| f.path.file_name().unwrap())
        .collect();
    assert_eq!(watched, ["channels.yaml", "hook-url", "password"]);
}

#[test]
fn what_the_top_level_says_of_namespaces_is_the_default_of_all_caches() {
    let config = load_file(Path::new("src/config/testdata/good/attribution.yaml")).unwrap();
    let [a, b, c] = config.caches.as_slice() else {
        panic!("three caches")
    };
    let (a, b, c) = (&a.attribution, &b.attribution, &c.attribution);
    assert_eq!(a.namespaces[0].name, "session:*", "named after its pattern");
    assert_eq!(
        (a.max_namespaces, a.removals, a.deletions),
        (20, 1_000_000, true)
    );
    assert_eq!(a.notifications, Notifications::Manage);
    assert_eq!(b.namespaces.len(), 2);
    let price = b.namespaces[0].price.as_ref().unwrap();
    assert_eq!((price.of(1000).round(), price.currency()), (12.0, "USD"));
    assert_eq!(
        (b.max_namespaces, b.removals, b.deletions),
        (0, 5000, false)
    );
    assert_eq!(b.separators, b":");
    assert_eq!(b.refill_time, Duration::from_millis(250));
    assert_eq!(b.notifications, Notifications::Verify);
    assert_eq!(
        c.namespaces,
        [],
        "an empty list stands in the other's place"
    );
    assert_eq!(c.max_namespaces, 20);
    assert_eq!(
        AttributionConfig::default().separators,
        crate::analyze::attribution::DEFAULT_SEPARATORS
    );
}

fn inline(text: &str) -> Password {
    Password::Inline(crate::model::secret::Secret::new(text.to_owned()))
}
