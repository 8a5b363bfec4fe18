//! Peers that are slow, silent, idle or too many.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Limits, PATIENCE, Server, read_all, sample};

#[tokio::test]
async fn a_head_that_drips_is_cut() {
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let (mut reader, mut writer) = server.connect().await.into_split();
    let drip = async {
        // Each byte comes well within the limit; only the whole head does not.
        for byte in b"GET / HTTP/1.1\r\nX: "
            .iter()
            .chain(std::iter::repeat(&b'x'))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        _ = reader.read_to_end(&mut rest) => {}
        () = drip => {}
        () = tokio::time::sleep(PATIENCE) => panic!("it is not cut"),
    }
    assert_eq!(rest, b"");
    server
        .until(|s| s.timed_out_connections.get() == 1 && s.open_connections.get() == 0)
        .await;
}

#[tokio::test]
async fn a_silent_connection_is_cut() {
    let limits = Limits {
        head: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut stream = server.connect().await;
    assert_eq!(read_all(&mut stream).await, "");
    server.until(|s| s.timed_out_connections.get() == 1).await;
}

#[tokio::test]
async fn keep_alive_outlives_the_head_limit_and_ends_when_idle() {
    let limits = Limits {
        head: Duration::from_millis(100),
        idle: Duration::from_millis(600),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let before = server.stats.ok.get();
    let mut stream = server.connect().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    server.until(|s| s.ok.get() == before + 1).await;
    // Time itself is what is tested here: longer than a head may take, shorter than a connection may be idle.
    tokio::time::sleep(Duration::from_millis(300)).await;
    stream.write_all(request).await.unwrap();
    let all = read_all(&mut stream).await;
    assert_eq!(all.matches("HTTP/1.1 200").count(), 2, "{all}");
    server.until(|s| s.timed_out_connections.get() == 1).await;
}

#[tokio::test]
async fn a_reader_who_does_not_read_is_cut() {
    let limits = Limits {
        write: Duration::from_millis(200),
        ..Limits::default()
    };
    // More than the socket buffers of both sides take.
    let large = axum::routing::get(|| async { vec![b'x'; 64 * 1024 * 1024] });
    let server = Server::with(limits, sample::rich(), |r| r.route("/large", large)).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    server
        .until(|s| s.timed_out_connections.get() == 1 && s.open_connections.get() == 0)
        .await;
}

#[tokio::test]
async fn too_many_connections_are_refused_and_counted() {
    let server = Server::start(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let (first, second) = (server.connect().await, server.connect().await);
    server.until(|s| s.open_connections.get() == 2).await;
    let mut third = server.connect().await;
    assert_eq!(read_all(&mut third).await, "");
    assert_eq!(server.stats.refused_connections.get(), 1);
    drop((first, second));
    server.until(|s| s.open_connections.get() == 0).await;
    assert_eq!(
        server.get("/healthz").await.status(),
        200,
        "there is room again"
    );
}
