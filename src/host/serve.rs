//! `deckhand serve`: the bot as a plain HTTP server.

use std::convert::Infallible;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::bot::tasks::Tasks;
use crate::host::http::{App, MAX_BODY_BYTES, fault, too_large, too_slow, unreadable};

/// Timeout for a client's headers, and again for its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes read of a body that is too large, before the connection is closed.
const MAX_THROWN_AWAY: usize = 16 * 1024 * 1024;

/// Timeout for work to end after it was told to wind up.
const WIND_UP: Duration = Duration::from_secs(10);

/// Serves until `shutdown` resolves, then shuts down gracefully: it accepts no new request, and running
/// work has `grace` to end by itself. After that, work is told to wind up.
pub async fn serve(
    listener: TcpListener,
    app: App,
    tasks: Tasks,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) {
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // For example, no file descriptor is left. The pause prevents a busy loop.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let app = app.clone();
        let service = service_fn(move |request| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(answer(&app, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    tracing::info!("shutting down");
    let drained = async {
        graceful.shutdown().await;
        tasks.drained().await;
    };
    tokio::pin!(drained);
    if timeout(grace, &mut drained).await.is_err() {
        tasks.stop();
        if timeout(WIND_UP, &mut drained).await.is_err() {
            tracing::error!("some work did not end in time");
        }
    }
}

async fn answer(app: &App, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let response = match timeout(READ_TIMEOUT, read(body)).await {
        Ok(Ok(body)) => {
            let (app, request) = (app.clone(), Request::from_parts(parts, body));
            // In a task of its own, so that a client that disconnects does not cancel the work.
            let answer = tokio::spawn(async move { app.handle(request, None).await });
            answer.await.unwrap_or_else(|_| fault())
        }
        Ok(Err(Unread::TooLarge)) => too_large(),
        Ok(Err(Unread::Broken)) => unreadable(),
        Err(_) => too_slow(),
    };
    response.map(Full::new)
}

enum Unread {
    TooLarge,
    Broken,
}

/// Reads a body. The rest of a body that is too large is read and discarded: a client that is still
/// sending when the connection closes would not see the answer.
async fn read(mut body: Incoming) -> Result<Bytes, Unread> {
    let mut bytes = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        let data = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
        seen += data.len();
        if seen <= MAX_BODY_BYTES {
            bytes.extend_from_slice(data);
        } else if seen > MAX_THROWN_AWAY {
            break;
        }
    }
    if seen > MAX_BODY_BYTES { Err(Unread::TooLarge) } else { Ok(bytes.freeze()) }
}
