//! The files that a configuration names: found, read, remembered.
//!
//! Invariant: each file is read once per load, and what was read is what later changes are compared with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::error::{Errors, printable};
use crate::config::raw::At;
use crate::config::watch::{SeenFile, read};

/// The longest secret that is read from a file.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The files read so far.
#[derive(Default)]
pub(super) struct Files {
    seen: Vec<SeenFile>,
}

impl Files {
    /// What was read, for [`Fingerprint`](crate::config::watch::Fingerprint).
    pub(super) fn into_seen(self) -> Vec<SeenFile> {
        self.seen
    }

    /// Reads a file of which later changes are of interest.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let content = read(path);
        // A pipe (`--config <(…)`) can be read only once.
        let again = fs::metadata(path).is_ok_and(|found| found.is_file());
        if again && !self.seen.iter().any(|seen| seen.path == path) {
            self.seen.push(SeenFile::new(path, content.as_deref().ok()));
        }
        content
    }

    /// Checks that a file can be read, and tells where it is.
    pub(super) fn readable(&mut self, named: &At<String>, errors: &mut Errors) -> Option<PathBuf> {
        let path = resolve(named);
        match self.read(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                errors.at(&named.origin, cannot_read(named, &path, &error));
                None
            }
        }
    }

    /// Reads a secret, without white space around it.
    pub(super) fn secret(&mut self, named: &At<String>, errors: &mut Errors) -> Option<String> {
        let path = resolve(named);
        let content = self.read(&path);
        secret_text(named, &path, content, errors)
    }

    /// Checks that a secret can be read that others will read anew whenever they need it, and tells where it is.
    /// Changes of it are of no interest.
    pub(super) fn check_secret(named: &At<String>, errors: &mut Errors) -> Option<PathBuf> {
        let path = resolve(named);
        secret_text(named, &path, read(&path), errors).map(|_| path)
    }
}

fn secret_text(
    named: &At<String>,
    path: &Path,
    content: io::Result<Vec<u8>>,
    errors: &mut Errors,
) -> Option<String> {
    let checked = match content.map(String::from_utf8) {
        Err(error) => Err(cannot_read(named, path, &error)),
        Ok(Err(_)) => Err("the file is not UTF-8".to_owned()),
        Ok(Ok(text)) if text.len() > MAX_SECRET_BYTES => {
            Err("the file is larger than 64 KiB".to_owned())
        }
        Ok(Ok(text)) if text.trim().is_empty() => Err("the file is empty".to_owned()),
        Ok(Ok(text)) => Ok(text.trim().to_owned()),
    };
    errors.check(&named.origin, checked)
}

/// A path in the file is relative to the file's folder; elsewhere it is relative to where we were started.
pub(super) fn resolve(named: &At<String>) -> PathBuf {
    let path = Path::new(&named.value);
    match named.origin.file.as_deref().and_then(Path::parent) {
        Some(folder) => folder.join(path.strip_prefix("./").unwrap_or(path)),
        None => path.to_path_buf(),
    }
}

/// A name without a slash is not repeated: it may be the secret itself, written where its file belongs.
fn cannot_read(named: &At<String>, path: &Path, error: &io::Error) -> String {
    let reason = reason(error);
    if named.value.contains('/') {
        format!("cannot read {}: {reason}", printable(path))
    } else {
        format!("cannot read the file that is named here: {reason}")
    }
}

/// Why a file could not be read, in the words of the system.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
