//! Where log lines go and how they look. Logs go to stderr; stdout is for what a command prints.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or a filter such as `info,cachewatch::collect=debug`
    #[arg(long, global = true, value_name = "FILTER", env = crate::config::env::LOG, default_value = "info", hide_env_values = true)]
    log: String,
    /// How log lines look: text, or json for machines
    #[arg(long, global = true, value_name = "FORMAT", env = crate::config::env::LOG_FORMAT, default_value = "text", hide_env_values = true, hide_possible_values = true)]
    log_format: LogFormat,
}

/// Installs the subscriber. Errors when the filter cannot be understood. With `on_screen`, the command paints the terminal
/// itself: lines are kept only where stderr leads elsewhere.
pub(super) fn init(args: &LogArgs, on_screen: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&args.log)
        .with_context(|| format!("--log: cannot understand the filter {:?}", args.log))?;
    if on_screen && std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return Ok(());
    }
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match args.log_format {
        LogFormat::Text => base
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => base.json().flatten_event(true).init(),
    }
    Ok(())
}
