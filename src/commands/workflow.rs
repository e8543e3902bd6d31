//! What every command with a workflow behind it shares: the options, the order, the dispatch, and the
//! wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use super::{Call, Completion, Plan, WindUp};
use crate::BoxFuture;
use crate::agents::options::{OptionKind, OptionSpec};
use crate::agents::{Agent, Workflow};
use crate::app::Deckhand;
use crate::deploy::conclusion::Conclusion;
use crate::deploy::correlation::{CorrelationId, Requester};
use crate::deploy::messages::Messages;
use crate::deploy::record::Record;
use crate::deploy::{self, Ended, Followed, Order, Report, Stage, Target};
use crate::discord::conversation::{Conversation, Finish};
use crate::edge::reply::Suggestion;
use crate::error::UserError;
use crate::github::Run;
use crate::store::DeployKey;
use crate::telemetry::{self, Deployed};
use crate::text::escape;

/// The options of an agent's command: its inputs, `wait` and `ref`.
pub fn options(agent: &Agent) -> Vec<OptionSpec> {
    let Some(workflow) = agent.workflow() else {
        return Vec::new();
    };
    let mut options: Vec<_> = workflow.inputs.iter().map(|input| input.option.clone()).collect();
    options.push(OptionSpec {
        name: "wait".to_owned(),
        description: "Follow the run and report how it ended (default: no)".to_owned(),
        required: false,
        kind: OptionKind::Boolean,
    });
    options.push(OptionSpec {
        name: "ref".to_owned(),
        description: "Branch or tag to run on (default: the agent's)".to_owned(),
        required: false,
        kind: match exact_refs(workflow) {
            Some(choices) => OptionKind::String { choices },
            None => OptionKind::Suggested,
        },
    });
    options
}

/// The allowed refs, if they are all plain names and Discord can show them as choices.
fn exact_refs(workflow: &Workflow) -> Option<Vec<String>> {
    let exact = workflow.allowed_refs.iter().map(|pattern| pattern.exact().map(str::to_owned));
    let exact: Vec<String> = exact.collect::<Option<_>>()?;
    (exact.len() <= 25 && exact.iter().all(|name| name.len() <= 100)).then_some(exact)
}

/// GitHub gets this long to suggest branches and tags.
const SUGGESTED_WITHIN: Duration = Duration::from_millis(1_500);

/// Suggests branches and tags: the plain names at once, what matches a pattern as GitHub has it.
pub async fn complete(completion: Completion) -> Vec<Suggestion> {
    let Completion { deckhand, agent, typed, .. } = completion;
    let Some(workflow) = agent.as_ref().and_then(Agent::workflow) else { return Vec::new() };
    let repository = workflow.repository.as_ref().unwrap_or(deckhand.github.default_repository());
    let plain = workflow.allowed_refs.iter().filter_map(|pattern| pattern.exact());
    let mut names: BTreeSet<String> = plain.map(str::to_owned).collect();
    let begins = workflow.allowed_refs.iter().filter_map(|pattern| pattern.prefix());
    let asked = begins.map(|prefix| {
        let prefix = if typed.starts_with(prefix) { &typed } else { prefix };
        deckhand.github.matching_refs(repository, prefix)
    });
    // What is known without GitHub is suggested also when GitHub is slow.
    for found in timeout(SUGGESTED_WITHIN, join_all(asked)).await.unwrap_or_default() {
        match found {
            Ok(found) => names.extend(found.into_iter().filter(|name| workflow.allows_ref(name))),
            Err(error) => tracing::warn!(%error, "branches and tags could not be suggested"),
        }
    }
    let typed = typed.to_lowercase();
    let fits = |name: &String| name.to_lowercase().contains(&typed);
    names.into_iter().filter(fits).map(Suggestion::from).collect()
}

/// What a command adds to the outcome of a run that has ended: whole lines of Markdown.
pub type Ending = fn(Arc<Deckhand>, Order, Run) -> BoxFuture<'static, Option<String>>;

/// Takes the interaction and dispatches; with `wait:true` follows the run. `inputs` are sent besides
/// those of the agent.
pub async fn start(
    call: Call,
    inputs: Vec<(&str, Value)>,
    ending: Option<Ending>,
) -> Result<Plan, UserError> {
    let deckhand = call.deckhand.clone();
    let mut order = parse(&call)?;
    order.inputs.extend(inputs.into_iter().map(|(name, value)| (name.to_owned(), value)));
    call.begin(&order).await?;
    if call.options.is_true("wait") {
        Ok(Plan::Defer(Box::new(move |conversation, wind_up| {
            Box::pin(async move { follow(deckhand, order, &conversation, wind_up, ending).await })
        })))
    } else {
        Ok(Plan::Race(Box::pin(async move { dispatch(&deckhand, &order).await })))
    }
}

/// What a call of an agent's command orders.
pub fn parse(call: &Call) -> Result<Order, UserError> {
    let deckhand = &call.deckhand;
    let agent = call.agent.as_ref().and_then(|agent| Some((agent, agent.workflow()?)));
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
        key: DeployKey { agent: agent.id.clone(), interaction_id: call.interaction_id },
        correlation_id: CorrelationId::of(call.interaction_id),
        requester: Requester::from(&call.caller),
    })
}

async fn dispatch(deckhand: &Deckhand, order: &Order) -> Finish {
    let messages = Messages::new(&deckhand.github, order, deckhand.wait.timeout);
    match dispatch_alone(deckhand, order).await {
        Ok(target) => messages.dispatched(target.as_ref()).into(),
        Err(ended) => messages.not_dispatched(ended).into(),
    }
}

/// Dispatches without a wait, and notes what came of it. `None`: GitHub did not name the run.
pub async fn dispatch_alone(deckhand: &Deckhand, order: &Order) -> Result<Option<Target>, Ended> {
    let started = deploy::start(&deckhand.github, order, deckhand.wait).await;
    let record = Record { store: deckhand.store.as_ref(), key: &order.key };
    let now = deckhand.clock.now();
    match &started {
        Ok(target) => {
            tracing::info!(
                correlation_id = %order.correlation_id,
                run_id = target.as_ref().map(|target| target.run_id),
                "dispatched"
            );
            telemetry::deployed(Deployed::dispatched(target.as_ref()));
            record.end(Conclusion::Dispatched, target.as_ref(), now).await;
        }
        Err(ended) => {
            let followed = Followed { stage: Stage::Dispatching, ended: ended.clone() };
            log_end(order, &followed);
            record.end(followed.conclusion(), None, now).await;
        }
    }
    started
}

async fn follow(
    deckhand: Arc<Deckhand>,
    order: Order,
    conversation: &Conversation,
    wind_up: WindUp,
    ending: Option<Ending>,
) -> Finish {
    let messages = Messages::new(&deckhand.github, &order, deckhand.wait.timeout);
    let record = Record { store: deckhand.store.as_ref(), key: &order.key };
    let report =
        Progress { messages: &messages, conversation, record: &record, noted: false.into() };
    // A dropped sender means the same: nobody will wait for us any more.
    let stop = wind_up.map(drop).shared();
    let followed =
        deploy::follow(&deckhand.github, &order, deckhand.wait, &report, stop.clone()).await;
    log_end(&order, &followed);
    let added = match (ending, followed.concluded()) {
        (Some(ending), Some(run)) => tokio::select! {
            added = ending(deckhand.clone(), order.clone(), run.clone()) => added,
            () = stop => None,
        },
        _ => None,
    };
    let finish = messages.finish(&followed, added.as_deref());
    match record.end(followed.conclusion(), followed.target(), deckhand.clock.now()).await {
        true => finish,
        false => Finish { follow_up: None, ..finish },
    }
}

/// Shows a deploy's progress in its conversation, and notes its run once.
struct Progress<'a> {
    messages: &'a Messages<'a>,
    conversation: &'a Conversation,
    record: &'a Record<'a>,
    noted: AtomicBool,
}

impl Report for Progress<'_> {
    async fn show(&self, stage: &Stage) {
        let show = self.messages.progress(stage);
        let show = self.conversation.show(&show);
        match stage {
            Stage::Following(target) if !self.noted.swap(true, Ordering::Relaxed) => {
                tokio::join!(show, self.record.note_run(target));
            }
            _ => show.await,
        }
    }
}

fn log_end(order: &Order, followed: &Followed) {
    telemetry::deployed(Deployed::from(followed));
    // What went wrong without a run is in the interaction's summary.
    if let Stage::Following(target) = &followed.stage {
        tracing::info!(
            correlation_id = %order.correlation_id,
            run_id = target.run_id,
            matched = target.matched.words(),
            conclusion = target.run.as_ref().and_then(|run| run.conclusion.as_deref()),
            "the deploy ended"
        );
    }
}
