//! Cancels a run, and runs it again.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#cancel-a-workflow-run>

use std::time::Duration;

use tokio::time::sleep;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::Run;

/// How often a request whose answer was lost is sent.
const TRIES: u8 = 3;

/// How often a run is looked at after the answer to a re-run was lost.
const LOOKS: u8 = 3;

/// The pause before the next try or look.
const PAUSE: Duration = Duration::from_secs(1);

impl Github {
    /// Asks for the end of a run. Jobs and steps with `if: always()` go on. Asked twice, it is done once, so it is
    /// sent again if an answer is lost.
    pub async fn cancel(&self, repository: &Repository, run_id: u64) -> Result<(), GithubError> {
        self.stop(repository, run_id, "cancel").await
    }

    /// Ends a run, also where its workflow says `always()`. GitHub asks to try [`Github::cancel`] first.
    pub async fn force_cancel(
        &self,
        repository: &Repository,
        run_id: u64,
    ) -> Result<(), GithubError> {
        self.stop(repository, run_id, "force-cancel").await
    }

    /// Runs a run's failed jobs again, and those that need them, as the attempt after this one.
    pub async fn rerun_failed_jobs(
        &self,
        repository: &Repository,
        run_id: u64,
        attempt: u64,
    ) -> Result<(), GithubError> {
        self.start_again(repository, run_id, attempt, "rerun-failed-jobs").await
    }

    /// Runs all jobs of a run again, as the attempt after this one: with the same commit and ref.
    pub async fn rerun(
        &self,
        repository: &Repository,
        run_id: u64,
        attempt: u64,
    ) -> Result<(), GithubError> {
        self.start_again(repository, run_id, attempt, "rerun").await
    }

    async fn stop(
        &self,
        repository: &Repository,
        run_id: u64,
        how: &str,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/{how}");
        for _ in 1..TRIES {
            match self.post_nothing(&path).await {
                Err(error) if error.is_passing() => sleep(PAUSE).await,
                answer => return answer.map(drop),
            }
        }
        self.post_nothing(&path).await.map(drop)
    }

    /// At most one attempt comes of this. If GitHub's answer is lost, the run tells whether it has begun an attempt
    /// after the one that was its latest; only a run that has not is started again.
    async fn start_again(
        &self,
        repository: &Repository,
        run_id: u64,
        attempt: u64,
        how: &str,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/{how}");
        let mut was_lost = false;
        for tried in 1..=TRIES {
            let error = match self.post_nothing(&path).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if error.is_unsent() && tried < TRIES {
                sleep(PAUSE).await;
                continue;
            }
            let is_lost = matches!(error, GithubError::Lost(_));
            was_lost |= is_lost;
            // A refusal may be about the attempt that the lost request began.
            if !was_lost {
                return Err(error);
            }
            if self.has_begun_after(repository, run_id, attempt).await? {
                return Ok(());
            }
            if !is_lost || tried == TRIES {
                return Err(error);
            }
        }
        Err(GithubError::Lost("no answer to a re-run".to_owned()))
    }

    /// Whether a run has begun an attempt after this one. An error: nobody can tell.
    async fn has_begun_after(
        &self,
        repository: &Repository,
        run_id: u64,
        before: u64,
    ) -> Result<bool, GithubError> {
        let mut seen = Err(GithubError::Lost("no answer to a re-run".to_owned()));
        for _ in 0..LOOKS {
            sleep(PAUSE).await;
            match self.run_now(repository, run_id).await {
                Ok(run) if run.attempt() > before => return Ok(true),
                Ok(_) => seen = Ok(false),
                Err(error) => tracing::debug!(%error, run_id, "the run does not show its attempt"),
            }
        }
        seen
    }

    /// A run as GitHub shows it now, without what it waits for.
    pub(crate) async fn run_now(
        &self,
        repository: &Repository,
        run_id: u64,
    ) -> Result<Run, GithubError> {
        self.get(&format!("/repos/{repository}/actions/runs/{run_id}"), None).await?.json()
    }
}
