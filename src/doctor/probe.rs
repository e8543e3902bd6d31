//! Collects the facts from Discord and GitHub. Independent requests run concurrently; each has the
//! clients' usual timeout of 10 s.

use futures_util::future::{OptionFuture, join_all};
use serde_json::Value;

use super::access::AccessFacts;
use super::facts::{
    AgentFacts, Asked, DiscordFacts, Facts, GithubFacts, Needed, Read, Registered, RepositoryFacts,
    Sends,
};
use super::{ids, store, watch, webhook};
use crate::agents::{Agent, Kind, Registry, Workflow};
use crate::bot::authorize::Guilds;
use crate::bot::command::served;
use crate::bot::registration::servers;
use crate::bot::{Command, Context, registration};
use crate::discord::registration::{Scope, changes, name_of, ours};
use crate::discord::{Discord, DiscordError};
use crate::github::Github;
use crate::github::Repository;
use crate::github::permission::{Permission, Repositories};
use crate::site;

/// Agents probed concurrently. Each takes two requests; GitHub allows 100 concurrent ones.
const AGENTS_AT_ONCE: usize = 20;

/// The facts about a running bot. Its settings are valid.
pub(crate) async fn running(context: &Context, table: &[Command]) -> Facts {
    let Context { registry, .. } = context;
    let access = AccessFacts::of(&context.access, Some(registry), table);
    let remembered = context.store.as_ref();
    let guilds = access.guilds.clone().unwrap_or_default();
    let (store, discord, github, webhook, watched, ids) = tokio::join!(
        OptionFuture::from(
            context.durable.then(|| { store::ask(remembered, registry, context.clock.now()) })
        ),
        ask_discord(&context.discord, Some(registry), table, &guilds, context.digest.channel_id),
        ask_github(&context.github, Some(registry), table),
        webhook::ask(&context.webhook, &context.github, registry, Some(Ok(remembered))),
        watch::ask(&context.discord, registry),
        OptionFuture::from(
            context.discord.has_bot_token().then(|| ids::ask(&context.discord, &access))
        )
    );
    Facts {
        problems: Vec::new(),
        in_the_clear: in_the_clear(Some(&context.discord), Some(&context.github)),
        agents_file: Ok(registry.place().clone()),
        bases: bases(&context.site, registry, table),
        on_lambda: false,
        file: None,
        access,
        store,
        discord: Some(discord),
        ids,
        github: Some(github),
        webhook: Some(webhook),
        watches: registry.watches().len(),
        watched: Some(watched),
    }
}

/// What is said of the secrets that are kept in the clear. They were read before.
pub(super) fn in_the_clear(discord: Option<&Discord>, github: Option<&Github>) -> Vec<String> {
    let discord = discord.and_then(Discord::token_in_the_clear);
    github.and_then(Github::secret_in_the_clear).into_iter().chain(discord).collect()
}

/// The base URLs that are not set although checks need them.
pub(super) fn bases(
    site: &site::Settings,
    registry: &Registry,
    table: &[Command],
) -> Vec<(&'static str, Vec<String>)> {
    let mut missing: Vec<(&'static str, Vec<String>)> = Vec::new();
    for served in served(table, registry) {
        let Some(verification) = served.agent.and_then(Agent::verification) else { continue };
        for check in verification.checks.iter().filter(|check| check.url.is_none()) {
            let (Some(setting), None) = (check.target.setting(), site.base(check.target)) else {
                continue;
            };
            match missing.iter_mut().find(|(known, _)| *known == setting) {
                Some((_, commands)) if commands.iter().any(|one| one == served.name) => {}
                Some((_, commands)) => commands.push(served.name.to_owned()),
                None => missing.push((setting, vec![served.name.to_owned()])),
            }
        }
    }
    missing
}

/// Asks Discord for the application, its commands and the digest's channel. Without a bot token it asks
/// nothing.
pub(crate) async fn ask_discord(
    discord: &Discord,
    registry: Option<&Registry>,
    table: &[Command],
    guilds: &Guilds,
    channel_id: Option<u64>,
) -> DiscordFacts {
    let settings = discord.settings();
    let ask = discord.has_bot_token().then_some(async move {
        let commands = |scope, guild_id| async move {
            let declared = registration(table, registry?, scope);
            let registered = discord.commands(guild_id).await;
            Some(registered.and_then(|registered| compared(&declared, &registered)))
        };
        let guilds = servers(settings.guild_id, guilds).into_iter().map(|id| async move {
            let found = commands(Scope::Guild, Some(id)).await?;
            // Where the bot may not register commands, it has none.
            let has_none = settings.guild_id != Some(id) && is_elsewhere(&found);
            (!has_none).then_some((id, found))
        });
        let channel = OptionFuture::from(channel_id.map(|id| discord.sees_channel(id)));
        let rights = OptionFuture::from(channel_id.map(|id| discord.rights(id)));
        let (application, global, guilds, channel, rights) = tokio::join!(
            discord.application(),
            commands(Scope::Global, None),
            join_all(guilds),
            channel,
            rights
        );
        let guilds = guilds.into_iter().flatten().collect();
        let rights = rights.and_then(Result::transpose);
        Asked { application, global, guilds, channel, rights }
    });
    DiscordFacts {
        public_key: hex::encode(settings.public_key.as_bytes()),
        application_id: settings.application_id,
        has_digest: channel_id.is_some(),
        asked: OptionFuture::from(ask).await,
    }
}

/// Whether Discord does not let the bot see the commands of a server.
fn is_elsewhere(found: &Result<Registered, DiscordError>) -> bool {
    matches!(found, Err(DiscordError::Refused { status: 403, .. } | DiscordError::NotFound(_)))
}

fn compared(declared: &Value, registered: &Value) -> Result<Registered, DiscordError> {
    if !registered.is_array() {
        return Err(DiscordError::Lost("it is no list of commands".to_owned()));
    }
    let names = ours(registered).map(|command| name_of(command).to_owned()).collect();
    Ok(Registered { names, changes: changes(declared, registered) })
}

/// Asks GitHub what the token may do and how the workflows look.
pub(crate) async fn ask_github(
    github: &Github,
    registry: Option<&Registry>,
    table: &[Command],
) -> GithubFacts {
    let rate = github.rate_limit().await;
    let ahead = github.to_github_time(github.now()).map(|theirs| theirs - github.now());
    let mut facts = GithubFacts {
        rate,
        account: None,
        granted: github.granted().await,
        ahead,
        repositories: Vec::new(),
        agents: Vec::new(),
    };
    if !matches!(&facts.rate, Ok(rate) if rate.as_ref().is_none_or(|rate| rate.remaining > 0)) {
        return facts;
    }
    let agents: Vec<_> = registry.iter().flat_map(|registry| registry.agents()).collect();
    let wanted = wanted(github.default_repository(), registry, table);
    let repositories = join_all(wanted.into_iter().map(|wanted| ask_repository(github, wanted)));
    let (account, repositories) = tokio::join!(github.dispatcher(), repositories);
    facts.account = Some(account);
    facts.repositories = repositories;
    for agents in agents.chunks(AGENTS_AT_ONCE) {
        let asked =
            agents.iter().filter_map(|agent| Some(ask_agent(github, agent, agent.workflow()?)));
        facts.agents.extend(join_all(asked).await);
    }
    facts
}

/// The permissions to try in a repository, and the commands that need them.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    repository: Repository,
    permissions: Vec<(Permission, Vec<Needed>)>,
}

/// The default repository and those of the agents, each with the permissions needed there.
fn wanted(default: &Repository, registry: Option<&Registry>, table: &[Command]) -> Vec<Wanted> {
    let mut all = vec![Wanted { repository: default.clone(), permissions: Vec::new() }];
    let Some(registry) = registry else { return all };
    let of = |workflow: &Workflow| workflow.repository.as_ref().unwrap_or(default).clone();
    for repository in registry.agents().iter().filter_map(Agent::workflow).map(of) {
        if !all.iter().any(|wanted| wanted.repository == repository) {
            all.push(Wanted { repository, permissions: Vec::new() });
        }
    }
    for served in served(table, registry) {
        let own = served.agent.and_then(Agent::workflow).map(of);
        let verification = served.agent.and_then(Agent::verification);
        let verified = verification.and_then(|v| registry.by_id(&v.verifies)?.workflow()).map(of);
        let diagnosis =
            registry.agents().iter().find(|agent| matches!(agent.kind, Kind::Diagnose(_)));
        let diagnosis = diagnosis.and_then(Agent::workflow).map(of);
        for need in served.command.needs {
            for wanted in &mut all {
                let is_needed = match need.of {
                    Repositories::All => true,
                    Repositories::Default => wanted.repository == *default,
                    Repositories::OfTheAgent => own.as_ref() == Some(&wanted.repository),
                    Repositories::OfTheVerified => verified.as_ref() == Some(&wanted.repository),
                    Repositories::OfTheDiagnosis => diagnosis.as_ref() == Some(&wanted.repository),
                };
                if is_needed {
                    wanted.add(need.permission, served.name, need.writes);
                }
            }
        }
    }
    for wanted in &mut all {
        wanted.permissions.sort_by_key(|(permission, _)| *permission);
    }
    all
}

impl Wanted {
    fn add(&mut self, permission: Permission, command: &str, writes: bool) {
        let needed = Needed { command: command.to_owned(), writes };
        match self.permissions.iter_mut().find(|(known, _)| *known == permission) {
            Some((_, commands)) => match commands.iter_mut().find(|known| known.command == command)
            {
                Some(known) => known.writes |= writes,
                None => commands.push(needed),
            },
            None => self.permissions.push((permission, vec![needed])),
        }
    }
}

async fn ask_repository(github: &Github, wanted: Wanted) -> RepositoryFacts {
    let Wanted { repository, permissions } = wanted;
    let reads = permissions.into_iter().map(|(permission, commands)| {
        let repository = &repository;
        async move {
            let answer = github.try_to_read(repository, permission).await;
            Read { permission, commands, answer }
        }
    });
    let (seen, reads) = tokio::join!(github.seen_repository(&repository), join_all(reads));
    let renamed = seen.as_ref().ok().and_then(|seen| seen.renamed.clone());
    RepositoryFacts { push: seen.map(|seen| seen.may_push), renamed, reads, repository }
}

async fn ask_agent(github: &Github, agent: &Agent, workflow: &Workflow) -> AgentFacts {
    let repository = workflow.repository.as_ref().unwrap_or(github.default_repository());
    let (file, git_ref) = (&workflow.file, &workflow.default_ref);
    let (state, text) = tokio::join!(
        github.workflow_state(repository, file),
        github.workflow_text(repository, file, git_ref)
    );
    AgentFacts {
        command: agent.command.clone(),
        deploys: matches!(agent.kind, Kind::Deploy(_)),
        repository: repository.clone(),
        file: file.clone(),
        git_ref: git_ref.clone(),
        page: github.workflow_page(repository, file),
        sends: sends(agent, workflow),
        state,
        text,
    }
}

/// The inputs that a dispatch sends: see [`Order::all_inputs`](crate::deploy::Order::all_inputs).
pub(super) fn sends(agent: &Agent, workflow: &Workflow) -> Vec<Sends> {
    let always = |input: &str| Sends { input: input.to_owned(), always: true };
    let mut sends = vec![always("correlation_id"), always("requester")];
    if matches!(agent.kind, Kind::Diagnose(_)) {
        sends.push(always("channel"));
    }
    let own = |input: &crate::agents::Input| Sends {
        input: input.input.clone(),
        always: input.option.required,
    };
    sends.extend(workflow.fixed.iter().map(|(input, _)| always(input)));
    sends.extend(workflow.inputs.iter().map(own));
    sends
}
