//! The history as one message in Discord: a line for each deploy.

use super::read::History;
use crate::deploy::click::{Action, Click};
use crate::deploy::stored::{Entry, State};
use crate::discord::Message;
use crate::discord::message::fits;
use crate::github::words::conclusion;
use crate::text::{duration, escape, time};

/// How much is said of each deploy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Full,
    /// Without the link of the commit.
    Linked,
    /// Without links.
    Bare,
    /// Without duration and outcome, which the lamp tells.
    Least,
}

/// The most people of a deploy that are named.
const MOST_CLICKS: usize = 3;

/// A private message: all that was found, in as much detail as fits.
pub(crate) fn render(history: &History) -> Message {
    let details = [Detail::Full, Detail::Linked, Detail::Bare];
    let texts = details.into_iter().map(|detail| text(history, detail));
    let text = texts.into_iter().find(|text| fits(text));
    Message::private(&text.unwrap_or_else(|| self::text(history, Detail::Least)))
}

fn text(history: &History, detail: Detail) -> String {
    let entries = &history.entries;
    let mut lines = vec![match entries.len() {
        0 => "No deploys are known.".to_owned(),
        1 => "**The latest deploy**".to_owned(),
        more => format!("**The latest {more} deploys**"),
    }];
    if history.unreadable > 0 {
        lines.push(format!("⚠️ {} are left out: a newer version stored them.", history.unreadable));
    }
    if history.is_cut {
        lines.push("Earlier ones were not looked at: name the agent, too.".to_owned());
    }
    lines.extend(entries.iter().map(|entry| line(entry, detail)));
    lines.join("\n")
}

fn line(entry: &Entry, detail: Detail) -> String {
    let (lamp, outcome) = outcome(&entry.state);
    let agent = entry.title.as_ref().unwrap_or(&entry.key.agent);
    let mut parts = vec![format!("{lamp} {}", escape::plain(agent, 50))];
    parts.extend(entry.environment.as_ref().map(|name| escape::plain(name, 50)));
    parts.extend(entry.git_ref.as_ref().map(|name| escape::code(name, 40)));
    parts.extend(entry.short_sha().map(|sha| {
        let page = entry.commit_page().filter(|_| detail == Detail::Full);
        let label = escape::code(sha, 7);
        page.map_or(label.clone(), |page| escape::link(&label, &page))
    }));
    if detail != Detail::Least {
        parts.push(outcome);
    }
    parts.push(format!("<@{}>", entry.requester.user_id));
    parts.push(time::distance(entry.began_at));
    if detail != Detail::Least {
        parts.extend(entry.duration().map(duration::compact));
    }
    if entry.attempts() > 1 {
        parts.push(format!("{} attempts", entry.attempts()));
    }
    let done = entry.clicks.iter().rev().filter(|click| click.is_done()).take(MOST_CLICKS);
    parts.extend(done.collect::<Vec<_>>().into_iter().rev().map(click));
    if matches!(detail, Detail::Full | Detail::Linked) {
        parts.extend(run(entry));
    }
    parts.join(" · ")
}

/// The lamp, and the outcome: GitHub's conclusion as it is.
fn outcome(state: &State) -> (&'static str, String) {
    let (lamp, words) = in_words(state);
    match state {
        State::Ended { word, .. } if is_conclusion(word) => (lamp, escape::code(word, 40)),
        _ => (lamp, words),
    }
}

fn is_conclusion(word: &str) -> bool {
    !matches!(word, "nothing_done" | "not_dispatched" | "not_found" | "deleted" | "given_up")
}

/// The lamp, and the outcome in words.
pub(crate) fn in_words(state: &State) -> (&'static str, String) {
    let word = match state {
        State::Open { .. } => return ("🔵", "goes on".to_owned()),
        State::Forgotten => return ("⚠️", "its end is not known".to_owned()),
        State::Ended { word, .. } => word.as_str(),
    };
    let (lamp, words) = match word {
        "nothing_done" => ("⚠️", "was not started".to_owned()),
        "not_dispatched" => ("⚠️", "was not started".to_owned()),
        "not_found" => ("⚠️", "its run was not found".to_owned()),
        "deleted" => ("⚠️", "its run was deleted".to_owned()),
        "given_up" => ("⚠️", "its end was not seen".to_owned()),
        _ => conclusion(Some(word)),
    };
    (lamp, words)
}

fn click(click: &Click) -> String {
    let what = match click.action {
        Action::Cancel => "cancelled",
        Action::ForceCancel => "cancelled by force",
        Action::Rerun => "started again",
        Action::RollBack => "rolled back",
    };
    format!("{what} by <@{}>", click.user_id)
}

fn run(entry: &Entry) -> Option<String> {
    let run = entry.run.as_ref();
    let number = run.and_then(|run| run.number);
    let label = number.map_or_else(|| "run".to_owned(), |number| format!("run #{number}"));
    Some(escape::link(&label, entry.run_page.as_ref()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;

    fn history(entries: Vec<Entry>) -> History {
        History { entries, ..History::default() }
    }

    #[test]
    fn each_deploy_is_a_line() {
        let mut again = Entry::of_deploy(&sample::deploy(3, "success"));
        again.run.as_mut().unwrap().attempts = 2;
        again.clicks = vec![sample::click()];
        let entries = vec![Entry::of_deploy(&sample::open(4)), again, sample::not_found(2)];
        let message = render(&history(entries));
        assert!(message.is_ephemeral() && !message.pings());
        insta::assert_snapshot!(message.content());
    }

    #[test]
    fn nothing_is_said_as_that() {
        assert_eq!(render(&history(Vec::new())).content(), "No deploys are known.");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let history = History { entries: Vec::new(), unreadable: 2, is_cut: true };
        let said = render(&history).content().to_owned();
        assert!(said.contains("2 are left out: a newer version") && said.contains("Earlier ones"));
    }

    #[test]
    fn twenty_five_deploys_of_an_agent_fit() {
        let entry = Entry::of_deploy(&sample::deploy(3, "failure"));
        let mut entry = Entry { title: Some("Web".to_owned()), environment: None, ..entry };
        entry.key.agent = "w".to_owned();
        let said = render(&history(vec![entry; 25])).content().to_owned();
        assert!(fits(&said));
        assert_eq!(said.matches("🔴").count(), 25, "{said}");
    }

    #[test]
    fn hostile_text_neither_pings_nor_breaks_out_nor_makes_it_too_long() {
        let hostile = "@everyone **x** `y` \u{202e}\n# [z](https://evil.test) <@1>".repeat(50);
        let mut entry = Entry::of_deploy(&sample::deploy(3, "success"));
        entry.title = Some(hostile.clone());
        entry.environment = Some(hostile.clone());
        entry.git_ref = Some(hostile.clone());
        entry.state = State::Ended { word: hostile, reason: None, untold: None };
        for count in [1, 25] {
            let message = render(&history(vec![entry.clone(); count]));
            let said = message.content();
            assert!(fits(said) && !message.pings());
            assert!(!said.contains('\u{202e}') && !said.contains("\n#"), "{said}");
            let outside: String = said.split('`').step_by(2).collect();
            assert!(!outside.contains("@everyone") && !outside.contains("<@1>"), "{said}");
            assert!(!outside.contains("](https://evil"), "{said}");
        }
    }
}
