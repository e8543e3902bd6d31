//! Where a stand-in sends requests of its own: to a URL, or to a handler in this process.

use crate::server::BoxFuture;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;

/// A request handler in this process.
pub type Handler =
    dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync;

/// Where the bot takes requests.
#[derive(Clone)]
pub enum Endpoint {
    /// A URL of the bot's, for example that of its `/discord`.
    Http(String),
    /// In this process; the request's URI is the route's path, for example `/discord`.
    Direct(Arc<Handler>),
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Http(url) => f.debug_tuple("Http").field(url).finish(),
            Endpoint::Direct(_) => f.write_str("Direct"),
        }
    }
}

/// Posts a body; a handler in this process gets `path`. An error says why there is no answer.
pub(crate) async fn post(
    endpoint: &Endpoint,
    path: &'static str,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<http::Response<Bytes>, String> {
    let uri: http::Uri = match endpoint {
        Endpoint::Http(url) => url.parse().map_err(|error| format!("{url}: {error}"))?,
        Endpoint::Direct(_) => http::Uri::from_static(path),
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = http::Request::post(path);
    if let Some(authority) = uri.authority() {
        request = request.header("host", authority.as_str());
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(body).map_err(|error| error.to_string())?;
    match endpoint {
        Endpoint::Http(_) => send_http(&uri, request).await,
        Endpoint::Direct(handler) => {
            // On a task of its own: that the sender hangs up does not end what the bot began.
            let handler = Arc::clone(handler);
            let answering = tokio::spawn(async move { handler(request).await });
            answering.await.map_err(|error| format!("the bot ended without an answer: {error}"))
        }
    }
}

async fn send_http(
    uri: &http::Uri,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("no answer from {uri}: {error}");
    let host = uri.host().ok_or("the endpoint's URL has no host")?;
    if uri.scheme_str() != Some("http") {
        return Err("the endpoint's URL must begin with http://".into());
    }
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| broken(&error))?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    let response =
        sender.send_request(request.map(Full::new)).await.map_err(|error| broken(&error))?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| broken(&error))?;
    Ok(http::Response::from_parts(parts, body.to_bytes()))
}
