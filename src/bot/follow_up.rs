//! Work that may take longer than Discord's three seconds for an HTTP answer.
//!
//! A late result is delivered through the interaction's token. If the work panics or times out, the
//! user gets an apology instead.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::Instrument;

use super::command::WindUp;
use super::context::Context;
use super::tasks::Deadline;
use crate::discord::interaction::Invocation;
use crate::discord::reply::Reply;
use crate::discord::{Conversation, FinalReply, Message};
use crate::telemetry;

/// After the wind-up signal, work gets a quarter of the remaining time to return. The rest is for
/// delivering its message.
const WIND_UP_SHARE: u32 = 4;

/// Delivery is tried at least this long, even if the token seems dead: Discord's clock may be behind ours.
const LEAST_DELIVERY: Duration = Duration::from_secs(10);

/// The HTTP answer has this head start: Discord refuses an edit that comes before it (404), and the next try is later
/// than this.
const ANSWER_FIRST: Duration = Duration::from_millis(200);

/// Timeout for delivering an answer while the server shuts down.
const LAST_DELIVERY: Duration = Duration::from_secs(8);

/// The follow-up of one interaction.
pub(crate) struct FollowUp {
    context: Arc<Context>,
    invocation: Invocation,
    deadline: Option<Deadline>,
    private: bool,
}

impl FollowUp {
    pub(crate) fn of(
        context: &Arc<Context>,
        invocation: Invocation,
        deadline: Option<Deadline>,
    ) -> Self {
        Self { context: context.clone(), invocation, deadline, private: false }
    }

    /// Makes every message of this follow-up ephemeral.
    pub(crate) fn privately(self) -> Self {
        Self { private: true, ..self }
    }

    /// Answers with this message. A message with an attachment cannot be the HTTP answer (see
    /// docs/decisions/0019-a-message-with-a-file-is-never-the-http-answer.md). So the answer is deferred, and
    /// the message is delivered right after.
    pub(crate) fn answer(self, message: Message) -> Reply {
        if !message.has_attachment() {
            return Reply::Message(message);
        }
        // The message is known, so the deferral can be ephemeral exactly when the message is.
        let conversation = self.conversation(message.is_ephemeral());
        let reply = FinalReply::from(message);
        let work = self.context.tasks.spawn(std::future::ready(reply));
        self.deliver_later(work, conversation)
    }

    /// Answers with the work's message if the work ends within the three seconds. If not, defers the
    /// answer, and the same work goes on.
    pub(crate) async fn race(self, work: BoxFuture<'static, FinalReply>) -> Reply {
        let time_left = self.invocation.id.time_left(self.context.clock.now());
        let mut work = self.context.tasks.spawn(work.instrument(self.span()));
        match timeout(time_left, &mut work).await {
            Ok(joined) => {
                // The answer itself notifies the user, so no follow-up message is needed.
                let message = self.finished(joined).message;
                let message = if self.private { message.privately() } else { message };
                self.answer(message)
            }
            Err(_) => {
                let conversation = self.conversation(self.private);
                self.deliver_later(work, conversation)
            }
        }
    }

    /// Defers at once and starts the work, which says everything else itself.
    pub(crate) fn defer(
        self,
        work: Box<dyn FnOnce(WindUp) -> BoxFuture<'static, ()> + Send>,
    ) -> Reply {
        let (wind_up, signal) = oneshot::channel();
        let span = self.span();
        let work = async move {
            sleep(ANSWER_FIRST).await;
            work(signal).await;
        };
        let work = self.context.tasks.spawn(work.instrument(span.clone()));
        let tasks = self.context.tasks.clone();
        tasks.spawn(self.watch(work, wind_up).instrument(span));
        Reply::Deferred { ephemeral: false }
    }

    /// Tells work to wind up in time, and ends it when the time is over: no work thaws in a later invocation.
    async fn watch(self, mut work: JoinHandle<()>, wind_up: oneshot::Sender<()>) {
        let joined = tokio::select! {
            biased;
            joined = &mut work => joined,
            () = self.context.tasks.wind_up(self.deadline) => {
                let _ = wind_up.send(());
                match timeout_at(self.end(), &mut work).await {
                    Ok(joined) => joined,
                    Err(_) => {
                        work.abort();
                        return telemetry::failed(&"given up: its time was over");
                    }
                }
            }
        };
        if joined.is_err() {
            // The panic's message and location are already in the log.
            telemetry::failed(&"the work panicked");
        }
    }

    fn deliver_later(self, work: JoinHandle<FinalReply>, conversation: Conversation) -> Reply {
        let span = self.span();
        let ephemeral = conversation.is_ephemeral();
        let tasks = self.context.tasks.clone();
        tasks.spawn(self.deliver(work, conversation).instrument(span));
        Reply::Deferred { ephemeral }
    }

    /// Waits for the work until it ends or its time is over, then delivers its result.
    async fn deliver(self, work: JoinHandle<FinalReply>, conversation: Conversation) {
        let (reply, end) = self.done(work).await;
        telemetry::follows_up();
        tokio::select! {
            biased;
            finished = conversation.finish(&reply, end) => match finished {
                Ok(()) => {}
                Err(error) => telemetry::not_delivered("the answer", &error),
            },
            () = self.time_is_over(end) => {
                telemetry::not_delivered("the answer", &"its time was over");
            }
        }
    }

    /// The result of the work, and the latest moment to deliver it.
    async fn done(&self, mut work: JoinHandle<FinalReply>) -> (FinalReply, Instant) {
        tokio::select! {
            biased;
            joined = &mut work => return (self.finished(joined), self.end()),
            () = self.context.tasks.wind_up(self.deadline) => {}
        }
        let end = self.end();
        let left = end.saturating_duration_since(Instant::now());
        let reply = match timeout(left / WIND_UP_SHARE, &mut work).await {
            Ok(joined) => self.finished(joined),
            Err(_) => {
                work.abort();
                telemetry::failed(&"given up: its time was over");
                self.apology("⏱️ Deckhand ran out of time before this was done.")
            }
        };
        (reply, end)
    }

    fn finished(&self, joined: Result<FinalReply, JoinError>) -> FinalReply {
        joined.unwrap_or_else(|error| {
            // The panic's message and location are already in the log.
            let panicked = error.is_panic();
            telemetry::failed(if panicked {
                &"the work panicked"
            } else {
                &"the work was stopped"
            });
            self.apology(
                "💥 Deckhand has a fault and could not finish this. Its log has the details.",
            )
        })
    }

    fn apology(&self, what: &str) -> FinalReply {
        let id = self.invocation.id.correlation_id();
        let text = format!(
            "{what} If it started a workflow, the run goes on: look for it on GitHub before you try \
             again."
        );
        let user_id = self.invocation.caller.user_id;
        let follow_up = Message::public(&format!("<@{user_id}> {text}")).pinging(user_id);
        let message = Message::public(&format!("{text}\n-# Correlation id `{id}`"));
        FinalReply { message, follow_up: Some(follow_up) }
    }

    /// The latest moment to deliver anything: the token's end, or the invocation's, or the server's.
    fn end(&self) -> Instant {
        let token_left = self.invocation.id.token_left(self.context.clock.now());
        let end = Instant::now() + token_left.max(LEAST_DELIVERY);
        match self.deadline {
            Some(deadline) => end.min(deadline.end),
            None if self.context.tasks.is_stopping() => end.min(Instant::now() + LAST_DELIVERY),
            None => end,
        }
    }

    /// Resolves when nothing can be delivered any more, also if the server shuts down meanwhile.
    async fn time_is_over(&self, end: Instant) {
        let stopped = async {
            self.context.tasks.wind_up(None).await;
            sleep(LAST_DELIVERY).await;
        };
        tokio::select! {
            () = sleep_until(end) => {}
            () = stopped => {}
        }
    }

    fn conversation(&self, ephemeral: bool) -> Conversation {
        Conversation::new(self.context.discord.clone(), &self.invocation, ephemeral)
    }

    fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "follow-up",
            interaction_id = %self.invocation.id,
            command = self.invocation.name,
            correlation_id = %self.invocation.id.correlation_id(),
        )
    }
}
