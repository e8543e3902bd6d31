//! A stand-in for what the workflows deploy: a frontend and its API, on one address.

use crate::{
    clock::Clock,
    gauge::Gauge,
    server::{Answer, Outcome, Received, serve},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

/// What a path answers.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// Headers; a later one of the same name replaces an earlier one.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// How long the answer is held back.
    pub delay: Duration,
    /// Whether the body is sent again and again, without an end.
    pub endless: bool,
    /// Whether the connection is dropped without an answer.
    pub reset: bool,
    /// How many requests are answered 503 before this page shows.
    pub flaky: usize,
}

impl Page {
    /// A body of this type.
    pub fn new(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".into(), content_type.into())],
            body: body.into(),
            delay: Duration::ZERO,
            endless: false,
            reset: false,
            flaky: 0,
        }
    }

    /// A page for people.
    pub fn html(body: &str) -> Self {
        Self::new("text/html; charset=utf-8", body.to_owned())
    }

    /// A JSON document.
    pub fn json(body: &Value) -> Self {
        Self::new("application/json", body.to_string())
    }

    /// A status with its name as the body.
    pub fn failing(status: u16) -> Self {
        let known = http::StatusCode::from_u16(status).ok();
        let reason = known.and_then(|status| status.canonical_reason()).unwrap_or("Unknown");
        Self::new("text/plain", format!("{status} {reason}")).status(status)
    }

    /// 302 to another place.
    pub fn redirect(location: &str) -> Self {
        Self::new("text/plain", "").status(302).header("location", location)
    }

    /// No answer: the connection is dropped.
    pub fn reset() -> Self {
        Self { reset: true, ..Self::new("text/plain", "") }
    }

    /// Sets the status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Removes a header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Delays the answer.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sends the body again and again, without an end.
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// Answers this many requests with 503 first.
    pub fn flaky(mut self, first: usize) -> Self {
        self.flaky = first;
        self
    }
}

/// A request as the site received it.
#[derive(Clone, Debug, Serialize)]
pub struct Visit {
    /// When it arrived.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
    /// `GET`, `HEAD`, …
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The `host` header.
    pub host: String,
    /// The `user-agent` header.
    pub user_agent: String,
    /// All headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The status answered; 0 if the connection was dropped instead.
    pub status: u16,
}

/// A running site; cheap to clone.
#[derive(Clone)]
pub struct Site {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    gauge: Gauge,
    url: OnceLock<String>,
    state: Mutex<State>,
}

struct State {
    pages: BTreeMap<String, Page>,
    visits: Vec<Visit>,
}

/// The pages of a healthy site.
fn healthy() -> BTreeMap<String, Page> {
    let index = Page::html(
        "<!doctype html><html lang=\"en\"><title>Shop</title><div id=\"root\"></div></html>",
    )
    .header("cache-control", "no-cache");
    [
        ("/", index.clone()),
        ("/index.html", index),
        ("/health", Page::json(&json!({"status": "ok"}))),
        ("/hello", Page::json(&json!({"message": "Hello"}))),
    ]
    .map(|(path, page)| (path.to_owned(), page))
    .into()
}

impl Site {
    /// Starts on a port of 127.0.0.1 that is free: a frontend at `/` and `/index.html`, an API at
    /// `/health` and `/hello`; anything else is 404.
    pub async fn start(clock: Clock, gauge: Gauge) -> Self {
        Self::start_on(0, clock, gauge).await
    }

    /// Starts on this port of 127.0.0.1.
    pub async fn start_on(port: u16, clock: Clock, gauge: Gauge) -> Self {
        let state = Mutex::new(State { pages: healthy(), visits: Vec::new() });
        let shared = Arc::new(Shared { clock, gauge, url: OnceLock::new(), state });
        let site = Self { shared };
        let serving = site.clone();
        let address = serve(port, move |received| {
            let site = serving.clone();
            async move { site.handle(received).await }
        })
        .await;
        site.shared.url.get_or_init(|| format!("http://{address}"));
        site
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Its address, `http://127.0.0.1:PORT`, of the frontend and of the API.
    pub fn url(&self) -> String {
        self.shared.url.get().cloned().unwrap_or_default()
    }

    /// Changes what a path answers.
    pub fn set(&self, path: &str, page: Page) {
        self.state().pages.insert(path.to_owned(), page);
    }

    /// Changes a page that is there.
    ///
    /// # Panics
    /// When there is none at that path.
    pub fn change(&self, path: &str, change: impl FnOnce(Page) -> Page) {
        let mut state = self.state();
        let page = state.pages.remove(path).unwrap_or_else(|| panic!("there is no page {path}"));
        state.pages.insert(path.to_owned(), change(page));
    }

    /// Removes a page: its path is 404 from now on.
    pub fn remove(&self, path: &str) {
        self.state().pages.remove(path);
    }

    /// Changes what every known path answers.
    pub fn set_all(&self, page: &Page) {
        self.state().pages.values_mut().for_each(|known| *known = page.clone());
    }

    /// Restores the healthy site.
    pub fn heal(&self) {
        self.state().pages = healthy();
    }

    /// Follows a named scenario: down in `site-down`, healthy in any other.
    pub fn follow(&self, scenario: &str) {
        self.heal();
        if scenario == "site-down" {
            self.set_all(&Page::failing(503));
        }
    }

    /// Every request received, oldest first.
    pub fn requests(&self) -> Vec<Visit> {
        self.state().visits.clone()
    }

    async fn handle(&self, received: Received) -> Outcome {
        let (outcome, delay) = self.take(&received);
        if !delay.is_zero() {
            let _stall = self.shared.gauge.stall();
            tokio::time::sleep(delay).await;
        }
        outcome
    }

    fn take(&self, received: &Received) -> (Outcome, Duration) {
        let mut state = self.state();
        let page = match state.pages.get_mut(&received.path) {
            Some(page) if page.flaky > 0 => {
                page.flaky -= 1;
                Page::failing(503)
            }
            Some(page) => page.clone(),
            None => Page::failing(404),
        };
        let header = |name: &str| received.header(name).unwrap_or_default().to_owned();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = received.headers.iter();
        state.visits.push(Visit {
            at: self.shared.clock.now(),
            method: received.method.clone(),
            path: received.path.clone(),
            host: header("host"),
            user_agent: header("user-agent"),
            headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
            status: if page.reset { 0 } else { page.status },
        });
        let answer = Answer { status: page.status, headers: page.headers, body: page.body };
        let outcome = match (page.reset, page.endless) {
            (true, _) => Outcome::Drop,
            (false, true) => Outcome::Endless(answer),
            (false, false) => Outcome::Answer(answer),
        };
        (outcome, page.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn ask(site: &Site, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(site.url().replace("http://", "")).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: shop.test\r\nuser-agent: t\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn get(site: &Site, path: &str) -> String {
        let mut text = String::new();
        ask(site, path).await.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_site_is_well_until_told_otherwise() {
        let site = Site::start(Clock::start(), Gauge::new()).await;
        let index = get(&site, "/index.html").await;
        assert!(index.starts_with("HTTP/1.1 200") && index.contains("cache-control: no-cache"));
        assert!(get(&site, "/hello").await.ends_with("{\"message\":\"Hello\"}"));
        assert!(get(&site, "/nowhere").await.starts_with("HTTP/1.1 404"));
        site.change("/health", |page| page.flaky(1));
        assert!(get(&site, "/health").await.starts_with("HTTP/1.1 503"));
        assert!(get(&site, "/health").await.starts_with("HTTP/1.1 200"));
        site.set("/", Page::redirect("http://169.254.169.254/"));
        assert!(get(&site, "/").await.contains("location: http://169.254.169.254/"));
        site.set("/", Page::reset());
        assert_eq!(get(&site, "/").await, "");
        site.follow("site-down");
        assert!(get(&site, "/").await.starts_with("HTTP/1.1 503"));
        site.follow("success");
        assert!(get(&site, "/").await.starts_with("HTTP/1.1 200"));
        let visit = &site.requests()[0];
        assert_eq!((visit.host.as_str(), visit.user_agent.as_str()), ("shop.test", "t"));
        assert_eq!((visit.path.as_str(), visit.status), ("/index.html", 200));
    }

    #[tokio::test]
    async fn an_endless_body_ends_when_the_reader_has_enough() {
        let site = Site::start(Clock::start(), Gauge::new()).await;
        site.set("/", Page::new("text/plain", vec![b'x'; 16 << 10]).endless());
        let mut stream = ask(&site, "/").await;
        let mut read = vec![0; 3 << 20];
        stream.read_exact(&mut read).await.unwrap();
        drop(stream);
        assert!(get(&site, "/hello").await.contains("Hello"), "the site goes on");
    }

    #[tokio::test]
    async fn a_late_answer_is_a_stall() {
        let gauge = Gauge::new();
        let site = Site::start(Clock::start(), gauge.clone()).await;
        site.change("/", |page| page.delay(Duration::from_millis(50)));
        let call = gauge.call();
        let answering = get(&site, "/");
        tokio::pin!(answering);
        while !gauge.quiet() {
            tokio::select! {
                _ = &mut answering => panic!("answered without a stall"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
        assert!(answering.await.starts_with("HTTP/1.1 200"));
        drop(call);
    }
}
