//! One run in one line.

use super::correlation::requested;
use crate::github::Run;
use crate::github::words::{conclusion, running, took};
use crate::text::{escape, time};

/// One line: icon, state, start, duration, link, requester.
pub(crate) fn run_line(run: &Run) -> String {
    let (icon, state) =
        if run.is_completed() { conclusion(run.conclusion.as_deref()) } else { running(Some(run)) };
    let label = run.run_number.map_or_else(|| format!("Run {}", run.id), |n| format!("Run #{n}"));
    let link = escape::link(&label, run.html_url.as_deref().unwrap_or_default());
    let when = run.run_started_at.or(run.created_at).map(time::moment);
    let took = run.is_completed().then(|| match took(run) {
        Some(took) => format!("took {took}"),
        None => "duration not known".to_owned(),
    });
    let by = requested(run).map(|(id, requester)| {
        let by = requester.map(|name| format!("by {} · ", escape::code(name, 60)));
        format!("{}`{id}`", by.unwrap_or_default())
    });
    let parts = [Some(format!("{icon} {link} {state}")), when, took, by];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
