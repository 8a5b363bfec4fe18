//! gzip for what is text and large.
//!
//! Deliberately absent: other codings, and streams: those are never text/html and stay as they are.
//!
//! Invariant: a body is either as it was or the gzip of it, and says which.

use std::io::Write as _;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::values;
use crate::export::accepts_gzip;

/// What is smaller fits into one packet anyway, in bytes.
const SMALL: usize = 1_024;
/// What is larger takes too long to be made on a thread that others wait for, in bytes.
const LARGE: usize = 64 * 1_024;
/// Which kinds of content are worth it, by their beginning.
const TEXT: [&str; 4] = ["text/html", "text/css", "text/javascript", "image/svg+xml"];

pub(super) async fn gzip(request: Request, next: Next) -> Response {
    let wanted = accepts_gzip(values(&request, header::ACCEPT_ENCODING));
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !TEXT.iter().any(|text| kind.starts_with(text)) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // All of these are in memory already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let vary = HeaderValue::from_static("accept-encoding");
    head.headers.insert(header::VARY, vary);
    if !wanted || bytes.len() < SMALL {
        return Response::from_parts(head, Body::from(bytes));
    }
    let original = bytes.clone();
    let packed = if bytes.len() > LARGE {
        let packing = tokio::task::spawn_blocking(move || pack(&bytes));
        packing.await.ok().flatten()
    } else {
        pack(&bytes)
    };
    let Some(packed) = packed else {
        return Response::from_parts(head, Body::from(original));
    };
    let coding = HeaderValue::from_static("gzip");
    head.headers.insert(header::CONTENT_ENCODING, coding);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(packed))
}

fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
