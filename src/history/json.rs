//! A deploy as a JSON object, for machines. docs/history.md lists the fields; they stay.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::deploy::click::Click;
use crate::deploy::stored::{Entry, State};

/// Every field is always there; what is not known is `null`. Ids of Discord's are texts, because some readers round
/// large numbers.
pub(super) fn object(entry: &Entry) -> Value {
    let run = entry.run.as_ref();
    let (state, outcome, reason) = match &entry.state {
        State::Open { .. } => ("open", None, None),
        State::Ended { word, reason, .. } => ("ended", Some(word), *reason),
        State::Forgotten => ("unknown", None, None),
    };
    let given = entry.given.iter().map(|one| (one.name.clone(), one.value.clone().into()));
    json!({
        "id": entry.key.correlation_id().to_string(),
        "agent": entry.key.agent,
        "agent_name": entry.title,
        "environment": entry.environment,
        "requester": person(entry.requester.user_id, &entry.requester.username),
        "guild_id": entry.guild_id.map(|id| id.to_string()),
        "channel_id": entry.channel_id.map(|id| id.to_string()),
        "ref": entry.git_ref,
        "commit": run.and_then(|run| run.sha.clone()),
        "commit_title": run.and_then(|run| run.commit_title.clone()),
        "repository": entry.repository.as_ref().map(ToString::to_string),
        "workflow": entry.workflow,
        "inputs": given.collect::<Map<String, Value>>(),
        "run_id": run.map(|run| run.id),
        "run_number": run.and_then(|run| run.number),
        "run_url": entry.run_page,
        "state": state,
        "outcome": outcome,
        "reason": reason,
        "began_at": moment(entry.began_at),
        "ended_at": entry.ended().map(moment),
        "duration_seconds": entry.duration().map(|took| took.num_seconds()),
        "attempts": run.map(|run| run.attempts),
        "clicks": entry.clicks.iter().map(click).collect::<Vec<_>>(),
        "links": {
            "run": entry.run_page,
            "commit": entry.commit_page(),
            "message": entry.message_page(),
        },
    })
}

fn click(click: &Click) -> Value {
    json!({
        "action": click.action,
        "by": person(click.user_id, &click.username),
        "at": moment(click.at),
        "attempt": click.attempt,
        "result": click.result.word(),
    })
}

fn person(id: u64, name: &str) -> Value {
    json!({"id": id.to_string(), "name": name})
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;

    #[test]
    fn every_field_of_a_deploy() {
        let mut entry = Entry::of_deploy(&sample::deploy(1, "failure"));
        entry.clicks = vec![sample::click()];
        insta::assert_snapshot!(format!("{:#}", object(&entry)));
    }

    #[test]
    fn what_is_not_known_is_null() {
        let entry = sample::not_found(2);
        let object = object(&entry);
        assert_eq!(object["outcome"], "not_found");
        assert_eq!(object["reason"], "several_runs");
        for field in ["commit", "run_id", "run_url", "duration_seconds", "attempts"] {
            assert_eq!(object[field], Value::Null, "{field}");
        }
        assert_eq!(object["links"]["commit"], Value::Null);
    }

    #[test]
    fn an_open_deploy_has_no_outcome() {
        let object = object(&Entry::of_deploy(&sample::open(3)));
        assert_eq!((&object["state"], &object["outcome"]), (&json!("open"), &Value::Null));
        assert_eq!(
            (&object["ended_at"], &object["duration_seconds"]),
            (&Value::Null, &Value::Null)
        );
    }
}
