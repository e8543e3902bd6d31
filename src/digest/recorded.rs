//! What the record tells that GitHub does not: where deploys from Discord went, who shipped, and what was started again
//! or rolled back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::measures::percent;
use super::period::Window;
use crate::agents::{Kind, Reported};
use crate::deploy::click::Action;
use crate::deploy::stored::{Entry, Latest, latest};
use crate::store::{Store, StoreError};
use crate::text::escape;

/// How many of the latest deploys of an agent are read.
const LOOKED_AT: u16 = 200;

/// How many agents are read at the same time.
const AT_ONCE: usize = 8;

/// The most environments and people that are named.
const NAMED: usize = 5;

/// The deploys of a window, as the record knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// How many.
    deploys: usize,
    /// Started again after they had ended.
    rerun: usize,
    /// Rolled back.
    rolled_back: usize,
    /// Either of them.
    reworked: usize,
    /// By environment: how many, and how many of them failed.
    environments: BTreeMap<Option<String>, (usize, usize)>,
    /// By requester: their latest name, and how many of their deploys succeeded.
    shipped: BTreeMap<u64, (String, usize)>,
    /// Whether there may be more, because they were too many to read, or of a newer version.
    or_more: bool,
}

/// Reads the deploys of a window. Only agents that deploy count.
pub(super) async fn read(
    store: &dyn Store,
    workflows: &[Reported<'_>],
    window: Window,
) -> Result<Recorded, StoreError> {
    let agents = workflows.iter().flat_map(|workflow| &workflow.agents);
    let ids = agents.filter(|agent| matches!(agent.kind, Kind::Deploy(_))).map(|agent| &agent.id);
    let asked: Vec<_> = ids.map(|id| latest(store, id, LOOKED_AT)).collect();
    let found: Vec<Latest> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let mut recorded = Recorded::default();
    for Latest { entries, unreadable, goes_on } in &found {
        let reaches_back = entries.last().is_some_and(|oldest| oldest.began_at < window.from);
        recorded.or_more |= *unreadable > 0 || (*goes_on && !reaches_back);
        // The newest first, so that the first name of a person is the latest.
        entries
            .iter()
            .filter(|entry| window.holds(entry.began_at))
            .for_each(|entry| recorded.add(entry));
    }
    Ok(recorded)
}

impl Recorded {
    fn add(&mut self, entry: &Entry) {
        // What GitHub never took was no deploy.
        if entry.run.is_none() && entry.run_page.is_none() {
            return;
        }
        let rerun = entry.attempts() > 1;
        let rolled_back =
            entry.clicks.iter().any(|click| click.action == Action::RollBack && click.is_done());
        self.deploys += 1;
        self.rerun += usize::from(rerun);
        self.rolled_back += usize::from(rolled_back);
        self.reworked += usize::from(rerun || rolled_back);
        let (all, failed) = self.environments.entry(entry.environment.clone()).or_default();
        *all += 1;
        *failed += usize::from(entry.success() == Some(false));
        if entry.success() == Some(true) {
            let requester = &entry.requester;
            let (_, count) = (self.shipped.entry(requester.user_id))
                .or_insert_with(|| (requester.username.clone(), 0));
            *count += 1;
        }
    }

    /// A few lines, each short enough for a phone. None without deploys.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.deploys == 0 {
            return Vec::new();
        }
        let least = if self.or_more { "at least " } else { "" };
        let deploys = if self.deploys == 1 { "deploy" } else { "deploys" };
        let mut lines =
            vec![format!("**From the record** · {least}{} {deploys} from Discord", self.deploys)];
        lines.push(self.rework());
        lines.extend(self.by_environment());
        lines.extend(self.who_shipped());
        lines
    }

    fn rework(&self) -> String {
        if self.reworked == 0 {
            return "Reworked: none".to_owned();
        }
        #[expect(clippy::cast_precision_loss, reason = "few deploys")]
        let part = self.reworked as f64 / self.deploys as f64;
        let kinds = [(self.rerun, "started again"), (self.rolled_back, "rolled back")];
        let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<String> = kinds.map(|(count, what)| format!("{count} {what}")).collect();
        format!("Reworked: {} ({})", percent(part), kinds.join(", "))
    }

    fn by_environment(&self) -> Option<String> {
        if self.environments.keys().all(Option::is_none) {
            return None;
        }
        let name = |name: &Option<String>| {
            name.as_ref().map_or("no environment".to_owned(), |name| escape::plain(name, 50))
        };
        let mut all: Vec<_> = self.environments.iter().collect();
        all.sort_by_key(|(_, (count, _))| Reverse(*count));
        let each = all.iter().map(|(environment, (count, failed))| {
            let failed = if *failed > 0 { format!(" ({failed} failed)") } else { String::new() };
            format!("{} {count}{failed}", name(environment))
        });
        Some(format!("Where: {}", some(each.collect(), "more environments")))
    }

    fn who_shipped(&self) -> Option<String> {
        let mut all: Vec<_> = self.shipped.values().collect();
        all.sort_by_key(|(_, count)| Reverse(*count));
        let each: Vec<String> = all
            .iter()
            .map(|(name, count)| format!("{} {count}", escape::plain(name, 32)))
            .collect();
        (!each.is_empty()).then(|| format!("Shipped: {}", some(each, "more people")))
    }
}

/// The first of them, and how many there are more.
fn some(mut all: Vec<String>, more: &str) -> String {
    let left_out = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if left_out > 0 {
        all.push(format!("{left_out} {more}"));
    }
    all.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::click::Click;
    use crate::deploy::sample;

    fn recorded(entries: &[Entry]) -> Recorded {
        let mut recorded = Recorded::default();
        entries.iter().for_each(|entry| recorded.add(entry));
        recorded
    }

    fn deploy(at: u64, conclusion: &str) -> Entry {
        Entry::of_deploy(&sample::deploy(at, conclusion))
    }

    #[test]
    fn deploys_are_counted_by_environment_and_person_and_what_was_reworked() {
        let mut again = deploy(1, "success");
        again.run.as_mut().unwrap().attempts = 2;
        let mut back = deploy(2, "failure");
        back.clicks = vec![Click { action: Action::RollBack, ..sample::click() }];
        let mut staging = deploy(3, "success");
        staging.environment = Some("staging".to_owned());
        staging.requester.user_id = 8;
        staging.requester.username = "**grace** @everyone".to_owned();
        let mut cancelled = deploy(4, "cancelled");
        cancelled.clicks = vec![sample::click()];
        cancelled.environment = None;
        let all = [again, back, staging, cancelled, deploy(5, "success"), sample::not_found(6)];
        let lines = [
            "**From the record** · 5 deploys from Discord",
            "Reworked: 40 % (1 started again, 1 rolled back)",
            "Where: production 3 (1 failed) · no environment 1 · staging 1",
            "Shipped: ada 2 · \\*\\*grace\\*\\* @\u{200b}everyone 1",
        ];
        assert_eq!(recorded(&all).lines(), lines);
    }

    #[test]
    fn one_that_was_started_again_and_rolled_back_is_reworked_once() {
        let mut one = deploy(1, "failure");
        one.run.as_mut().unwrap().attempts = 3;
        one.clicks = vec![Click { action: Action::RollBack, ..sample::click() }];
        one.environment = None;
        let all = recorded(&[one]).lines();
        assert_eq!(all[1..], ["Reworked: 100 % (1 started again, 1 rolled back)"]);
    }

    #[test]
    fn nothing_recorded_is_no_line_and_what_is_missing_is_said() {
        assert!(recorded(&[sample::not_found(1)]).lines().is_empty());
        let all = Recorded { or_more: true, ..recorded(&[deploy(1, "success")]) };
        assert_eq!(all.lines()[0], "**From the record** · at least 1 deploy from Discord");
        assert_eq!(all.lines()[1], "Reworked: none");
    }

    #[test]
    fn many_are_named_in_one_short_line() {
        let entries: Vec<Entry> = (0..9)
            .map(|n| {
                let mut entry = deploy(n, "success");
                entry.requester.user_id = n;
                entry.requester.username = format!("u{n}");
                entry.environment = Some(format!("e{n}"));
                entry
            })
            .collect();
        let lines = recorded(&entries).lines();
        assert_eq!(lines[2], "Where: e0 1 · e1 1 · e2 1 · e3 1 · e4 1 · 4 more environments");
        assert_eq!(lines[3], "Shipped: u0 1 · u1 1 · u2 1 · u3 1 · u4 1 · 4 more people");
    }
}
