//! What the store knows of a channel's digests: where the last one ended, and which one is being posted.
//!
//! Each digest begins where the last posted one ended. So no run is lost between two of them or counted in
//! both, whatever fails, and whenever a schedule rests.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::digest::{Carried, LONGEST, Period, Window, Zone};
use crate::store::{Change, Commit, Committed, Expect, Key, Store, StoreError, Write};

/// Another digest waits so long for one that is being posted. Longer than posting can take; Lambda retries
/// after one minute, and after two more.
const LEASE: TimeDelta = TimeDelta::seconds(120);

/// A digest that would begin so shortly before its end is not posted: it is another event for the same one.
/// Its runs are in the next.
const SHORTEST: TimeDelta = TimeDelta::minutes(5);

/// A series that rests longer is forgotten: the next digest begins as if it were the first.
const KEPT: TimeDelta = TimeDelta::days(90);

/// The digests of one channel and period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Series {
    /// Where the last posted digest ended. `None`: there was none.
    until: Option<DateTime<Utc>>,
    /// What it left to the next.
    #[serde(default)]
    carried: Carried,
    /// The digest that is being posted, or that may have been.
    #[serde(default)]
    pending: Option<Pending>,
}

/// A digest that may be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// What it leaves to the next.
    carried: Carried,
    /// Until then it is being posted. `None`: that try is over.
    lease: Option<DateTime<Utc>>,
}

impl Pending {
    pub(super) fn window(&self) -> Window {
        Window { from: self.from, to: self.to }
    }
}

/// What to do for a digest that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: its runs are in a digest that was posted.
    Done,
    /// Nothing for now: another one is being posted.
    Busy,
    /// Look whether this one is there.
    Look(Pending),
    /// Post it.
    Post(Window),
}

impl Series {
    /// What to do for the digest that ends at `due`.
    pub(super) fn next(
        &self,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
        period: Period,
        zone: &Zone,
    ) -> Next {
        if self.until.is_some_and(|until| due - until < SHORTEST) {
            return Next::Done;
        }
        match &self.pending {
            Some(pending) if pending.to != due && pending.lease.is_some_and(|end| now < end) => {
                Next::Busy
            }
            Some(pending) => Next::Look(pending.clone()),
            None => Next::Post(self.window(due, period, zone)),
        }
    }

    /// The window of the digest that ends at `due`.
    pub(super) fn window(&self, due: DateTime<Utc>, period: Period, zone: &Zone) -> Window {
        match self.until {
            Some(until) => Window { from: until.max(zone.days_before(due, LONGEST)), to: due },
            None => Window::first(due, period, zone),
        }
    }

    /// Where the last digest ended, if this window does not begin there.
    pub(super) fn cut(&self, window: Window) -> Option<DateTime<Utc>> {
        self.until.filter(|until| *until < window.from)
    }

    /// What the last digest left.
    pub(super) fn carried(&self) -> Carried {
        self.carried.clone()
    }

    /// A digest is about to be posted.
    pub(super) fn posting(&self, window: Window, carried: Carried, now: DateTime<Utc>) -> Self {
        let Window { from, to } = window;
        Self {
            pending: Some(Pending { from, to, carried, lease: Some(now + LEASE) }),
            ..self.clone()
        }
    }

    /// The try is over, and nobody knows how.
    pub(super) fn in_doubt(&self) -> Self {
        let pending = self.pending.clone().map(|pending| Pending { lease: None, ..pending });
        Self { pending, ..self.clone() }
    }

    /// The digest is there. `None`: that is known.
    pub(super) fn posted(&self, posted: &Pending) -> Option<Self> {
        if self.until.is_some_and(|until| posted.to <= until) {
            return None;
        }
        let pending = self.pending.clone().filter(|pending| pending.to > posted.to);
        Some(Self { until: Some(posted.to), carried: posted.carried.clone(), pending })
    }

    pub(super) fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }
}

/// A series as it was read.
pub(super) struct Kept {
    pub(super) series: Series,
    /// `None`: there is none yet.
    pub(super) revision: Option<Uuid>,
}

/// Reads a series.
pub(super) async fn load(store: &dyn Store, key: &str) -> Result<Kept, StoreError> {
    let Some(item) = store.get(&in_store(key)).await? else {
        return Ok(Kept { series: Series::default(), revision: None });
    };
    let series = serde_json::from_value(Value::Object(item.body)).map_err(|_| {
        let what =
            "the store holds where the last digest ended in a form that this version cannot read";
        StoreError::Unusable(what.to_owned())
    })?;
    Ok(Kept { series, revision: Some(item.revision) })
}

/// Writes a series if nobody else has changed it since. Returns its new revision; `None`: somebody has.
pub(super) async fn save(
    store: &dyn Store,
    key: &str,
    series: &Series,
    read: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, StoreError> {
    let body = match serde_json::to_value(series) {
        Ok(Value::Object(body)) => body,
        _ => return Err(StoreError::Unusable("a digest's state cannot be written".to_owned())),
    };
    let change = Change::Put { body, expires_at: Some(now + KEPT), due: None };
    let expect = read.map_or(Expect::Absent, Expect::Revision);
    let commit = Commit::of(vec![Write { key: in_store(key), expect, change }]);
    let committed = store.commit(&commit).await?;
    Ok((committed == Committed::Done).then_some(commit.claim))
}

fn in_store(key: &str) -> Key {
    Key::new(format!("series#{key}"), "series")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    fn until(text: &str) -> Series {
        Series { until: Some(at(text)), ..Series::default() }
    }

    fn next(series: &Series, due: &str, now: &str) -> Next {
        series.next(at(due), at(now), Period::Daily, &Zone::utc())
    }

    #[rstest]
    #[case::over_the_weekend("20T09:00", "23T09:00", "20T09:00")]
    #[case::twice_a_day("23T09:00", "23T17:00", "23T09:00")]
    #[case::late("22T09:13", "23T09:00", "22T09:13")]
    #[case::after_a_fortnight("09T09:00", "23T09:00", "09T09:00")]
    #[case::too_long_ago("02T09:00", "23T09:00", "09T09:00")]
    fn a_digest_begins_where_the_last_one_ended(
        #[case] last: &str,
        #[case] due: &str,
        #[case] from: &str,
    ) {
        let series = until(last);
        let window = Window { from: at(from), to: at(due) };
        assert_eq!(next(&series, due, due), Next::Post(window));
        assert_eq!(series.cut(window), (last != from).then(|| at(last)));
    }

    #[rstest]
    #[case::the_same("23T09:00")]
    #[case::an_older_one("22T09:00")]
    #[case::a_second_event_for_it("23T09:01")]
    fn what_is_in_a_posted_digest_is_done(#[case] due: &str) {
        assert_eq!(next(&until("23T09:00"), due, "23T09:02"), Next::Done);
    }

    #[test]
    fn one_that_is_being_posted_is_waited_for_and_then_looked_for() {
        let before = until("20T09:00");
        let window = Window { from: at("20T09:00"), to: at("23T09:00") };
        let posting = before.posting(window, Carried::default(), at("23T09:00"));
        let pending = posting.pending().cloned().unwrap();
        assert_eq!(next(&posting, "23T10:00", "23T09:01"), Next::Busy);
        // The same event again may look at once: both posts have the same nonce.
        assert_eq!(next(&posting, "23T09:00", "23T09:01"), Next::Look(pending.clone()));
        assert_eq!(next(&posting, "23T10:00", "23T09:03"), Next::Look(pending.clone()));
        let over = posting.in_doubt();
        let Next::Look(pending) = next(&over, "23T10:00", "23T09:01") else { panic!("{over:?}") };
        let posted = over.posted(&pending).unwrap();
        assert_eq!(posted, until("23T09:00"));
        assert_eq!(posted.posted(&pending), None);
        assert_eq!(over.window(at("23T10:00"), Period::Daily, &Zone::utc()).from, at("20T09:00"));
    }

    #[test]
    fn the_first_one_looks_back_a_working_day() {
        let window = Window { from: at("20T09:00"), to: at("23T09:00") };
        assert_eq!(next(&Series::default(), "23T09:00", "23T09:00"), Next::Post(window));
        assert_eq!(Series::default().cut(window), None);
    }
}
