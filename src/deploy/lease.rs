//! Who may act for a deploy, and when an outsider has a reason to.

use chrono::{DateTime, TimeDelta, Utc};

use super::draft::{Draft, Lost};
use super::next::due;
use super::record::{Lease, Phase};

/// How long a lease lasts.
pub(crate) const LEASE: TimeDelta = TimeDelta::seconds(60);

/// A lease is renewed when only this is left of it.
pub(super) const RENEWED_AT: TimeDelta = TimeDelta::seconds(35);

/// What must be left of a lease when a dispatch is sent.
const LEFT_FOR_A_DISPATCH: TimeDelta = TimeDelta::seconds(45);

impl Draft<'_> {
    /// A fresh lease for this call.
    pub(super) fn lease(&self, now: DateTime<Utc>) -> Lease {
        Lease { by: self.me, until: now + LEASE }
    }

    /// Whether this call has the lease.
    pub(super) fn holds(&self, now: DateTime<Utc>) -> bool {
        self.stored.lease.is_some_and(|lease| lease.by == self.me && lease.until > now)
    }

    /// Whether somebody else acts for the deploy. A lease of a process that is gone binds nobody.
    pub(super) fn is_held(&self, now: DateTime<Utc>) -> bool {
        self.stored.is_held(self.me, now) && !self.is_void()
    }

    fn is_void(&self) -> bool {
        self.stored.lease.is_some_and(|lease| {
            self.services.alone_since.is_some_and(|since| lease.until - LEASE < since)
        })
    }

    /// Whether an outsider has a reason to act. An index of what is due may be old.
    pub(super) fn is_due(&self) -> bool {
        let now = self.services.clock.now();
        self.is_void() || due(&self.stored).is_some_and(|due| due <= now)
    }

    /// How long ago somebody had to look at it.
    pub(super) fn overdue_for(&self) -> TimeDelta {
        let now = self.services.clock.now();
        let is_open = !matches!(self.stored.phase, Phase::Ended(_));
        let due = due(&self.stored).filter(|_| is_open);
        due.map_or(TimeDelta::zero(), |due| now - due)
    }

    /// Whether an edit of a process that is gone may still land.
    pub(super) fn may_be_edited_by_a_ghost(&self) -> bool {
        self.is_void() && !matches!(self.stored.phase, Phase::Ended(_))
    }

    pub(super) async fn renew_if_needed(&mut self) -> Result<(), Lost> {
        self.renew(RENEWED_AT).await
    }

    pub(super) async fn renew_for_a_dispatch(&mut self) -> Result<(), Lost> {
        self.renew(LEFT_FOR_A_DISPATCH).await
    }

    async fn renew(&mut self, at: TimeDelta) -> Result<(), Lost> {
        let now = self.services.clock.now();
        let left = self.stored.lease.map_or(TimeDelta::zero(), |lease| lease.until - now);
        if left < at { self.store().await } else { Ok(()) }
    }
}
