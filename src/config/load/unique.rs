//! Names: well formed, and each given once.

use std::collections::HashMap;

use crate::config::error::{Errors, Origin};
use crate::config::raw::Given;
use crate::model::name::Name;

/// What was seen so far, each with the place of its first owner.
#[derive(Default)]
pub(super) struct Unique(HashMap<String, String>);

impl Unique {
    /// Remembers that `owner` has `key`; tells who had it before.
    pub(super) fn claim(&mut self, key: &str, owner: &Origin) -> Option<&str> {
        use std::collections::hash_map::Entry;
        match self.0.entry(key.to_owned()) {
            Entry::Occupied(taken) => Some(taken.into_mut().as_str()),
            Entry::Vacant(free) => {
                free.insert(owner.path.clone());
                None
            }
        }
    }

    /// Checks a name and that nobody else has it.
    pub(super) fn name(
        &mut self,
        given: &Given<String>,
        owner: &Origin,
        errors: &mut Errors,
    ) -> Option<Name> {
        let at = given.get()?;
        let checked = Name::new(&at.value).map_err(|error| error.to_string());
        let name = errors.check(&at.origin, checked)?;
        if let Some(first) = self.claim(name.as_str(), owner) {
            errors.at(
                &at.origin,
                format!("`{name}` is already the name of {first}"),
            );
            return None;
        }
        Some(name)
    }
}
