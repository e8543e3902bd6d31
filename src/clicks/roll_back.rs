//! *Roll back*: asks whether it is meant, and then deploys what was deployed before.

use chrono::{DateTime, TimeDelta, Utc};

use super::Clicked;
use crate::agents::options::Options;
use crate::bot::roll_back::{By, question, start as begin};
use crate::bot::steer::Steered;
use crate::bot::{Call, Plan};
use crate::discord::{InteractionId, Message};
use crate::text::UserError;

/// How long a question can be answered. What it shows may not hold for ever.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// Shows which commit it would be, and what would be undone.
pub(super) fn ask(clicked: Clicked) -> Plan {
    Plan::privately(async move {
        let steered = clicked.deploy().await?;
        let by = By { caller: &clicked.click.caller, id: clicked.click.id };
        question(&clicked.context, by, steered).await
    })
}

/// It was confirmed.
pub(super) async fn start(clicked: Clicked) -> Result<Plan, UserError> {
    let asked_at = asked_at(&clicked)?;
    if clicked.context.clock.now() - asked_at > ANSWERED_WITHIN {
        return Err(UserError::new(
            "Nothing was done: this question is more than 15 minutes old. Press *Roll back* again, and see what it \
             would be now.",
        ));
    }
    let Steered { deploy, agent } = clicked.deploy_in_time().await?;
    let Clicked { context, click, answer_by, deadline, .. } = clicked;
    let call = Call {
        context,
        table: &[],
        agent,
        id: click.id,
        is_dead: click.is_dead(),
        token: click.token,
        caller: click.caller,
        options: Options::default(),
        answer_by,
        deadline,
    };
    begin(call, deploy, asked_at).await
}

/// It is not meant. Nothing is looked up, as nothing is done.
pub(super) fn dismiss(clicked: &Clicked) -> Result<Plan, UserError> {
    asked_at(clicked)?;
    Ok(Plan::Update(Message::private("Nothing was rolled back.")))
}

/// When the question was asked that the click answers. Only whoever was asked answers it.
fn asked_at(clicked: &Clicked) -> Result<DateTime<Utc>, UserError> {
    let Clicked { click, .. } = clicked;
    let question = click.message.as_ref().filter(|message| message.is_ephemeral());
    let question = question.filter(|message| message.asked_by == Some(click.caller.user_id));
    let question = question.ok_or_else(|| {
        UserError::new(
            "Nothing was done: only whoever pressed *Roll back* can answer that question.",
        )
    })?;
    Ok(InteractionId(question.id).created_at())
}
