//! Whether the configuration file, or a file that it names, has changed.
//!
//! Contents are compared, not times and not inodes: a Kubernetes `..data` swap, an editor that renames, and a `touch`
//! are then all told apart rightly by looking every few seconds. Deliberately absent: timers, and inotify.
//!
//! Invariant: a change is told once, and only after two looks saw the same, so that a file is not loaded half written.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Config;

/// The largest file that is read: the configuration, a certificate, a secret.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// What a file held when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// Where it is.
    pub path: PathBuf,
    /// A hash of its content; `None`: it could not be read. Comparable within this process only.
    pub content: Option<u64>,
}

impl SeenFile {
    /// A file that held this.
    pub(super) fn new(path: &Path, content: Option<&[u8]>) -> Self {
        Self {
            path: path.to_path_buf(),
            content: content.map(|bytes| {
                let mut hasher = DefaultHasher::new();
                hasher.write(bytes);
                hasher.finish()
            }),
        }
    }

    fn look_again(&self) -> Self {
        Self::new(&self.path, read(&self.path).ok().as_deref())
    }
}

/// Reads a file of at most [`MAX_FILE_BYTES`].
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "larger than 1 MiB",
        ));
    }
    Ok(bytes)
}

/// Watches the files of a configuration.
#[derive(Debug, Clone)]
pub struct Fingerprint {
    known: Vec<SeenFile>,
    unsettled: Option<Vec<SeenFile>>,
}

impl Fingerprint {
    /// As the files were when `config` was read from them: a change since then is seen too.
    pub fn of(config: &Config) -> Self {
        Self {
            known: config.files.clone(),
            unsettled: None,
        }
    }

    /// Reads the files and tells whether they have changed since the last time this said so.
    ///
    /// A change is told at the second look that sees it. After a new configuration was taken, make a new fingerprint of
    /// it; after a bad one was refused, keep this one: it stays silent until the files change again. Blocks on file I/O.
    pub fn changed(&mut self) -> bool {
        let now: Vec<_> = self.known.iter().map(SeenFile::look_again).collect();
        if now == self.known {
            self.unsettled = None;
            return false;
        }
        if self.unsettled.as_ref() != Some(&now) {
            self.unsettled = Some(now);
            return false;
        }
        self.known = now;
        self.unsettled = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn fingerprint(path: &Path) -> Fingerprint {
        Fingerprint {
            known: vec![SeenFile::new(path, read(path).ok().as_deref())],
            unsettled: None,
        }
    }

    #[test]
    fn a_change_is_told_once_when_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cachewatch.yaml");
        fs::write(&path, "a").unwrap();
        let mut watched = fingerprint(&path);
        assert!(!watched.changed());
        fs::write(&path, "").unwrap();
        assert!(!watched.changed());
        fs::write(&path, "b").unwrap();
        assert!(!watched.changed(), "the file was half written a moment ago");
        assert!(watched.changed());
        assert!(!watched.changed());
        fs::write(&path, "b").unwrap();
        assert!(!watched.changed(), "the same again is no change");
        assert!(!watched.changed());
    }

    #[test]
    fn a_swapped_link_and_a_renamed_file_are_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cachewatch.yaml");
        for version in ["..1", "..2"] {
            fs::create_dir(dir.path().join(version)).unwrap();
            fs::write(dir.path().join(version).join("cachewatch.yaml"), version).unwrap();
        }
        symlink("..1", dir.path().join("..data")).unwrap();
        symlink("..data/cachewatch.yaml", &path).unwrap();
        let mut watched = fingerprint(&path);
        symlink("..2", dir.path().join("..new")).unwrap();
        fs::rename(dir.path().join("..new"), dir.path().join("..data")).unwrap();
        assert!(!watched.changed());
        assert!(watched.changed());

        fs::write(dir.path().join("saved"), "by an editor").unwrap();
        fs::rename(dir.path().join("saved"), &path).unwrap();
        assert!(!watched.changed());
        assert!(watched.changed());

        fs::remove_file(&path).unwrap();
        assert!(!watched.changed());
        assert!(watched.changed(), "a file that is gone is a change");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::write(&path, vec![b'a'; MAX_FILE_BYTES]).unwrap();
        assert!(read(&path).is_ok());
        fs::write(&path, vec![b'a'; MAX_FILE_BYTES + 1]).unwrap();
        assert!(read(&path).is_err());
        assert!(read(Path::new("/dev/zero")).is_err());
    }
}
