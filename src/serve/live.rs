//! `GET /live`: server-sent events that tell the page that there is a new snapshot.
//!
//! An event holds no data but the number of the snapshot: the page fetches itself anew and swaps what changed, so that
//! there is one place where numbers become words, and nothing works only with a script.
//!
//! Invariant: at most [`MAX_STREAMS`] streams; each ends with the server, and after [`LONGEST`] at the latest (a browser
//! comes back by itself).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::AppState;

/// Streams at a time.
const MAX_STREAMS: usize = 64;
/// How often a stream looks for a new snapshot.
const LOOK: Duration = Duration::from_secs(1);
/// How long a stream lives.
const LONGEST: Duration = Duration::from_mins(30);
/// Proxies close what is silent for a minute or so.
const KEEP_ALIVE: u32 = 15;

/// The streams that may be open.
#[derive(Debug, Clone)]
pub(super) struct Live {
    places: Arc<Semaphore>,
    end: CancellationToken,
}

impl Live {
    /// `end` closes all of them.
    pub(super) fn new(end: CancellationToken) -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_STREAMS)),
            end,
        }
    }
}

/// Streams until the browser has had enough.
pub(super) async fn live(State(state): State<AppState>) -> Response {
    let Ok(place) = Arc::clone(&state.live.places).try_acquire_owned() else {
        let text = format!("{MAX_STREAMS} pages are live already; this one goes on without\n");
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let begun = state.clock.now();
    let first = state.snapshot.load().sequence;
    let ticks = stream::unfold(
        (state, first, place),
        move |(state, told, place)| async move {
            for waited in 0.. {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = state.live.end.cancelled() => return None,
                }
                if state.clock.now().since(begun) >= LONGEST {
                    return None;
                }
                let sequence = state.snapshot.load().sequence;
                if sequence != told {
                    let event = format!("event: snapshot\ndata: {sequence}\n\n");
                    return Some((Ok::<_, Infallible>(event), (state, sequence, place)));
                }
                if waited == KEEP_ALIVE {
                    return Some((Ok(": still here\n\n".to_owned()), (state, told, place)));
                }
            }
            None
        },
    );
    let mut response = Body::from_stream(ticks).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
