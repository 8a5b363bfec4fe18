//! Prometheus scrapes, promtool complains where it should.

use crate::harness::prometheus::{check_metrics, check_rules, require};
use crate::harness::wait::secs;
use crate::harness::{Answer, Prometheus, Receiver, python};

const GOOD: &str = "# HELP x_total Things.\n# TYPE x_total counter\nx_total{cache=\"a\"} 7\n";

#[test]
fn scrapes_and_answers() {
    if !require() {
        return;
    }
    let target = Receiver::start();
    target.set(Answer::With(
        200,
        vec![("Content-Type".into(), "text/plain; version=0.0.4".into())],
        GOOD.into(),
    ));
    let prometheus = Prometheus::scraping(&[target.addr()]);
    prometheus.wait_up(1, secs(20));
    assert_eq!(
        prometheus.wait_value("x_total{cache=\"a\"}", |v| v > 0.0, secs(20)),
        7.0
    );
    let series = prometheus.query("x_total + 1");
    assert_eq!(series[0].0["cache"], "a");
    assert_eq!(series[0].0["job"], "cachewatch");
    assert_eq!(prometheus.value("scalar(x_total) * 2"), Some(14.0));
    assert_eq!(prometheus.value("absent_metric"), None);
}

#[test]
fn promtool_complains_where_it_should() {
    if !require() {
        return;
    }
    check_metrics(GOOD).unwrap();
    let error = check_metrics("# TYPE x counter\nx 7\n").unwrap_err();
    assert!(error.contains("_total"), "{error}");
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        &rules,
        "groups: [{name: g, rules: [{alert: A, expr: 'x > '}]}]",
    )
    .unwrap();
    assert!(
        check_rules(rules.path())
            .unwrap_err()
            .contains("parse error")
    );
}

#[test]
fn the_reference_parser_of_openmetrics_complains_where_it_should() {
    if !python::require() {
        return;
    }
    python::check_openmetrics("# TYPE x counter\n# HELP x Things.\nx_total 7.0\n# EOF\n").unwrap();
    let error = python::check_openmetrics("# TYPE x counter\nx_total 7.0\n").unwrap_err();
    assert!(error.contains("EOF"), "{error}");
}
