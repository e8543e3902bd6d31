//! Takes an interaction for its one and only handling, whatever is replayed.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::command::Call;
use crate::deploy::Order;
use crate::discord::InteractionId;
use crate::store::{Begun, Deploy, DeployState, StoreError};
use crate::telemetry;
use crate::text::{UserError, escape, time};

impl Call {
    /// Takes the interaction for its one and only handling; to be called before anything is changed
    /// anywhere.
    pub async fn take(&self) -> Result<(), UserError> {
        if self.decided(self.context.store.take_interaction(self.id)).await? {
            Ok(())
        } else {
            Err(taken(self.id, ""))
        }
    }

    /// The same for what is going to dispatch a workflow: it is remembered as pending.
    pub async fn begin(&self, order: &Order) -> Result<(), UserError> {
        let deploy = Deploy {
            key: order.key.clone(),
            requester: order.requester.to_input(),
            began_at: self.context.clock.now(),
            run_page: None,
            state: DeployState::Pending,
        };
        match self.decided(self.context.store.begin_deploy(&deploy)).await? {
            Begun::Now => Ok(()),
            Begun::Before(deploy) => Err(taken(self.id, &standing(&deploy))),
        }
    }

    /// What the store decides, within what is left of the three seconds. When it cannot, nothing may
    /// be done: it could be done twice.
    async fn decided<T>(
        &self,
        decision: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, UserError> {
        let time_left = self.id.time_left(self.context.clock.now());
        let why = match timeout(time_left.max(LEAST_FOR_THE_STORE), decision).await {
            Ok(Ok(decided)) => return Ok(decided),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the table (`TABLE_NAME`) does not answer in time".to_owned(),
        };
        let logged = format!("the store cannot decide: {why}");
        // No fault of the user's, so it counts as failed, not only as refused.
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

/// The store gets this long also when the three seconds are spent.
const LEAST_FOR_THE_STORE: Duration = Duration::from_secs(1);

fn taken(id: InteractionId, standing: &str) -> UserError {
    UserError::new(format!(
        "This command was taken already; it is not done twice.{standing} Correlation id `{}`",
        id.correlation_id()
    ))
}

/// How a deploy stands that was begun before. Of one that is pending nobody knows whether the process
/// that began it is still there, so it says since when.
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
