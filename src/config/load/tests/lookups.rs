//! Sampling, and the token for those who tell of lookups.

use super::*;

#[test]
fn sampling_is_off_unless_it_is_asked_for() {
    let config = load_file(Path::new("src/config/testdata/good/sampling.yaml")).unwrap();
    let sampling: Vec<_> = config.caches.iter().map(|c| c.sampling).collect();
    let own = MonitorSampling {
        duration: Duration::from_millis(50),
        every: Duration::from_secs(10),
        max_bytes: 512 << 10,
    };
    assert_eq!(
        sampling,
        [Some(MonitorSampling::default()), Some(own), None]
    );
    let token = config.api_token.as_ref().unwrap();
    assert_eq!(token.expose(), SECRET.repeat(3));
    let shown = config.redacted().to_string();
    assert!(
        shown.contains("MONITOR for 50ms every 10s, 524288 bytes"),
        "{shown}"
    );
    assert!(shown.contains("\"api_token\": \"[REDACTED]\""), "{shown}");
    let without = load_env(&["redis://a"], &[]).unwrap();
    assert_eq!(
        (without.api_token, without.caches[0].sampling),
        (None, None)
    );
}

#[test]
fn the_token_of_the_environment_goes_over_that_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    fs::write(&file, "in-a-file-hunter2\n").unwrap();
    let file = file.display().to_string();
    let token = |variables: &[(&str, &str)]| {
        let config = load_env(&["redis://a"], variables);
        config.map(|config| config.api_token.unwrap().expose().to_owned())
    };
    let own = (env::API_TOKEN, "of-the-environment");
    assert_eq!(token(&[own]).unwrap(), "of-the-environment");
    let named = (env::API_TOKEN_FILE, file.as_str());
    assert_eq!(token(&[named]).unwrap(), "in-a-file-hunter2");
    assert_eq!(
        complaints(load_env(&["redis://a"], &[own, named])),
        "CACHEWATCH_API_TOKEN_FILE: keep one of CACHEWATCH_API_TOKEN and CACHEWATCH_API_TOKEN_FILE"
    );
    for bad in [
        "hunter2",
        "hunter2 hunter2 hunter2",
        "hunter2hünter2hunter2",
    ] {
        let said = complaints(load_env(&["redis://a"], &[(env::API_TOKEN, bad)]));
        assert!(
            said.starts_with("CACHEWATCH_API_TOKEN: must have 16 to 1024"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_new_token_is_a_change() {
    let with = |token: &str| {
        load_text(format!("api_token: {token}\ncaches: [{{name: a, url: redis://a}}]").as_bytes())
    };
    let (old, new) = (with("0123456789abcdef"), with("0123456789abcdeg"));
    let diff = crate::config::diff::Diff::between(&old.unwrap(), &new.unwrap());
    assert!(diff.api_token_changed && diff.caches_changed.is_empty() && !diff.is_empty());
}
