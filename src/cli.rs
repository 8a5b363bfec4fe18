//! The command line: one file a command. Parsing and printing only; what a command does lives in the rooms below.
//!
//! Exit codes, for every command: 0 all is well, 1 something that was looked at has a problem, 2 the command line or
//! the configuration is wrong.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod demo;
mod inputs;
mod logging;
mod report;
mod serve;
mod table;
mod top;

/// cachewatch tells the owner of a cache how well it works, why it misses, and says so before users notice.
#[derive(Debug, Parser)]
#[command(name = "cachewatch", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logging: logging::LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch caches: poll, export metrics, send alerts
    Serve(serve::ServeArgs),
    /// Check the configuration and what each cache allows, and print what is missing
    Check(check::CheckArgs),
    /// Show the main job on a Redis of its own: living traffic, a miss storm, an alert, its recovery
    Demo(demo::DemoArgs),
    /// Look at caches in the terminal: what they do now, and which keys miss why
    Top(top::TopArgs),
    /// Write a report about the last days: hit ratios, reasons, costs, incidents, what would help
    Report(report::ReportArgs),
}

/// Parses the command line and runs the command. A panic in a task is a bug, but ends no other task.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Log lines would go across the live view.
    let on_screen = matches!(&cli.command, Command::Top(args) if args.is_live());
    if let Err(error) = logging::init(&cli.logging, on_screen) {
        return fail(2, &error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(
                1,
                &anyhow::Error::new(error).context("cannot start the runtime"),
            );
        }
    };
    let result = match cli.command {
        Command::Serve(args) => runtime.block_on(serve::run(args)),
        Command::Check(args) => runtime.block_on(check::run(args)),
        Command::Demo(args) => runtime.block_on(demo::run(args)),
        Command::Top(args) => runtime.block_on(top::run(args)),
        Command::Report(args) => runtime.block_on(report::run(args)),
    };
    // Nothing that still blocks (a resolver thread, say) may hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => {
            let code = if error.is::<crate::config::ConfigErrors>() {
                2
            } else {
                1
            };
            fail(code, &error)
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the last words of a command belong on stderr, whatever the log level is"
)]
fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    if error.is::<crate::config::ConfigErrors>() {
        eprintln!("{error}");
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(code)
}
