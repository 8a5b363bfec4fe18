//! The stream that makes pages live.

use super::*;

impl Server {
    /// Opens a stream and reads its head.
    async fn stream(&self) -> (TcpStream, String) {
        let mut stream = self.connect().await;
        let request = b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        (stream, head)
    }
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(end) {
            let mut bytes = [0; 512];
            let n = stream.read(&mut bytes).await.unwrap();
            assert!(n > 0, "it ended after {text:?}");
            text.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("nothing more comes");
    text
}

#[tokio::test]
async fn it_tells_of_each_new_snapshot_and_ends_with_the_server() {
    let server = Server::start(Limits::default()).await;
    let (mut stream, head) = server.stream().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.to_lowercase()
            .contains("content-type: text/event-stream")
    );
    let mut next = Snapshot::clone(&server.current.load());
    next.sequence = 77_777;
    server.current.store(Arc::new(next));
    let event = read_until(&mut stream, "77777").await;
    assert!(event.contains("event: snapshot\ndata: 77777"), "{event}");
    server.cancel.cancel();
    read_all(&mut stream).await;
}

#[tokio::test]
async fn there_are_only_so_many() {
    let server = Server::start(Limits::default()).await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        let (stream, head) = server.stream().await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        streams.push(stream);
    }
    let (_, head) = server.stream().await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    // The page itself is served all the same.
    assert_eq!(server.get("/").await.status(), 200);
}
