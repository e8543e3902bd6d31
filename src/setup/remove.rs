//! Takes back what the set-up made, asking for each. What is left, and how to remove it, is said.

use std::path::Path;
use std::sync::Arc;

use super::files;
use super::flags::{Flags, Target};
use super::given::Given;
use super::home::without_ours;
use super::person::Person;
use super::stopped::Stopped;
use super::way::{home, known_target};
use super::work::{Registries, Work};
use super::{address, deploy, deployed, endpoint, package, service, webhook};
use crate::agents::Registry;
use crate::bot::Command;
use crate::discord::{Discord, interaction};
use crate::github::{GithubError, Repository};
use crate::net::transport::Https;
use crate::register::{Asked, Place};
use crate::secrets::Secret;

const FLAG: &str = "--yes";

/// Takes back what the set-up made.
pub async fn remove(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    table: &[Command],
    registries: Registries<'_>,
    person: &dyn Person,
) -> Result<(), Stopped> {
    let done = take_back(flags, env, table, registries, person).await;
    done.map_err(|stopped| match stopped {
        Stopped::Mend(what) => Stopped::NotRemoved(what),
        Stopped::Interrupted => Stopped::RemovalInterrupted,
        other => other,
    })
}

async fn take_back(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    table: &[Command],
    registries: Registries<'_>,
    person: &dyn Person,
) -> Result<(), Stopped> {
    let transport = Arc::new(Https::default());
    let Some(target) = known_target(flags, env)? else {
        person.tell(&format!(
            "Nothing was set up here: neither {} nor {} tells of it. Another folder or --env-file may; --to says where \
             it runs.",
            flags.env_file.display(),
            flags.sam_config.display()
        ));
        return Ok(());
    };
    let home = home(flags, target, transport.clone()).await?;
    let (files, agents_changed) = (Given::default(), false);
    let work =
        Work { flags, files, env, table, registries, person, transport, home, agents_changed };
    let url = match target {
        Target::Server => address::kept(&work),
        Target::Aws => deploy::look(&flags.stack).await?.as_ref().and_then(deploy::address),
    };
    let mut left = Left::default();
    if let Some(token) = work.value("DISCORD_BOT_TOKEN") {
        work.step("Discord");
        let id = work.value("DISCORD_APPLICATION_ID");
        let discord = work.discord(&Secret::new(token), id.as_deref())?;
        let whose = take_endpoint(&work, &discord, url.as_deref(), &mut left).await?;
        if whose == Whose::Ours
            || (whose == Whose::Nobodys && has_ours(&work, &discord, &mut left).await)
        {
            take_commands(&work, &mut left).await?;
        }
    }
    if work.value("GITHUB_APP_ID").is_some() {
        work.step("GitHub");
        let page = work.github_app_before()?.app_page().await.ok().flatten().unwrap_or_default();
        work.note(&format!("Delete the App on its page's Settings, Advanced: {page}"));
    } else if let (Some(token), Some(url)) = (work.value("GITHUB_TOKEN"), &url) {
        take_hooks(&work, &Secret::new(token), url, &mut left).await?;
    }
    match target {
        Target::Server => take_files(&work, &left).await?,
        Target::Aws => take_stack(&work, &left).await?,
    }
    left.end(&work)
}

/// What could not be taken back. The settings stay for it: without their tokens the same command could not go on.
#[derive(Default)]
struct Left(Vec<String>);

impl Left {
    /// Notes what stays, and why.
    fn add(&mut self, work: &Work<'_>, what: &str, why: &str) {
        work.note(why);
        self.0.push(what.to_owned());
    }

    fn end(self, work: &Work<'_>) -> Result<(), Stopped> {
        if self.0.is_empty() {
            return Ok(());
        }
        let place = match work.home.aws() {
            Some(_) => work.home.place(),
            None => work.home.path().display().to_string(),
        };
        Err(Stopped::mend(format!(
            "Not taken back: {}. So the tokens stay in {place}: it takes them. Mend what is said above; another token is \
             read from DISCORD_BOT_TOKEN and GITHUB_TOKEN in the environment. Or take it back by hand, and delete the \
             tokens yourself.",
            self.0.join(", ")
        )))
    }
}

/// Takes the secrets. The stack is SAM's to delete, and says twice that its table goes with it.
async fn take_stack(work: &Work<'_>, left: &Left) -> Result<(), Stopped> {
    work.step("AWS");
    let stack = &work.flags.stack;
    if deploy::look(stack).await?.is_some() {
        work.note(&format!(
            "The stack {stack} is there. It, its table and so what the bot remembers are deleted by:\n    aws dynamodb \
             update-table --no-deletion-protection-enabled --table-name TABLE   # its output TableName\n    sam delete \
             --stack-name {stack}"
        ));
    }
    if let Some(aws) = work.home.aws().filter(|_| left.0.is_empty()) {
        let there: Vec<String> = aws.secrets().collect();
        if there.is_empty() {
            work.done(&format!("There is no secret in SSM under {}.", aws.secrets_path()));
        }
        for parameter in there {
            if may(work, &format!("delete the SSM parameter {parameter}")).await? {
                aws.forget(&parameter).await?;
                work.done(&format!("The SSM parameter {parameter} is deleted."));
            }
        }
    }
    for made in [package::ZIP, package::NAMED, deployed::RECORD] {
        let made = work.home.path().with_file_name(made);
        if made.exists() {
            take_file(work, &made).await?;
        }
    }
    work.note(&format!(
        "These are yours and stay: {}, {}.",
        work.home.path().display(),
        work.flags.agents.display()
    ));
    Ok(())
}

/// Whether to take this back. With `--yes` the answer is yes.
async fn may(work: &Work<'_>, what: &str) -> Result<bool, Stopped> {
    if work.flags.dry_run {
        return Ok(work.goes(what));
    }
    if work.flags.yes {
        return Ok(true);
    }
    let mut words = what.chars();
    let first = words.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    work.confirm(&format!("{first}{}?", words.as_str()), false, FLAG).await
}

/// Whose an application is, by its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    /// It has no endpoint: its commands may be those of a bot that needs none.
    Nobodys,
    /// It is something else's, or that is not known.
    Others,
}

/// Takes the endpoint away, if it is this server's.
async fn take_endpoint(
    work: &Work<'_>,
    discord: &Discord,
    url: Option<&str>,
    left: &mut Left,
) -> Result<Whose, Stopped> {
    let application = match discord.application().await {
        Ok(application) => application,
        Err(error) => {
            let why = format!(
                "The application cannot be read, so its endpoint and its commands stay: {error}."
            );
            left.add(work, "the application's endpoint and commands", &why);
            return Ok(Whose::Others);
        }
    };
    let there = application.interactions_endpoint_url.unwrap_or_default();
    match url.map(|url| format!("{url}{}", interaction::PATH)) {
        Some(ours) if ours == there => {
            if may(work, "take the interactions endpoint away from the application").await? {
                match discord.set_endpoint(None).await {
                    Ok(_) => work.done("The application has no interactions endpoint."),
                    Err(error) => {
                        let why = format!("The interactions endpoint stays: {}.", error.error);
                        left.add(work, "the interactions endpoint", &why);
                    }
                }
            }
            Ok(Whose::Ours)
        }
        _ if there.is_empty() => {
            work.done("The application has no interactions endpoint.");
            Ok(Whose::Nobodys)
        }
        _ => {
            work.note(
                "The application's interactions endpoint is not of this server, so it stays, and so do the commands.",
            );
            Ok(Whose::Others)
        }
    }
}

/// Whether all commands of an application without an endpoint are this bot's. Says which are not.
async fn has_ours(work: &Work<'_>, discord: &Discord, left: &mut Left) -> bool {
    let env = |name: &str| work.value(name);
    let (registry, unread) = match (work.registries)(&env) {
        Ok(registry) => (registry, None),
        // The bot's own commands are known without it.
        Err(why) => (Registry::default(), Some(why)),
    };
    match (endpoint::others(work, discord, &registry).await, unread) {
        (Ok(None), _) => true,
        (Ok(Some(what)), None) => {
            work.note(&format!(
                "The commands stay: {what}. `deckhand register --remove` takes them."
            ));
            false
        }
        (Ok(Some(_)), Some(why)) => {
            let why = format!("The agents cannot be read, so the commands stay: {why}");
            left.add(work, "the commands", &why);
            false
        }
        (Err(stopped), _) => {
            left.add(work, "the commands", &format!("The commands stay: {stopped}"));
            false
        }
    }
}

async fn take_commands(work: &Work<'_>, left: &mut Left) -> Result<(), Stopped> {
    let place = work.value("DISCORD_GUILD_ID").and_then(|id| Place::server(&id).ok());
    let place = place.unwrap_or(Place::Everywhere);
    if !may(work, &format!("take all commands of the bot back, for {place}")).await? {
        return Ok(());
    }
    let asked = Asked { place: Some(place), remove: true, dry_run: false };
    if let Err(error) = work.register(Err("not needed".to_owned()), asked).await {
        left.add(work, "the commands", &format!("The commands stay: {error}"));
    }
    Ok(())
}

async fn take_hooks(
    work: &Work<'_>,
    token: &Secret,
    url: &str,
    left: &mut Left,
) -> Result<(), Stopped> {
    work.step("GitHub");
    let env = |name: &str| work.value(name);
    // Without a secret none was made.
    let has_hooks = work.value("GITHUB_WEBHOOK_SECRET").is_some();
    let repositories = match (work.registries)(&env) {
        Ok(registry) => webhook::repositories(work, &registry),
        Err(why) => {
            let why = format!("The agents cannot be read, so no webhook is looked for: {why}");
            if has_hooks {
                left.add(work, "the webhooks", &why);
            } else {
                work.note(&why);
            }
            return Ok(());
        }
    };
    let mut not_seen = |repository: &Repository, error: &GithubError| {
        let why = format!(
            "{repository}: its webhooks cannot be changed: {error}. Delete the one of this server on its page Settings, \
             Webhooks."
        );
        if has_hooks {
            left.add(work, &format!("the webhook of {repository}"), &why);
        } else {
            work.note(&why);
        }
    };
    let (github, url) = (work.github(token)?, format!("{url}{}", crate::github::webhook::PATH));
    for repository in repositories {
        let hooks = match github.hooks(&repository).await {
            Ok(hooks) => hooks,
            Err(error) => {
                not_seen(&repository, &error);
                continue;
            }
        };
        for hook in hooks.iter().filter(|hook| hook.url == url) {
            if !may(work, &format!("delete the webhook in {repository}")).await? {
                continue;
            }
            match github.delete_hook(&repository, hook).await {
                Ok(()) => work.done(&format!("{repository}: the webhook is deleted.")),
                Err(error) => not_seen(&repository, &error),
            }
        }
    }
    Ok(())
}

async fn take_files(work: &Work<'_>, left: &Left) -> Result<(), Stopped> {
    work.step("Files");
    for (service, file) in service::made(work) {
        work.note(&format!("Stop the server first: {}", service::stop(service, &file)));
        take_file(work, &file).await?;
    }
    let data = work.value("DATA_FILE");
    let settings = work.home.path().to_owned();
    if left.0.is_empty() {
        take_settings(work, &settings).await?;
    }
    let data = data.filter(|data| Path::new(data).exists());
    let yours = [Some(work.flags.agents.display().to_string()), data];
    let yours: Vec<String> = yours.into_iter().flatten().collect();
    work.note(&format!("These are yours and stay: {}.", yours.join(", ")));
    work.note("The application, the tokens and their permissions are removed on the pages of Discord and GitHub.");
    Ok(())
}

/// Takes the settings of the set-up out of the file; the file, too, if nothing else is in it.
async fn take_settings(work: &Work<'_>, file: &Path) -> Result<(), Stopped> {
    let Some(text) = files::read(file)? else { return Ok(()) };
    let left =
        without_ours(&text).map_err(|why| Stopped::mend(format!("{}: {why}", file.display())))?;
    if left.trim().is_empty() {
        return take_file(work, file).await;
    }
    let what = format!("take this bot's settings out of {}, which has others, too", file.display());
    if left != text && may(work, &what).await? {
        files::write(file, &left, files::PRIVATE)?;
        work.done(&format!("{} has only the others now.", file.display()));
    }
    Ok(())
}

async fn take_file(work: &Work<'_>, file: &Path) -> Result<(), Stopped> {
    if !may(work, &format!("delete {}", file.display())).await? {
        return Ok(());
    }
    std::fs::remove_file(file).map_err(|error| {
        Stopped::mend(format!("{}: cannot be deleted ({error})", file.display()))
    })?;
    work.done(&format!("{} is deleted.", file.display()));
    Ok(())
}
