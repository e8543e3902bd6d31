//! Whom the end of a watched run pings, and how such a run is named in messages.

use super::past;
use super::record::{Deploy, Phase, Telling};
use super::watched::Watched;
use crate::discord::Message;
use crate::text::escape;

impl Deploy {
    /// Whether its attempt has succeeded or failed.
    pub(super) fn succeeded(&self) -> Option<bool> {
        past::succeeded(self.target.as_ref()?.run.as_deref().filter(|run| run.is_completed())?)
    }

    /// The role that the end of a watched run pings: on the first failure, and on the first success after one. The
    /// first run that is known counts as a failure after a success if it fails.
    pub(super) fn pinged_role(&self) -> Option<u64> {
        let watched = self.watched.as_ref()?;
        let role = watched.ping.filter(|_| self.ending().is_some())?;
        let before = self.past.as_ref().and_then(|past| past.series);
        let failed_before = watched.has_failed || before.is_some_and(|series| !series.success);
        (self.succeeded()? == failed_before).then_some(role)
    }

    /// Whether the runs before it must be read again before it is known whether a role is pinged.
    pub(super) fn must_know_series(&self) -> bool {
        let is_open = self.ending().is_some_and(|ending| ending.telling == Telling::Open);
        let is_asked = |watched: &Watched| watched.ping.is_some() && !watched.knows_series;
        is_open && self.succeeded().is_some() && self.watched.as_ref().is_some_and(is_asked)
    }

    /// Whether it has a message of its own to post when it has ended. Of a watched run only if that pings somebody.
    pub(super) fn has_outcome_to_tell(&self) -> bool {
        match &self.watched {
            None => self.is_waited_for(),
            Some(watched) => {
                self.rerun_by().is_some() || (watched.ping.is_some() && self.succeeded().is_some())
            }
        }
    }

    /// Whether its message is not to be posted yet: it tells of an end only.
    pub(super) fn waits_for_its_end(&self) -> bool {
        let at_end = self.watched.as_ref().is_some_and(|watched| watched.at_end);
        let is_posted = self.place.as_ref().is_some_and(|place| place.message_id.is_some());
        at_end && !is_posted && self.phase == Phase::Running
    }
}

/// Who or what started a watched run: `pushed by ada`.
pub(crate) fn started(deploy: &Deploy) -> Option<String> {
    let watched = deploy.watched.as_ref()?;
    let by = watched.by.as_ref().map(|login| format!(" by {}", escape::plain(login, 40)));
    let by = by.unwrap_or_default();
    Some(match watched.event.as_deref() {
        Some("push") => format!("pushed{by}"),
        // GitHub names whoever changed the schedule last.
        Some("schedule") => "on its schedule".to_owned(),
        Some(event) => format!("{}{by}", escape::code(event, 40)),
        None => format!("started{by}"),
    })
}

/// The repository and the workflow of a watched run.
pub(super) fn source(deploy: &Deploy) -> Option<String> {
    deploy.watched.as_ref()?;
    let repository = escape::plain(&deploy.order.repository.to_string(), 100);
    Some(format!("{repository} · {}", escape::code(&deploy.order.workflow, 60)))
}

/// The message that tells how a watched run ended. `None`: there is nobody to ping.
pub(super) fn told(deploy: &Deploy, outcome: &str) -> Option<Message> {
    let role = deploy.pinged_role();
    let clicker = deploy.pinged();
    let mentions = [role.map(|id| format!("<@&{id}> ")), clicker.map(|id| format!("<@{id}> "))];
    let mentions: String = mentions.into_iter().flatten().collect();
    if mentions.is_empty() {
        return None;
    }
    let mut message = Message::public(&format!("{mentions}{outcome}"));
    if let Some(role) = role {
        message = message.pinging_role(role);
    }
    Some(match clicker {
        Some(user_id) => message.pinging(user_id),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::past::{Past, Series};
    use crate::deploy::sample;
    use rstest::rstest;

    const ROLE: u64 = 77;

    /// A watched run that has ended so.
    fn ended(conclusion: &str, watched: Watched) -> Deploy {
        Deploy { pings: false, watched: Some(watched), ..sample::deploy(1, conclusion) }
    }

    #[rstest]
    #[case::first_failure("failure", Some(true), false, true)]
    #[case::nothing_before("timed_out", None, false, true)]
    #[case::goes_on_failing("failure", Some(false), false, false)]
    #[case::recovery("success", Some(false), false, true)]
    #[case::goes_on_succeeding("success", Some(true), false, false)]
    #[case::first_success("success", None, false, false)]
    #[case::the_next_attempt_fails("failure", Some(true), true, false)]
    #[case::the_next_attempt_succeeds("success", Some(true), true, true)]
    #[case::cancelled_after_failures("cancelled", Some(false), false, false)]
    #[case::cancelled("cancelled", Some(true), false, false)]
    #[case::invented_later("exploded", Some(true), false, false)]
    fn a_role_is_pinged_when_the_series_turns(
        #[case] conclusion: &str,
        #[case] before: Option<bool>,
        #[case] has_failed: bool,
        #[case] pings: bool,
    ) {
        let series = before.map(|success| Series { success, count: 2, or_more: false });
        let past = Some(Past { series, ..Past::default() });
        let watched = Watched { ping: Some(ROLE), has_failed, ..Watched::default() };
        let deploy = Deploy { past, ..ended(conclusion, watched.clone()) };
        assert_eq!(deploy.pinged_role(), pings.then_some(ROLE));
        assert_eq!(told(&deploy, "it ended").is_some(), pings);
        let nobody = Deploy { watched: Some(Watched { ping: None, ..watched }), ..deploy };
        assert_eq!((nobody.pinged_role(), nobody.has_outcome_to_tell()), (None, false));
    }

    #[test]
    fn a_deploy_of_somebody_s_and_a_run_that_goes_on_ping_no_role() {
        assert_eq!(sample::deploy(1, "failure").pinged_role(), None);
        let watched = Some(Watched { ping: Some(ROLE), ..Watched::default() });
        let open = Deploy { watched, ..sample::open(1) };
        assert_eq!((open.pinged_role(), open.must_know_series()), (None, false));
    }

    #[rstest]
    #[case(Some("push"), Some("octocat"), "pushed by octocat")]
    #[case(Some("schedule"), Some("octocat"), "on its schedule")]
    #[case(
        Some("repository_dispatch"),
        Some("dependabot[bot]"),
        "`repository_dispatch` by dependabot\\[bot\\]"
    )]
    #[case(Some("push"), None, "pushed")]
    #[case(None, Some("octocat"), "started by octocat")]
    fn it_is_said_who_or_what_started_it(
        #[case] event: Option<&str>,
        #[case] by: Option<&str>,
        #[case] expected: &str,
    ) {
        let (event, by) = (event.map(str::to_owned), by.map(str::to_owned));
        let deploy = ended("success", Watched { event, by, ..Watched::default() });
        assert_eq!(started(&deploy).as_deref(), Some(expected));
        assert_eq!(started(&sample::deploy(1, "success")), None);
    }
}
