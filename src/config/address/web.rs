//! Addresses of web hooks, runbooks and our own page.

use url::Url;

const MAX_BYTES: usize = 2048;

/// Checks an `http://` or `https://` address.
pub(in crate::config) fn check_web_url(text: &str) -> Result<(), &'static str> {
    parse(text).map(drop)
}

/// Checks our own address and cuts the slash at its end.
pub(in crate::config) fn check_external_url(text: &str) -> Result<String, &'static str> {
    let url = parse(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password: it is put into messages");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have anything after `?` or `#`");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Checks the address of a dashboard, in which `{cache}` may stand for the name of a cache.
pub(in crate::config) fn check_dashboard_url(text: &str) -> Result<String, &'static str> {
    let filled = text.replace("{cache}", "x");
    if filled.contains(['{', '}']) {
        return Err("may hold {cache} for the name of the cache, and no other braces");
    }
    let url = parse(&filled)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password: it is put into messages");
    }
    Ok(text.to_owned())
}

fn parse(text: &str) -> Result<Url, &'static str> {
    const FORMS: &str = "must be an address that begins with https:// or http://";
    // The parser skips tabs and line breaks; nobody writes them on purpose.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must be an address without white space");
    }
    if text.len() > MAX_BYTES {
        return Err("must not be longer than 2048 bytes");
    }
    // It also accepts `https:host`, which is more often a mistake than meant.
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err(FORMS);
    }
    Url::parse(text)
        .ok()
        .filter(Url::has_host)
        .ok_or("must be an address that begins with https:// or http:// and names a host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses() {
        for good in [
            "https://hooks.slack.com/services/T/B/x",
            "http://127.0.0.1:9093/api?x=y",
        ] {
            assert!(check_web_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "hooks.slack.com",
            "ftp://x",
            "https:x",
            "http://",
            "https://a b",
            "https://x\n",
            "http://[x",
        ] {
            assert!(check_web_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dashboards() {
        let good = "https://g.example.org/d/x?var-cache={cache}&from=now-1h";
        assert_eq!(check_dashboard_url(good).as_deref(), Ok(good));
        for bad in ["https://x/{node}", "{cache}", "https://u:p@x/{cache}"] {
            assert!(check_dashboard_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn our_own_address() {
        assert_eq!(
            check_external_url("https://x.org/cw//").as_deref(),
            Ok("https://x.org/cw")
        );
        assert!(check_external_url("https://u:p@x.org").is_err());
        assert!(check_external_url("https://x.org/?a").is_err());
    }
}
