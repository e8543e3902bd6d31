//! The five DORA measures of software delivery.
//!
//! <https://dora.dev/guides/dora-metrics/>. The fields of `Delivery` define each one exactly.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::deploys::{Commit, Deploy};
use super::sample::Sample;
use super::tally::share;

/// With fewer samples a measure has no value (`n/a`).
pub(crate) const LEAST_SAMPLES: usize = 3;

/// So many days before a window are looked at: for the beginning of an outage, and for what was deployed before.
pub(crate) const LOOK_BACK: u64 = 7;

/// A relative change below this counts as none.
const STEADY: f64 = 0.05;

/// A value and the number of its samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure {
    /// A number per day, a share (0 to 1), or seconds. `None`: too few samples.
    pub value: Option<f64>,
    pub samples: usize,
}

/// The change of a measure since the window before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trend {
    Up,
    Down,
    /// A change of less than 5 %.
    Steady,
}

/// The five measures in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Delivery {
    /// Deployment frequency: deploys that succeeded, per day. It has a value even without samples.
    pub frequency: Measure,
    /// Change lead time: the median from a commit's date to the end of the first deploy of it that succeeded.
    pub lead: Measure,
    /// Change fail rate: failed deploys among all.
    pub fail_rate: Measure,
    /// Failed deployment recovery time: the median from the end of the first failed deploy to the end of the
    /// same workflow's next one that succeeded.
    pub recovery: Measure,
    /// Deployment rework rate: among all deploys, those right after a failed one, and roll backs.
    pub rework_rate: Measure,
}

/// A deploy, and whether it is counted. One that is not shows what was before.
pub(crate) type Seen<'a> = (&'a Deploy, bool);

#[derive(Default)]
struct Counted {
    all: usize,
    failed: usize,
    rework: usize,
    lead: Vec<TimeDelta>,
    recovery: Vec<TimeDelta>,
}

impl Delivery {
    /// The measures: for each workflow the days that are counted of it, and its deploys in their order.
    pub(crate) fn of<'a>(
        workflows: impl IntoIterator<Item = (f64, impl IntoIterator<Item = Seen<'a>>)>,
    ) -> Self {
        let mut counted = Counted::default();
        let mut per_day = 0.0;
        for (days, deploys) in workflows {
            let before = counted.successes();
            counted.add(deploys);
            per_day += number(counted.successes() - before) / days;
        }
        let successes = counted.successes();
        let Counted { all, failed, rework, lead, recovery } = counted;
        let rate = |part| Measure::with_enough_samples(share(part, all), all);
        Self {
            frequency: Measure { value: Some(per_day), samples: successes },
            lead: Measure::median(&lead.into_iter().collect()),
            fail_rate: rate(failed),
            recovery: Measure::median(&recovery.into_iter().collect()),
            rework_rate: rate(rework),
        }
    }
}

impl Counted {
    fn successes(&self) -> usize {
        self.all - self.failed
    }

    /// Counts the deploys of one workflow.
    fn add<'a>(&mut self, deploys: impl IntoIterator<Item = Seen<'a>>) {
        let mut before = Before::default();
        for (deploy, counts) in deploys {
            let failing_since = before.failing_since.flatten();
            let recovery = failing_since.zip(deploy.end).and_then(|(begin, end)| span(begin, end));
            if counts {
                self.all += 1;
                self.failed += usize::from(deploy.failed);
                self.rework += usize::from(before.is_rework(deploy));
                if !deploy.failed {
                    self.recovery.extend(recovery);
                    self.lead.extend(before.lead_time(deploy));
                }
            }
            before.then(deploy);
        }
    }
}

/// What was deployed before.
#[derive(Default)]
struct Before<'a> {
    worked: bool,
    last_failed: bool,
    /// The end of the first failure after a success, if it is known. Without a success before it, the failure may
    /// have begun earlier.
    failing_since: Option<Option<DateTime<Utc>>>,
    /// The last commit that is out.
    out: Option<&'a Commit>,
    /// Every commit that was out.
    known: HashSet<&'a str>,
}

impl<'a> Before<'a> {
    fn then(&mut self, deploy: &'a Deploy) {
        self.last_failed = deploy.failed;
        if deploy.failed {
            if self.worked {
                self.failing_since.get_or_insert(deploy.end);
            }
            return;
        }
        self.worked = true;
        self.failing_since = None;
        self.out = deploy.commit.as_ref();
        if let Some(commit) = &deploy.commit {
            self.known.insert(&commit.sha);
        }
    }

    /// Whether it repeats a failed deploy, or rolls back: to a commit that was out before the last one.
    fn is_rework(&self, deploy: &Deploy) -> bool {
        let is_back = |commit: &Commit| {
            self.is_known(commit) && self.out.is_some_and(|out| out.sha != commit.sha)
        };
        self.last_failed || deploy.commit.as_ref().is_some_and(is_back)
    }

    /// From the commit to here, if it is out for the first time.
    fn lead_time(&self, deploy: &Deploy) -> Option<TimeDelta> {
        let commit = deploy.commit.as_ref().filter(|commit| !self.is_known(commit))?;
        span(commit.date?, deploy.end?)
    }

    fn is_known(&self, commit: &Commit) -> bool {
        self.known.contains(commit.sha.as_str())
    }
}

/// `None`: it would be negative, so one of the two is wrong.
fn span(begin: DateTime<Utc>, end: DateTime<Utc>) -> Option<TimeDelta> {
    (begin <= end).then(|| end - begin)
}

impl Measure {
    fn with_enough_samples(value: Option<f64>, samples: usize) -> Self {
        Self { value: value.filter(|_| samples >= LEAST_SAMPLES), samples }
    }

    fn median(sample: &Sample) -> Self {
        Self::with_enough_samples(
            sample.median().map(|median| median.as_seconds_f64()),
            sample.len(),
        )
    }

    /// The change since the window before. `None`: one of them has no value.
    pub(crate) fn trend(self, before: Self) -> Option<Trend> {
        let (now, before) = (self.value?, before.value?);
        Some(match now - before {
            change if change.abs() <= before.abs() * STEADY => Trend::Steady,
            change if change > 0.0 => Trend::Up,
            _ => Trend::Down,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 runs")]
fn number(runs: usize) -> f64 {
    runs as f64
}

#[cfg(test)]
mod tests;
