//! `/agents`: lists the agents, their commands and who may use them, and how each stands.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::agents::{Agent, NONE_REPORTED, Registry, Rule, Watch};
use crate::bot::authorize::{AccessLevel, mentions};
use crate::bot::command::{Served, served};
use crate::bot::{Call, Command, Context, Plan, Serves};
use crate::deploy::stored::{Entry, latest};
use crate::discord::Message;
use crate::discord::message::fits;
use crate::github::explain::inactive;
use crate::github::words::{conclusion, running};
use crate::github::{GithubError, Run};
use crate::history::message::in_words;
use crate::text::{UserError, escape, time};

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "agents",
        description: "Lists what this bot can do: its agents, their commands, and how each stands",
        access: AccessLevel::Agent,
        options: Vec::new,
    },
    // Without it, what GitHub would tell is not known.
    needs: &[],
    start: |call| Box::pin(start(call)),
    complete: None,
};

/// What an agent is.
const DEFINITION: &str =
    "-# An agent is one slash command for one workflow on GitHub. It has nothing to do with AI.";

/// How long GitHub and the store are asked.
const ASKED_WITHIN: Duration = Duration::from_millis(700);

/// How many requests to GitHub go on at the same time.
const AT_ONCE: usize = 8;

async fn start(call: Call) -> Result<Plan, UserError> {
    let Call { context, table, id, .. } = call;
    // At most half of what is left of the three seconds, so that this is always the answer itself.
    let left = id.time_left(context.clock.now()) / 2;
    let health = look(&context, Instant::now() + left.min(ASKED_WITHIN)).await;
    Ok(Plan::Answer(render(table, &context.registry, &health)))
}

/// How an agent with a workflow stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Health {
    /// Its last run: lamp and words. `None`: not known.
    last: Option<String>,
    /// The workflow's state on GitHub, like `active`. `None`: not known.
    state: Option<String>,
}

/// In the order of the registry. `None`: it has no workflow.
async fn look(context: &Context, until: Instant) -> Vec<Option<Health>> {
    let at_once = Semaphore::new(AT_ONCE);
    let each =
        context.registry.agents().iter().map(|agent| health(context, agent, &at_once, until));
    join_all(each).await
}

async fn health(
    context: &Context,
    agent: &Agent,
    at_once: &Semaphore,
    until: Instant,
) -> Option<Health> {
    let workflow = agent.workflow()?;
    let repository = workflow.repository.as_ref().unwrap_or(context.github.default_repository());
    let github = &context.github;
    let state = async {
        let _turn = at_once.acquire().await.ok()?;
        match github.workflow_state(repository, &workflow.file).await {
            Ok(state) => Some(state),
            Err(GithubError::NotFound) => Some(MISSING.to_owned()),
            Err(error) => {
                tracing::debug!(%error, agent = agent.id, "a workflow's state is not known");
                None
            }
        }
    };
    // What was deployed from here is in the record; else GitHub knows.
    let last = async {
        match latest(context.store.as_ref(), &agent.id, 1).await {
            Ok(latest) => {
                if let Some(entry) = latest.entries.first() {
                    return Some(of_record(entry));
                }
            }
            Err(error) => tracing::debug!(%error, agent = agent.id, "the record cannot be read"),
        }
        let _turn = at_once.acquire().await.ok()?;
        match github.latest_runs(repository, &workflow.file, 1).await {
            Ok(runs) => Some(runs.first().map_or_else(|| "⚪ no runs yet".to_owned(), of_run)),
            Err(error) => {
                tracing::debug!(%error, agent = agent.id, "an agent's last run is not known");
                None
            }
        }
    };
    let (state, last) = tokio::join!(timeout_at(until, state), timeout_at(until, last));
    Some(Health { last: last.ok().flatten(), state: state.ok().flatten() })
}

/// GitHub has no such workflow.
const MISSING: &str = "missing";

fn of_record(entry: &Entry) -> String {
    let (lamp, words) = in_words(&entry.state);
    let run = entry.run.as_ref().and_then(|run| run.number);
    let run = run.zip(entry.run_page.as_deref());
    let run = run.map(|(number, page)| escape::link(&format!("run #{number}"), page));
    let parts = [Some(format!("{lamp} {words}")), run, Some(time::distance(entry.began_at))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn of_run(run: &Run) -> String {
    let (lamp, words) =
        if run.is_completed() { conclusion(run.conclusion.as_deref()) } else { running(Some(run)) };
    let link = run.run_number.zip(run.html_url.as_deref());
    let link = link.map(|(number, page)| escape::link(&format!("run #{number}"), page));
    let at = run.began_at().map(time::distance);
    let parts = [Some(format!("{lamp} {words}")), link, at];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn render(table: &[Command], registry: &Registry, health: &[Option<Health>]) -> Message {
    let texts = [true, false].map(|full| text(table, registry, health, full));
    let fitting = texts.iter().find(|text| fits(text)).or(texts.last());
    Message::private(fitting.map(String::as_str).unwrap_or(NONE_REPORTED))
}

/// `full`: with descriptions and who may use each.
fn text(table: &[Command], registry: &Registry, health: &[Option<Health>], full: bool) -> String {
    let agents = registry.agents();
    let noun = if agents.len() == 1 { "agent" } else { "agents" };
    let mut lines = vec![format!("🧭 **{} {noun}**", agents.len()), DEFINITION.to_owned()];
    for (agent, health) in agents.iter().zip(health.iter().chain(std::iter::repeat(&None))) {
        let described = full.then(|| format!(": {}", escape::plain(&agent.description, 100)));
        lines.push(format!(
            "**{name}** ({id}) — {commands}{described}{fixed}",
            name = escape::plain(&agent.name, 50),
            id = escape::code(&agent.id, 32),
            commands = commands(table, registry, agent),
            described = described.unwrap_or_default(),
            fixed = fixed(agent),
        ));
        let parts: Vec<String> =
            health.iter().flat_map(stands).chain(full.then(|| for_whom(&agent.rule))).collect();
        if !parts.is_empty() {
            lines.push(format!("-# {}", parts.join(" · ")));
        }
    }
    let watches = registry.watches().len();
    if watches > 0 {
        lines.push(format!("👀 **{watches} {}**", if watches == 1 { "watch" } else { "watches" }));
        lines.extend(registry.watches().iter().map(watched));
    }
    lines.join("\n")
}

/// How an agent's last run ended, and whether its workflow can be started.
fn stands(health: &Health) -> [String; 2] {
    let last = health.last.clone().unwrap_or_else(|| "⚪ last run not known".to_owned());
    let state = match health.state.as_deref() {
        None => "workflow not known".to_owned(),
        Some(MISSING) => "⚠️ GitHub does not know the workflow".to_owned(),
        Some(state) => match inactive(state) {
            None => "workflow active".to_owned(),
            Some((what, fix)) => format!("⚠️ workflow {what}. {fix}"),
        },
    };
    [last, state]
}

/// Who may use it.
fn for_whom(rule: &Rule) -> String {
    if rule.users.is_empty() && rule.roles.is_empty() {
        return "for everybody here".to_owned();
    }
    format!("for {} and admins of the bot", mentions(rule))
}

/// The inputs of an agent that have a fixed value.
fn fixed(agent: &Agent) -> String {
    let fixed = agent.workflow().map(|workflow| workflow.fixed.as_slice()).unwrap_or_default();
    let one = |(input, value): &(String, String)| {
        escape::code(&format!("{input}: {}", escape::clipped(value, 40)), 100)
    };
    match fixed.iter().map(one).collect::<Vec<_>>().join(" · ") {
        none if none.is_empty() => none,
        fixed => format!(" (always {fixed})"),
    }
}

/// What a watch shows, and where.
fn watched(watch: &Watch) -> String {
    let names = |names: &[String], all: &str| match names {
        [] => all.to_owned(),
        names => names.iter().map(|name| escape::code(name, 60)).collect::<Vec<_>>().join(", "),
    };
    let branches: Vec<String> = watch.branches.iter().map(|pattern| pattern.0.clone()).collect();
    let repository = watch.repository.as_ref();
    let repository =
        repository.map(|name| format!(" of {}", escape::plain(&name.to_string(), 100)));
    let events = match watch.events.as_slice() {
        [] => String::new(),
        events => format!(", {}", names(events, "")),
    };
    let only = match watch.only.as_slice() {
        [] => String::new(),
        only => format!(", only {}", names(only, "")),
    };
    format!(
        "{}{} on {}{events}{only} → <#{}>",
        names(&watch.workflows, "every workflow"),
        repository.unwrap_or_default(),
        names(&branches, "every branch"),
        watch.channel,
    )
}

/// The agent's commands, its main one first.
fn commands(table: &[Command], registry: &Registry, agent: &Agent) -> String {
    let of_the_agent = |served: &Served<'_>| served.agent.is_some_and(|one| one.id == agent.id);
    let names = served(table, registry).filter(of_the_agent).map(|s| format!("`/{}`", s.name));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use crate::commands::TABLE;

    #[test]
    fn the_built_in_agents() {
        insta::assert_snapshot!(render(TABLE, &file::load(None).unwrap(), &[]).content(), @"
        🧭 **4 agents**
        -# An agent is one slash command for one workflow on GitHub. It has nothing to do with AI.
        **Deploy verifier** (`deploy_verifier`) — `/verify-latest`, `/verify-run`: Checks that the latest deploy really is live: its run, the frontend and the API
        -# for everybody here
        **Diagnose runner** (`diagnose_runner`) — `/diagnose`: Runs the diagnose workflow against a frontend and an API and shows its checks
        -# for everybody here
        **Status reporter** (`status_reporter`) — `/status`, `/status-digest`: Shows the last runs of the workflows that this bot dispatches
        -# for everybody here
        **Client deploy** (`deploy_client`) — `/deploy-client`: Deploys the web client through GitHub Actions and reports how the run ended
        -# for everybody here
        ");
    }

    #[test]
    fn how_each_stands_is_told() {
        let health = |last: Option<&str>, state: Option<&str>| {
            Some(Health { last: last.map(str::to_owned), state: state.map(str::to_owned) })
        };
        let health = [
            None,
            health(Some("🟢 succeeded run #41 <t:7:R>"), Some("active")),
            None,
            health(None, Some("disabled_manually")),
        ];
        let registry = file::load(None).unwrap();
        let message = render(TABLE, &registry, &health);
        assert!(message.is_ephemeral());
        let small: Vec<&str> =
            message.content().lines().skip(2).filter(|line| line.starts_with("-# ")).collect();
        let expected = [
            "-# for everybody here",
            "-# 🟢 succeeded run #41 <t:7:R> · workflow active · for everybody here",
            "-# for everybody here",
            "-# ⚪ last run not known · ⚠️ workflow is disabled. Enable it on its page. · for everybody here",
        ];
        assert_eq!(small, expected);
        let [_, state] = stands(&Health { last: None, state: None });
        assert_eq!(state, "workflow not known");
        let rule = Rule { users: vec![7], roles: vec![8] };
        assert_eq!(for_whom(&rule), "for <@&8>, <@7> and admins of the bot");
    }

    #[test]
    fn watches_are_listed() {
        let text = "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"status\"\n\
                    [[watch]]\nchannel = 5\n[[watch]]\nchannel = \"6\"\nrepository = \"octo-org/api\"\n\
                    workflows = [\"ci.yml\", \"cd.yml\"]\nbranches = [\"main\"]\nevents = [\"push\"]\nonly = [\"failure\"]\n";
        insta::assert_snapshot!(render(TABLE, &file::parse("x.toml", text).unwrap(), &[]).content(), @"
        🧭 **1 agent**
        -# An agent is one slash command for one workflow on GitHub. It has nothing to do with AI.
        **A** (`a`) — `/a`, `/status-digest`: A
        -# for everybody here
        👀 **2 watches**
        every workflow on every branch → <#5>
        `ci.yml`, `cd.yml` of octo-org/api on `main`, `push`, only `failure` → <#6>
        ");
    }

    #[test]
    fn a_large_registry_fits_into_one_message() {
        let agent = |n: usize| {
            format!(
                "[[agent]]\nid = \"a{n}\"\nname = \"{name}\"\ndescription = \"{text}\"\n\
                 command = \"c{n}\"\nkind = \"status\"\n",
                name = "*".repeat(50),
                text = "@everyone ".repeat(10),
            )
        };
        let text: String = (0..60).map(agent).collect();
        let message = render(TABLE, &file::parse("x.toml", &text).unwrap(), &[]);
        assert!(message.content().starts_with("🧭 **60 agents**"));
        assert!(message.content().encode_utf16().count() <= 2000);
        assert!(message.content().ends_with("more lines"));
    }
}
