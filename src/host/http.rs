//! The bot's HTTP interface and its scheduled work: the same on Lambda and in `deckhand serve`.

mod answers;
mod webhook;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::VerifyingKey;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use self::answers::{MIB, answer, error, not_allowed, nothing_here};
pub use self::answers::{busy, fault, too_large, too_slow, unreadable};
use crate::bot::authorize::Access;
use crate::bot::tasks::Deadline;
use crate::clock::Clock;
use crate::commands::router::Router;
use crate::deploy::sweep::Swept;
use crate::discord::Message;
use crate::discord::interaction::{self, Caller, Interaction, Malformed};
use crate::discord::reply::Reply;
use crate::discord::signature::verify;
use crate::schedule::{self, Done, NotDone, Schedule};
use crate::telemetry::{self, About, Event, Sink, Telemetry};
use crate::text::UserError;

/// The largest body that is accepted at this path. Discord's are a few kilobytes.
pub(crate) fn max_body_bytes(path: &str) -> usize {
    if path == crate::github::webhook::PATH { webhook::MAX_BODY_BYTES } else { MIB }
}

/// A sweep comes every minute.
const OVERTAKEN: TimeDelta = TimeDelta::minutes(3);

/// When the request reached AWS, by AWS's own clock: an extension of the request. Ours may be off.
#[derive(Debug, Clone, Copy)]
pub struct Received(pub DateTime<Utc>);

/// Answers HTTP requests and scheduled events.
#[derive(Clone)]
pub struct App {
    public_key: VerifyingKey,
    clock: Arc<dyn Clock>,
    bot: Bot,
}

#[derive(Clone)]
enum Bot {
    Ready(Arc<Router>),
    /// The settings or the agents are not valid. Commands are answered with the problems.
    NotSetUp(Arc<NotSetUp>),
}

struct NotSetUp {
    /// A Markdown list without values.
    problems: String,
    /// Who may command the bot; `None` if these settings are not valid either.
    access: Option<Access>,
    /// Whether a secret of GitHub's webhooks is set.
    has_webhook: bool,
    telemetry: Telemetry,
}

impl App {
    /// An app for a bot that is set up.
    pub fn new(public_key: VerifyingKey, clock: Arc<dyn Clock>, router: Router) -> Self {
        Self { public_key, clock, bot: Bot::Ready(router.into()) }
    }

    /// An app for a bot that is not set up: PING works, and every command is answered with the problems.
    /// `problems` is a Markdown list without values. With `access` they are told in its servers only. With a
    /// secret of GitHub's webhooks set (`has_webhook`) deliveries get a 503.
    pub fn not_set_up(
        public_key: VerifyingKey,
        clock: Arc<dyn Clock>,
        problems: String,
        access: Option<Access>,
        has_webhook: bool,
        telemetry: Arc<dyn Sink>,
    ) -> Self {
        let telemetry = Telemetry::new(telemetry, clock.clone());
        let bot = Bot::NotSetUp(Arc::new(NotSetUp { problems, access, has_webhook, telemetry }));
        Self { public_key, clock, bot }
    }

    /// The clock that everything here goes by.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// Answers one request. The answer to HEAD has the body of GET, which the host must not send. Work that
    /// takes longer goes on as a task until `deadline`.
    pub async fn handle(
        &self,
        request: Request<Bytes>,
        deadline: Option<Deadline>,
    ) -> Response<Bytes> {
        match (request.uri().path(), request.method()) {
            (interaction::PATH, &Method::POST) => self.discord(request, deadline).await,
            (interaction::PATH, _) => not_allowed("POST"),
            ("/health", &Method::GET | &Method::HEAD) => {
                let version = env!("CARGO_PKG_VERSION");
                answer(StatusCode::OK, &json!({"status": "ok", "version": version}))
            }
            ("/health", _) => not_allowed("GET, HEAD"),
            (crate::github::webhook::PATH, _) => self.webhook(request, deadline).await,
            _ => nothing_here(),
        }
    }

    /// Writes the summaries of interactions.
    pub fn telemetry(&self) -> &Telemetry {
        match &self.bot {
            Bot::Ready(router) => &router.context.telemetry,
            Bot::NotSetUp(bot) => &bot.telemetry,
        }
    }

    /// Does the work of a scheduled event and returns when it is done. Such events do not come over HTTP.
    pub async fn scheduled(
        &self,
        schedule: Schedule,
        deadline: Option<Deadline>,
    ) -> Result<Done, NotDone> {
        match &self.bot {
            Bot::Ready(router) => schedule::run(&router.context, schedule, deadline).await,
            Bot::NotSetUp(bot) => schedule::not_set_up(&bot.telemetry, &bot.problems).await,
        }
    }

    /// Acts for the deploys that are due.
    pub async fn sweep(&self, deadline: Option<Deadline>) -> Swept {
        match &self.bot {
            Bot::Ready(router) => schedule::sweep::run(&router.context, deadline).await,
            Bot::NotSetUp(_) => Swept::default(),
        }
    }

    /// The same for an event that was due then. One that waited in Lambda's queue was overtaken by others.
    pub async fn sweep_that_was_due(
        &self,
        due: Option<DateTime<Utc>>,
        deadline: Option<Deadline>,
    ) -> Swept {
        if due.is_some_and(|due| self.clock.now() - due > OVERTAKEN) {
            return Swept::default();
        }
        self.sweep(deadline).await
    }

    /// Acts for deploys that are due whenever they are: a task of a server's, until it shuts down.
    pub async fn sweep_for_ever(&self) {
        if let Bot::Ready(router) = &self.bot {
            schedule::sweep::for_ever(&router.context).await;
        }
    }

    async fn discord(
        &self,
        request: Request<Bytes>,
        deadline: Option<Deadline>,
    ) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let limit = max_body_bytes(parts.uri.path());
        if body.len() > limit {
            return too_large(limit);
        }
        let received = parts.extensions.get::<Received>().map(|received| received.0);
        let now = received.unwrap_or_else(|| self.clock.now());
        let body = match verify(&parts.headers, body, &self.public_key, now) {
            Ok(body) => body,
            Err(why) => {
                tracing::warn!(%why, "not signed by Discord");
                return error(StatusCode::UNAUTHORIZED, "invalid request signature");
            }
        };
        let reply = match interaction::parse(&body) {
            Ok(mut interaction) => {
                match &mut interaction {
                    Interaction::Command(invocation) => invocation.received_at = received,
                    Interaction::Click(click) => click.received_at = received,
                    Interaction::Ping | Interaction::Autocomplete(_) | Interaction::Other => {}
                }
                self.reply(interaction, deadline).await
            }
            Err(why @ Malformed::NotAnInteraction) => {
                tracing::warn!(%why, "malformed");
                return error(StatusCode::BAD_REQUEST, "the body is not an interaction");
            }
            Err(why) => {
                tracing::warn!(%why, "malformed");
                Reply::Message(Message::private(&format!("⚠️ Deckhand cannot read this: {why}.")))
            }
        };
        answer(StatusCode::OK, &reply.to_json())
    }

    /// Without a secret there is no such route.
    async fn webhook(
        &self,
        request: Request<Bytes>,
        deadline: Option<Deadline>,
    ) -> Response<Bytes> {
        let is_set = match &self.bot {
            Bot::Ready(router) => router.context.webhook.are_set(),
            Bot::NotSetUp(bot) => bot.has_webhook,
        };
        if !is_set {
            return nothing_here();
        }
        if request.method() != Method::POST {
            return not_allowed("POST");
        }
        match &self.bot {
            Bot::Ready(router) => webhook::receive(&router.context, request, deadline).await,
            Bot::NotSetUp(_) => {
                error(StatusCode::SERVICE_UNAVAILABLE, "Deckhand is not set up yet")
            }
        }
    }

    async fn reply(&self, interaction: Interaction, deadline: Option<Deadline>) -> Reply {
        let bot = match &self.bot {
            Bot::Ready(router) => return router.answer(interaction, deadline).await,
            Bot::NotSetUp(bot) => bot,
        };
        let about = match &interaction {
            Interaction::Command(invocation) => {
                invocation.about(Event::Command, false, self.clock.now())
            }
            _ => About::default(),
        };
        let answered = async {
            let reply = match interaction {
                Interaction::Ping => Reply::Pong,
                Interaction::Autocomplete(_) => Reply::Choices(Vec::new()),
                Interaction::Command(invocation) => bot.explain(Some(&invocation.caller)),
                Interaction::Click(click) => bot.explain(Some(&click.caller)),
                Interaction::Other => bot.explain(None),
            };
            telemetry::answered(reply.name());
            reply
        };
        bot.telemetry.scope(about, answered).await
    }
}

impl NotSetUp {
    /// The problems, or why they are not told where the caller is.
    fn explain(&self, caller: Option<&Caller>) -> Reply {
        if let (Some(access), Some(caller)) = (&self.access, caller)
            && let Err(refusal) = access.decide_place(caller)
        {
            let error = UserError::from(refusal);
            telemetry::refused(&error);
            return Reply::Message(Message::private(&error.text()));
        }
        telemetry::failed(&"not set up");
        Reply::Message(Message::private(&match caller {
            None if self.access.is_some() => {
                "⚠️ Deckhand is not set up yet, so nothing was done.".to_owned()
            }
            _ => format!(
                "⚠️ Deckhand is not set up yet, so nothing was done. To fix by whoever runs it:\n{}",
                self.problems
            ),
        }))
    }
}
