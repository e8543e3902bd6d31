//! The page: served on the loopback, to nobody but a browser on this machine.

mod actions;
mod files;
mod guard;
mod stream;

use std::convert::Infallible;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use self::guard::Guard;
use crate::Result;
use crate::feed::Feed;
use crate::world::World;

/// What is asked of the page is small: a filled-in form of a command.
const MOST_BYTES: usize = 64 * 1024;

/// How long a request's headers may take to arrive.
const HEADERS: Duration = Duration::from_secs(30);

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What the page shows.
pub(crate) enum Source {
    /// What happens now.
    Live { world: Arc<Mutex<World>>, feed: Feed },
    /// What was recorded.
    Record(Vec<Arc<Value>>),
}

impl Source {
    pub(crate) fn live(world: World) -> Self {
        Self::Live { feed: world.post.feed.clone(), world: Arc::new(Mutex::new(world)) }
    }
}

struct Page {
    source: Source,
    guard: Guard,
}

/// Serves the page until Ctrl-C.
pub(crate) async fn run(source: Source, port: u16, open: bool) -> Result<u8> {
    let bound = TcpListener::bind(("127.0.0.1", port)).await;
    let listener = bound.map_err(|error| format!("cannot listen on port {port}: {error}"))?;
    let address = listener.local_addr()?;
    let guard = Guard { port: address.port(), token: Uuid::new_v4().simple().to_string() };
    let page = Arc::new(Page { source, guard });
    let url = format!("http://{address}/");
    println!("The playground is at {url}\nCtrl-C ends it.");
    if open {
        open_in_browser(&url);
    }
    let mut terminated = signal(SignalKind::terminate())?;
    let ended = async {
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
            asked = terminated.recv() => asked.is_some(),
        }
    };
    tokio::pin!(ended);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(connection(stream, page.clone()));
                }
            }
            _ = &mut ended => break,
        }
    }
    if let Source::Live { world, .. } = &page.source {
        let process = actions::lock(world).process();
        if let Some(process) = process {
            process.stop().await;
        }
    }
    Ok(0)
}

async fn connection(stream: TcpStream, page: Arc<Page>) {
    let service = service_fn(move |request| {
        let page = page.clone();
        async move { Ok::<_, Infallible>(answer(page, request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    // An error here is a browser that went away.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(page: Arc<Page>, request: Request<Incoming>) -> Response<Body> {
    let mut response = match page.guard.check(request.method(), request.headers()) {
        Err(why) => refuse(StatusCode::FORBIDDEN, why),
        Ok(()) => route(&page, request).await,
    };
    files::protect(response.headers_mut());
    response
}

async fn route(page: &Arc<Page>, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/events") => stream::events(page, &request),
        (&Method::GET, path) => files::file(path, &page.guard.token)
            .unwrap_or_else(|| refuse(StatusCode::NOT_FOUND, "There is no such page.")),
        (&Method::POST, path) => {
            let Some(action) = path.strip_prefix("/do/") else {
                return refuse(StatusCode::NOT_FOUND, "There is no such action.");
            };
            let action = action.to_owned();
            let Source::Live { world, .. } = &page.source else {
                return refuse(
                    StatusCode::CONFLICT,
                    "This is a record: nothing can be done in it.",
                );
            };
            let body = Limited::new(request.into_body(), MOST_BYTES).collect().await;
            let Ok(body) = body.map(|body| body.to_bytes()) else {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, "That is too much.");
            };
            let done = match serde_json::from_slice(&body) {
                Ok(asked) => actions::act(world, &action, &asked).await,
                Err(error) => Err(format!("That is not valid JSON: {error}")),
            };
            match done {
                Ok(answer) => json_answer(StatusCode::OK, &answer),
                Err(why) => refuse(StatusCode::BAD_REQUEST, &why),
            }
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Only GET and POST are known here."),
    }
}

fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    json_answer(status, &json!({"error": why}))
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(whole(body.to_string()));
    *response.status_mut() = status;
    files::content_type(response.headers_mut(), "application/json");
    response
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

fn open_in_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = std::process::Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        eprintln!("playground: {program} opens no browser ({error}); open the address yourself");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn headers_that_do_not_end_are_not_awaited_for_ever() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let guard = Guard { port: address.port(), token: String::new() };
        let page = Arc::new(Page { source: Source::Record(Vec::new()), guard });
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: 127").await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        timeout(2 * HEADERS, connection(stream, page)).await.expect("the connection is closed");
        assert_eq!(client.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    }
}
