//! Moves the paused clock. The sockets are real, and tokio alone would move its clock whenever all tasks
//! wait, also while bytes are on their way: call timeouts would fire at random. So this keeps the
//! runtime awake and moves the clock in small steps, and only when every call under way is held up by
//! a stand-in on purpose.

use std::time::Duration;

use standins::Gauge;
use tokio::task::JoinHandle;

/// How far the clock moves at a time.
const STEP: Duration = Duration::from_millis(50);
/// How often the sockets are looked at between two moves.
const LOOKS: usize = 12;

/// Moves the clock as long as its world is there: that of another would not know of its calls.
pub struct Pacemaker(JoinHandle<()>);

impl Pacemaker {
    pub fn start(gauge: Gauge) -> Self {
        Self(tokio::spawn(pace(gauge)))
    }
}

impl Drop for Pacemaker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn pace(gauge: Gauge) {
    loop {
        for _ in 0..LOOKS {
            tokio::task::yield_now().await;
        }
        if gauge.quiet() {
            tokio::time::advance(STEP).await;
        }
    }
}
