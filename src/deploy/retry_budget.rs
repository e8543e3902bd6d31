//! The retry budget of a deploy: its time limit and its pauses.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep_until};

use super::settings::WaitSettings;
use crate::github::GithubError;

/// Even a command that does not wait for the run waits this long for the result of its dispatch.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How many rate limits to wait out in one deploy.
const RESTS: u8 = 2;

/// A refusal of what GitHub knew before is believed after this long.
const REFUSED_FOR: Duration = Duration::from_secs(15);

/// A dispatch that GitHub has not seen is sent again for this long.
const UNSENT_FOR: Duration = Duration::from_secs(10);

/// The time limit of one deploy. All its pauses are made here.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    deadline: Instant,
    interval: Duration,
    rests_left: u8,
    backoff: ExponentialBackoff,
    /// When the first of the refusals in a row came.
    refused_since: Option<Instant>,
    /// When the dispatch could not be sent for the first time.
    unsent_since: Option<Instant>,
}

impl RetryBudget {
    /// To follow a run: `WAIT_TIMEOUT_SECONDS` from now.
    pub(crate) fn for_a_wait(wait: WaitSettings) -> Self {
        Self {
            deadline: Instant::now() + wait.timeout,
            interval: wait.poll_interval,
            rests_left: RESTS,
            backoff: backoff(),
            refused_since: None,
            unsent_since: None,
        }
    }

    /// To learn the result of a dispatch.
    pub(crate) fn for_an_answer(wait: WaitSettings) -> Self {
        Self::for_a_wait(WaitSettings { timeout: wait.timeout.min(ANSWER_TIMEOUT), ..wait })
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The pause between two polls, after a successful one. Resets the back-off.
    pub(crate) async fn look_again(&mut self) {
        self.backoff = backoff();
        self.refused_since = None;
        self.pause(self.interval).await;
    }

    /// Whether to look again after a refusal: it may last only some seconds, see
    /// [`GithubError::is_doubtful`]. Never past the deadline.
    pub(crate) fn doubts(&mut self, error: &GithubError) -> bool {
        let is_over = self.is_over();
        let since = self.refused_since.get_or_insert_with(Instant::now);
        error.is_doubtful() && since.elapsed() < REFUSED_FOR && !is_over
    }

    /// Whether to send a dispatch again after this error: GitHub has not seen it.
    pub(crate) fn sends_again(&mut self, error: &GithubError) -> bool {
        let is_over = self.is_over();
        let since = self.unsent_since.get_or_insert_with(Instant::now);
        error.is_unsent() && since.elapsed() < UNSENT_FOR && !is_over
    }

    /// Pauses for one poll interval, even past the deadline. Only for a missing detail after the run has
    /// ended.
    pub(crate) async fn breathe(&self) {
        tokio::time::sleep(self.interval).await;
    }

    /// The pause after a transient error: exponential back-off with jitter.
    pub(crate) async fn after_a_fault(&mut self) {
        let pause = self.backoff.next().unwrap_or(self.interval);
        self.pause(pause).await;
    }

    /// Waits out a rate limit, at most twice and never past the deadline. `false`: it did not wait, because
    /// that would not help.
    pub(crate) async fn rest(&mut self, asked: Duration) -> bool {
        if self.rests_left == 0 || asked > self.deadline.saturating_duration_since(Instant::now()) {
            return false;
        }
        self.rests_left -= 1;
        tokio::time::sleep(asked).await;
        true
    }

    async fn pause(&self, pause: Duration) {
        sleep_until((Instant::now() + pause).min(self.deadline)).await;
    }
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(seconds: u64) -> RetryBudget {
        let timeout = Duration::from_secs(seconds);
        RetryBudget::for_a_wait(WaitSettings { timeout, ..WaitSettings::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_is_waited_out_twice() {
        let mut budget = budget(180);
        let start = Instant::now();
        assert!(budget.rest(Duration::from_secs(30)).await);
        assert!(budget.rest(Duration::from_secs(30)).await);
        assert!(!budget.rest(Duration::from_secs(1)).await);
        assert_eq!(start.elapsed(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_is_never_waited_out_past_the_deadline() {
        let mut budget = budget(10);
        let start = Instant::now();
        assert!(!budget.rest(Duration::from_secs(11)).await);
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(budget.rest(Duration::from_secs(10)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_believed_by_time() {
        let mut budget = budget(180);
        for refusal in [GithubError::NotFound, GithubError::Unauthorized(String::new())] {
            let start = Instant::now();
            while budget.doubts(&refusal) {
                sleep_until(Instant::now() + Duration::from_secs(1)).await;
            }
            assert_eq!(start.elapsed(), REFUSED_FOR);
            budget.look_again().await;
        }
        let suspended = GithubError::Forbidden("This installation has been suspended".to_owned());
        assert!(!budget.doubts(&suspended));
        assert!(budget.doubts(&GithubError::Forbidden(String::new())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_doubted_until_the_deadline_at_most() {
        let mut budget = budget(2);
        assert!(budget.doubts(&GithubError::NotFound));
        sleep_until(budget.deadline()).await;
        assert!(!budget.doubts(&GithubError::NotFound));
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_goes_past_the_deadline() {
        let mut budget = budget(10);
        let start = Instant::now();
        while !budget.is_over() {
            budget.look_again().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_with_faults_in_a_row() {
        let mut budget = budget(600);
        for round in 0..2 {
            let start = Instant::now();
            budget.after_a_fault().await;
            assert!(start.elapsed() <= Duration::from_secs(1), "round {round}");
            for _ in 0..4 {
                budget.after_a_fault().await;
            }
            assert!(start.elapsed() >= Duration::from_secs(10), "round {round}");
            budget.look_again().await;
        }
    }
}
