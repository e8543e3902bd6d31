//! `deckhand serve`: the bot as a plain HTTP server, for everywhere but Lambda.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::edge::http::{App, MAX_BODY_BYTES, too_large, unreadable};
use crate::tasks::Tasks;

/// For a client to send its headers, and again for its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// After the work was told to wind up: for saying how things stand.
const WIND_UP: Duration = Duration::from_secs(10);

/// Serves until `shutdown` resolves. Then no new request is taken, what is running gets `grace` to
/// end by itself, and after that is told to say how things stand.
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
                    // Out of file descriptors, for example: without a pause this would spin.
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
    if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > MAX_BODY_BYTES) {
        return too_large().map(Full::new);
    }
    let response = match timeout(READ_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => app.handle(Request::from_parts(parts, body.to_bytes()), None).await,
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_large(),
        Ok(Err(_)) | Err(_) => unreadable(),
    };
    response.map(Full::new)
}
