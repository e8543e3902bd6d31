//! The run of a deploy is claimed by the commit that makes it the deploy's, so that it is one deploy's only.

use chrono::{DateTime, TimeDelta, Utc};

use super::record::{Deploy, Phase};
use super::stored::Claim;
use crate::store::{Store, StoreError, Write};

pub(super) struct Claims<'a> {
    pub(super) store: &'a dyn Store,
    /// How long a deploy is kept after its end.
    pub(super) kept: TimeDelta,
    pub(super) now: DateTime<Utc>,
}

impl Claims<'_> {
    /// What a commit must write so that the run is claimed. `stored`: the deploy before it; `is_watched`: whether a
    /// watch shows the run already.
    pub(super) async fn write(
        &self,
        stored: &Deploy,
        deploy: &Deploy,
        is_watched: bool,
    ) -> Result<Option<Write>, StoreError> {
        if let Some(run_id) = deploy.order.reruns() {
            return self.write_of_rerun(stored, deploy, run_id).await;
        }
        let Some(run_id) = new_run(stored, deploy) else { return Ok(None) };
        let repository = &deploy.order.repository;
        let mut claim = Claim::nobodys(repository, run_id);
        if is_watched {
            claim = Claim::read(self.store, repository, run_id).await?;
        }
        if claim.deploy.is_some() {
            claim = Claim::nobodys(repository, run_id);
        }
        Ok(Some(claim.with_deploy(&deploy.order.key, self.kept, self.now)))
    }

    /// A roll back takes the run over before GitHub is asked to run it again: what webhooks tell of the new attempt
    /// is not for whoever had the run before. If no attempt came of it, the run is given back.
    async fn write_of_rerun(
        &self,
        stored: &Deploy,
        deploy: &Deploy,
        run_id: u64,
    ) -> Result<Option<Write>, StoreError> {
        let takes =
            stored.phase == Phase::Requested && matches!(deploy.phase, Phase::Dispatching { .. });
        let gives_back =
            stored.ending().is_none() && deploy.ending().is_some() && deploy.target.is_none();
        if !takes && !gives_back {
            return Ok(None);
        }
        let claim = Claim::read(self.store, &deploy.order.repository, run_id).await?;
        let (key, kept, now) = (&deploy.order.key, self.kept, self.now);
        Ok(if takes {
            Some(claim.with_deploy(key, kept, now))
        } else {
            claim.without_deploy(key, kept, now)
        })
    }
}

/// A run that the deploy did not have.
fn new_run(stored: &Deploy, deploy: &Deploy) -> Option<u64> {
    let run_id = deploy.target.as_ref()?.run_id;
    let has_it = stored.target.as_ref().is_some_and(|known| known.run_id == run_id);
    (!has_it).then_some(run_id)
}
