//! Trying out a channel: one real message, marked as a test, and the whole exchange told.
//!
//! Deliberately absent: retries, pacing, the store. What is sent has an incident of its own, so that it is never taken for
//! a real one, nor ends one.
//!
//! Invariant: no line of a report holds a secret.

use std::sync::Arc;

use crate::config::ChannelConfig;
use crate::model::incident::Transition;
use crate::model::time::{Clock, Now};
use crate::notify::http::{Http, Limits};
use crate::notify::letter::{Letter, Trace};
use crate::notify::outcome::Outcome;
use crate::notify::tls::Trust;
use crate::notify::{Links, NotifyError, Parts, open, sample};

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// The exchange, line by line: `> ` was sent, `< ` came back, `* ` and `! ` are remarks and failures. Fit to be shown.
    pub lines: Vec<String>,
    /// Whether the receiver took it.
    pub delivered: bool,
    /// The last HTTP status or SMTP reply code.
    pub code: Option<u16>,
    /// Why it was not delivered: one line, fit to be shown.
    pub why: Option<String>,
}

/// The time of the trial, whatever happens in between.
struct Stopped(Now);

impl Clock for Stopped {
    fn now(&self) -> Now {
        self.0
    }
}

/// Sends one sample notification by a channel, marked as a test, once. Ends by itself within about a minute. An error
/// means that the channel cannot be used as configured.
pub async fn try_out(
    config: &ChannelConfig,
    links: &Links,
    transition: Transition,
    now: Now,
) -> Result<TestReport, NotifyError> {
    let trust = Trust::default();
    let http = Http::new(&trust, Limits::default()).map_err(NotifyError::Setup)?;
    let clock = Arc::new(Stopped(now));
    let parts = Parts { http, trust, clock };
    let channel = open(config, links, &parts).map_err(|error| NotifyError::Channel {
        name: config.name.clone(),
        error,
    })?;
    let notification = Arc::new(sample::notification(transition, now.wall));
    // Another one each time: who has tried it before wants to see it again.
    let key = notification.idempotency_key(&config.name);
    let key = format!("{key}/{}", now.wall.as_millisecond());
    let trace = Trace::wordy();
    let letter = Letter {
        parts: &[notification.into()],
        key: &key,
        late: None,
        test: true,
        trace: &trace,
    };
    let outcome = channel.send(&letter).await;
    let (delivered, why) = match outcome {
        Outcome::Delivered => (true, None),
        Outcome::Permanent { why } => (false, Some(why)),
        Outcome::Retry { why, after } => {
            let after = after.map_or_else(String::new, |after| {
                format!(" (it asks to wait for {} s)", after.as_secs())
            });
            (false, Some(format!("{why}{after}")))
        }
    };
    Ok(TestReport {
        lines: trace.lines(),
        delivered,
        code: trace.code(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ChannelKind;
    use crate::model::name::ChannelName;
    use crate::model::secret::Secret;
    use crate::notify::testing::http::{Act, Receiver};

    async fn report(act: Act, transition: Transition) -> (TestReport, Vec<String>) {
        let receiver = Receiver::start(act).await;
        let config = ChannelConfig {
            name: ChannelName::new("ops").unwrap(),
            kind: ChannelKind::Webhook {
                url: Secret::new(format!("http://{}/hook/sEcReTtOkEn", receiver.address)),
                secret: None,
            },
            send_resolved: true,
            template: None,
            routing: crate::config::Routing::default(),
        };
        let links = Links::default();
        let report = try_out(&config, &links, transition, Now::ZERO)
            .await
            .unwrap();
        (report, receiver.requests())
    }

    #[tokio::test]
    async fn a_trial_is_marked_and_told_line_by_line() {
        for transition in [Transition::Firing, Transition::Resolved] {
            let (report, requests) =
                report(Act::Answer(200, "", "thanks for {path}"), transition).await;
            assert_eq!(
                (report.delivered, report.code, &report.why),
                (true, Some(200), &None)
            );
            assert!(report.lines[0].starts_with("> POST http://127.0.0.1:"));
            assert!(report.lines.contains(&"< HTTP 200".to_owned()));
            let all = report.lines.join("\n");
            assert!(all.contains("This is a test of the channel") && all.contains("thanks for"));
            assert!(!all.contains("sEcReTtOkEn"), "{all}");
            assert!(requests[0].contains("\"test\":\"true\""));
            assert!(requests[0].contains(&format!("\"status\":\"{}\"", transition.as_str())));
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told() {
        let (report, _) = report(
            Act::Answer(429, "Retry-After: 7\r\n", ""),
            Transition::Firing,
        )
        .await;
        assert_eq!((report.delivered, report.code), (false, Some(429)));
        let why = report.why.unwrap();
        assert!(why.ends_with("(it asks to wait for 7 s)"), "{why}");
        assert!(report.lines.contains(&"< Retry-After: 7".to_owned()));
    }
}
