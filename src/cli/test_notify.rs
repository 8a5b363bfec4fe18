//! `cachewatch test-notify`: one real message through one channel, marked as a test, with the whole exchange.
//!
//! Deliberately absent: the outbox and retries. It asks nothing of a running cachewatch and leaves nothing behind.

use std::process::ExitCode;

use super::inputs::ConfigArgs;
use crate::config::{ChannelConfig, Config, load};
use crate::model::incident::Transition;
use crate::model::time::{Clock as _, SystemClock};
use crate::notify::{Links, try_out};

#[derive(Debug, clap::Args)]
pub(super) struct TestNotifyArgs {
    /// The channel, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// What the message says: firing or resolved
    #[arg(
        long,
        value_name = "STATE",
        default_value = "firing",
        hide_possible_values = true
    )]
    state: State,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum State {
    Firing,
    Resolved,
}

impl From<State> for Transition {
    fn from(state: State) -> Self {
        match state {
            State::Firing => Self::Firing,
            State::Resolved => Self::Resolved,
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the exchange is what the command is for"
)]
pub(super) async fn run(args: TestNotifyArgs) -> anyhow::Result<ExitCode> {
    let config = load(&args.config.inputs(None, None))?;
    let channel = find(&config, &args.channel)?;
    let now = SystemClock::start().now();
    println!(
        "sending a {} message, marked as a test, through {}",
        Transition::from(args.state).as_str(),
        channel.name
    );
    let report = try_out(channel, &Links::of(&config), args.state.into(), now).await?;
    for line in &report.lines {
        println!("{line}");
    }
    let code = report
        .code
        .map_or_else(String::new, |code| format!(" ({code})"));
    if report.delivered {
        println!("\ndelivered{code}: look whether it arrived");
        return Ok(ExitCode::SUCCESS);
    }
    let why = report
        .why
        .unwrap_or_else(|| "no reason was given".to_owned());
    println!("\nnot delivered{code}: {why}");
    Ok(ExitCode::from(1))
}

fn find<'a>(config: &'a Config, name: &str) -> anyhow::Result<&'a ChannelConfig> {
    let mut channels = config.channels.iter();
    if let Some(found) = channels.find(|channel| channel.name.as_str() == name) {
        return Ok(found);
    }
    let names = config.channels.iter().map(|c| c.name.as_str());
    let names: Vec<_> = names.collect();
    match names.as_slice() {
        [] => anyhow::bail!("--channel: no channel is configured"),
        names => anyhow::bail!(
            "--channel: there is no channel of this name; there are {}",
            names.join(", ")
        ),
    }
}
