//! Addresses of mail servers: `smtp://`, `smtp+starttls://`, `smtps://`.

use super::authority::split;
use crate::config::channel::SmtpSecurity;

/// What the address of a mail server says.
pub(in crate::config) struct SmtpUrl {
    pub(in crate::config) security: SmtpSecurity,
    pub(in crate::config) host: String,
    pub(in crate::config) port: u16,
    pub(in crate::config) username: Option<String>,
    pub(in crate::config) password: Option<String>,
}

impl SmtpUrl {
    /// Reads an address.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORMS: &str = "must be smtp+starttls://[user:password@]host[:port], smtps://… for TLS from the start, or smtp://… for none";
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("must be an address without white space");
        }
        let (scheme, rest) = text.split_once("://").ok_or(FORMS)?;
        let (security, port) = match scheme {
            "smtps" => (SmtpSecurity::Implicit, 465),
            "smtp+starttls" => (SmtpSecurity::StartTls, 587),
            "smtp" => (SmtpSecurity::None, 25),
            _ => return Err(FORMS),
        };
        let (authority, path) = split(rest)?;
        if !path.is_empty() && path != "/" {
            return Err("must end after the host and its port");
        }
        Ok(Self {
            security,
            host: authority.host,
            port: authority.port.unwrap_or(port),
            username: authority.username,
            password: authority.password,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_how_it_is_protected() {
        for (text, security, port) in [
            ("smtp://mail", SmtpSecurity::None, 25),
            ("smtp+starttls://u:p@mail/", SmtpSecurity::StartTls, 587),
            ("smtps://mail", SmtpSecurity::Implicit, 465),
            ("smtps://mail:2465", SmtpSecurity::Implicit, 2465),
        ] {
            let url = SmtpUrl::parse(text).unwrap();
            assert_eq!((url.security, url.port), (security, port), "{text}");
            assert_eq!(url.host, "mail");
        }
        for bad in [
            "mail",
            "imap://mail",
            "smtp://",
            "smtp://mail/x",
            "smtp://ma il",
        ] {
            assert!(SmtpUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
