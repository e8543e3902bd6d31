//! When a request to Discord is tried again: until it succeeds, Discord refuses it, or the time is over.
//!
//! Nothing is given up by count. The pauses grow with jitter up to a few seconds, so that a recovery is
//! noticed soon, and a wait that Discord asks for is waited out. The floor holds also if it asks for none.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep, sleep_until};

use super::answer::DiscordError;

/// The shortest pause.
const FLOOR: Duration = Duration::from_millis(250);

/// The longest pause that Discord did not ask for, before jitter, which at most doubles it.
const CAP: Duration = Duration::from_secs(4);

/// A pause that would end after the time is over is shortened to leave this long for a last try.
const LAST_TRY: Duration = Duration::from_millis(1_500);

/// The pauses between the tries of one request.
pub(crate) struct Pace(ExponentialBackoff);

impl Pace {
    pub(crate) fn new() -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FLOOR)
            .with_max_delay(CAP)
            .without_max_times()
            .with_jitter();
        Self(pauses.build())
    }

    /// The pause after this error. `None`: it would end after `until`.
    pub(crate) fn after(&mut self, error: &DiscordError, until: Instant) -> Option<Duration> {
        let left = until.saturating_duration_since(Instant::now());
        let own = self.0.next().unwrap_or(CAP);
        let own = match left.checked_sub(LAST_TRY) {
            Some(to_last_try) => own.min(to_last_try.max(FLOOR)),
            None => own,
        };
        let pause = match error {
            DiscordError::RateLimited(asked) | DiscordError::EditLimit(asked) => own.max(*asked),
            _ => own,
        };
        (pause < left).then_some(pause)
    }
}

/// Tries until the call succeeds, `again` declines its error, or the next try would come after `until`.
pub(super) async fn patiently<T, F>(
    until: Instant,
    mut call: impl FnMut() -> F,
    again: impl Fn(&DiscordError) -> bool,
) -> Result<T, DiscordError>
where
    F: Future<Output = Result<T, DiscordError>>,
{
    let mut pace = Pace::new();
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if !again(&error) {
            return Err(error);
        }
        let Some(pause) = pace.after(&error, until) else { return Err(error) };
        tracing::debug!(%error, ?pause, "a request to Discord is tried again");
        sleep(pause).await;
    }
}

/// Holds back all requests with the same sign-in while Discord limits them globally.
#[derive(Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

impl Gate {
    /// Nothing passes before this long.
    pub(super) fn close_for(&self, wait: Duration) {
        let Some(opens) = Instant::now().checked_add(wait) else { return };
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = closed.max(Some(opens));
    }

    /// Waits until it is open.
    pub(super) async fn passed(&self) {
        let opens = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opens) = opens.filter(|opens| *opens > Instant::now()) {
            sleep_until(opens).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::cell::Cell;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limited(seconds: u64) -> DiscordError {
        DiscordError::RateLimited(Duration::from_secs(seconds))
    }

    /// How often a call that fails so is tried in a minute, and how long that took.
    async fn tries(error: DiscordError) -> (u32, Duration) {
        let (tried, start) = (Cell::new(0), Instant::now());
        let call = || {
            tried.set(tried.get() + 1);
            std::future::ready(Err::<(), _>(error.clone()))
        };
        assert_eq!(patiently(start + MINUTE, call, DiscordError::passes).await, Err(error.clone()));
        (tried.get(), start.elapsed())
    }

    #[rstest]
    #[case::no_wait(limited(0))]
    #[case::fault(DiscordError::Fault(503))]
    #[case::proxy(DiscordError::Proxy(403))]
    #[case::no_connection(DiscordError::NotSent(String::new()))]
    #[tokio::test(start_paused = true)]
    async fn tries_go_on_until_the_time_is_over_and_are_never_a_flood(#[case] error: DiscordError) {
        let (tried, took) = tries(error).await;
        assert!((10..40).contains(&tried), "{tried}");
        assert!(took > MINUTE - Duration::from_secs(2) && took < MINUTE, "{took:?}");
    }

    #[rstest]
    #[case::in_time(25, 3, 50)]
    #[case::too_long(61, 1, 0)]
    #[tokio::test(start_paused = true)]
    async fn a_wait_that_discord_asks_for_is_waited_out_or_given_up_at_once(
        #[case] asked: u64,
        #[case] tried: u32,
        #[case] seconds: u64,
    ) {
        assert_eq!(tries(limited(asked)).await, (tried, Duration::from_secs(seconds)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_tried_again() {
        let refused = DiscordError::Refused { status: 400, code: 50035 };
        assert_eq!(tries(refused).await, (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_of_our_own_is_longer_than_some_seconds() {
        let (mut pace, until) = (Pace::new(), Instant::now() + 60 * MINUTE);
        for _ in 0..100 {
            let pause = pace.after(&DiscordError::Fault(500), until).unwrap();
            assert!(pause >= FLOOR && pause <= 2 * CAP, "{pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_opens_when_the_longest_wait_is_over() {
        let (gate, start) = (Gate::default(), Instant::now());
        gate.passed().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        gate.close_for(Duration::from_secs(5));
        gate.close_for(Duration::from_secs(2));
        gate.close_for(Duration::MAX);
        gate.passed().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        gate.passed().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
