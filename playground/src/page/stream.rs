//! The events of the feed, pushed to the page (Server-Sent Events).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
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
pub(super) fn events<B>(page: &Arc<Page>, request: &Request<B>) -> Response<Body> {
    let (sender, receiver) = channel(16);
    let token = page.guard.token.clone();
    let next = next(&token, request);
    match &page.source {
        Source::Live { feed, .. } => {
            tokio::spawn(live(feed.clone(), next, token, sender));
        }
        Source::Record(events) => {
            tokio::spawn(recorded(events.clone(), next, token, sender));
        }
    }
    let mut response = Response::new(Stream(receiver).boxed_unsync());
    files::content_type(response.headers_mut(), "text/event-stream");
    response
}

/// The number of the first event that the browser does not know. It says which it saw last in the header when a
/// connection broke, and in the address when it closed one itself.
fn next<B>(token: &str, request: &Request<B>) -> usize {
    let header = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let query = || request.uri().query()?.strip_prefix("after=");
    let seen = header.or_else(query).and_then(|id| id.strip_prefix(token)?.strip_prefix('.'));
    seen.and_then(|seen| seen.parse().ok()).map_or(0, |seen: usize| seen.saturating_add(1))
}

async fn live(feed: Feed, mut next: usize, token: String, sender: Sender<Bytes>) {
    let mut count = feed.count();
    loop {
        let mut text = String::new();
        for event in feed.since(next) {
            text.push_str(&line(&token, next, &event));
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

fn line(token: &str, number: usize, event: &Value) -> String {
    format!("id: {token}.{number}\ndata: {event}\n\n")
}

/// As it went. While a browser is away nothing goes on.
async fn recorded(events: Vec<Arc<Value>>, next: usize, token: String, sender: Sender<Bytes>) {
    let time = |event: &Value| event["now"].as_u64().unwrap_or_default();
    let mut before = events.get(next.saturating_sub(1)).map_or(0, |event| time(event));
    for (number, event) in events.iter().enumerate().skip(next) {
        let pause = time(event).saturating_sub(before).min(LONGEST_PAUSE);
        before = time(event);
        sleep(Duration::from_millis(pause)).await;
        if sender.send(line(&token, number, event).into()).await.is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_goes_on_where_it_was() {
        let next = |address: &str, header: Option<&str>| {
            let mut request = Request::get(address);
            if let Some(last) = header {
                request = request.header("last-event-id", last);
            }
            next("t0ken", &request.body(()).unwrap())
        };
        assert_eq!(next("/events", None), 0);
        assert_eq!(next("/events?after=t0ken.4", None), 5);
        // The header is newer: the connection broke after it was opened with that address.
        assert_eq!(next("/events?after=t0ken.4", Some("t0ken.7")), 8);
        // Of the start before; and nonsense.
        assert_eq!(next("/events?after=another.4", None), 0);
        assert_eq!(next("/events?after=t0ken.x", None), 0);
        assert_eq!(next("/events?after=t0ken.18446744073709551615", None), usize::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_goes_on_where_it_was() {
        let events = (0..3).map(|number| Arc::new(serde_json::json!({"now": number}))).collect();
        let (sender, mut receiver) = channel(16);
        tokio::spawn(recorded(events, 2, "t0ken".to_owned(), sender));
        let first = receiver.recv().await.unwrap();
        assert_eq!(first, "id: t0ken.2\ndata: {\"now\":2}\n\n");
        assert_eq!(receiver.recv().await.unwrap(), ":\n\n");
    }
}
