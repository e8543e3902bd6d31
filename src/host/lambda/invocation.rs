//! What time it is when an invocation begins, and how long it may take.
//!
//! Lambda says when it kills the function, by its own clock. Ours may be minutes off right after the freeze,
//! and jump later. So it is compared with times that cannot be stale: that of API Gateway, and the function's
//! timeout, which is the same for all invocations of a process.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::bot::tasks::Deadline;
use crate::clock::Clock;

/// The timeouts that a function can have.
const TIMEOUTS: RangeInclusive<TimeDelta> = TimeDelta::seconds(1)..=TimeDelta::minutes(15);

/// The time for an invocation of which nothing is known: as long as API Gateway waits.
const UNKNOWN: Duration = Duration::from_secs(30);

/// How long a request takes from API Gateway to us, at most: as long as a start of the function may take.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(10);

/// The invocations of this process, one after the other.
pub(crate) struct Invocations {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The function's timeout.
    timeout: Option<TimeDelta>,
    /// Of the invocation that runs.
    deadline: Option<Deadline>,
}

impl Invocations {
    /// `clock` is set at the beginning of each invocation.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// An invocation begins that Lambda kills at `killed_at`, in milliseconds since 1970. `system` is the
    /// system clock's time, and `received` when API Gateway received the request.
    pub(crate) fn begin(
        &self,
        killed_at: u64,
        system: DateTime<Utc>,
        received: Option<DateTime<Utc>>,
    ) -> Deadline {
        let mut known = self.known();
        let killed_at = i64::try_from(killed_at).ok().and_then(DateTime::from_timestamp_millis);
        let time = killed_at.and_then(|killed_at| {
            let now = now(killed_at, system, received, known.timeout)?;
            Some((now, killed_at - now))
        });
        if let Some((_, left)) = time
            && (received.is_some() || known.timeout.is_none())
        {
            known.timeout = Some(left);
        }
        self.clock.set(time.map(|(now, _)| now));
        let left = time.and_then(|(_, left)| left.to_std().ok()).unwrap_or(UNKNOWN);
        *known.deadline.insert(Deadline::from_now(left))
    }

    /// The latest moment for the invocation that runs.
    pub(crate) fn end(&self) -> Instant {
        let deadline = self.known().deadline;
        deadline.unwrap_or_else(|| Deadline::from_now(UNKNOWN)).end
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time, by everything that tells it. `None`: nothing that tells it can be true.
fn now(
    killed_at: DateTime<Utc>,
    system: DateTime<Utc>,
    received: Option<DateTime<Utc>>,
    timeout: Option<TimeDelta>,
) -> Option<DateTime<Utc>> {
    let can_be = |now: &DateTime<Utc>| TIMEOUTS.contains(&(killed_at - *now));
    if let Some(received) = received.filter(can_be) {
        let can_be_true = can_be(&system) && (received..=received + ON_ITS_WAY).contains(&system);
        return Some(if can_be_true { system } else { received });
    }
    match timeout {
        Some(timeout) => Some(killed_at - timeout),
        None => Some(system).filter(can_be),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::CorrectedClock;
    use rstest::rstest;

    /// The true time.
    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn at(ms: i64) -> DateTime<Utc> {
        noon() + TimeDelta::milliseconds(ms)
    }

    fn killed_in(timeout: Duration) -> u64 {
        u64::try_from((noon() + timeout).timestamp_millis()).unwrap()
    }

    const TIMEOUT: Duration = Duration::from_secs(240);
    const MINUTE: i64 = 60_000;

    /// How far the end of work is away, in milliseconds. A deadline after the whole 240 s is 239 s away.
    fn left(deadline: Deadline) -> u128 {
        (deadline.end - Instant::now()).as_millis()
    }

    #[rstest]
    #[case::right(0, Some(-20), 239_000)]
    #[case::right_after_a_cold_start(0, Some(-4_000), 239_000)]
    #[case::behind(-3 * MINUTE, Some(-20), 239_020)]
    #[case::hours_behind(-300 * MINUTE, Some(-20), 239_020)]
    #[case::ahead(3 * MINUTE, Some(-20), 239_020)]
    #[case::beyond_the_end(5 * MINUTE, Some(-20), 239_020)]
    #[case::nothing_to_compare_with(0, None, 239_000)]
    // It cannot be, so nothing is known.
    #[case::too_far_behind(-20 * MINUTE, None, 29_700)]
    #[case::past_the_end(5 * MINUTE, None, 29_700)]
    #[case::the_gateway_is_wrong(0, Some(-60 * MINUTE), 239_000)]
    #[case::both_are_wrong(-60 * MINUTE, Some(60 * MINUTE), 29_700)]
    #[tokio::test(start_paused = true)]
    async fn a_first_invocation_has_its_time_whatever_the_clock_says(
        #[case] system: i64,
        #[case] received: Option<i64>,
        #[case] expected: u128,
    ) {
        let clock = Arc::new(CorrectedClock::default());
        let invocations = Invocations::new(clock.clone());
        let deadline = invocations.begin(killed_in(TIMEOUT), at(system), received.map(at));
        assert_eq!(left(deadline), expected);
        assert_eq!(invocations.end(), deadline.end);
        if expected > 30_000 {
            assert!((clock.now() - noon()).abs() <= TimeDelta::milliseconds(20), "{}", clock.now());
        }
    }

    #[rstest]
    #[case::behind(-3 * MINUTE)]
    #[case::far_behind(-20 * MINUTE)]
    #[case::ahead(3 * MINUTE)]
    #[case::past_the_end(5 * MINUTE)]
    #[tokio::test(start_paused = true)]
    async fn a_later_invocation_has_as_much_time_as_the_first(#[case] system: i64) {
        let clock = Arc::new(CorrectedClock::default());
        let invocations = Invocations::new(clock.clone());
        invocations.begin(killed_in(TIMEOUT), at(0), None);
        // A schedule, for example.
        let deadline = invocations.begin(killed_in(TIMEOUT), at(system), None);
        assert_eq!((left(deadline), clock.now()), (239_000, noon()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_beginning_is_mended_by_the_gateway() {
        let clock = Arc::new(CorrectedClock::default());
        let invocations = Invocations::new(clock.clone());
        // Started in advance, and frozen until now: this cannot be noticed.
        let first = invocations.begin(killed_in(TIMEOUT), at(-MINUTE), None);
        assert_eq!(left(first), 299_000);
        for received in [Some(at(0)), None] {
            let deadline = invocations.begin(killed_in(TIMEOUT), at(-MINUTE), received);
            assert_eq!((left(deadline), clock.now()), (239_000, noon()));
        }
    }

    #[rstest]
    #[case::none(0)]
    #[case::endless(u64::MAX)]
    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_cannot_be_gives_some_time(#[case] killed_at: u64) {
        let clock = Arc::new(CorrectedClock::default());
        let invocations = Invocations::new(clock.clone());
        let deadline = invocations.begin(killed_at, Utc::now(), Some(Utc::now()));
        assert_eq!(left(deadline), 29_700);
        assert!((clock.now() - Utc::now()).abs() < TimeDelta::seconds(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_meanwhile_changes_nothing() {
        let clock = Arc::new(CorrectedClock::default());
        let invocations = Invocations::new(clock.clone());
        let deadline = invocations.begin(killed_in(TIMEOUT), at(-5 * MINUTE), Some(at(0)));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((left(deadline), clock.now()), (179_000, at(MINUTE)));
    }
}
