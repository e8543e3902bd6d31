//! Counts calls under way, so that a test knows when it may move the clock.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// Counts the calls under way, and those of them that only wait for the clock.
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    calls: Arc<AtomicUsize>,
    stalls: Arc<AtomicUsize>,
    deliveries: Arc<AtomicUsize>,
    began: Arc<Notify>,
}

impl Gauge {
    /// A gauge with nothing under way.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one outgoing call until the guard is dropped.
    pub fn call(&self) -> CallGuard {
        self.began.notify_one();
        CallGuard(Count::up(&self.calls))
    }

    /// Counts one answer that is delayed on purpose until the guard is dropped.
    pub fn stall(&self) -> StallGuard {
        StallGuard(Count::up(&self.stalls))
    }

    /// Counts one delivery to the bot until the guard is dropped. It is no call: what it waits for
    /// are the bot's own calls, which count, or the clock, which then must move.
    pub fn delivery(&self) -> DeliveryGuard {
        DeliveryGuard(Count::up(&self.deliveries))
    }

    /// How many deliveries to the bot are under way.
    pub fn deliveries(&self) -> usize {
        self.deliveries.load(Ordering::SeqCst)
    }

    /// Whether no call is under way, held back or not.
    pub fn idle(&self) -> bool {
        self.calls.load(Ordering::SeqCst) == 0
    }

    /// Waits until a call begins; returns at once if one began since it was last waited for.
    pub async fn call_began(&self) {
        self.began.notified().await;
    }

    /// Whether every call under way waits for time to pass.
    pub fn quiet(&self) -> bool {
        self.calls.load(Ordering::SeqCst) <= self.stalls.load(Ordering::SeqCst)
    }
}

/// A call under way; see [`Gauge::call`].
#[derive(Debug)]
pub struct CallGuard(#[allow(dead_code, reason = "held for its drop")] Count);

/// An answer held back; see [`Gauge::stall`].
#[derive(Debug)]
pub struct StallGuard(#[allow(dead_code, reason = "held for its drop")] Count);

/// A delivery under way; see [`Gauge::delivery`].
#[derive(Debug)]
pub struct DeliveryGuard(#[allow(dead_code, reason = "held for its drop")] Count);

#[derive(Debug)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn up(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counter))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_call_is_quiet_only_while_its_answer_is_held_back() {
        let gauge = Gauge::new();
        assert!(gauge.quiet());
        let call = gauge.call();
        assert!(!gauge.quiet());
        let stall = gauge.stall();
        assert!(gauge.quiet());
        drop(stall);
        assert!(!gauge.quiet());
        drop(call);
        assert!(gauge.quiet());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_begins_is_noticed_also_before_it_is_waited_for() {
        let gauge = Gauge::new();
        assert!(gauge.idle());
        let call = gauge.call();
        assert!(!gauge.idle());
        gauge.call_began().await;
        let another = timeout(Duration::from_secs(1), gauge.call_began());
        assert!(another.await.is_err());
        drop(call);
        assert!(gauge.idle());
    }
}
