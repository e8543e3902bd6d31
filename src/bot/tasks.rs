//! Background tasks: work that goes on after the HTTP answer, and its deadline.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::telemetry;

/// The deadline of a Lambda invocation. Lambda kills the process at its timeout, so every task is told
/// to wind up before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When work is told to stop.
    pub wind_up: Instant,
    /// The latest moment to deliver anything.
    pub end: Instant,
}

impl Deadline {
    /// The deadline of an invocation that is killed after `left`. A tenth of it (2 to 10 s, at most
    /// half) is kept for winding up.
    pub fn from_now(left: Duration) -> Self {
        let margin =
            (left / 10).clamp(Duration::from_secs(2), Duration::from_secs(10)).min(left / 2);
        let now = Instant::now();
        Self { wind_up: now + (left - margin), end: now + (left - margin / 10) }
    }
}

/// All running tasks. Lambda's next poll and the server's shutdown wait for them.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    running: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Tasks {
    /// Starts a tracked task. It carries the telemetry of the current interaction.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task = self.tracker.spawn(telemetry::carry(task));
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|task| !task.is_finished());
        running.push(task.abort_handle());
        task
    }

    /// Ends all running tasks where they are. What they did not do, others must.
    pub fn abort(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.drain(..).for_each(|task| task.abort());
    }

    /// Resolves when work must wind up: near the invocation's deadline, or at the server's shutdown.
    pub async fn wind_up(&self, deadline: Option<Deadline>) {
        match deadline {
            Some(deadline) => tokio::select! {
                () = tokio::time::sleep_until(deadline.wind_up) => {}
                () = self.stop.cancelled() => {}
            },
            None => self.stop.cancelled().await,
        }
    }

    /// Whether work was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Tells all work to wind up.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until no task is left. New tasks can be started afterwards.
    pub async fn drained(&self) {
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(240_000, 230_000, 239_000)]
    #[case(30_000, 27_000, 29_700)]
    #[case(5_000, 3_000, 4_800)]
    #[case(1_000, 500, 950)]
    #[case(0, 0, 0)]
    #[tokio::test(start_paused = true)]
    async fn a_deadline_reserves_time_for_winding_up(
        #[case] left: u64,
        #[case] wind_up: u64,
        #[case] end: u64,
    ) {
        let now = Instant::now();
        let deadline = Deadline::from_now(Duration::from_millis(left));
        assert_eq!((deadline.wind_up - now).as_millis(), u128::from(wind_up));
        assert_eq!((deadline.end - now).as_millis(), u128::from(end));
    }

    #[tokio::test(start_paused = true)]
    async fn aborted_tasks_are_drained_at_once() {
        let tasks = Tasks::default();
        let task = tasks.spawn(tokio::time::sleep(Duration::from_secs(60)));
        let start = Instant::now();
        tasks.abort();
        tasks.drained().await;
        assert!(task.is_finished() && start.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn drained_waits_for_every_task_and_can_be_reused() {
        let tasks = Tasks::default();
        for _ in 0..2 {
            let task = tasks.spawn(tokio::time::sleep(Duration::from_secs(60)));
            tasks.drained().await;
            assert!(task.is_finished());
        }
    }
}
