//! A small HTTP/1 server on the loopback that can also fail to answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::net::TcpListener;

/// A future in a box; the same type as `futures::future::BoxFuture`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request with its body read.
#[derive(Clone, Debug)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Received {
    /// The parts of the path between slashes.
    pub fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer to send.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers; a later one of the same name replaces an earlier one.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// A JSON document.
    pub fn json(status: u16, body: &Value) -> Self {
        let content_type = "application/json; charset=utf-8".to_owned();
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type)],
            body: Bytes::from(body.to_string()),
        }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// The outcome of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is answered.
    Answer(Answer),
    /// Half of the answer's body is sent, then the connection is dropped.
    Truncated(Answer),
    /// The answer's body is sent again and again, without an end.
    Endless(Answer),
    /// The connection is dropped without an answer.
    Drop,
}

/// Serves on 127.0.0.1 (port 0: any) until the runtime ends.
///
/// # Panics
/// When the port cannot be bound.
pub async fn serve<S, F>(port: u16, service: S) -> SocketAddr
where
    S: Fn(Received) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap_or_else(|error| panic!("cannot listen on 127.0.0.1:{port}: {error}"));
    let address = listener.local_addr().expect("a bound listener's address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(service.clone(), request));
                // An error here is a connection dropped: by the client, or by us on purpose.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

async fn answer<S, F>(
    service: S,
    request: http::Request<Incoming>,
) -> Result<http::Response<Wire>, Dropped>
where
    S: Fn(Received) -> F,
    F: Future<Output = Outcome>,
{
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let path = percent_encoding::percent_decode_str(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let received = Received {
        method: parts.method.to_string(),
        path: path.decode_utf8_lossy().into_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body,
    };
    match service(received).await {
        Outcome::Answer(answer) => Ok(response(answer, End::Whole)),
        Outcome::Truncated(answer) => Ok(response(answer, End::Cut)),
        Outcome::Endless(answer) => Ok(response(answer, End::Never)),
        Outcome::Drop => Err(Dropped),
    }
}

/// Where a body ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Whole,
    Cut,
    Never,
}

fn response(answer: Answer, end: End) -> http::Response<Wire> {
    let promised = answer.body.len() as u64;
    let half = answer.body.len() / 2;
    let sent = if end == End::Cut { answer.body.slice(..half) } else { answer.body };
    let mut response = http::Response::new(Wire {
        data: Some(sent).filter(|data| !data.is_empty()),
        left: promised,
        end,
        flushed: false,
    });
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status code");
    for (name, value) in answer.headers {
        let name: HeaderName = name.parse().expect("a header name");
        let value: HeaderValue = value.parse().expect("a header value");
        response.headers_mut().insert(name, value);
    }
    response
}

/// A body that may end before its promised length, or never.
struct Wire {
    data: Option<Bytes>,
    left: u64,
    end: End,
    flushed: bool,
}

/// Tells hyper to drop the connection.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

impl Body for Wire {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if self.end == End::Never {
            let data = self.data.clone().unwrap_or_else(|| Bytes::from_static(b" "));
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.end == End::Cut && self.data.is_none() && !self.flushed {
            // hyper flushes what it has when a body is not ready; an error would throw it away.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(match self.data.take() {
            Some(data) => {
                self.left -= data.len() as u64;
                Some(Ok(Frame::data(data)))
            }
            None if self.end == End::Cut => Some(Err(Dropped)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Whole && self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Never => SizeHint::default(),
            End::Whole | End::Cut => SizeHint::with_exact(self.left),
        }
    }
}
