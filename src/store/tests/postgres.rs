//! The same on a real PostgreSQL server. Skipped, loudly, where there is none.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::model::secret::Secret;

/// A server of its own, on a unix socket in a temporary folder; it ends with the test.
struct Server {
    folder: tempfile::TempDir,
    process: Option<Child>,
    programs: PathBuf,
}

/// Where Debian puts the newest one.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// The server refuses to run as root.
fn command(program: PathBuf) -> Command {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout == b"0\n");
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .arg(program);
    command
}

impl Server {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!(
                "SKIPPED: there is no PostgreSQL under /usr/lib/postgresql; scripts/setup.sh installs it"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let made = command(programs.join("initdb"))
            .args([
                "--auth=trust",
                "--username=cachewatch",
                "--no-sync",
                "--encoding=UTF8",
                "-D",
            ])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut server = Self {
            folder,
            process: None,
            programs,
        };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let process = command(self.programs.join("postgres"))
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn backend(&self) -> Backend {
        let socket = self.folder.path().display();
        Backend::Postgres(Secret::new(format!(
            "postgres://cachewatch:hunter2@localhost/postgres?host={socket}"
        )))
    }

    /// Empty, and the server answers.
    async fn store(&self) -> Store {
        let store = Store::open(self.backend(), Set::at(0)).await;
        until("PostgreSQL answers", async || store.health().durable).await;
        store
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn wipe(store: &Store) {
    let mut disk = store.0.disk.lock().await;
    let link = disk.link.as_mut().unwrap();
    crate::store::sql::q(
        "truncate books, incidents, transitions, outbox, attempts, silences, annotations, keys",
    )
    .execute(link)
    .await
    .unwrap();
}

#[test]
fn postgres_agrees_with_the_model() {
    let Some(server) = Server::start() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    super::random::histories(10, |acts| {
        runtime.block_on(async {
            let store = server.store().await;
            wipe(&store).await;
            store.close().await;
            super::random::run(server.backend(), &acts, false).await;
        });
    });
}

#[tokio::test]
async fn history_is_summed_up_in_postgres_too() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = server.store().await;
    for n in 0..90 {
        let slot = at(0).as_second().div_euclid(900) * 900 - START + n * 10;
        let spaces = vec![(name("a"), namespace(slot, "x\0:*", 3))];
        store
            .append_history(at(slot), vec![(name("a"), point(slot, Some(7)))], spaces)
            .await;
    }
    assert!(store.health().durable, "{:?}", store.health());
    let found = store
        .history(&name("a"), at(-9 * 86_400), at(900), 100)
        .await
        .unwrap();
    assert_eq!(found.iter().filter_map(|p| p.hits).sum::<u64>(), 630);
    let found = store
        .namespace_history(&name("a"), at(-900), at(900))
        .await
        .unwrap();
    assert_eq!(
        (found.len(), found[0].namespace.as_str()),
        (15, "x\u{fffd}:*")
    );
    assert!(store.prune(at(500 * 86_400)).await > 90);
    let key = store.key("links").await.unwrap();
    let other = server.store().await;
    assert_eq!(other.key("links").await.unwrap(), key);
}

#[tokio::test]
async fn two_workers_never_get_the_same_message() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, two) = (server.store().await, server.store().await);
    let slack = name("slack");
    one.enqueue(
        (0..40)
            .map(|n| item(&format!("i{n}"), Transition::Firing, "slack", n))
            .collect(),
    )
    .await;
    let (first, second) = tokio::join!(one.due(&slack, at(50), 25), two.due(&slack, at(50), 25));
    assert_eq!(first.len() + second.len(), 40);
    let mut keys: Vec<_> = first.iter().chain(&second).map(|i| i.key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 40);
    assert_eq!(
        one.due(&slack, at(51), 40).await,
        first,
        "its own are still its own"
    );
    assert_eq!(
        two.due(&slack, at(51 + 120), 40).await.len(),
        40,
        "who died has none for ever"
    );
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_misses_nothing() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let store = server.store().await;
    assert!(store.commit(batch(0, "i0")).await.durable);
    server.kill();
    assert!(!store.commit(batch(1, "i1")).await.durable);
    assert_eq!(
        store.due(&name("slack"), at(9), 9).await.len(),
        2,
        "alerts go on"
    );
    let error = store.health().error.unwrap();
    assert!(!error.contains("hunter2"), "{error}");
    server.run();
    until("PostgreSQL is back", async || store.health().durable).await;
    store.close().await;
    let store = server.store().await;
    assert_eq!(store.incidents(&all()).await.unwrap().len(), 2);
    assert_eq!(store.due(&name("slack"), at(200), 9).await.len(), 2);
}

#[tokio::test]
async fn an_older_schema_is_brought_forward() {
    let Some(server) = Server::start() else {
        return;
    };
    versions::is_brought_forward(server.backend()).await;
}
