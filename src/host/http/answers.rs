//! The answers of the HTTP interface.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

pub(super) const MIB: usize = 1024 * 1024;

/// The answer to a body over the limit.
pub fn too_large(limit: usize) -> Response<Bytes> {
    let limit = limit / MIB;
    error(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {limit} MiB"))
}

/// The answer to a body that cannot be read or decoded: its signature cannot be verified.
pub fn unreadable() -> Response<Bytes> {
    error(StatusCode::UNAUTHORIZED, "invalid request signature")
}

/// The answer to a body that does not arrive before the timeout.
pub fn too_slow() -> Response<Bytes> {
    error(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
}

/// The answer to a large body while others take up all memory that bodies may have.
pub fn busy() -> Response<Bytes> {
    error(StatusCode::SERVICE_UNAVAILABLE, "too many large bodies at once")
}

/// The answer to a request whose handling panicked.
pub fn fault() -> Response<Bytes> {
    error(StatusCode::INTERNAL_SERVER_ERROR, "a fault of our own; the log has the details")
}

/// The answer at a path that is no route.
pub(super) fn nothing_here() -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "there is nothing here")
}

/// The answer to another method than those of a route.
pub(super) fn not_allowed(allowed: &'static str) -> Response<Bytes> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "wrong method");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// An error in words.
pub(super) fn error(status: StatusCode, what: &str) -> Response<Bytes> {
    answer(status, &json!({ "error": what }))
}

/// An answer with a JSON body.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
