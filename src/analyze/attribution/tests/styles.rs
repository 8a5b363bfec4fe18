//! Key styles of real applications, each alone and all together.

use super::*;

type Style = (&'static str, fn(u64) -> String, &'static str);

const STYLES: &[Style] = &[
    (
        "Rails fragments",
        |i| {
            format!(
                "views/products/{i}-{}/{}",
                20_240_101 + i % 365,
                text(i, 32, HEX)
            )
        },
        "views/products/*",
    ),
    (
        "Rails fragments of a list",
        |i| {
            format!(
                "views/categories/index:{}/query-{}-{i}",
                text(i, 32, HEX),
                text(i + 9, 32, HEX)
            )
        },
        "views/categories/index:*/query-*",
    ),
    (
        "Django model cache",
        |i| format!(":1:myapp:article.{i}"),
        ":*:myapp:article.*",
    ),
    (
        "Django sessions",
        |i| {
            format!(
                ":1:django.contrib.sessions.cache{}",
                text(i, 32, b"0123456789abcdefghijklmnopqrstuvwxyz")
            )
        },
        ":*:django.contrib.sessions.*",
    ),
    (
        "Django pages",
        |i| {
            format!(
                ":1:views.decorators.cache.cache_page..GET.{}.{}.en-us.UTC",
                text(i, 32, HEX),
                text(i + 3, 32, HEX)
            )
        },
        ":*:views.decorators.cache.cache_page..GET.*.en-us.UTC",
    ),
    ("Spring books", |i| format!("books::978{i:010}"), "books::*"),
    (
        "Spring SimpleKey",
        |i| format!("rates::SimpleKey [EUR,{}:{i}]", i % 7),
        "rates::SimpleKey [*]",
    ),
    (
        "Spring Session",
        |i| format!("spring:session:sessions:{}", uuid(i)),
        "spring:session:sessions:*",
    ),
    (
        "Spring Session expiry",
        |i| format!("spring:session:sessions:expires:{}", uuid(i)),
        "spring:session:sessions:expires:*",
    ),
    (
        "Laravel",
        |i| format!("laravel_cache:{}", text(i, 40, HEX)),
        "laravel_cache:*",
    ),
    ("bare session ids", |i| text(i, 32, BASE64URL), "*"),
    ("bare UUIDs", uuid, "*"),
    (
        "connect-redis",
        |i| format!("sess:{}", text(i, 32, BASE62)),
        "sess:*",
    ),
    (
        "AI answers",
        |i| format!("ai:gpt-4o:{}", text(i, 64, HEX)),
        "ai:gpt-4o:*",
    ),
    (
        "AI answers, flat",
        |i| format!("ai_response:{}", text(i, 64, HEX)),
        "ai_response:*",
    ),
    ("ids", |i| format!("user:{i}:profile"), "user:*:profile"),
    (
        "hash tags",
        |i| format!("{{user{i}}}.following"),
        "{*}.following",
    ),
    ("grown-on ids", |i| format!("product{i}"), "product*"),
    (
        "grown-on ids, framed",
        |i| format!("cart_{i}_items"),
        "cart_*_items",
    ),
    (
        "user names",
        |i| format!("member:{}:page", text(i, 7, LETTERS)),
        "member:*:page",
    ),
    (
        "e-mail addresses",
        |i| format!("login:{}.x@example.org", text(i, 5, LETTERS)),
        "login:*",
    ),
    (
        "slugs",
        |i| {
            format!(
                "post:{}-{}-{}",
                text(i % 900, 6, LETTERS),
                text(i % 77, 4, LETTERS),
                text(i, 5, LETTERS)
            )
        },
        "post:*",
    ),
    (
        "versions",
        |i| format!("api:v2:thing:{i}"),
        "api:v2:thing:*",
    ),
    (
        "one key among its kind",
        |i| {
            format!(
                "config:{}",
                if i % 2 == 0 {
                    "flags".to_owned()
                } else {
                    i.to_string()
                }
            )
        },
        "config:*",
    ),
    ("not UTF-8", |i| format!("größe\n:{i}"), "größe\\x0a:*"),
];

#[test]
fn each_style_alone() {
    for (what, key, expected) in STYLES {
        let mut attributor = Attributor::new(small(), Duration::ZERO);
        feed(&mut attributor, 0, 70, (0..20_000).map(|i| key(i / 2)));
        let snapshot = attributor.snapshot(Duration::from_secs(70));
        assert!(
            names(&snapshot).contains(*expected),
            "{what}: {:?}",
            names(&snapshot)
        );
        let before = misses(&snapshot, expected);
        feed(&mut attributor, 70, 1, (30_000..31_000).map(key));
        let after = misses(&attributor.snapshot(Duration::from_secs(71)), expected);
        assert_eq!(after - before, 1000, "{what}: all keys are in it");
    }
}

#[test]
fn all_styles_together() {
    let mut attributor = Attributor::new(small(), Duration::ZERO);
    let count = STYLES.len() as u64;
    feed(
        &mut attributor,
        0,
        70,
        (0..count * 5000).map(|i| {
            let turn = scrambled(i) % count;
            STYLES[usize::try_from(turn).unwrap()].1(i / count)
        }),
    );
    let snapshot = attributor.snapshot(Duration::from_secs(70));
    let expected: BTreeSet<_> = STYLES.iter().map(|s| s.2.to_owned()).collect();
    assert_eq!(names(&snapshot), expected);
}

#[test]
fn configured_patterns_come_first() {
    let patterns = Patterns::new([("answers", b"ai:*".as_slice()), ("never", b"nothing:*")]);
    let mut attributor = Attributor::new(
        Options {
            patterns: patterns.unwrap(),
            ..small()
        },
        Duration::ZERO,
    );
    feed(
        &mut attributor,
        0,
        70,
        (0..20_000).map(|i| {
            if i % 2 == 0 {
                format!("ai:{i}")
            } else {
                format!("user:{i}")
            }
        }),
    );
    let snapshot = attributor.snapshot(Duration::from_secs(70));
    let names: Vec<_> = snapshot
        .namespaces
        .iter()
        .map(|n| (n.name.as_str(), n.configured))
        .collect();
    assert_eq!(
        names,
        [("answers", true), ("never", true), ("user:*", false)]
    );
    assert_eq!(misses(&snapshot, "answers"), 10_000);
}

#[test]
fn a_single_user_is_never_named() {
    // One user with all the traffic, and less than eight keys.
    let mut attributor = Attributor::new(small(), Duration::ZERO);
    feed(
        &mut attributor,
        0,
        70,
        (0..20_000).map(|i| {
            if i % 2 == 0 {
                format!(
                    "user:alice:{}",
                    ["cart", "mail", "page"][usize::try_from(i / 2 % 3).unwrap()]
                )
            } else {
                format!("user:{i}:cart")
            }
        }),
    );
    let snapshot = attributor.snapshot(Duration::from_secs(70));
    assert!(
        names(&snapshot).iter().all(|n| !n.contains("alice")),
        "{:?}",
        names(&snapshot)
    );
}
