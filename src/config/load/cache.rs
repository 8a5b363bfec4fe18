//! Checks caches, from wherever they come.

use std::collections::HashSet;
use std::time::Duration;

use super::attribution;
use super::files::Files;
use super::in_range;
use super::labels::check_labels;
use super::unique::Unique;
use crate::config::address::{RedisUrl, Server, is_server_name};
use crate::config::error::{Errors, Origin};
use crate::config::raw::{Given, RawCache, RawTls};
use crate::config::{
    AttributionConfig, CacheConfig, MAX_POLL_INTERVAL, MIN_POLL_INTERVAL, Password, TlsConfig,
    Transport,
};
use crate::model::incident::OWN_CACHE;
use crate::model::name::CacheName;
use crate::model::secret::Secret;

/// How many caches one process watches.
const MAX_CACHES: usize = 1000;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
const MIN_TIMEOUT: Duration = Duration::from_millis(10);
const MAX_TIMEOUT: Duration = Duration::from_mins(1);

/// The names of all caches, those with errors elsewhere included.
pub(super) fn names(caches: &[RawCache]) -> HashSet<String> {
    caches
        .iter()
        .filter_map(|cache| cache.name.get().map(|at| at.value.clone()))
        .collect()
}

/// Refuses the name under which cachewatch tells of itself: the two would share incidents, silences and routes.
fn is_free(name: &CacheName, raw: &RawCache, errors: &mut Errors) -> bool {
    let free = name.as_str() != OWN_CACHE;
    if let (false, Some(at)) = (free, raw.name.get()) {
        errors.at(
            &at.origin,
            format!(
                "`{OWN_CACHE}` is the name under which cachewatch tells of itself; give the cache another one: \
                 NAME=ADDRESS, or `name` in the file"
            ),
        );
    }
    free
}

/// Checks all caches.
pub(super) fn check_all(
    caches: Vec<RawCache>,
    poll_interval: Duration,
    attribution: &AttributionConfig,
    files: &mut Files,
    errors: &mut Errors,
) -> Vec<CacheConfig> {
    if let Some(cache) = caches.get(MAX_CACHES) {
        errors.at(
            &cache.origin,
            format!("there must not be more than {MAX_CACHES} caches"),
        );
    }
    let mut names = Unique::default();
    let mut nodes = Unique::default();
    let mut checked = Vec::new();
    for raw in caches.into_iter().take(MAX_CACHES) {
        let name = names.name(&raw.name, &raw.origin, errors);
        let name = name.filter(|name| is_free(name, &raw, errors));
        checked.extend(check(
            raw,
            name,
            (poll_interval, attribution),
            &mut nodes,
            files,
            errors,
        ));
    }
    checked
}

fn check(
    raw: RawCache,
    name: Option<CacheName>,
    (default_interval, default_attribution): (Duration, &AttributionConfig),
    nodes: &mut Unique,
    files: &mut Files,
    errors: &mut Errors,
) -> Option<CacheConfig> {
    let labels = check_labels(&raw.labels, &raw.origin, errors);
    let poll_interval = match raw.poll_interval.ok() {
        Some(at) => errors.check(
            &at.origin,
            in_range(at.value, MIN_POLL_INTERVAL..=MAX_POLL_INTERVAL),
        ),
        None => Some(default_interval),
    };
    let attribution = attribution::check(raw.attribution, default_attribution, errors);
    let connect_timeout = timeout(raw.connect_timeout, errors);
    let response_timeout = timeout(raw.response_timeout, errors);

    let events = raw.events.ok().is_none_or(|at| at.value);
    let sampling = super::sampling::check(raw.sampling, events, errors);

    let tls = raw.tls.ok();
    let url = raw.url.ok().and_then(|at| {
        let url = errors.check(&at.origin, RedisUrl::parse(&at.value))?;
        Some((url, at.origin))
    });

    let mut transport = None;
    let (mut url_username, mut url_password) = (None, None);
    let mut tls_possible = true;
    if let Some((url, origin)) = url {
        let (server, with_tls) = match url.server {
            Server::Tcp { host, port, tls } => (
                Transport::Tcp {
                    host,
                    port,
                    tls: tls.then(TlsConfig::default),
                },
                tls,
            ),
            Server::Unix { path } => (Transport::Unix { path }, false),
        };
        tls_possible = with_tls;
        url_username = url.username.map(|username| (username, origin.clone()));
        url_password = url.password.map(|password| (password, origin.clone()));
        transport = Some((server, origin));
    }
    let tls = tls.map(|at| {
        if !tls_possible {
            errors.at(&at.origin, "needs an address that begins with rediss://");
        }
        check_tls(at.value, &at.origin, files, errors)
    });
    if let Some((
        Transport::Tcp {
            tls: wanted @ Some(_),
            ..
        },
        _,
    )) = &mut transport
        && tls.is_some()
    {
        *wanted = tls;
    }

    let username = match (raw.username.ok(), url_username) {
        (Some(at), Some(_)) => {
            errors.at(&at.origin, "the address names a user too; keep one of them");
            Some((at.value, at.origin))
        }
        (Some(at), None) => Some((at.value, at.origin)),
        (None, in_url) => in_url,
    };
    let password_given =
        raw.password.is_given() || raw.password_file.is_given() || url_password.is_some();
    if let Some((_, origin)) = &username
        && !password_given
    {
        errors.at(
            origin,
            "a user needs a password: set password or password_file",
        );
    }
    let password = password(raw.password, &raw.password_file, url_password, errors);

    let (transport, origin) = transport?;
    if let Some(first) = nodes.claim(transport.node().as_str(), &raw.origin) {
        let message = format!("is the same node as that of {first}; name each node once");
        errors.at(&origin, message);
    }
    Some(CacheConfig {
        name: name?,
        transport,
        username: username.map(|(username, _)| username),
        password,
        poll_interval: poll_interval?,
        connect_timeout: connect_timeout?,
        response_timeout: response_timeout?,
        events,
        attribution,
        sampling,
        labels,
    })
}

fn timeout(given: Given<Duration>, errors: &mut Errors) -> Option<Duration> {
    match given.ok() {
        Some(at) if (MIN_TIMEOUT..=MAX_TIMEOUT).contains(&at.value) => Some(at.value),
        Some(at) => {
            errors.at(&at.origin, "must be between 10ms and 60s");
            None
        }
        None => Some(DEFAULT_TIMEOUT),
    }
}

/// At most one of the three may be given.
fn password(
    inline: Given<String>,
    file: &Given<String>,
    in_url: Option<(String, Origin)>,
    errors: &mut Errors,
) -> Option<Password> {
    let wrong = match (&inline, file) {
        (Given::Yes(at), _) if file.is_given() || in_url.is_some() => Some(&at.origin),
        (_, Given::Yes(at)) if in_url.is_some() => Some(&at.origin),
        _ => None,
    };
    if let Some(origin) = wrong {
        errors.at(
            origin,
            "the password is given twice; keep one of password, password_file and the one in the address",
        );
    }
    if let Some(at) = file.get() {
        // Read anew at each connection; reading it now tells of mistakes while somebody is looking.
        return Files::check_secret(at, errors).map(Password::File);
    }
    let inline = inline.ok().map(|at| at.value);
    inline
        .or(in_url.map(|(password, _)| password))
        .map(|password| Password::Inline(Secret::new(password)))
}

fn check_tls(raw: RawTls, origin: &Origin, files: &mut Files, errors: &mut Errors) -> TlsConfig {
    if raw.cert_file.is_given() != raw.key_file.is_given() {
        errors.at(
            origin,
            "cert_file and key_file need each other; set both or none",
        );
    }
    let mut readable = |given: Given<String>, errors: &mut Errors| {
        given.ok().and_then(|at| files.readable(&at, errors))
    };
    let server_name = raw.server_name.ok();
    if let Some(at) = &server_name
        && !is_server_name(&at.value)
    {
        errors.at(&at.origin, "must be a host name or an IP address");
    }
    TlsConfig {
        ca_file: readable(raw.ca_file, errors),
        cert_file: readable(raw.cert_file, errors),
        key_file: readable(raw.key_file, errors),
        server_name: server_name.map(|at| at.value),
    }
}
