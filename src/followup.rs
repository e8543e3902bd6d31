//! Work that may outlive its HTTP answer: raced against the three seconds, delivered by the
//! interaction's token if it comes later, and answered for when it panics or time runs out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use crate::BoxFuture;
use crate::app::Deckhand;
use crate::commands::WindUp;
use crate::deploy::correlation::CorrelationId;
use crate::discord::Message;
use crate::discord::conversation::{Conversation, Finish};
use crate::edge::budget;
use crate::edge::interaction::Command;
use crate::edge::reply::Reply;
use crate::tasks::Deadline;
use crate::telemetry;

/// Work that was told to wind up gets this share of what is left to return; the rest is for
/// delivering what it says.
const WIND_UP_SHARE: u32 = 4;

/// For delivering an answer when no deadline is set.
const DELIVERY: Duration = Duration::from_secs(120);

/// The same when the server shuts down.
const LAST_DELIVERY: Duration = Duration::from_secs(8);

/// The follow-up of one interaction.
pub struct FollowUp {
    deckhand: Arc<Deckhand>,
    command: Command,
    deadline: Option<Deadline>,
    private: bool,
}

impl FollowUp {
    /// The follow-up of this command.
    pub fn of(deckhand: &Arc<Deckhand>, command: Command, deadline: Option<Deadline>) -> Self {
        Self { deckhand: deckhand.clone(), command, deadline, private: false }
    }

    /// The same for the caller's eyes only, whatever is said and whenever.
    pub fn privately(self) -> Self {
        Self { private: true, ..self }
    }

    /// Answers with this message. One that comes with a file cannot be the HTTP answer (see
    /// `docs/decisions/0019`), so it is deferred and delivered right after.
    pub fn answer(self, message: Message) -> Reply {
        if !message.has_attachment() {
            return Reply::Message(message);
        }
        // What it is, is known by now, so that it is deferred for the right eyes.
        let conversation = self.conversation(message.is_ephemeral());
        let finish = Finish::from(message);
        let work = self.deckhand.tasks.spawn(std::future::ready(finish));
        let (wind_up, _) = oneshot::channel();
        self.deliver_later(work, conversation, wind_up)
    }

    /// Answers with the work's own message if it ends within the three seconds; if not, defers, and
    /// the same work goes on.
    pub async fn race(self, work: BoxFuture<'static, Finish>) -> Reply {
        let budget = budget::remaining(self.command.id, self.deckhand.clock.now());
        let mut work = self.deckhand.tasks.spawn(work.instrument(self.span()));
        match timeout(budget, &mut work).await {
            Ok(joined) => {
                // The answer itself notifies, so there is nothing to follow it up with.
                let message = self.finished(joined).message;
                let message = if self.private { message.privately() } else { message };
                self.answer(message)
            }
            Err(_) => {
                let (wind_up, _) = oneshot::channel();
                let conversation = self.conversation(self.private);
                self.deliver_later(work, conversation, wind_up)
            }
        }
    }

    /// Defers at once and starts the work.
    pub fn defer(
        self,
        work: Box<dyn FnOnce(Conversation, WindUp) -> BoxFuture<'static, Finish> + Send>,
    ) -> Reply {
        let conversation = self.conversation(self.private);
        let (wind_up, told) = oneshot::channel();
        let work = work(conversation.clone(), told).instrument(self.span());
        let work = self.deckhand.tasks.spawn(work);
        self.deliver_later(work, conversation, wind_up)
    }

    fn deliver_later(
        self,
        work: JoinHandle<Finish>,
        conversation: Conversation,
        wind_up: oneshot::Sender<()>,
    ) -> Reply {
        let span = self.span();
        let ephemeral = conversation.is_ephemeral();
        let tasks = self.deckhand.tasks.clone();
        tasks.spawn(self.deliver(work, conversation, wind_up).instrument(span));
        Reply::Deferred { ephemeral }
    }

    /// Waits for the work, at most until it must wind up, and delivers how it ended.
    async fn deliver(
        self,
        mut work: JoinHandle<Finish>,
        conversation: Conversation,
        wind_up: oneshot::Sender<()>,
    ) {
        let finish = tokio::select! {
            biased;
            joined = &mut work => self.finished(joined),
            () = self.deckhand.tasks.wind_up(self.deadline) => {
                // Work that does not listen has dropped its end; it is given up below.
                let _ = wind_up.send(());
                let left = self.end().saturating_duration_since(Instant::now());
                match timeout(left / WIND_UP_SHARE, &mut work).await {
                    Ok(joined) => self.finished(joined),
                    Err(_) => {
                        work.abort();
                        telemetry::failed(&"given up: its time was over");
                        self.apology("⏱️ Deckhand ran out of time before this was done.")
                    }
                }
            }
        };
        telemetry::follows_up();
        match timeout_at(self.end(), conversation.finish(&finish)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => telemetry::not_delivered("the answer", &error),
            Err(_) => telemetry::not_delivered("the answer", &"its time was over"),
        }
    }

    fn finished(&self, joined: Result<Finish, JoinError>) -> Finish {
        joined.unwrap_or_else(|error| {
            // The words of a panic are in the log already, with their place.
            telemetry::failed(&match error.is_panic() {
                true => "the work panicked",
                false => "the work was stopped",
            });
            self.apology(
                "💥 Deckhand has a fault and could not finish this. Its log has the details.",
            )
        })
    }

    fn apology(&self, what: &str) -> Finish {
        let id = CorrelationId::of(self.command.id);
        let text = format!(
            "{what} If it dispatched a workflow, the run goes on: look for it on GitHub before you try \
             again.\nCorrelation id `{id}`"
        );
        let user_id = self.command.caller.user_id;
        let follow_up = Message::public(&format!("<@{user_id}> {text}")).pinging(user_id);
        Finish { message: Message::public(&text), follow_up: Some(follow_up) }
    }

    /// When nothing can be delivered any more.
    fn end(&self) -> Instant {
        match self.deadline {
            Some(deadline) => deadline.end,
            None if self.deckhand.tasks.is_stopping() => Instant::now() + LAST_DELIVERY,
            None => Instant::now() + DELIVERY,
        }
    }

    fn conversation(&self, ephemeral: bool) -> Conversation {
        Conversation::new(self.deckhand.discord.clone(), self.command.token.clone(), ephemeral)
    }

    fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "follow-up",
            interaction_id = %self.command.id,
            command = self.command.name,
            correlation_id = %CorrelationId::of(self.command.id),
        )
    }
}
