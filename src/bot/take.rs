//! Idempotency: an interaction that Discord or an attacker replays is handled only once.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::timeout;

use super::command::Call;
use crate::deploy::Order;
use crate::deploy::record::{self, Begun, Deploy, DeployState};
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

    /// Like [`take`](Self::take), for a dispatch: also records the deploy as pending, and in the summary line
    /// what it was given.
    pub async fn begin(&self, order: &Order) -> Result<(), UserError> {
        let inputs = order.given.iter().map(|one| (one.name.as_str(), one.value.as_str()));
        telemetry::given(Some(&order.git_ref), inputs);
        let deploy = Deploy {
            key: order.key.clone(),
            requester: order.requester.to_input(),
            began_at: self.context.clock.now(),
            run_page: None,
            state: DeployState::Pending,
        };
        match self.decided(record::begin(self.context.store.as_ref(), &deploy)).await? {
            Begun::Now => Ok(()),
            Begun::Before(deploy) => Err(taken(self.id, &standing(&deploy))),
        }
    }

    /// The store's decision, within the rest of the three seconds. Without a decision the command fails
    /// closed: a replay could run it twice.
    async fn decided<T>(
        &self,
        decision: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, UserError> {
        let time_left = self.id.time_left(self.context.clock.now());
        let why = match timeout(time_left.max(LEAST_FOR_THE_STORE), decision).await {
            Ok(Ok(decided)) => return Ok(decided),
            Ok(Err(StoreError::NotSetUp(problem))) => {
                telemetry::failed(&problem);
                return Err(UserError {
                    shown: format!("Nothing was done. To fix by whoever runs Deckhand: {problem}."),
                    logged: problem,
                });
            }
            Ok(Err(StoreError::Unusable(why))) => why,
            Err(_) => {
                "the store (`TABLE_NAME`, or the `DATA_FILE` of `serve`) does not answer in time"
                    .to_owned()
            }
        };
        let logged = format!("the store cannot decide: {why}");
        // Not the user's fault, so it counts as failed, not as refused.
        telemetry::failed(&logged);
        Err(UserError {
            shown: format!(
                "Nothing was done, because Deckhand cannot tell whether this command was taken before: {why}. \
                 Try again in a minute."
            ),
            logged,
        })
    }
}

/// How long an interaction that was taken is remembered. Discord's signatures expire after five minutes, so
/// replays stop long before this.
const KEPT: TimeDelta = TimeDelta::days(1);

/// The least timeout for the store, even if the three seconds are over.
const LEAST_FOR_THE_STORE: Duration = Duration::from_secs(1);

fn taken(id: InteractionId, standing: &str) -> UserError {
    UserError::new(format!(
        "This command was taken already; it is not done twice.{standing} Correlation id `{}`",
        id.correlation_id()
    ))
}

/// The state of a deploy that an earlier delivery began. The process behind a pending deploy may be
/// dead, so the text says when it began.
fn standing(deploy: &Deploy) -> String {
    let began = time::moment(deploy.began_at);
    let state = match (&deploy.state, &deploy.run_page) {
        (DeployState::Ended(outcome), _) => {
            format!("It ended: {}", escape::code(&outcome.word, 40))
        }
        (DeployState::Pending, Some(_)) => format!("It is under way since {began}"),
        (DeployState::Pending, None) => {
            format!(
                "It was begun {began}, and no run of it is known: look on GitHub before you try again"
            )
        }
    };
    let run = deploy.run_page.as_ref().map(|page| format!(" · {}", escape::link("Its run", page)));
    format!(" {state}{}.", run.unwrap_or_default())
}
