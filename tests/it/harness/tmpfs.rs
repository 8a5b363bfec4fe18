//! A small disk of a test's own, to be filled up or made read-only. Mounting takes root.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::skip;

/// A mounted tmpfs; it goes with the test.
#[derive(Debug)]
pub struct Tmpfs {
    folder: tempfile::TempDir,
}

fn run(program: &str, args: &[&str], path: &Path) -> bool {
    Command::new(program)
        .args(args)
        .arg(path)
        .output()
        .is_ok_and(|out| out.status.success())
}

impl Tmpfs {
    /// Of so many bytes. `None`: mounting is not allowed, and the test is skipped.
    #[track_caller]
    pub fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", &size, "tmpfs"],
            folder.path(),
        );
        skip::have("the right to mount a tmpfs (root)", mounted).then_some(Self { folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file until nothing fits any more.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.path().join("filler")).unwrap();
        for size in [65_536, 4_096, 512, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
        assert_eq!(
            std::fs::write(self.path().join("more"), "x").map_err(|e| e.kind()),
            Err(std::io::ErrorKind::StorageFull)
        );
        std::fs::remove_file(self.path().join("more")).unwrap();
    }

    /// Takes that file away.
    pub fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }

    /// Nobody can write from now on; nobody may have a file open for writing.
    #[track_caller]
    pub fn read_only(&self) {
        assert!(run("mount", &["-o", "remount,ro"], self.path()));
    }

    /// As before.
    #[track_caller]
    pub fn writable(&self) {
        assert!(run("mount", &["-o", "remount,rw"], self.path()));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        run("umount", &["-l"], self.path());
    }
}
