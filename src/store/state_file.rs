//! One JSON file, replaced as a whole.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The name of the file in the data folder.
const FILE: &str = "state.json";
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be used.
    #[error("cannot {what} {}: {source}; check that it exists and that this user may write there", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what was written; it was set aside.
    #[error("{} cannot be understood ({reason}) and was set aside as {}; starting without it", path.display(), aside.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The state file of a data folder.
#[derive(Debug, Clone)]
pub struct StateFile {
    folder: PathBuf,
}

impl StateFile {
    /// Takes the folder, and makes it if it is not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|source| io("make the folder", folder, source))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Reads what was written last; `None` when there is no file. One that cannot be understood is set aside.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        let path = self.folder.join(FILE);
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io("read", &path, source)),
        };
        if size > MAX_BYTES {
            return Err(self.set_aside(&path, format!("{size} bytes are more than {MAX_BYTES}")));
        }
        let bytes = fs::read(&path).map_err(|source| io("read", &path, source))?;
        match serde_json::from_slice(&bytes) {
            Ok(state) => Ok(Some(state)),
            Err(error) => Err(self.set_aside(&path, error.to_string())),
        }
    }

    /// Replaces the file: written beside, made durable, renamed.
    pub fn save<T: Serialize>(&self, state: &T) -> Result<(), StoreError> {
        let path = self.folder.join(FILE);
        let beside = self.folder.join(format!("{FILE}.new"));
        let bytes = serde_json::to_vec(state)
            .map_err(|error| io("write", &path, std::io::Error::other(error)))?;
        let mut file = File::create(&beside).map_err(|source| io("write", &beside, source))?;
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(|source| io("write", &beside, source))?;
        fs::rename(&beside, &path).map_err(|source| io("replace", &path, source))?;
        // Without this the rename itself may be lost with the power.
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| io("make durable", &self.folder, source))
    }

    fn set_aside(&self, path: &Path, reason: String) -> StoreError {
        let mut number = 1;
        let mut aside = self.folder.join(format!("{FILE}.corrupt"));
        while aside.exists() {
            number += 1;
            aside = self.folder.join(format!("{FILE}.corrupt-{number}"));
        }
        match fs::rename(path, &aside) {
            Ok(()) => StoreError::Corrupt {
                path: path.to_owned(),
                aside,
                reason,
            },
            Err(source) => io("set aside", path, source),
        }
    }
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("deep/er")).unwrap();
        assert_eq!(file.load::<Vec<u32>>().unwrap(), None);
        file.save(&vec![1, 2]).unwrap();
        file.save(&vec![3]).unwrap();
        assert_eq!(file.load::<Vec<u32>>().unwrap(), Some(vec![3]));
    }

    #[test]
    fn a_corrupt_file_is_set_aside_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(folder.path()).unwrap();
        for (round, name) in ["state.json.corrupt", "state.json.corrupt-2"]
            .iter()
            .enumerate()
        {
            let rubbish = format!("[{round}");
            fs::write(folder.path().join(FILE), &rubbish).unwrap();
            let error = file.load::<Vec<u32>>().unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
            assert_eq!(
                fs::read_to_string(folder.path().join(name)).unwrap(),
                rubbish
            );
        }
        assert_eq!(file.load::<Vec<u32>>().unwrap(), None);
    }

    #[test]
    fn every_truncation_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(folder.path()).unwrap();
        file.save(&vec!["some".to_owned(), "state".to_owned()])
            .unwrap();
        let whole = fs::read(folder.path().join(FILE)).unwrap();
        for end in 0..whole.len() {
            fs::write(folder.path().join(FILE), &whole[..end]).unwrap();
            assert!(
                matches!(file.load::<Vec<String>>(), Err(StoreError::Corrupt { .. })),
                "{end}"
            );
        }
    }

    #[test]
    fn an_unusable_folder_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("occupied");
        fs::write(&occupied, "").unwrap();
        let error = StateFile::open(&occupied).unwrap_err().to_string();
        assert!(error.contains("occupied"), "{error}");
    }
}
