//! How long a connection may be silent.
//!
//! Between two requests, and before the first: longer than the usual load balancer keeps its side open (60 s),
//! or it would send a request on a connection that we are closing. Once a request has begun to arrive, its
//! headers have only seconds, or slow clients could take up all connections (slow loris). hyper has one
//! timeout for both: its `header_read_timeout` runs from the moment that it waits for a request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::pending;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Timeout between requests.
pub(super) const IDLE: Duration = Duration::from_secs(75);

/// Timeout for the headers of a request, from its first byte.
pub(super) const HEADERS: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
enum Phase {
    /// No request, since then.
    Idle(Instant),
    /// The headers of a request arrive, since then.
    Headers(Instant),
    /// A request is answered. What that waits for has timeouts of its own.
    Busy,
}

/// Watches over one connection.
#[derive(Clone)]
pub(super) struct KeepAlive(Arc<watch::Sender<Phase>>);

impl KeepAlive {
    /// For a new connection.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Idle(Instant::now()))))
    }

    /// The connection's stream. It notices when a request begins to arrive.
    pub(super) fn over<S>(&self, stream: S) -> Watched<S> {
        Watched { stream, keep_alive: self.clone() }
    }

    /// Answers a request.
    pub(super) async fn during<F: Future>(&self, answer: F) -> F::Output {
        self.0.send_replace(Phase::Busy);
        let answered = answer.await;
        self.0.send_replace(Phase::Idle(Instant::now()));
        answered
    }

    /// Resolves when the client was silent for too long.
    pub(super) async fn expired(&self) {
        let mut phases = self.0.subscribe();
        loop {
            let end = match *phases.borrow_and_update() {
                Phase::Idle(since) => Some(since + IDLE),
                Phase::Headers(since) => Some(since + HEADERS),
                Phase::Busy => None,
            };
            let over = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = phases.changed() => {}
                () = over => return,
            }
        }
    }

    /// Bytes arrived.
    fn arrived(&self) {
        self.0.send_if_modified(|phase| {
            let begins = matches!(phase, Phase::Idle(_));
            if begins {
                *phase = Phase::Headers(Instant::now());
            }
            begins
        });
    }
}

/// A stream that is watched.
pub(super) struct Watched<S> {
    stream: S,
    keep_alive: KeepAlive,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.keep_alive.arrived();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
