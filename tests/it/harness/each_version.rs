//! One test, written once, as five tests that name their version.

use super::Version;

/// ```text
/// on_all_servers! {
///     /// Every look-up of an absent key is counted.
///     fn counts_every_miss(version: Version) {
///         let server = Server::start(version, &[]);
///         ...
///     }
/// }
/// ```
/// makes `counts_every_miss::redis_6_2` to `::valkey_9_1`. A version that is not there is skipped loudly.
macro_rules! on_all_servers {
    ($($(#[$meta:meta])* fn $name:ident($version:ident: Version) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a short test may need nothing from around it")]
            use super::*;
            use $crate::harness::{Version as V, each_version::run};

            fn check($version: V) $body

            #[test]
            fn redis_6_2() {
                run(V::Redis62, check);
            }
            #[test]
            fn redis_7_0() {
                run(V::Redis70, check);
            }
            #[test]
            fn redis_8_2() {
                run(V::Redis82, check);
            }
            #[test]
            fn valkey_8_1() {
                run(V::Valkey81, check);
            }
            #[test]
            fn valkey_9_1() {
                run(V::Valkey91, check);
            }
        }
    )+};
}

pub(crate) use on_all_servers;

/// Runs a check on a version that is there.
#[track_caller]
pub fn run(version: Version, check: impl Fn(Version)) {
    if version.require() {
        check(version);
    }
}
