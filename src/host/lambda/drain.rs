//! Delays the poll for the next invocation until all background work is done.
//!
//! Lambda freezes the process when the runtime polls for the next invocation. This layer wraps the
//! service that posts the response, so the caller has its answer while the work goes on. It also runs
//! after an error, a panic, and an event that could not be read.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

use std::sync::Arc;
use std::task::{Context, Poll};

use chrono::Utc;
use lambda_runtime::LambdaInvocation;
use tokio::time::timeout_at;
use tower::{Layer, Service};

use super::invocation::Invocations;
use crate::bot::tasks::Tasks;
use crate::telemetry::Sink;
use futures_util::future::BoxFuture;

/// Adds the drain to a runtime.
#[derive(Clone)]
pub(crate) struct DrainLayer {
    /// The tasks to wait for.
    pub tasks: Tasks,
    /// Telemetry; its output is held until the response is posted.
    pub sink: Arc<dyn Sink>,
    /// Knows how long the work may take.
    pub invocations: Arc<Invocations>,
}

/// The service with the drain around it.
#[derive(Clone)]
pub(crate) struct Drain<S> {
    inner: S,
    drain: DrainLayer,
}

impl<S> Layer<S> for DrainLayer {
    type Service = Drain<S>;

    fn layer(&self, inner: S) -> Drain<S> {
        Drain { inner, drain: self.clone() }
    }
}

impl<S> Service<LambdaInvocation> for Drain<S>
where
    S: Service<LambdaInvocation, Response = ()>,
    S::Future: Send + 'static,
    S::Error: Send,
{
    type Response = ();
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<(), S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let DrainLayer { tasks, sink, invocations } = self.drain.clone();
        // The event is not read yet; it may tell the time better.
        invocations.begin(invocation.context.deadline, Utc::now(), None);
        sink.hold();
        let response = self.inner.call(invocation);
        Box::pin(async move {
            let posted = response.await;
            sink.release();
            // What would thaw in a later invocation would act on what it knew before the freeze.
            if timeout_at(invocations.end(), tasks.drained()).await.is_err() {
                tracing::error!(
                    "some work did not end before the invocation's deadline; it is ended"
                );
                tasks.abort();
            }
            posted
        })
    }
}
