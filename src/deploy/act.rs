//! What somebody does to a deploy by a click or a command: cancels its run, or has it run again.
//!
//! It is stored before GitHub is asked, so that a double click asks once, and it needs no lease: whoever follows the
//! deploy sees what was stored, and whoever clicked asks GitHub.

use super::click::{Acted, Action, Click};
use super::draft::note;
use super::effects::Services;
use super::event::Event;
use super::key::DeployKey;
use super::record::Deploy;
use super::stored::{Claim, load};
use crate::github::explain::{Audience, Subject, explain_to};
use crate::github::{GithubError, Run};
use crate::store::StoreError;

/// What came of a click.
#[derive(Debug)]
pub(crate) enum Act {
    /// The deploy as it stands does not allow it, or it was done already.
    NotNow(Box<Deploy>),
    /// GitHub was asked.
    Asked(Box<Deploy>, Acted),
}

/// What came of storing a click.
#[derive(Debug)]
pub(crate) enum Clicked {
    /// It counts: whoever stored it does it.
    Now(Box<Deploy>),
    /// The deploy as it stands does not allow it, or it was done already.
    Not(Box<Deploy>),
}

/// Does it. `clicker`: to whom it is explained if GitHub refuses it. `None`: there is no such deploy.
pub(crate) async fn act(
    services: Services<'_>,
    key: &DeployKey,
    click: Click,
    clicker: Audience,
) -> Result<Option<Act>, StoreError> {
    let (interaction_id, action) = (click.interaction_id, click.action);
    let deploy = match click_once(services, key, click).await? {
        Some(Clicked::Now(deploy)) => deploy,
        Some(Clicked::Not(deploy)) => return Ok(Some(Act::NotNow(deploy))),
        None => return Ok(None),
    };
    let Asked { result, shows } = ask(services, &deploy, action, clicker).await;
    let Some(deploy) = settled(services, key, interaction_id, result.clone()).await? else {
        return Ok(None);
    };
    if let Some(run) = shows {
        note(services, key, Event::Saw(run)).await?;
    }
    if action == Action::Rerun && matches!(result, Acted::Refused { .. } | Acted::Unknown) {
        look_for_another_attempt(services, &deploy).await?;
    }
    Ok(Some(Act::Asked(Box::new(deploy), result)))
}

/// After a re-run that was refused, or whose answer was lost: perhaps the run was started again all the same, or by
/// somebody on GitHub. Of a deploy that has ended nobody would notice.
async fn look_for_another_attempt(
    services: Services<'_>,
    deploy: &Deploy,
) -> Result<(), StoreError> {
    let Some(target) = &deploy.target else { return Ok(()) };
    match services.github.run_now(&deploy.order.repository, target.run_id).await {
        Ok(run) if run.attempt() > deploy.attempt() => {
            note(services, &deploy.order.key, Event::Saw(Box::new(run))).await?;
        }
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, "it is not known whether the run was started again"),
    }
    Ok(())
}

/// Stores a click, at most once. `None`: there is no such deploy.
pub(crate) async fn click_once(
    services: Services<'_>,
    key: &DeployKey,
    click: Click,
) -> Result<Option<Clicked>, StoreError> {
    let interaction_id = click.interaction_id;
    let is_mine =
        |deploy: &Deploy| deploy.clicks.iter().any(|one| one.interaction_id == interaction_id);
    let Some(before) = load(services.store, key).await? else { return Ok(None) };
    if is_mine(&before.deploy) {
        return Ok(Some(Clicked::Not(Box::new(before.deploy))));
    }
    let Some(deploy) = note(services, key, Event::Clicked(click)).await? else { return Ok(None) };
    let is_mine = is_mine(&deploy);
    let deploy = Box::new(deploy);
    Ok(Some(if is_mine { Clicked::Now(deploy) } else { Clicked::Not(deploy) }))
}

/// Stores what came of a click. `None`: there is no such deploy.
pub(crate) async fn settled(
    services: Services<'_>,
    key: &DeployKey,
    interaction_id: u64,
    result: Acted,
) -> Result<Option<Deploy>, StoreError> {
    note(services, key, Event::Acted { interaction_id, result }).await
}

/// What came of asking GitHub.
struct Asked {
    result: Acted,
    /// The run, if it has begun an attempt that the deploy does not show.
    shows: Option<Box<Run>>,
}

impl Asked {
    fn not(why: String) -> Self {
        Self { result: Acted::NotAsked { why }, shows: None }
    }
}

async fn ask(services: Services<'_>, deploy: &Deploy, action: Action, clicker: Audience) -> Asked {
    let Some(target) = &deploy.target else {
        return Asked::not("Its run is not known.".to_owned());
    };
    let (github, repository, run_id) = (services.github, &deploy.order.repository, target.run_id);
    let asked = match action {
        Action::Cancel => github.cancel(repository, run_id).await,
        Action::ForceCancel => github.force_cancel(repository, run_id).await,
        Action::Rerun => {
            if let Some(not) = is_outdated(services, deploy, run_id, clicker).await {
                return not;
            }
            github.rerun_failed_jobs(repository, run_id, deploy.attempt()).await
        }
        Action::RollBack => Ok(()),
    };
    let why = |error| why(&error, clicker);
    let result = match asked {
        Ok(()) => Acted::Done,
        Err(GithubError::Lost(why)) => {
            tracing::warn!(why, ?action, "GitHub's answer to a click was lost");
            Acted::Unknown
        }
        Err(error) if error.is_unsent() => Acted::NotAsked { why: why(error) },
        Err(error) => Acted::Refused { why: why(error) },
    };
    Asked { result, shows: None }
}

fn why(error: &GithubError, clicker: Audience) -> String {
    tracing::warn!(%error, "GitHub was asked in vain for what somebody has pressed");
    explain_to(clicker, error, Subject::Run, "Actions: read and write")
}

/// Whether a re-run would be of another attempt than the one that the deploy shows: then somebody else has had the run
/// started again since, and whoever clicked did not mean that one. `None`: it is not.
async fn is_outdated(
    services: Services<'_>,
    deploy: &Deploy,
    run_id: u64,
    clicker: Audience,
) -> Option<Asked> {
    let (repository, key) = (&deploy.order.repository, &deploy.order.key);
    match Claim::read(services.store, repository, run_id).await {
        Ok(claim) if claim.is_of_another(key) => {
            let why = "A roll back has had its run started again since, and that is told by the roll back's message.";
            return Some(Asked::not(why.to_owned()));
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "it is not known whose run it is");
            let why = "Deckhand cannot read its store now. Try again in a minute.";
            return Some(Asked::not(why.to_owned()));
        }
    }
    match services.github.run_now(repository, run_id).await {
        Ok(run) if run.attempt() > deploy.attempt() => {
            let why = format!(
                "It has changed: its run has begun attempt {} since. Look at its message as it is now.",
                run.attempt()
            );
            Some(Asked { shows: Some(Box::new(run)), ..Asked::not(why) })
        }
        Ok(_) => None,
        Err(error) => {
            let error = error.before_it_was_sent();
            Some(Asked::not(why(&error, clicker)))
        }
    }
}
