//! Puts the configuration together: defaults < file < environment < flags, then everything is checked.
//!
//! Each layer is checked by itself, so that a wrong value is told even where another layer overrides it. All errors are
//! told at once.
//!
//! Invariant: [`load`] gives either a configuration that needs no further check or at least one error; it never panics
//! and never repeats a value.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

mod attribution;
mod cache;
mod channel;
mod environment;
mod files;
mod labels;
mod maintenance;
mod routing;
mod rule;
mod sampling;
mod token;
mod unique;
mod week;

#[cfg(test)]
mod tests;

use super::address::{check_dashboard_url, check_external_url, check_store};
use super::error::{ConfigErrors, Errors, Origin};
use super::raw::{At, DURATION, Given, RawConfig, Walk, duration};
use super::{
    Config, DEFAULT_LISTEN, DEFAULT_POLL_INTERVAL, MAX_POLL_INTERVAL, MIN_POLL_INTERVAL, env,
};
use environment::Environment;
use files::{Files, reason, resolve};

/// What the configuration is made of.
pub struct Inputs<'a> {
    /// `--config`; [`env::CONFIG`] is looked at when it is absent.
    pub config_file: Option<PathBuf>,
    /// Caches named on the command line: `redis://host` or `name=redis://host`.
    pub urls: Vec<String>,
    /// Flags that override single settings.
    pub flags: Overrides,
    /// The environment: [`env::process`], or something else in tests. An empty variable counts as not set.
    pub env: &'a (dyn Fn(&str) -> Option<String> + Sync + 'a),
}

/// Flags that override single settings, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--listen`.
    pub listen: Option<String>,
    /// `--poll-interval`.
    pub poll_interval: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// Reads and checks the configuration. Called again at each reload, with the same inputs.
///
/// Reads the configuration file and the files that it names: blocks on file I/O.
pub fn load(inputs: &Inputs<'_>) -> Result<Config, ConfigErrors> {
    let mut errors = Errors::default();
    let mut files = Files::default();
    let environment = Environment(inputs.env);

    let from_env = environment
        .text(env::CONFIG)
        .map(|at| (at.origin, PathBuf::from(at.value)));
    let file = inputs
        .config_file
        .clone()
        .map(|path| (Origin::outside("--config"), path))
        .or(from_env);
    let read = match &file {
        Some((origin, path)) => read_file(origin, path, inputs, &mut files, &mut errors),
        None => Some(RawConfig::empty()),
    };
    let file = file.map(|(_, path)| path);
    // A file that cannot be read says nothing about the rest; complaints that follow from that would mislead.
    let Some(raw) = read else {
        return Err(errors.into_sorted());
    };

    let flags = &inputs.flags;
    let listen = pick(
        [
            given("--listen", flags.listen.as_deref()),
            environment.given(env::LISTEN),
            raw.listen,
        ],
        |at| check_listen(&at.value),
        &mut errors,
    );
    let external_url = pick(
        [environment.given(env::EXTERNAL_URL), raw.external_url],
        |at| check_external_url(&at.value),
        &mut errors,
    );
    let dashboard_url = pick(
        [raw.dashboard_url],
        |at| check_dashboard_url(&at.value),
        &mut errors,
    );
    let data_dir = pick(
        [environment.given(env::DATA_DIR), raw.data_dir],
        |at| Ok(resolve(&at)),
        &mut errors,
    );
    let store = pick(
        [environment.given(env::STORE), raw.store],
        |at| check_store(&at.value),
        &mut errors,
    );
    let poll_interval = pick(
        [
            given("--poll-interval", flags.poll_interval.as_deref()).parse(
                &mut errors,
                DURATION,
                |text| duration(text),
            ),
            environment
                .given(env::POLL_INTERVAL)
                .parse(&mut errors, DURATION, |text| duration(text)),
            raw.poll_interval,
        ],
        |at| in_range(at.value, MIN_POLL_INTERVAL..=MAX_POLL_INTERVAL),
        &mut errors,
    );

    let attribution = attribution::check(
        raw.attribution,
        &super::AttributionConfig::default(),
        &mut errors,
    );
    let in_file = (raw.api_token, raw.api_token_file);
    let api_token = token::check(&environment, in_file, &mut files, &mut errors);

    let mut raw_caches = raw.caches;
    raw_caches.extend(environment.caches(&inputs.urls, &mut errors));
    let known = cache::names(&raw_caches);
    if raw_caches.is_empty() {
        let origin = match &file {
            Some(path) => Origin::file(&Arc::from(path.as_path())),
            None => Origin::outside(""),
        };
        errors.at(
            &origin,
            "no cache is named; give its address (cachewatch serve redis://127.0.0.1:6379), set CACHEWATCH_REDIS_URL, or list it under `caches` in the configuration file",
        );
    }
    let caches = cache::check_all(
        raw_caches,
        poll_interval.unwrap_or(DEFAULT_POLL_INTERVAL),
        &attribution,
        &mut files,
        &mut errors,
    );
    let mut raw_channels = raw.channels;
    raw_channels.extend(environment.channels(&mut files, &mut errors));
    let heartbeat = routing::heartbeat(raw.heartbeat, &mut files, &mut errors);
    let rules = rule::check_all(raw.rules, &known, &mut errors);
    let maintenance = maintenance::check_all(raw.maintenance, &known, &mut errors);
    let inhibitions = maintenance::inhibitions(&raw.inhibitions, &rules, &mut errors);
    let labels = caches.iter().map(|cache| &cache.labels);
    let labels = labels.chain(rules.iter().map(|rule| &rule.labels));
    let labels = labels.flat_map(|labels| labels.keys().cloned()).collect();
    let channels = channel::check_all(raw_channels, &labels, &mut files, &mut errors);

    // The default is checked like any other value, by a test.
    let listen = listen.or_else(|| DEFAULT_LISTEN.parse().ok());
    match listen {
        Some(listen) if errors.is_empty() => Ok(Config {
            file,
            listen,
            data_dir: flags.data_dir.clone().or(data_dir),
            store,
            external_url,
            dashboard_url,
            api_token,
            caches,
            channels,
            heartbeat,
            rules,
            maintenance,
            inhibitions,
            files: files.into_seen(),
        }),
        _ => Err(errors.into_sorted()),
    }
}

fn read_file(
    named: &Origin,
    path: &Path,
    inputs: &Inputs<'_>,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<RawConfig> {
    let whole: Arc<Path> = Arc::from(path);
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!(
                "cannot read the file that {} names: {}",
                named.path,
                reason(&error)
            );
            errors.at(&Origin::file(&whole), message);
            return None;
        }
    };
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before
                .iter()
                .fold(1_u64, |line, b| line + u64::from(*b == b'\n'));
            let mut origin = Origin::file(&whole);
            origin.position = Some((line, 1));
            errors.at(&origin, "this line is not UTF-8");
            return None;
        }
    };
    super::raw::parse(
        text,
        &mut Walk {
            file: whole,
            env: inputs.env,
            errors,
        },
    )
}

/// Checks every layer, the strongest first, and takes the first that is there.
fn pick<T, U, const N: usize>(
    layers: [Given<T>; N],
    check: impl Fn(At<T>) -> Result<U, &'static str>,
    errors: &mut Errors,
) -> Option<U> {
    let mut picked = None;
    for at in layers.into_iter().filter_map(Given::ok) {
        let origin = at.origin.clone();
        let checked = errors.check(&origin, check(at));
        picked = picked.or(checked);
    }
    picked
}

fn given(name: &str, value: Option<&str>) -> Given<String> {
    match value {
        Some(value) => Given::Yes(At {
            value: value.to_owned(),
            origin: Origin::outside(name),
        }),
        None => Given::No,
    }
}

fn in_range(
    value: Duration,
    range: std::ops::RangeInclusive<Duration>,
) -> Result<Duration, &'static str> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err("must be between 1s and 5m")
    }
}

fn check_listen(text: &str) -> Result<SocketAddr, &'static str> {
    text.trim().parse().map_err(|_| {
        "must be an address and a port: 127.0.0.1:9721, [::1]:9721, or 0.0.0.0:9721 for all interfaces"
    })
}
