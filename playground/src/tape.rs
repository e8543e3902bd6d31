//! Recording what happens, and showing it again. A record has one event of the feed on each line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::Result;
use crate::feed::{Feed, set};

/// A file that is being recorded to.
pub(crate) struct Recorder {
    path: PathBuf,
    file: File,
    feed: Feed,
    /// How many events are in the file, and how long it is.
    written: usize,
    bytes: u64,
}

impl Recorder {
    /// Makes the file, or empties it.
    pub(crate) fn new(path: &Path, feed: Feed) -> Result<Self> {
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, feed, written: 0, bytes: 0 })
    }

    /// Writes what happens for ever. When that fails it is said once, also on the page.
    pub(crate) async fn run(mut self) {
        let mut count = self.feed.count();
        loop {
            if let Err(error) = self.write() {
                eprintln!("playground: {error}");
                self.feed.push(json!({"t": "unrecorded", "why": error.to_string()}));
                return;
            }
            if count.changed().await.is_err() {
                return;
            }
        }
    }

    /// Writes what happened so far.
    pub(crate) fn write(&mut self) -> Result<()> {
        for event in self.feed.since(self.written) {
            let line = format!("{event}\n");
            if let Err(error) = self.file.write_all(line.as_bytes()) {
                // Without the half of a line the record can be shown up to here.
                let _ = self.file.set_len(self.bytes);
                return Err(format!("{}: cannot record: {error}", self.path.display()).into());
            }
            self.bytes += line.len() as u64;
            self.written += 1;
        }
        Ok(())
    }
}

/// Reads a record. An error names the line.
pub(crate) fn read(path: &Path) -> Result<Vec<Arc<Value>>> {
    let wrong = |number: usize, why: &dyn std::fmt::Display| {
        format!("{}, line {number}: {why}", path.display())
    };
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut events = Vec::new();
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let line = line.map_err(|error| wrong(number, &error))?;
        let mut event: Value = serde_json::from_str(&line)
            .map_err(|_| wrong(number, &"not a line of JSON, so not a record of the playground"))?;
        let is_begin = text(&event, "/t") == "hello";
        if number == 1 && !is_begin {
            return Err(wrong(number, &"this is not a record of the playground").into());
        }
        check(&event).map_err(|why| wrong(number, &why))?;
        if is_begin {
            set(&mut event, "replay", true.into());
        }
        events.push(Arc::new(event));
    }
    if events.is_empty() {
        return Err(wrong(1, &"the record is empty").into());
    }
    Ok(events)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// An event of each kind, with what the page relies on. The value in a list stands for each in that list.
fn sample(kind: &str) -> Option<Value> {
    Some(match kind {
        "hello" => json!({
            "commands": [{"name": "", "description": ""}],
            "people": [{
                "id": "", "name": "", "shown": "", "roles": [""], "part": "", "about": "", "channel": "",
            }],
            "channels": [{"id": "", "name": "", "server": ""}],
            "scenario": "", "webhooks": "", "github": "", "first": "",
        }),
        "said" => json!({"id": "", "kind": "", "user": "", "text": "", "channel": ""}),
        "message" => json!({"message": {
            "id": "", "channel": "", "at": "", "content": "", "flags": 0, "pings": [""],
            "components": [{"type": 0}],
        }}),
        "modal" => json!({"id": "", "modal": {"title": "", "components": [{"type": 0}]}}),
        "gone" => json!({"id": ""}),
        "dead" | "refused" => json!({"id": "", "why": ""}),
        "file" => json!({"id": "", "type": "", "data": ""}),
        "run" => json!({"run": {
            "id": "", "number": 0, "attempt": 0, "workflow": "", "branch": "", "event": "", "actor": "",
            "created": 0, "status": "",
            "jobs": [{"name": "", "status": "", "steps": [{"name": "", "status": ""}]}],
        }}),
        "wire" => json!({"id": "", "from": "", "to": "", "what": ""}),
        "billed" => json!({"id": "", "ms": 0}),
        "bot" => json!({"up": true}),
        "state" => json!({"scenario": "", "webhooks": ""}),
        "unrecorded" => json!({"why": ""}),
        _ => return None,
    })
}

/// Checks that the page can show an event. The error says what is wrong.
fn check(event: &Value) -> std::result::Result<(), String> {
    fits(&json!({"t": "", "now": 0}), event, "")?;
    let kind = text(event, "/t");
    let sample = sample(kind).ok_or_else(|| format!("the kind {kind:?} is unknown"))?;
    fits(&sample, event, "")?;
    if kind == "message" {
        let at = DateTime::parse_from_rfc3339(text(event, "/message/at"));
        at.map_err(|_| "message.at is not a time".to_owned())?;
    }
    if kind == "hello" {
        let list = |name: &str| event.get(name).and_then(Value::as_array).into_iter().flatten();
        if list("people").next().is_none() {
            return Err("people is empty".to_owned());
        }
        let is_known = |id: &str| list("channels").any(|channel| text(channel, "/id") == id);
        if !list("people").all(|person| is_known(text(person, "/channel"))) {
            return Err("somebody of people is in none of channels".to_owned());
        }
    }
    Ok(())
}

/// Checks that a value has all that a sample has. `name`: of the value.
fn fits(sample: &Value, value: &Value, name: &str) -> std::result::Result<(), String> {
    let what = match (sample, value) {
        (Value::Object(fields), Value::Object(_)) => {
            return fields.iter().try_for_each(|(field, sample)| {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                match value.get(field) {
                    Some(value) => fits(sample, value, &name),
                    None => Err(format!("{name} is missing")),
                }
            });
        }
        (Value::Array(samples), Value::Array(values)) => {
            return values.iter().enumerate().try_for_each(|(number, value)| {
                samples
                    .iter()
                    .try_for_each(|sample| fits(sample, value, &format!("{name}[{number}]")))
            });
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => return Ok(()),
        (Value::Object(_), _) => "an object",
        (Value::Array(_), _) => "a list",
        (Value::String(_), _) => "a text",
        (Value::Number(_), _) => "a number",
        _ => "true or false",
    };
    Err(if name.is_empty() {
        format!("this is not {what}")
    } else {
        format!("{name} is not {what}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> std::result::Result<usize, String> {
        let scratch = standins::Scratch::new().unwrap();
        let path = scratch.file("record.jsonl");
        std::fs::write(&path, text).unwrap();
        let read = read(&path).map(|events| events.len());
        read.map_err(|error| error.to_string().split_once(", ").unwrap().1.to_owned())
    }

    const HELLO: &str = r#"{"t":"hello","now":1,"commands":[],"people":[{"id":"1","name":"ada","shown":"Ada","roles":[],"part":"","about":"","channel":"2"}],"channels":[{"id":"2","name":"deploys","server":"Octo"}],"scenario":"","webhooks":"","github":"http://127.0.0.1","first":""}"#;

    #[test]
    fn what_is_no_record_is_refused_by_its_line() {
        assert_eq!(reads(&format!("{HELLO}\n{{\"t\":\"gone\",\"now\":2,\"id\":\"3\"}}\n")), Ok(2));
        let no_record = "line 1: this is not a record of the playground";
        assert_eq!(reads(r#"{"t":"gone"}"#).unwrap_err(), no_record);
        assert_eq!(reads("[]").unwrap_err(), no_record);
        assert!(reads(&format!("{HELLO}\nnope\n")).unwrap_err().starts_with("line 2: not a line"));
        assert_eq!(reads("").unwrap_err(), "line 1: the record is empty");
    }

    #[test]
    fn what_the_page_cannot_show_is_refused() {
        for (line, why) in [
            (r#"{"t":"hello"}"#, "now is missing"),
            (r#"{"t":"hello","now":"1"}"#, "now is not a number"),
            (r#"{"t":"constructor","now":1}"#, r#"the kind "constructor" is unknown"#),
            (r#"{"now":1}"#, "t is missing"),
            ("[]", "this is not an object"),
            (r#"{"t":"hello","now":1}"#, "channels is missing"),
            (&HELLO.replace(r#""id":"1","#, ""), "people[0].id is missing"),
            (&HELLO.replace(r#""roles":[]"#, r#""roles":[4]"#), "people[0].roles[0] is not a text"),
            (
                &HELLO.replace(r#""channel":"2""#, r#""channel":"3""#),
                "somebody of people is in none of channels",
            ),
            (r#"{"t":"gone","now":1,"id":7}"#, "id is not a text"),
            (r#"{"t":"run","now":1,"run":[]}"#, "run is not an object"),
            (r#"{"t":"run","now":1,"run":{"jobs":{}}}"#, "run.actor is missing"),
            (r#"{"t":"bot","now":1,"up":1}"#, "up is not true or false"),
            (
                r#"{"t":"message","now":1,"message":{"id":"1","channel":"2","at":"noon","content":"","flags":0,"pings":[],"components":[]}}"#,
                "message.at is not a time",
            ),
        ] {
            assert_eq!(
                reads(&format!("{HELLO}\n{line}")).unwrap_err(),
                format!("line 2: {why}"),
                "{line}"
            );
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_told_once() {
        let feed = Feed::new();
        let mut recorder = Recorder::new(Path::new("/dev/full"), feed.clone()).unwrap();
        assert!(recorder.write().is_ok(), "nothing happened yet");
        feed.push(json!({"t": "gone", "id": "1"}));
        assert!(
            recorder.write().unwrap_err().to_string().starts_with("/dev/full: cannot record: ")
        );
        recorder.run().await;
        let told = feed.since(1);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["t"], "unrecorded");
    }
}
