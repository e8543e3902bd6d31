//! The events of the feed, pushed to the page (Server-Sent Events).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};

use super::{Body, Page, Source, files};
use crate::feed::Feed;

/// A sign of life this often, so that a browser that went away is noticed.
const ALIVE: Duration = Duration::from_secs(15);
/// A pause in a record is shown at most this long.
const LONGEST_PAUSE: u64 = 3000;

/// The events from where the browser was cut off, or all.
pub(super) fn events(page: &Arc<Page>, headers: &HeaderMap) -> Response<Body> {
    let (sender, receiver) = channel(16);
    let token = page.guard.token.clone();
    match &page.source {
        Source::Live { feed, .. } => {
            let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
            let seen = last.and_then(|id| id.strip_prefix(&token)?.strip_prefix('.')?.parse().ok());
            let next = seen.map_or(0, |seen: usize| seen + 1);
            tokio::spawn(live(feed.clone(), next, token, sender));
        }
        Source::Record(events) => {
            tokio::spawn(recorded(events.clone(), sender));
        }
    }
    let mut response = Response::new(Stream(receiver).boxed_unsync());
    files::content_type(response.headers_mut(), "text/event-stream");
    response
}

async fn live(feed: Feed, mut next: usize, token: String, sender: Sender<Bytes>) {
    let mut count = feed.count();
    loop {
        let mut text = String::new();
        for event in feed.since(next) {
            text.push_str(&format!("id: {token}.{next}\ndata: {event}\n\n"));
            next += 1;
        }
        if !text.is_empty() && sender.send(text.into()).await.is_err() {
            return;
        }
        match timeout(ALIVE, count.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                if sender.send(Bytes::from_static(b":\n\n")).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// As it went. A browser that connects again begins again.
async fn recorded(events: Vec<Arc<Value>>, sender: Sender<Bytes>) {
    let time = |event: &Value| event["now"].as_u64().unwrap_or_default();
    let mut before = events.first().map_or(0, |event| time(event));
    for event in &events {
        let pause = time(event).saturating_sub(before).min(LONGEST_PAUSE);
        before = time(event);
        sleep(Duration::from_millis(pause)).await;
        if sender.send(format!("data: {event}\n\n").into()).await.is_err() {
            return;
        }
    }
    while sender.send(Bytes::from_static(b":\n\n")).await.is_ok() {
        sleep(ALIVE).await;
    }
}

struct Stream(Receiver<Bytes>);

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}
