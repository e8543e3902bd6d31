//! `/deploy-client` and every other agent of kind `deploy`: dispatches the agent's workflow; with
//! `wait:true` follows the run that came of it and reports how it ended.

use super::{Call, Command, Plan, Serves, WindUp};
use crate::agents::options::{OptionKind, OptionSpec};
use crate::agents::{Agent, Kind, Workflow};
use crate::app::Deckhand;
use crate::deploy::correlation::{CorrelationId, Requester};
use crate::deploy::messages::Messages;
use crate::deploy::{self, Followed, Order, Report, Stage};
use crate::discord::conversation::{Conversation, Finish};
use crate::edge::budget;
use crate::error::UserError;
use crate::text::escape;

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Agents { kind: |kind| matches!(kind, Kind::Deploy(_)), options },
    start: |call| Box::pin(start(call)),
};

fn workflow(agent: &Agent) -> Option<&Workflow> {
    match &agent.kind {
        Kind::Deploy(workflow) => Some(workflow),
        _ => None,
    }
}

fn options(agent: &Agent) -> Vec<OptionSpec> {
    let Some(workflow) = workflow(agent) else {
        return Vec::new();
    };
    let mut options: Vec<_> = workflow.inputs.iter().map(|input| input.option.clone()).collect();
    options.push(OptionSpec {
        name: "wait".to_owned(),
        description: "Follow the run and report how it ended (default: no)".to_owned(),
        required: false,
        kind: OptionKind::Boolean,
    });
    let exact: Option<Vec<String>> =
        (workflow.allowed_refs.iter()).map(|pattern| pattern.exact().map(str::to_owned)).collect();
    options.push(OptionSpec {
        name: "ref".to_owned(),
        description: "Branch or tag to deploy (default: the agent's)".to_owned(),
        required: false,
        // When every allowed ref is a plain name, and Discord can show them all, it offers them.
        kind: OptionKind::String {
            choices: exact
                .filter(|refs| refs.len() <= 25 && refs.iter().all(|name| name.len() <= 100))
                .unwrap_or_default(),
        },
    });
    options
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let deckhand = call.deckhand.clone();
    let order = parse(&call)?;
    if !deckhand.store.take_interaction(call.interaction_id).await {
        return Err(UserError::new(format!(
            "This command was taken already; it is not done twice. Correlation id `{}`",
            order.correlation_id
        )));
    }
    if call.options.is_true("wait") {
        Ok(Plan::Defer(Box::new(move |conversation, wind_up| {
            Box::pin(async move { follow(&deckhand, &order, &conversation, wind_up).await })
        })))
    } else {
        Ok(Plan::Race(Box::pin(async move { dispatch(&deckhand, &order).await })))
    }
}

fn parse(call: &Call) -> Result<Order, UserError> {
    let deckhand = &call.deckhand;
    let agent = call.agent.as_ref().and_then(|agent| Some((agent, workflow(agent)?)));
    let (agent, workflow) =
        agent.ok_or_else(|| UserError::new("This command has no workflow behind it."))?;
    let git_ref = call.options.text("ref").unwrap_or(&workflow.default_ref);
    if !workflow.allows_ref(git_ref) {
        let allowed: Vec<_> =
            workflow.allowed_refs.iter().map(|r| escape::code(&r.0, 100)).collect();
        return Err(UserError::new(format!(
            "Nothing was dispatched: {} may not be deployed by this command. Allowed: {}.",
            escape::code(git_ref, 100),
            allowed.join(", "),
        )));
    }
    let given = |input: &crate::agents::Input| {
        let value = call.options.get(&input.option.name)?;
        Some((input.input.clone(), value.to_input().into()))
    };
    let github_default = deckhand.github.default_repository();
    Ok(Order {
        title: agent.name.clone(),
        repository: workflow.repository.as_ref().unwrap_or(github_default).clone(),
        workflow: workflow.file.clone(),
        git_ref: git_ref.to_owned(),
        inputs: workflow.inputs.iter().filter_map(given).collect(),
        correlation_id: CorrelationId::of(call.interaction_id),
        requester: Requester::from(&call.caller),
        was_elsewhere: deploy::was_elsewhere(
            budget::created_at(call.interaction_id),
            deckhand.started_at,
            deckhand.clock.now(),
        ),
    })
}

async fn dispatch(deckhand: &Deckhand, order: &Order) -> Finish {
    let messages = Messages::new(&deckhand.github, order, deckhand.wait.timeout);
    match deploy::start(&deckhand.github, order, deckhand.wait).await {
        Ok(target) => {
            tracing::info!(
                correlation_id = %order.correlation_id,
                run_id = target.as_ref().map(|target| target.run_id),
                "dispatched"
            );
            messages.dispatched(target.as_ref()).into()
        }
        Err(ended) => {
            log_end(order, &Followed { stage: Stage::Dispatching, ended: ended.clone() });
            messages.not_dispatched(ended).into()
        }
    }
}

async fn follow(
    deckhand: &Deckhand,
    order: &Order,
    conversation: &Conversation,
    wind_up: WindUp,
) -> Finish {
    let messages = Messages::new(&deckhand.github, order, deckhand.wait.timeout);
    let report = Progress { messages: &messages, conversation };
    let stop = async {
        // A dropped sender means the same: nobody will wait for us any more.
        let _ = wind_up.await;
    };
    let followed = deploy::follow(&deckhand.github, order, deckhand.wait, &report, stop).await;
    log_end(order, &followed);
    messages.finish(&followed)
}

/// Shows a deploy's progress in its conversation.
struct Progress<'a> {
    messages: &'a Messages<'a>,
    conversation: &'a Conversation,
}

impl Report for Progress<'_> {
    async fn show(&self, stage: &Stage) {
        self.conversation.show(&self.messages.progress(stage)).await;
    }
}

fn log_end(order: &Order, Followed { stage, ended }: &Followed) {
    let target = match stage {
        Stage::Following(target) => Some(target),
        _ => None,
    };
    let conclusion = target.and_then(|t| t.run.as_ref()?.conclusion.as_deref());
    tracing::info!(
        correlation_id = %order.correlation_id,
        run_id = target.map(|target| target.run_id),
        matched = target.map(|target| target.matched.words()),
        conclusion,
        ended = ?ended,
        "the deploy ended"
    );
}
