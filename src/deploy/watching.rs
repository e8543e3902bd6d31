//! A run that nobody started here, and that a watch covers, becomes a deploy with a card: one for each channel that
//! watches it, whoever learns of the run, in whatever order and how often.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;
use std::time::Duration;

use super::correlation::{Matched, Requester, requested};
use super::effects::Services;
use super::key::DeployKey;
use super::order::{Extra, Order};
use super::place::Place;
use super::record::{Deploy, Phase};
use super::step::SHOWS_END_WITHIN;
use super::stored::{self, Claim, Window, load, window_key};
use super::target::Target;
use super::watched::Watched;
use crate::agents::{Agent, Registry, Watch};
use crate::discord::CorrelationId;
use crate::github::{Github, Repository, Run, git_ref};
use crate::store::{Commit, Committed, Expect, StoreError};

/// A run that has not changed for longer is of the past: its delivery was sent again by hand.
const NEWS_FOR: TimeDelta = TimeDelta::hours(24);

/// A dispatch may have started a run that began this long after it, or, by another clock, before it.
const STARTS_WITHIN: TimeDelta = TimeDelta::minutes(10);
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// How often it is tried to claim a run that others claim too.
const CONFLICTS: usize = 10;

/// A run of which a webhook tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) run: &'a Run,
}

impl Seen<'_> {
    /// The file of its workflow. Some servers add the ref: `.github/workflows/ci.yml@refs/heads/main`.
    pub(crate) fn file(&self) -> &str {
        let path = self.run.path.as_deref().unwrap_or_default();
        let path = path.split_once('@').map_or(path, |(path, _)| path);
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether its card would be news.
    pub(crate) fn is_news(&self, now: DateTime<Utc>) -> bool {
        let changed = self.run.updated_at.or(self.run.created_at);
        changed.is_none_or(|at| now - at < NEWS_FOR)
    }

    /// The key of its card in this channel.
    pub(crate) fn key(&self, channel: u64) -> DeployKey {
        DeployKey::of_watched(channel, self.repository, self.file(), self.run)
    }
}

/// Whether a deploy may have started the run that has not found it yet. Then it is left alone: the deploy has a card.
pub(crate) async fn may_be_a_deploys(
    services: Services<'_>,
    registry: &Registry,
    seen: Seen<'_>,
) -> Result<bool, StoreError> {
    let Seen { repository, run } = seen;
    // A roll back may run any run again.
    if run.event.as_deref() != Some("workflow_dispatch") && run.attempt() == 1 {
        return Ok(false);
    }
    // It has the correlation id of a deploy, perhaps of another Deckhand's.
    if requested(run).is_some_and(|(id, _)| CorrelationId::is_one(id)) {
        return Ok(true);
    }
    let branch = run.head_branch.as_deref().map(git_ref::short).unwrap_or_default();
    let owners =
        registry.dispatching(repository, seen.file(), services.github.default_repository());
    let Some(began) = run.began_at().filter(|_| !owners.is_empty()) else { return Ok(false) };
    let item = services.store.get(&window_key(repository, seen.file(), branch)).await?;
    let since = began - STARTS_WITHIN;
    for interaction_id in Window::of(item.as_ref()).dispatched(since, began + CLOCKS_DIFFER) {
        for agent in &owners {
            let key = DeployKey { agent: agent.id.clone(), interaction_id };
            let deploy = load(services.store, &key).await?.map(|stored| stored.deploy);
            let searches = |deploy: &Deploy| deploy.ending().is_none() && deploy.target.is_none();
            if deploy.as_ref().is_some_and(searches) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Stores the card of a run, once, and returns its key. `None`: a deploy has the run, so it has a card.
pub(crate) async fn begin(
    services: Services<'_>,
    registry: &Registry,
    watch: &Watch,
    seen: Seen<'_>,
) -> Result<Option<DeployKey>, StoreError> {
    let now = services.clock.now();
    let deploy = deploy(services.github, registry, watch, seen, now);
    let key = deploy.order.key.clone();
    for _ in 0..CONFLICTS {
        let claim = Claim::read(services.store, seen.repository, seen.run.id).await?;
        if claim.deploy.is_some() {
            return Ok(None);
        }
        if claim.watched.contains(&key) {
            return Ok(Some(key));
        }
        let shared = claim.with_watched(&key, services.wait.kept, now);
        let commit =
            Commit::of(vec![stored::put(&deploy, Expect::Absent, services.wait.kept), shared]);
        if services.store.commit(&commit).await? == Committed::Done {
            return Ok(Some(key));
        }
    }
    Err(StoreError::Unusable("a run is claimed by too many at once".to_owned()))
}

/// The deploy that a run becomes. Its end is read from GitHub, so what the webhook tells of it does not count.
fn deploy(
    github: &Github,
    registry: &Registry,
    watch: &Watch,
    seen: Seen<'_>,
    now: DateTime<Utc>,
) -> Deploy {
    let Seen { repository, run } = seen;
    let file = seen.file();
    let branch = run.head_branch.as_deref().map(git_ref::short).unwrap_or_default();
    let login = run.actor.as_ref().map(|actor| actor.login.clone());
    let key = seen.key(watch.channel);
    let order = Order {
        title: run
            .name
            .clone()
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| file.to_owned()),
        command: "watch".to_owned(),
        repository: repository.clone(),
        workflow: file.to_owned(),
        workflow_page: github.workflow_page(repository, file),
        git_ref: branch.to_owned(),
        environment: None,
        shares_workflow: false,
        inputs: Map::new(),
        given: Vec::new(),
        correlation_id: key.correlation_id(),
        key,
        requester: Requester::nobody(login.as_deref().unwrap_or_default()),
        extra: Extra::Nothing,
        rolls_back: None,
        verified_by: None,
        by_admin: false,
    };
    // Several watches of one channel have one card there.
    let default = github.default_repository();
    let same =
        |one: &&Watch| one.channel == watch.channel && one.covers(run, file, repository, default);
    let ping =
        watch.ping.or_else(|| registry.watches().iter().filter(same).find_map(|one| one.ping));
    let owners = registry.dispatching(repository, file, default);
    let allows =
        |agent: &&Agent| agent.workflow().is_some_and(|workflow| workflow.allows_ref(branch));
    let watched = Watched {
        event: run.event.clone(),
        by: login,
        ping,
        at_end: !watch.only.is_empty(),
        rolls_back: owners.len() == 1 && owners.iter().all(allows),
        has_failed: false,
        knows_series: false,
    };
    let mut run = run.clone();
    let ends = run.is_completed();
    if ends {
        (run.status, run.conclusion, run.updated_at) = (Some("in_progress".to_owned()), None, None);
    }
    Deploy {
        phase: Phase::Running,
        target: Some(Target::of(github, &order, run, Matched::Webhook)),
        end_is_near_until: ends.then(|| now + SHOWS_END_WITHIN),
        pings: false,
        watched: Some(watched),
        ..Deploy::requested(
            order,
            Some(Place::of_channel(watch.channel)),
            false,
            Duration::ZERO,
            now,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn run(path: &str, updated_at: &str) -> Run {
        serde_json::from_value(json!({"id": 1, "path": path, "updated_at": updated_at})).unwrap()
    }

    #[rstest]
    #[case(".github/workflows/ci.yml", "ci.yml")]
    #[case(".github/workflows/ci.yml@refs/heads/a/b", "ci.yml")]
    #[case("dynamic/pages/pages-build-deployment", "pages-build-deployment")]
    #[case("", "")]
    fn a_run_tells_its_workflow_s_file(#[case] path: &str, #[case] file: &str) {
        let (run, repository) = (run(path, ""), "o/r".parse().unwrap());
        assert_eq!(Seen { repository: &repository, run: &run }.file(), file);
    }

    #[rstest]
    #[case::now("2026-11-22T10:00:00Z", true)]
    #[case::yesterday("2026-11-21T10:00:01Z", true)]
    #[case::before("2026-11-21T10:00:00Z", false)]
    #[case::clocks_differ("2026-11-22T10:05:00Z", true)]
    #[case::not_told("never", true)]
    fn what_has_not_changed_for_a_day_is_no_news(#[case] updated_at: &str, #[case] is_news: bool) {
        let (run, repository) = (run("", updated_at), "o/r".parse().unwrap());
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(Seen { repository: &repository, run: &run }.is_news(now), is_news);
    }
}
