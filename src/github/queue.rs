//! The place of a run in a concurrency group, where it waits while its status is `pending`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::escape;

/// The most characters of a group's name that are kept.
const GROUP: usize = 100;

/// A run's place in a concurrency group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The group's name.
    pub group: String,
    /// How many runs or jobs are before it; `None`: GitHub does not tell.
    pub position: Option<u64>,
    /// The one directly before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Ahead>,
}

/// The run that is directly before another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// Its id.
    pub run_id: u64,
    /// Its number among the runs of its workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A concurrency group in which a run waits.
pub(super) struct Waits {
    /// The group's whole name, for a request.
    pub name: String,
    pub place: Place,
    /// The job that waits; `None`: the run itself.
    pub job_id: Option<u64>,
}

/// The group in which this run waits, of the groups that GitHub lists for it: first one of the run itself, then of
/// its jobs. Tolerant: only the group's name must be there.
pub(super) fn waits(listed: &Value, run_id: u64) -> Option<Waits> {
    let groups = listed.get("concurrency_groups")?.as_array()?;
    let all = groups.iter().filter_map(|group| {
        let name = group.get("group_name")?.as_str().filter(|name| !name.is_empty())?;
        Some((name, group.get("group_members")?.as_array()?))
    });
    let waiting = all.flat_map(|(name, members)| members.iter().map(move |member| (name, member)));
    let waiting =
        waiting.filter(|(_, member)| is_waiting(member) && run_of(member) == Some(run_id));
    let waits = waiting.map(|(name, member)| {
        let group = escape::clipped(name, GROUP);
        let position = member.get("position").and_then(Value::as_u64);
        let place = Place { group, position, ahead: None };
        let job_id = member.get("job_id").and_then(Value::as_u64);
        Waits { name: name.to_owned(), place, job_id }
    });
    waits.min_by_key(|waits| waits.job_id.is_some())
}

/// Position 0 holds the group.
fn is_waiting(member: &Value) -> bool {
    member.get("status").and_then(Value::as_str) != Some("in_progress")
        && member.get("position").and_then(Value::as_u64) != Some(0)
}

/// Who is before it, of the group's members that GitHub lists up to it: the last one of another run, or job.
/// Also how many there are.
pub(super) fn ahead(listed: &Value, waits: &Waits, run_id: u64) -> Option<(u64, Ahead)> {
    let members = listed.get("group_members")?.as_array()?;
    let is_it = |member: &Value| {
        run_of(member) == Some(run_id)
            && waits
                .job_id
                .is_none_or(|id| member.get("job_id").and_then(Value::as_u64) == Some(id))
    };
    let before: Vec<&Value> = members.iter().take_while(|member| !is_it(member)).collect();
    let member = before.last()?;
    let page = |name: &str| member.get(name).and_then(Value::as_str).map(str::to_owned);
    let url = page("job_html_url").or_else(|| page("run_html_url"));
    let ahead = Ahead { run_id: run_of(member)?, number: None, url };
    Some((u64::try_from(before.len()).unwrap_or(u64::MAX), ahead))
}

fn run_of(member: &Value) -> Option<u64> {
    member.get("run_id").and_then(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn member(run_id: u64, position: u64) -> Value {
        let status = if position == 0 { "in_progress" } else { "pending" };
        json!({"run_id": run_id, "run_html_url": format!("https://github.com/o/r/actions/runs/{run_id}"),
               "status": status, "position": position})
    }

    fn of_job(run_id: u64, position: u64, job_id: u64) -> Value {
        let mut member = member(run_id, position);
        member["job_id"] = json!(job_id);
        member
    }

    fn groups(all: &[(&str, Value)]) -> Value {
        let group =
            |(name, members): &(&str, Value)| json!({"group_name": name, "group_members": members});
        json!({"total_count": all.len(), "concurrency_groups": all.iter().map(group).collect::<Vec<_>>()})
    }

    #[rstest]
    #[case::its_own(groups(&[("production", json!([member(8, 2)]))]), Some(("production", Some(2), None)))]
    #[case::one_that_it_holds_too(
        groups(&[("a", json!([member(8, 0)])), ("b", json!([member(8, 1)]))]),
        Some(("b", Some(1), None))
    )]
    #[case::of_its_job(groups(&[("a", json!([of_job(8, 3, 99)]))]), Some(("a", Some(3), Some(99))))]
    #[case::the_run_first(
        groups(&[("a", json!([of_job(8, 3, 99)])), ("b", json!([member(8, 1)]))]),
        Some(("b", Some(1), None))
    )]
    #[case::no_position(
        groups(&[("a", json!([{"run_id": 8, "status": "pending"}]))]),
        Some(("a", None, None))
    )]
    #[case::holds_it(groups(&[("a", json!([member(8, 0)]))]), None)]
    #[case::left(groups(&[("a", json!([]))]), None)]
    #[case::of_another_run(groups(&[("a", json!([member(7, 1)]))]), None)]
    #[case::nameless(groups(&[("", json!([member(8, 1)]))]), None)]
    #[case::odd(json!({"concurrency_groups": [5, {"group_name": "a"}, {"group_name": "b", "group_members": {}}]}), None)]
    #[case::a_list(json!([]), None)]
    fn the_group_in_which_a_run_waits_is_found(
        #[case] listed: Value,
        #[case] expected: Option<(&str, Option<u64>, Option<u64>)>,
    ) {
        let waits = waits(&listed, 8);
        let waits = waits.as_ref().map(|w| (w.name.as_str(), w.place.position, w.job_id));
        assert_eq!(waits, expected);
    }

    #[test]
    fn the_one_directly_before_is_the_one_ahead() {
        let listed = groups(&[("a", json!([member(8, 2)]))]);
        let waits = waits(&listed, 8).unwrap();
        let members = json!({"group_members": [member(6, 0), member(7, 1), member(8, 2)]});
        let (count, found) = ahead(&members, &waits, 8).unwrap();
        assert_eq!((count, found.run_id), (2, 7));
        assert_eq!(found.url.as_deref(), Some("https://github.com/o/r/actions/runs/7"));
        for odd in
            [json!({}), json!({"group_members": [member(8, 0)]}), json!({"group_members": ["x"]})]
        {
            assert_eq!(ahead(&odd, &waits, 8), None, "{odd}");
        }
    }

    #[test]
    fn a_job_of_the_same_run_can_be_ahead() {
        let listed = groups(&[("a", json!([of_job(8, 1, 99)]))]);
        let waits = waits(&listed, 8).unwrap();
        let mut first = of_job(8, 0, 98);
        first["job_html_url"] = json!("https://github.com/o/r/actions/runs/8/job/98");
        let members = json!({"group_members": [first, of_job(8, 1, 99)]});
        let (_, found) = ahead(&members, &waits, 8).unwrap();
        assert_eq!((found.run_id, found.url.unwrap().ends_with("/job/98")), (8, true));
    }
}
