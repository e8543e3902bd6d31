//! *Refresh*: looks at the run now, and brings the message up to date.

use super::Clicked;
use crate::bot::Plan;
use crate::deploy::{self, Event};
use crate::text::UserError;

pub(super) async fn start(clicked: Clicked) -> Result<Plan, UserError> {
    let deploy = clicked.deploy_in_time().await?.deploy;
    let Clicked { context, deadline, .. } = clicked;
    Ok(Plan::Unchanged(Box::pin(async move {
        let stop = context.tasks.wind_up(deadline);
        let look = vec![Event::Refresh];
        if let Err(error) = deploy::learn(context.deploys(), &deploy.order.key, look, stop).await {
            tracing::warn!(%error, "a deploy could not be refreshed");
        }
    })))
}
