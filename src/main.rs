//! Starts the runtime and hands over to the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    cachewatch::install_tls_provider();
    cachewatch::cli::main()
}
