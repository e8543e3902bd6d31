//! Sending an interaction to the bot, and taking its callback.

use super::{conversation::DEADLINE, interaction::Interaction, snowflake, standin::Discord};
use crate::server::BoxFuture;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// A request handler in this process.
pub type Handler =
    dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync;

/// Where the bot takes interactions.
#[derive(Clone)]
pub enum Endpoint {
    /// The URL of its `/discord`.
    Http(String),
    /// In this process; the request's URI is `/discord`.
    Direct(Arc<Handler>),
}

/// What the bot answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status; 0 if no answer came in time.
    pub status: u16,
    /// The body as JSON, as a string if it was not JSON, null if empty.
    pub body: Value,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// From sending to the answer.
    pub elapsed: Duration,
    /// Why Discord refused it, if it did.
    pub wrong: Option<String>,
}

impl Answer {
    /// Whether Discord accepted it.
    pub fn accepted(&self) -> bool {
        self.wrong.is_none()
    }
}

impl Discord {
    /// Sends an interaction and applies the callback. If there is none within three seconds of the
    /// interaction's creation, the user sees that the application did not respond. A replay
    /// returns the answer and changes nothing.
    pub async fn deliver(&self, interaction: &Interaction, endpoint: &Endpoint) -> Answer {
        let clock = &self.shared.clock;
        let payload: Value = serde_json::from_slice(&interaction.body).unwrap_or_default();
        let sent = clock.now();
        {
            let mut state = self.state();
            let text = state.texts.get(&interaction.id).cloned();
            state.conversation.sent(sent, &payload, text.as_deref());
        }
        let created = snowflake::created(&interaction.id).unwrap_or(sent);
        let left = (created + DEADLINE - sent).to_std().unwrap_or_default();
        let answered = tokio::time::timeout(left, send(interaction.clone(), endpoint)).await;
        let now = clock.now();
        let elapsed = (now - sent).to_std().unwrap_or_default();

        let mut answer =
            Answer { status: 0, body: Value::Null, headers: Vec::new(), elapsed, wrong: None };
        answer.wrong = match answered {
            Err(_) => Some("no answer within 3 s of the interaction's creation".to_owned()),
            Ok(Err(why)) => Some(why),
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                answer.status = parts.status.as_u16();
                answer.headers = parts
                    .headers
                    .iter()
                    .map(|(name, value)| {
                        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                        (name.as_str().to_owned(), value)
                    })
                    .collect();
                answer.body = if body.is_empty() {
                    Value::Null
                } else {
                    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
                    serde_json::from_slice(&body).unwrap_or_else(|_| text())
                };
                let wrong = self.take_callback(&interaction.id, &answer);
                let kind = payload["type"].as_u64().unwrap_or_default();
                let recorder = &self.shared.recorder;
                recorder.callback(kind, &answer.body, wrong.is_none());
                wrong
            }
        };
        if let Some(why) = &answer.wrong {
            let mut state = self.state();
            state.conversation.no_response(now, &interaction.id, why);
        }
        answer
    }

    fn take_callback(&self, id: &str, answer: &Answer) -> Option<String> {
        if answer.status != 200 {
            return Some(format!("answered with status {}, not 200", answer.status));
        }
        let mut headers = answer.headers.iter();
        let json = headers.any(|(name, value)| {
            name == "content-type" && value.trim().starts_with("application/json")
        });
        if !json {
            return Some("the answer's content type is not application/json".into());
        }
        let now = self.shared.clock.now();
        let mut state = self.state();
        state.conversation.callback(now, id, &answer.body).err()
    }
}

async fn send(
    interaction: Interaction,
    endpoint: &Endpoint,
) -> Result<http::Response<Bytes>, String> {
    let uri: http::Uri = match endpoint {
        Endpoint::Http(url) => url.parse().map_err(|error| format!("{url}: {error}"))?,
        Endpoint::Direct(_) => http::Uri::from_static("/discord"),
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = http::Request::post(path)
        .header("user-agent", "Discord-Interactions/1.0 (+https://discord.com)");
    if let Some(authority) = uri.authority() {
        request = request.header("host", authority.as_str());
    }
    for (name, value) in &interaction.headers {
        request = request.header(name, value);
    }
    let request = request.body(interaction.body).map_err(|error| error.to_string())?;
    match endpoint {
        Endpoint::Http(_) => send_http(&uri, request).await,
        Endpoint::Direct(handler) => {
            // On a task of its own: that Discord hangs up does not end what the bot began.
            let answering = tokio::spawn(handler(request));
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
