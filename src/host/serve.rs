//! `deckhand serve`: the bot as a plain HTTP server.

mod body;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use self::body::{Room, Unread};
use crate::bot::tasks::Tasks;
use crate::host::http::{App, busy, fault, max_body_bytes, too_large, too_slow, unreadable};
use crate::host::keep_alive::KeepAlive;

/// Timeout for a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

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
    let (graceful, room) = (GracefulShutdown::new(), Room::new());
    let sweeping = app.clone();
    let sweep = tokio::spawn(async move { sweeping.sweep_for_ever().await });
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
        tokio::spawn(connection(stream, app.clone(), room.clone(), &graceful));
    }
    drop(listener);
    sweep.abort();
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

/// Serves one connection to its end.
fn connection<S>(
    stream: S,
    app: App,
    room: Room,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + use<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let keep_alive = KeepAlive::new();
    let stream = TokioIo::new(keep_alive.over(stream));
    let of_service = keep_alive.clone();
    let service = service_fn(move |request| {
        let (app, room, keep_alive) = (app.clone(), room.clone(), of_service.clone());
        async move { Ok::<_, Infallible>(keep_alive.during(answer(&app, &room, request)).await) }
    });
    // hyper sends no body after HEAD, and the headers that go with it.
    let connection = graceful
        .watch(http1::Builder::new().header_read_timeout(None).serve_connection(stream, service));
    async move {
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended badly");
                }
            }
            () = keep_alive.expired() => tracing::debug!("a connection was silent for too long"),
        }
    }
}

async fn answer(app: &App, room: &Room, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let limit = max_body_bytes(parts.uri.path());
    let response = match timeout(BODY_TIMEOUT, room.read(body, limit)).await {
        Ok(Ok(body)) => {
            let (app, request) = (app.clone(), Request::from_parts(parts, body.bytes.clone()));
            // In a task of its own, so that a client that disconnects does not cancel the work.
            let answer = tokio::spawn(async move {
                let _held = body;
                app.handle(request, None).await
            });
            answer.await.unwrap_or_else(|_| fault())
        }
        Ok(Err(Unread::TooLarge)) => too_large(limit),
        Ok(Err(Unread::Broken)) => unreadable(),
        Ok(Err(Unread::Busy)) => busy(),
        Err(_) => too_slow(),
    };
    response.map(Full::new)
}

#[cfg(test)]
mod tests;
