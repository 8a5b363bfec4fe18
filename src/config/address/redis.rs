//! Addresses of caches: `redis://`, `rediss://`, `valkey://`, `valkeys://`, `unix://`.
//!
//! The number of a database is accepted and ignored: INFO and keyspace events are for the whole server.

use std::path::PathBuf;

use super::authority::{decode, split};

const DEFAULT_PORT: u16 = 6379;
/// The forms that are accepted, for messages.
const FORMS: &str =
    "must be redis://[user[:password]@]host[:port][/db], rediss://… with TLS, or unix:///path";

/// What the address of a cache says.
pub(in crate::config) struct RedisUrl {
    pub(in crate::config) server: Server,
    pub(in crate::config) username: Option<String>,
    pub(in crate::config) password: Option<String>,
}

/// Where it is.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) enum Server {
    Tcp { host: String, port: u16, tls: bool },
    Unix { path: PathBuf },
}

impl RedisUrl {
    /// Reads an address.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("must be an address without white space");
        }
        let (scheme, rest) = text.split_once("://").ok_or(FORMS)?;
        match scheme {
            "redis" | "valkey" => Self::tcp(rest, false),
            "rediss" | "valkeys" => Self::tcp(rest, true),
            "unix" | "redis+unix" => Self::unix(rest),
            _ => Err(FORMS),
        }
    }

    fn tcp(rest: &str, tls: bool) -> Result<Self, &'static str> {
        let (authority, path) = split(rest)?;
        let database = path.strip_prefix('/').unwrap_or(path);
        if !database.is_empty() && database.parse::<u32>().is_err() {
            return Err("must have the number of a database, or nothing, after the host");
        }
        Ok(Self {
            server: Server::Tcp {
                host: authority.host,
                port: authority.port.unwrap_or(DEFAULT_PORT),
                tls,
            },
            username: authority.username,
            password: authority.password,
        })
    }

    fn unix(rest: &str) -> Result<Self, &'static str> {
        if rest.contains('?') {
            return Err("must not have parameters after `?`; use the keys username and password");
        }
        if !rest.starts_with('/') || rest.len() < 2 {
            return Err("must be unix:///path/to/socket, with three slashes");
        }
        let path = decode(rest)?;
        if path.chars().any(char::is_control) {
            return Err("must be the path of a socket, without control characters");
        }
        Ok(Self {
            server: Server::Unix {
                path: PathBuf::from(path),
            },
            username: None,
            password: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_people_write() {
        let tcp = |host: &str, port, tls| Server::Tcp {
            host: host.to_owned(),
            port,
            tls,
        };
        let unix = || Server::Unix {
            path: PathBuf::from("/run/redis/redis.sock"),
        };
        for (text, server) in [
            ("redis://127.0.0.1", tcp("127.0.0.1", 6379, false)),
            ("redis://cache:7000/0", tcp("cache", 7000, false)),
            ("valkey://cache/", tcp("cache", 6379, false)),
            ("rediss://u:p@cache", tcp("cache", 6379, true)),
            ("valkeys://[2001:db8::1]:1", tcp("2001:db8::1", 1, true)),
            ("unix:///run/redis/redis.sock", unix()),
            ("redis+unix:///run/redis/redis%2esock", unix()),
        ] {
            assert_eq!(
                RedisUrl::parse(text).ok().map(|u| u.server),
                Some(server),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_address() {
        for bad in [
            "",
            "127.0.0.1:6379",
            "http://x",
            "redis:/x",
            "redis://",
            "redis://x/one",
            "redis://x/0/1",
            "redis://x/-1",
            "unix://run/x",
            "unix:///",
            "unix:///a?db=1",
            "unix:///%0a",
            "redis://a b",
            "redis://x\n",
            "redis://x,y",
        ] {
            assert!(RedisUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
