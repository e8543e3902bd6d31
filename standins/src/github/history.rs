//! A history of many runs, for digests.

use super::{
    run::{NewRun, Timetable},
    wire::digest,
};
use chrono::TimeDelta;
use std::time::Duration;

const PEOPLE: [&str; 4] = ["ada", "grace", "linus", "margaret"];

impl NewRun {
    /// So many completed dispatches of `client-deploy.yml`, evenly over the time before now, oldest
    /// first; the same for the same numbers. Counted from the oldest as 0: each whose number ends
    /// in 4 failed, each in 7 of every second ten was cancelled, the others succeeded. They ran for
    /// 60 to 239 s after 3 s in the queue, each of a commit of its own that is 5 to 94 minutes
    /// older, titled with a correlation id and a requester.
    pub fn history(count: usize, period: TimeDelta) -> Vec<Self> {
        let run = |number: usize| {
            let conclusion = match number % 20 {
                4 | 14 => "failure",
                17 => "cancelled",
                _ => "success",
            };
            let sha = digest(&format!("history {number}"));
            let word = u128::from_str_radix(&sha[..32], 16).expect("a hex digest");
            let requester = PEOPLE[number % PEOPLE.len()];
            let id = uuid::Uuid::from_u128(word);
            let longest = TimeDelta::seconds(243);
            // The newest is completed too, so none begins within the longest before now.
            let span = (period - longest).max(TimeDelta::zero());
            let before = span * i32::try_from(count - number).unwrap_or(i32::MAX)
                / i32::try_from(count).unwrap_or(i32::MAX);
            Self {
                title: format!("Client Deploy — {id} by {requester}"),
                actor: "deckhand-bot".into(),
                created: -(before + longest),
                committed: TimeDelta::minutes(5 + (number * 37 % 90) as i64),
                sha: Some(sha),
                timetable: Timetable {
                    queued: Duration::from_secs(3),
                    running: Duration::from_secs(60 + (number * 53 % 180) as u64),
                    ..Timetable::ending(conclusion)
                },
                ..Self::default()
            }
        };
        (0..count).map(run).collect()
    }
}
