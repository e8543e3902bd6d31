//! Recording what happens, and showing it again. A record has one event of the feed on each line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::Result;
use crate::feed::{Feed, set};

/// A file that is being recorded to.
pub(crate) struct Recorder {
    file: File,
    feed: Feed,
    written: usize,
}

impl Recorder {
    /// Makes the file, or empties it.
    pub(crate) fn new(path: &Path, feed: Feed) -> Result<Self> {
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { file, feed, written: 0 })
    }

    /// Writes what happens for ever.
    pub(crate) async fn run(mut self) {
        let mut count = self.feed.count();
        loop {
            if let Err(error) = self.write() {
                eprintln!("playground: cannot record: {error}");
                return;
            }
            if count.changed().await.is_err() {
                return;
            }
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        for event in self.feed.since(self.written) {
            self.file.write_all(format!("{event}\n").as_bytes())?;
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
        if number == 1 {
            if event.get("t").is_none_or(|kind| kind != "hello") {
                return Err(wrong(number, &"this is not a record of the playground").into());
            }
            set(&mut event, "replay", true.into());
        }
        events.push(Arc::new(event));
    }
    if events.is_empty() {
        return Err(wrong(1, &"the record is empty").into());
    }
    Ok(events)
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

    #[test]
    fn what_is_no_record_is_refused_by_its_line() {
        let hello = r#"{"t":"hello","now":1}"#;
        assert_eq!(reads(&format!("{hello}\n{{\"t\":\"gone\",\"now\":2}}\n")), Ok(2));
        let no_record = "line 1: this is not a record of the playground";
        assert_eq!(reads(r#"{"t":"gone"}"#).unwrap_err(), no_record);
        assert!(reads(&format!("{hello}\nnope\n")).unwrap_err().starts_with("line 2: not a line"));
        assert_eq!(reads("").unwrap_err(), "line 1: the record is empty");
    }
}
