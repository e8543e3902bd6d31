//! What is promised of every deploy.

use chrono::TimeDelta;
use serde_json::Value;

use super::{Setting, World};
use crate::deploy::messages::fingerprint;
use crate::deploy::next::due;
use crate::deploy::outcome::Outcome;
use crate::deploy::record::{Deploy, Phase, Telling};
use crate::deploy::stored;
use crate::deploy::target::Target;
use crate::store::{Change, Expect};

pub(super) fn rank(deploy: &Deploy) -> (u64, u8) {
    let rank = match deploy.phase {
        Phase::Requested => 0,
        Phase::Dispatching { .. } => 1,
        Phase::Searching(_) => 2,
        Phase::Running => 3,
        Phase::Ending(_) => 4,
        Phase::Ended(_) => 5,
    };
    (deploy.target.as_ref().map_or(1, Target::attempt), rank)
}

/// A phase never goes back, but by a later attempt of the run.
pub(super) fn check_step(before: &Deploy, after: &Deploy) {
    assert!(rank(before) <= rank(after), "it goes back: {before:#?}\n{after:#?}");
    if let Phase::Ended(_) = before.phase {
        assert!(before.ending() == after.ending() || rank(before).0 < rank(after).0);
    }
    if let (Some(before), Some(after)) = (&before.target, &after.target) {
        assert_eq!(before.run_id, after.run_id);
    }
}

impl World {
    /// What is stored can be read again, and is due as long as there is something to do.
    pub(super) fn is_stored(&mut self, deploy: Deploy) {
        check_step(&self.stored, &deploy);
        let Change::Put { body, due: stored_due, expires_at } =
            stored::put(&deploy, Expect::Absent, TimeDelta::days(90)).change
        else {
            panic!("a deploy is never deleted");
        };
        let read: Deploy = serde_json::from_value(Value::Object(body)).unwrap();
        assert!(read == deploy, "read: {read:#?}\nstored: {deploy:#?}");
        assert_eq!(stored_due, due(&deploy));
        let is_over = matches!(deploy.phase, Phase::Ended(_));
        assert_eq!(expires_at.is_some(), is_over);
        assert!(stored_due.is_some() || is_over, "nobody would look at it: {deploy:#?}");
        self.stored = deploy;
        self.revision += 1;
    }

    pub(super) fn is_right(&self) {
        let Setting { waits, has_bot, may_post, may_read, ends, .. } = self.setting;
        let deploy = &self.stored;
        let Phase::Ended(ending) = &deploy.phase else { return assert!(!ends) };
        self.clicks_are_right();
        match &ending.outcome {
            Outcome::NothingDone { .. } | Outcome::NotDispatched { .. } => {
                assert_eq!(self.github.dispatches, 0, "it says that nothing was dispatched");
            }
            Outcome::Concluded | Outcome::Deleted => assert_eq!(self.github.dispatches, 1),
            Outcome::NotFound(_) | Outcome::GivenUp => {}
        }
        let place = deploy.place.as_ref().unwrap();
        if place.closed.is_none() && !self.discord.deleted {
            let expected = Some(fingerprint(deploy, self.now));
            assert_eq!(self.discord.shows, expected, "its message: {deploy:#?}");
        }
        let told = self.discord.told.iter().filter(|(told, _)| *told == rank(deploy).0).count();
        match &ending.telling {
            Telling::Nobody => {
                assert!(told == 0 && !(waits && self.github.dispatches == 1));
                assert!(deploy.rerun_by().is_none(), "whoever had it run again waits: {deploy:#?}");
            }
            Telling::Told { .. } => assert_eq!(told, 1),
            Telling::Untold { .. } => assert!(!(has_bot && may_post && may_read), "{deploy:#?}"),
            Telling::Open | Telling::Tried { .. } => panic!("nobody was told: {deploy:#?}"),
        }
    }
}
