//! Changes of the file: seen, and told apart.

use super::*;
use crate::config::diff::Diff;
use crate::config::watch::Fingerprint;

#[test]
fn a_change_of_the_file_is_seen_and_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cachewatch.yaml");
    let write = |text: &str| fs::write(&path, text).unwrap();
    fs::write(dir.path().join("ca.pem"), "one").unwrap();
    write(
        "caches:\n- {name: a, url: redis://a}\n- {name: b, url: redis://b}\n\
         - {name: t, url: rediss://t, tls: {ca_file: ca.pem}}\n",
    );
    let old = load_file(&path).unwrap();
    let mut watched = Fingerprint::of(&old);
    assert!(!watched.changed());

    fs::write(dir.path().join("ca.pem"), "two").unwrap();
    assert!(!watched.changed());
    assert!(watched.changed());
    let new = load_file(&path).unwrap();
    let diff = Diff::between(&old, &new);
    assert_eq!(diff.caches_changed, [new.caches[2].name.clone()]);

    let old = new;
    write(
        "listen: 127.0.0.1:1\ndata_dir: /x\nstore: postgres://h/d\ncaches:\n- {name: b, url: redis://bb}\n- {name: c, url: redis://c}\n\
         - {name: t, url: rediss://t, tls: {ca_file: ca.pem}}\nrules: [{name: CacheDown, enabled: false}]\n",
    );
    let new = load_file(&path).unwrap();
    let diff = Diff::between(&old, &new);
    let names = |names: &[crate::model::name::CacheName]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(names(&diff.caches_added), "c");
    assert_eq!(names(&diff.caches_removed), "a");
    assert_eq!(names(&diff.caches_changed), "b");
    assert!(diff.rules_changed && !diff.channels_changed);
    assert_eq!(diff.needs_restart, ["listen", "data_dir", "store"]);
    assert!(Diff::between(&new, &new.clone()).is_empty());
}
