//! Idempotency: an interaction that Discord or an attacker replays is handled only once.

use super::command::Call;
use chrono::TimeDelta;
use uuid::Uuid;

use super::context::Context;
use crate::deploy::stored::{Entry, State, Stored, entry};
use crate::deploy::{self, Begun, Deploy, DeployKey, Mandate, Order, Place, begin};
use crate::discord::InteractionId;
use crate::store::{Body, Key, StoreError, put_first};
use crate::telemetry;
use crate::text::{UserError, escape, time};

impl Call {
    /// Claims the interaction, so that a replay of it is refused. Call this before the first change
    /// anywhere.
    pub async fn take(&self) -> Result<(), UserError> {
        let store = self.context.store.as_ref();
        let key = Key::new(format!("interaction#{}", self.id), "interaction");
        let expires_at = self.context.clock.now() + KEPT;
        if self.decided(put_first(store, key, Body::new(), expires_at)).await? {
            Ok(())
        } else {
            Err(taken(self.id, ""))
        }
    }

    /// Like [`take`](Self::take), for a dispatch: also stores the deploy as requested, and notes in the summary
    /// line what it was given. `place`: where it is shown; `waits`: whether the requester waits for its outcome.
    pub async fn begin(
        &self,
        order: Order,
        place: Option<Place>,
        waits: bool,
    ) -> Result<BegunDeploy, UserError> {
        if self.is_dead {
            return Err(self.too_late(&order.key).await);
        }
        let inputs = order.given.iter().map(|one| (one.name.as_str(), one.value.as_str()));
        telemetry::given(Some(&order.git_ref), inputs);
        let now = self.context.clock.now();
        let deploy = Deploy::requested(order, place, waits, self.context.wait.timeout, now);
        match self.decided(begin(self.context.store.as_ref(), deploy)).await? {
            Begun::Now { stored, me } => Ok(BegunDeploy { stored: *stored, me }),
            Begun::Before(deploy) => Err(taken(self.id, &standing(&deploy))),
        }
    }

    /// What is said to an interaction that Discord has given up: a replay, or one that was held up on its way.
    async fn too_late(&self, key: &DeployKey) -> UserError {
        match self.decided(entry(self.context.store.as_ref(), key)).await {
            Ok(Some(deploy)) => taken(self.id, &standing(&deploy)),
            Ok(None) => UserError::new(
                "Not started: this command reached Deckhand after Discord's three seconds. Type it again.",
            ),
            Err(error) => error,
        }
    }

    /// Where this command was typed.
    pub fn place(&self) -> Place {
        Place::of(&self.caller, self.token.clone(), self.context.discord.has_bot_token())
    }

    /// The store's decision, within the rest of the three seconds. Without a decision the command fails
    /// closed: a replay could run it twice.
    async fn decided<T>(
        &self,
        decision: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, UserError> {
        let why = match self.answer_by.hold(decision).await {
            Some(Ok(decided)) => return Ok(decided),
            Some(Err(StoreError::NotSetUp(problem))) => {
                telemetry::failed(&problem);
                return Err(UserError {
                    shown: format!("Nothing was done. To fix by whoever runs Deckhand: {problem}."),
                    logged: problem,
                });
            }
            Some(Err(StoreError::Wrong(why))) => (why, "Whoever runs Deckhand has to mend that."),
            Some(Err(StoreError::Unusable(why))) => (why, "Try again in a minute."),
            None => {
                let late = "the store (`TABLE_NAME`, or the `DATA_FILE` of `serve`) does not answer in time";
                (late.to_owned(), "Try again in a minute.")
            }
        };
        let (why, then) = why;
        let logged = format!("the store cannot decide: {why}");
        // Not the user's fault, so it counts as failed, not as refused.
        telemetry::failed(&logged);
        Err(UserError {
            shown: format!(
                "Nothing was done, because Deckhand cannot tell whether this command was taken before: {why}. {then}"
            ),
            logged,
        })
    }
}

/// How long an interaction that was taken is remembered. Discord's signatures expire after five minutes, so
/// replays stop long before this.
const KEPT: TimeDelta = TimeDelta::days(1);

fn taken(id: InteractionId, standing: &str) -> UserError {
    UserError::new(format!(
        "This command was taken already; it is not done twice.{standing} Correlation id `{}`",
        id.correlation_id()
    ))
}

/// A deploy that was stored as requested. Whoever has this acts for it.
pub struct BegunDeploy {
    stored: Stored,
    me: Uuid,
}

impl BegunDeploy {
    /// Its key in the store.
    pub(crate) fn key(&self) -> &DeployKey {
        &self.stored.deploy.order.key
    }

    /// Acts for the deploy as far as the mandate goes, or until `stop`. Returns how it then stands.
    pub(crate) async fn go_on(
        self,
        context: &Context,
        mandate: Mandate,
        stop: impl Future<Output = ()> + Send,
    ) -> Deploy {
        deploy::go_on(context.deploys(), self.stored, self.me, mandate, stop).await
    }
}

/// How a deploy stands that an earlier delivery began.
fn standing(deploy: &Entry) -> String {
    let began = time::moment(deploy.began_at);
    let state = match (&deploy.state, &deploy.run_page) {
        (State::Ended { word, .. }, _) => format!("It ended: {}", escape::code(word, 40)),
        (State::Open { .. }, _) => format!("It is under way since {began}"),
        (State::Forgotten, Some(_)) => format!("It was begun {began}"),
        (State::Forgotten, None) => {
            format!(
                "It was begun {began}, and no run of it is known: look on GitHub before you try again"
            )
        }
    };
    let run = deploy.run_page.as_ref().map(|page| format!(" · {}", escape::link("Its run", page)));
    format!(" {state}{}.", run.unwrap_or_default())
}
