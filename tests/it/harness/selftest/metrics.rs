//! The reader of expositions.

use crate::harness::Metrics;

#[test]
fn reads_names_labels_and_values() {
    let text = "# HELP cache_misses_total Look-ups that found nothing.\n# TYPE cache_misses_total counter\n\
        cache_misses_total{cache=\"a\",node=\"h:1\"} 3\ncache_misses_total{cache=\"b \\\"q\\\" \\\\ \\n{,}\",node=\"h:2\"} 4e3\n\
        cache_up 1\ncache_ratio NaN\ncache_limit +Inf\n";
    let m = Metrics::parse(text).unwrap();
    assert_eq!(m.value("cache_misses_total", &[("cache", "a")]), Some(3.0));
    assert_eq!(
        m.value("cache_misses_total", &[("cache", "b \"q\" \\ \n{,}")]),
        Some(4000.0)
    );
    assert_eq!(m.value("cache_misses_total", &[("cache", "c")]), None);
    assert_eq!(m.sum("cache_misses_total", &[]), 4003.0);
    assert_eq!(m.get("cache_up", &[]), 1.0);
    assert!(m.get("cache_ratio", &[]).is_nan());
    assert_eq!(m.get("cache_limit", &[]), f64::INFINITY);
    assert_eq!(m.types["cache_misses_total"], "counter");
    assert!(m.has("cache_up") && !m.has("cache_down"));
}

#[test]
#[should_panic(expected = "is not one sample")]
fn an_ambiguous_value_is_no_value() {
    let m = Metrics::parse("a{x=\"1\"} 1\na{x=\"2\"} 2\n").unwrap();
    m.value("a", &[]);
}

#[test]
fn refuses_what_a_scraper_would_refuse() {
    for bad in [
        "a{x=\"1\"} 1\na{x=\"1\"} 2\n",
        "a{x=\"1\",x=\"2\"} 1\n",
        "a{x=\"1} 1\n",
        "a one\n",
        "a\n",
        "<html>\n",
        "# TYPE a counter\n# TYPE a gauge\n",
    ] {
        assert!(Metrics::parse(bad).is_err(), "{bad:?}");
    }
}
