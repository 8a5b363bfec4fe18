//! Rests, with real sockets and a clock that jumps.

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const REST: Duration = Duration::from_millis(10);

async fn pair(rest: Option<Duration>) -> (Paced<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let mut ours = Paced::new(ours.unwrap());
    if let Some(rest) = rest {
        ours.gather(rest);
    }
    (ours, theirs.unwrap().0)
}

async fn read(ours: &mut Paced<TcpStream>, room: usize) -> String {
    let mut bytes = vec![0; room];
    let count = ours.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[tokio::test(start_paused = true)]
async fn what_comes_during_a_rest_is_read_together() {
    let (mut ours, mut theirs) = pair(Some(REST)).await;
    for _ in 0..3 {
        theirs.write_all(b"a").await.unwrap();
        assert_eq!(read(&mut ours, 16).await, "a");
        theirs.write_all(b"b").await.unwrap();
        assert_eq!(read(&mut ours, 16).now_or_never(), None, "it rests");
        theirs.write_all(b"c").await.unwrap();
        assert_eq!(read(&mut ours, 16).await, "bc");
        tokio::time::sleep(REST).await;
        assert_eq!(read(&mut ours, 16).now_or_never(), None, "nothing came");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_rest_that_brought_nothing_it_waits_for_bytes() {
    let (mut ours, mut theirs) = pair(Some(REST)).await;
    theirs.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut ours, 16).await, "a");
    let late = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        theirs.write_all(b"b").await.unwrap();
    };
    assert_eq!(tokio::join!(read(&mut ours, 16), late).0, "b");
    drop(theirs);
    assert_eq!(read(&mut ours, 16).await, "", "the end");
}

#[tokio::test]
async fn it_does_not_rest_before_the_socket_is_empty() {
    let (mut ours, mut theirs) = pair(Some(Duration::from_hours(1))).await;
    theirs.write_all(b"abc").await.unwrap();
    assert_eq!(read(&mut ours, 1).await, "a");
    assert_eq!(read(&mut ours, 1).await, "b");
    assert_eq!(read(&mut ours, 2).await, "c");
    theirs.write_all(b"d").await.unwrap();
    assert_eq!(read(&mut ours, 1).now_or_never(), None);
}

#[tokio::test]
async fn whoever_writes_waits_for_the_answer_at_once() {
    let (mut ours, mut theirs) = pair(Some(Duration::from_hours(1))).await;
    for _ in 0..2 {
        ours.write_all(b"ping").await.unwrap();
        let mut asked = [0; 4];
        theirs.read_exact(&mut asked).await.unwrap();
        theirs.write_all(b"pong").await.unwrap();
        assert_eq!(read(&mut ours, 16).await, "pong");
    }
}

#[tokio::test]
async fn who_did_not_ask_for_it_never_rests() {
    let (mut ours, mut theirs) = pair(None).await;
    for _ in 0..2 {
        theirs.write_all(b"a").await.unwrap();
        assert_eq!(read(&mut ours, 16).await, "a");
    }
}
