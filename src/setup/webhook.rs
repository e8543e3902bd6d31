//! GitHub's webhooks: the secret before the server starts, the hooks when its address answers.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::address::Address;
use super::agents_file::default_repository;
use super::stopped::Stopped;
use super::unreached;
use super::work::Work;
use crate::agents::Registry;
use crate::github::{Github, GithubError, Repository};
use crate::secrets::Secret;

const NAME: &str = "GITHUB_WEBHOOK_SECRET";
const PERMISSION: &str =
    "the token lacks the permission Webhooks: read and write, or its owner is no admin there";
const WITHOUT: &str =
    "Without webhooks deploys are followed by asking GitHub every few seconds; docs/webhooks.md";

const AS_IT_IS: &str = "a webhook tells of runs and jobs.";

/// The repositories with an agent's workflow or a watch.
pub(super) fn repositories(work: &Work<'_>, registry: &Registry) -> Vec<Repository> {
    registry.repositories(default_repository(work).as_ref())
}

/// Makes the secret, if the token may make hooks somewhere. Returns whether it is new.
pub(super) async fn secret(
    work: &mut Work<'_>,
    github: &Github,
    registry: &Registry,
) -> Result<bool, Stopped> {
    if work.flags.no_webhooks || work.value(NAME).is_some() {
        return Ok(false);
    }
    if github.is_app() {
        work.home.keep(NAME, random()?.expose());
        work.save().await?;
        return Ok(true);
    }
    for repository in repositories(work, registry) {
        match github.hooks(&repository).await {
            Ok(_) => {
                if work.goes("make a secret for webhooks") {
                    work.home.keep(NAME, random()?.expose());
                    work.save().await?;
                }
                return Ok(true);
            }
            Err(error) if error.lacks_access() => {}
            Err(error) => return Err(unreached::github(&error)),
        }
    }
    Ok(false)
}

/// Makes the hooks that are missing, and mends those that are wrong.
pub(super) async fn hooks(
    work: &Work<'_>,
    github: &Github,
    registry: &Registry,
    address: &Address,
    is_new: bool,
) -> Result<(), Stopped> {
    /// GitHub sends a ping when a hook is made. The doctor looks for it.
    const PING: Duration = Duration::from_secs(3);
    work.step("Webhooks");
    if work.flags.no_webhooks {
        work.note(&format!("Left out. {WITHOUT} tells how to make them."));
        return Ok(());
    }
    let Some(secret) = work.value(NAME).map(Secret::new) else {
        for repository in repositories(work, registry) {
            if !(work.flags.dry_run && is_new) {
                work.note(&format!("{repository}: none was made: {PERMISSION}."));
            } else {
                work.goes(&format!("make a webhook in {repository}, for runs and jobs only"));
            }
        }
        if !is_new {
            work.note(&format!("{WITHOUT} tells how to make them."));
        }
        return Ok(());
    };
    if github.is_app() {
        return of_app(work, github, &address.hook(), &secret).await;
    }
    let mut changed = false;
    for repository in repositories(work, registry) {
        match hook(work, github, &repository, address, &secret).await {
            Ok(done) => {
                changed |= done.is_some_and(|done| done != AS_IT_IS);
                done.into_iter().for_each(|done| work.done(&format!("{repository}: {done}")));
            }
            Err(error) if error.lacks_access() => {
                work.note(&format!(
                    "{repository}: none was made or put right: {PERMISSION}. {WITHOUT}."
                ));
            }
            Err(GithubError::Refused(status, why)) => {
                work.note(&format!(
                    "{repository}: GitHub takes no hook ({status}: {why}). {WITHOUT}."
                ));
            }
            Err(error) => return Err(unreached::github(&error)),
        }
    }
    if changed {
        work.person.wait(PING).await;
    }
    Ok(())
}

/// The one hook of an App, for all repositories in which it is installed. It is set each time, like [`hook`].
async fn of_app(
    work: &Work<'_>,
    github: &Github,
    url: &str,
    secret: &Secret,
) -> Result<(), Stopped> {
    if !work.goes("have the App's webhook lead here, with the secret that is kept") {
        return Ok(());
    }
    github.set_app_hook(url, secret).await.map_err(|error| unreached::github(&error))?;
    work.done("The App's webhook tells of runs and jobs.");
    Ok(())
}

/// Puts one repository's hook right. `None`: it would be, in a dry run. One that is there gets the secret each time:
/// GitHub shows none, and an interrupted run may have kept a new one.
async fn hook(
    work: &Work<'_>,
    github: &Github,
    repository: &Repository,
    address: &Address,
    secret: &Secret,
) -> Result<Option<&'static str>, GithubError> {
    let goes = |what: &str| work.goes(&format!("{what} in {repository}, for runs and jobs only"));
    let hooks = github.hooks(repository).await?;
    let (url, before) = (address.hook(), address.hook_before());
    let of = |url: &str| hooks.iter().find(|hook| hook.url == url);
    let Some(hook) = of(&url).or_else(|| of(before.as_deref()?)) else {
        if !goes("make a webhook") {
            return Ok(None);
        }
        github.make_hook(repository, &url, secret).await?;
        return Ok(Some("a webhook was made; it tells of runs and jobs."));
    };
    let (what, done) = match (hook.url == url, hook.is_right) {
        (true, true) => ("set the secret of the webhook", AS_IT_IS),
        (true, false) => {
            ("put the webhook right", "the webhook was put right; it tells of runs and jobs.")
        }
        (false, _) => {
            ("move the webhook", "the webhook leads to the new address; it tells of runs and jobs.")
        }
    };
    if !goes(what) {
        return Ok(None);
    }
    github.mend_hook(repository, hook, &url, secret).await?;
    Ok(Some(done))
}

/// What nobody can guess: 64 hex digits.
pub(super) fn random() -> Result<Secret, Stopped> {
    let mut bytes = [0; 32];
    let made = SystemRandom::new().fill(&mut bytes);
    made.map_err(|_| Stopped::mend("The system gives no random numbers."))?;
    Ok(Secret::new(hex::encode(bytes)))
}
