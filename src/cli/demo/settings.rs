//! The demo's configuration: one cache, one channel, the default rules with windows of seconds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{
    AttributionConfig, CacheConfig, ChannelConfig, ChannelKind, Config, DownRule, MissRatioRule,
    NamespaceConfig, Routing, Rule, Signal, Transport,
};
use crate::model::incident::Severity;
use crate::model::name::Name;
use crate::model::price::Price;
use crate::model::secret::Secret;

/// The rule windows of a demo of three minutes; a longer demo has longer ones.
const USUAL_LENGTH: Duration = Duration::from_mins(3);

/// Everything that `serve` would have got from a file.
pub(super) fn config(
    listen: SocketAddr,
    port: u16,
    slack_url: &str,
    length: Duration,
) -> anyhow::Result<Config> {
    let stretch = (length.as_secs_f64() / USUAL_LENGTH.as_secs_f64()).clamp(0.5, 3.0);
    let seconds = |seconds: f64| Duration::from_secs_f64(seconds * stretch);
    let miss_ratio = MissRatioRule {
        short_window: seconds(8.0),
        long_window: seconds(16.0),
        extended_window: seconds(60.0),
        for_: seconds(3.0),
        clear_for: seconds(6.0),
        ..MissRatioRule::default()
    };
    let rule =
        |name: &str, signal, severity| anyhow::Ok(Rule::new(Name::new(name)?, signal, severity));
    Ok(Config {
        file: None,
        files: Vec::new(),
        maintenance: Vec::new(),
        inhibitions: Vec::new(),
        listen,
        data_dir: None,
        store: None,
        external_url: Some(format!("http://{listen}")),
        dashboard_url: None,
        api_token: None,
        caches: vec![CacheConfig {
            name: Name::new("shop")?,
            transport: Transport::Tcp {
                host: "127.0.0.1".to_owned(),
                port,
                tls: None,
            },
            username: None,
            password: None,
            poll_interval: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            events: true,
            attribution: namespaces()?,
            sampling: None,
            labels: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        }],
        channels: vec![ChannelConfig {
            name: Name::new("slack")?,
            kind: ChannelKind::SlackWebhook {
                url: Secret::new(slack_url.to_owned()),
            },
            send_resolved: true,
            template: None,
            routing: Routing::default(),
        }],
        heartbeat: None,
        rules: vec![
            rule(
                "CacheMissRatioHigh",
                Signal::MissRatio(miss_ratio),
                Severity::Warning,
            )?,
            rule(
                "CacheDown",
                Signal::Down(DownRule::default()),
                Severity::Critical,
            )?,
        ],
    })
}

/// The families of keys by name, with what an AI answer costs. Without this they would be found within half a minute.
fn namespaces() -> anyhow::Result<AttributionConfig> {
    let named = |pattern: &str, price| NamespaceConfig {
        name: pattern.to_owned(),
        pattern: pattern.to_owned(),
        price,
    };
    let ai_answer = Price::new(0.002, "USD")?;
    Ok(AttributionConfig {
        namespaces: vec![
            named("session:*", None),
            named("product:*:detail", None),
            named("ai:answer:*", Some(ai_answer)),
            named("export:*", None),
        ],
        ..AttributionConfig::default()
    })
}
