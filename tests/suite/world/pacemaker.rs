//! Moves the paused clock. The sockets are real, and tokio alone would move its clock whenever all tasks
//! wait, also while bytes are on their way: call timeouts would fire at random. So while
//! calls are under way this keeps the runtime awake and moves the clock itself, in small steps, and only when
//! every one of them is held up by a stand-in on purpose.

use std::time::Duration;

use standins::Gauge;
use tokio::task::JoinHandle;

/// How far the clock moves at a time.
const STEP: Duration = Duration::from_millis(50);
/// How far it moves at most while no call is under way.
const LEAP: Duration = Duration::from_secs(60);
/// How often the sockets are looked at between two moves.
const LOOKS: usize = 12;

/// Moves the clock as long as its world is there: that of another would not know of its calls.
pub(super) struct Pacemaker(JoinHandle<()>);

impl Pacemaker {
    pub(super) fn start(gauge: Gauge) -> Self {
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
        if gauge.idle() {
            // Nothing is on its way, so tokio may move its clock to whatever comes next.
            let _ = tokio::time::timeout(LEAP, gauge.call_began()).await;
        } else if gauge.quiet() {
            tokio::time::advance(STEP).await;
        }
    }
}
