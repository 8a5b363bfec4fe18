//! What lies in `deploy/` is loaded by the programs that it is for, and agrees with the package.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{process::find_in_path, prometheus};

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn prometheus_takes_its_snippet() {
    if prometheus::require() {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus.yml");
        prometheus::check_config(&file).unwrap();
    }
}

#[test]
fn systemd_takes_the_unit() {
    // No part of setup: it comes with systemd, and where that is not, nobody uses the unit.
    if find_in_path("systemd-analyze").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cachewatch.service");
    let unit = read("deploy/cachewatch.service");
    // The program is not installed here, and systemd looks for it.
    let here = unit.replace(
        "/usr/local/bin/cachewatch",
        env!("CARGO_BIN_EXE_cachewatch"),
    );
    assert_ne!(unit, here);
    std::fs::write(&path, here).unwrap();
    let out = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    // Other units of the machine may be at fault; their lines do not name ours.
    let about_us: Vec<&str> = said.lines().filter(|l| l.contains("cachewatch")).collect();
    assert!(out.status.success() && about_us.is_empty(), "{said}");
}

#[test]
fn versions_agree_with_the_package() {
    let rust = format!("FROM rust:{}-slim-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(read("deploy/Dockerfile").contains(&rust), "{rust}");
    let image = format!("image: cachewatch:{}\n", env!("CARGO_PKG_VERSION"));
    assert!(read("deploy/kubernetes.yaml").contains(&image), "{image}");
}

#[test]
fn kubernetes_manifests_are_yaml_of_the_right_kinds() {
    let manifests = read("deploy/kubernetes.yaml");
    let all: Vec<serde_json::Value> = serde_saphyr::from_multiple(&manifests).unwrap();
    let kinds: Vec<&str> = all.iter().map(|m| m["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Deployment", "Service"]);
    let pod = &all[0]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"],
        true
    );
}
