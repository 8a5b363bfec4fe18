//! Checks the token for the routes that change something.

use super::channel::one_of;
use super::environment::Environment;
use super::files::Files;
use crate::config::env;
use crate::config::error::Errors;
use crate::config::raw::Given;
use crate::model::secret::Secret;

/// A shorter one can be guessed.
const MIN_CHARACTERS: usize = 16;
/// A longer one does not fit into a header that every proxy lets pass.
const MAX_CHARACTERS: usize = 1024;

/// The token of the environment, or else that of the file. Both are checked.
pub(super) fn check(
    environment: &Environment<'_>,
    (inline, file): (Given<String>, Given<String>),
    files: &mut Files,
    errors: &mut Errors,
) -> Option<Secret> {
    let from_env = one_of(
        environment.given(env::API_TOKEN),
        environment.given(env::API_TOKEN_FILE),
        &format!("{} and {}", env::API_TOKEN, env::API_TOKEN_FILE),
        files,
        errors,
    );
    let from_file = one_of(inline, file, "api_token and api_token_file", files, errors);
    let mut checked = [from_env, from_file].into_iter().map(|at| {
        let at = at?;
        let length = at.value.len();
        // Visible ASCII, so that it needs no quotes in a header.
        if (MIN_CHARACTERS..=MAX_CHARACTERS).contains(&length)
            && at.value.bytes().all(|b| b.is_ascii_graphic())
        {
            return Some(Secret::new(at.value));
        }
        let message = format!(
            "must have {MIN_CHARACTERS} to {MAX_CHARACTERS} letters, digits and signs without a space, such as `openssl rand -hex 32` prints"
        );
        errors.at(&at.origin, message);
        None
    });
    let (from_env, from_file) = (checked.next().flatten(), checked.next().flatten());
    from_env.or(from_file)
}
