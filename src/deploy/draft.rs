//! A deploy as one call of `advance` knows it: what is stored, and what became known since.

use chrono::{DateTime, Utc};
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use super::claims::Claims;
use super::counted;
use super::effects::{LANDS_WITHIN, Services};
use super::event::{Event, Searched};
use super::key::DeployKey;
use super::messages;
use super::next::{Effect, next};
use super::order::Order;
use super::record::{Deploy, Lease, Phase, Telling};
use super::step::step;
use super::stored::{self, Stored, Window};
use crate::store::{Commit, Committed, Expect, StoreError};
use crate::telemetry;

/// The first pause before the store is tried again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// How often a commit is tried while others change the deploy too.
const CONFLICTS: usize = 20;

/// Somebody else acts for the deploy, or the store cannot be used for longer than the lease.
#[derive(Debug)]
pub(super) struct Lost;

pub(super) struct Draft<'a> {
    pub(super) services: Services<'a>,
    pub(super) me: Uuid,
    /// With everything that became known.
    pub(super) deploy: Deploy,
    pub(super) stored: Deploy,
    revision: Uuid,
    /// What became known since it was stored, and when.
    news: Vec<(Event, DateTime<Utc>)>,
    /// Whether this call has taken the next post of the outcome upon itself.
    pub(super) tells: bool,
    /// Whether a watch shows its run already. Then the claim is shared with it.
    is_watched: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(services: Services<'a>, stored: Stored, me: Uuid) -> Self {
        let Stored { deploy, revision } = stored;
        Self {
            services,
            me,
            stored: deploy.clone(),
            deploy,
            revision,
            news: Vec::new(),
            tells: false,
            is_watched: false,
        }
    }

    /// Adds an event. `false`: it changes nothing.
    pub(super) fn add(&mut self, event: Event) -> bool {
        let now = self.services.clock.now();
        let stepped = step(&self.deploy, event.clone(), now);
        let changes = stepped != self.deploy;
        if changes {
            self.deploy = stepped;
            self.news.push((event, now));
        }
        changes
    }

    /// The caller's answer shows how the deploy stands.
    pub(super) fn add_answered(&mut self) {
        let text = messages::fingerprint(&self.deploy, self.services.clock.now());
        let now = self.services.clock.now();
        if self.deploy.place.is_some() {
            self.add(Event::Answered { text });
            // Then the answer is not the HTTP answer but an edit, which may come after what a webhook shows.
            if self.deploy.interaction().time_left(now).is_zero() {
                self.add(Event::ShownInDoubt { until: now + LANDS_WITHIN });
            }
        }
    }

    /// Takes the lease. `Ok(false)`: somebody else has it; what became known is stored for them.
    pub(super) async fn take(&mut self) -> Result<bool, StoreError> {
        for _ in 0..CONFLICTS {
            let now = self.services.clock.now();
            let is_held = self.is_held(now);
            if is_held && self.news.is_empty() {
                return Ok(false);
            }
            let lease = if is_held { self.stored.lease } else { Some(self.lease(now)) };
            let (deploy, commit) = self.commit(lease).await?;
            let committed = match self.services.store.commit(&commit).await {
                // If only its answer was lost, the store recognises it.
                Err(_) => self.services.store.commit(&commit).await?,
                Ok(committed) => committed,
            };
            if committed == Committed::Done {
                self.is_stored(deploy, commit.claim);
                return Ok(!is_held);
            }
            if !self.reload().await? {
                return Ok(false);
            }
            sleep(jittered(SHORTEST_PAUSE)).await;
        }
        Err(StoreError::Unusable("a deploy is changed by too many at once".to_owned()))
    }

    /// Stores what must not be forgotten before the next step. `may_tell`: whether the outcome can be posted
    /// right after.
    pub(super) async fn store_if_needed(&mut self, may_tell: bool) -> Result<(), Lost> {
        if may_tell {
            self.take_the_post_upon_oneself();
        }
        if must_be_stored(&self.stored, &self.deploy) {
            self.store().await?;
        }
        Ok(())
    }

    fn take_the_post_upon_oneself(&mut self) {
        let now = self.services.clock.now();
        let effects = next(&self.deploy, self.me, now);
        let by = effects.iter().find_map(|effect| match effect {
            Effect::Tell(by) => Some(*by),
            _ => None,
        });
        if let Some(by) = by {
            self.tells = self.add(Event::Tells { by });
        }
    }

    /// Gives the lease back and stores everything. `false`: somebody left a note meanwhile.
    pub(super) async fn release(&mut self) -> Result<bool, Lost> {
        self.put(None).await
    }

    /// Stores everything, with a fresh lease. Others may change the deploy, or the window of its workflow, at the
    /// same time: it is tried as long as the lease lasts.
    pub(super) async fn store(&mut self) -> Result<(), Lost> {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let now = self.services.clock.now();
            if self.put(Some(self.lease(now))).await? {
                return Ok(());
            }
            if !self.holds(now) {
                return Err(Lost);
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// One commit, tried while the lease lasts. `false`: others have changed the deploy, which was read again.
    async fn put(&mut self, lease: Option<Lease>) -> Result<bool, Lost> {
        let mut pause = SHORTEST_PAUSE;
        let (deploy, commit) = loop {
            match self.commit(lease).await {
                Ok(ready) => break ready,
                Err(error) => self.endure(&error, &mut pause).await?,
            }
        };
        // The same commit again: if only its answer was lost, the store recognises it.
        let committed = loop {
            match self.services.store.commit(&commit).await {
                Ok(committed) => break committed,
                Err(error) => self.endure(&error, &mut pause).await?,
            }
        };
        if committed == Committed::Done {
            self.is_stored(deploy, commit.claim);
            return Ok(true);
        }
        self.reload_mine().await?;
        Ok(false)
    }

    /// Notes that an edit of ours may still land although somebody else acts for the deploy now.
    pub(super) async fn note_doubt(&self) {
        let until = self.services.clock.now() + LANDS_WITHIN;
        let event = Event::ShownInDoubt { until };
        if let Err(error) = note(self.services, &self.deploy.order.key, event).await {
            tracing::warn!(%error, "it could not be noted that an edit may still land");
        }
    }

    /// Stores what became known, whoever acts for the deploy.
    async fn put_note(&mut self) -> Result<(), StoreError> {
        for _ in 0..CONFLICTS {
            if self.news.is_empty() {
                return Ok(());
            }
            let (deploy, commit) = self.commit(self.stored.lease).await?;
            let committed = match self.services.store.commit(&commit).await {
                // If only its answer was lost, the store recognises it.
                Err(_) => self.services.store.commit(&commit).await?,
                Ok(committed) => committed,
            };
            if committed == Committed::Done {
                self.is_stored(deploy, commit.claim);
                return Ok(());
            }
            if !self.reload().await? {
                return Ok(());
            }
            sleep(jittered(SHORTEST_PAUSE)).await;
        }
        Err(StoreError::Unusable("a deploy is changed by too many at once".to_owned()))
    }

    /// Reads what others have noted since. Whoever acts for a deploy for long sees clicks by this.
    pub(super) async fn read_notes(&mut self) -> Result<(), Lost> {
        let key = self.deploy.order.key.in_store();
        match self.services.store.get(&key).await {
            Ok(Some(item)) if item.revision != self.revision => self.reload_mine().await,
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "what others noted could not be read");
                Ok(())
            }
        }
    }

    /// Whether an edit was made that the store does not know of.
    pub(super) fn has_shown_more(&self) -> bool {
        self.deploy.shown != self.stored.shown
    }

    /// Waits before the store is tried again, as long as the lease lasts.
    async fn endure(&self, error: &StoreError, pause: &mut Duration) -> Result<(), Lost> {
        let now = self.services.clock.now();
        if !self.holds(now) {
            tracing::error!(%error, "the deploy could not be stored");
            return Err(Lost);
        }
        tracing::warn!(%error, "the deploy could not be stored yet");
        sleep(*pause).await;
        *pause = (*pause * 2).min(Duration::from_secs(2));
        Ok(())
    }

    async fn reload_mine(&mut self) -> Result<(), Lost> {
        let mut pause = SHORTEST_PAUSE;
        let there = loop {
            match self.reload().await {
                Ok(there) => break there,
                Err(error) => self.endure(&error, &mut pause).await?,
            }
        };
        let is_ours = self.stored.lease.is_some_and(|lease| lease.by == self.me);
        if there && is_ours { Ok(()) } else { Err(Lost) }
    }

    /// Reads what others have stored, and adds the news to it. `false`: the deploy is gone.
    async fn reload(&mut self) -> Result<bool, StoreError> {
        let key = self.deploy.order.key.clone();
        let Some(Stored { deploy, revision }) = stored::load(self.services.store, &key).await?
        else {
            return Ok(false);
        };
        if revision == self.revision {
            // So it is not the deploy that was changed, but its run or its window.
            self.drop_taken_run(&key).await?;
        }
        let note = (deploy.look_at != self.stored.look_at).then_some(deploy.look_at);
        self.stored = deploy.clone();
        self.deploy = deploy;
        self.revision = revision;
        let news = std::mem::take(&mut self.news);
        for (event, at) in news {
            let stepped = step(&self.deploy, event.clone(), at);
            if stepped != self.deploy {
                self.deploy = stepped;
                self.news.push((event, at));
            }
        }
        // What was seen before a note was left is no answer to it.
        if let Some(until) = note.filter(|note| *note < self.deploy.look_at)
            && matches!(self.deploy.phase, Phase::Searching(_) | Phase::Running)
        {
            self.add(Event::Postponed { until });
        }
        Ok(true)
    }

    /// A run that another deploy has is not ours, however it was found.
    async fn drop_taken_run(&mut self, key: &DeployKey) -> Result<(), StoreError> {
        if self.deploy.order.reruns().is_some() {
            return Ok(());
        }
        for (event, _) in &mut self.news {
            let (Event::Searched(Searched::Found(target)) | Event::Named(target)) = event else {
                continue;
            };
            let repository = &self.deploy.order.repository;
            let owner = stored::owner(self.services.store, repository, target.run_id).await?;
            self.is_watched |= owner.is_none();
            if owner.is_some_and(|owner| owner != *key) {
                tracing::warn!(run_id = target.run_id, "the run belongs to another deploy");
                *event = match event {
                    Event::Named(_) => Event::Unnamed { lost: false },
                    _ => Event::Searched(Searched::Nothing),
                };
            }
        }
        Ok(())
    }

    /// The commit that stores everything, and the deploy as it then is.
    async fn commit(&self, lease: Option<Lease>) -> Result<(Deploy, Commit), StoreError> {
        let now = self.services.clock.now();
        let deploy = Deploy { lease, ..self.deploy.clone() };
        let mut writes =
            vec![stored::put(&deploy, Expect::Revision(self.revision), self.services.wait.kept)];
        let claims = Claims { store: self.services.store, kept: self.services.wait.kept, now };
        writes.extend(claims.write(&self.stored, &deploy, self.is_watched).await?);
        if self.stored.phase == Phase::Requested
            && let Phase::Dispatching { since, .. } = deploy.phase
        {
            let Order { repository, workflow, git_ref, .. } = &deploy.order;
            let key = stored::window_key(repository, workflow, git_ref);
            let item = self.services.store.get(&key).await?;
            writes.push(Window::of(item.as_ref()).with(item.as_ref(), &deploy.order, since));
        }
        Ok((deploy, Commit::of(writes)))
    }

    fn is_stored(&mut self, deploy: Deploy, revision: Uuid) {
        counted::run(&deploy);
        if self.stored.ending().is_none() && deploy.ending().is_some() {
            counted::end(&deploy);
        }
        let untold = |deploy: &Deploy| {
            deploy.ending().and_then(|ending| ending.telling.untold()).map(str::to_owned)
        };
        if let (None, Some(why)) = (untold(&self.stored), untold(&deploy)) {
            telemetry::outcome_not_told(&why);
        }
        let trouble =
            |deploy: &Deploy| deploy.trouble.as_ref().and_then(|trouble| trouble.said.clone());
        if let (None, Some(said)) = (trouble(&self.stored), trouble(&deploy)) {
            tracing::warn!(said, key = ?deploy.order.key, "GitHub does not show a run");
        }
        let tells = |deploy: &Deploy| {
            deploy.ending().is_some_and(|ending| ending.telling != Telling::Nobody)
        };
        if !tells(&self.stored) && tells(&deploy) {
            telemetry::follows_up();
        }
        self.stored = deploy.clone();
        (self.deploy, self.revision) = (deploy, revision);
        self.news.clear();
    }
}

/// Stores what became known of a deploy, whoever acts for it. Returns the deploy as it then is; `None`: there is
/// none.
pub(super) async fn note(
    services: Services<'_>,
    key: &DeployKey,
    event: Event,
) -> Result<Option<Deploy>, StoreError> {
    let Some(stored) = stored::load(services.store, key).await? else { return Ok(None) };
    let mut draft = Draft::new(services, stored, Uuid::new_v4());
    draft.add(event);
    draft.put_note().await?;
    Ok(Some(draft.deploy))
}

/// Whether a change must be stored before one acts on it. Progress is looked at again after a crash.
pub(super) fn must_be_stored(stored: &Deploy, deploy: &Deploy) -> bool {
    let kind = |deploy: &Deploy| std::mem::discriminant(&deploy.phase);
    let telling = |deploy: &Deploy| deploy.ending().map(|ending| ending.telling.clone());
    let run = |deploy: &Deploy| deploy.target.as_ref().map(|target| target.run_id);
    // A card that was posted by the bot's own token is not found by an interaction's.
    let card = |deploy: &Deploy| {
        let place = deploy.place.as_ref().filter(|_| deploy.watched.is_some());
        place.and_then(|place| place.message_id)
    };
    // That all is told and shown is stored with the lease's release.
    let is_settled = matches!(deploy.phase, Phase::Ended(_)) && stored.ending().is_some();
    (kind(stored) != kind(deploy) && !is_settled)
        || telling(stored) != telling(deploy)
        || run(stored) != run(deploy)
        || stored.reopened != deploy.reopened
        || stored.asked != deploy.asked
        || stored.asking != deploy.asking
        || card(stored) != card(deploy)
}

/// Between half of a pause and the whole.
fn jittered(pause: Duration) -> Duration {
    let random = Uuid::new_v4().as_u128() % 1024;
    pause / 2 + pause * u32::try_from(random).unwrap_or_default() / 2048
}
