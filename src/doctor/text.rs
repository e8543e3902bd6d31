//! Renders the findings: as text for a terminal, and as a Discord message.

use super::finding::{Finding, Level};
use super::settings::AGENTS;
use crate::discord::Message;
use crate::text::escape;

/// The longest text of a finding in a message, in characters.
const MAX_TEXT: usize = 600;

fn icon(level: Level) -> &'static str {
    match level {
        Level::Bad => "❌",
        Level::Doubtful => "⚠️",
        Level::Good => "✅",
    }
}

fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let counts = [Level::Bad, Level::Doubtful, Level::Good].map(|level| (level, count(level)));
    let shown = counts.iter().filter(|(_, count)| *count > 0);
    let shown: Vec<String> = shown.map(|(level, n)| format!("{} {n}", icon(*level))).collect();
    shown.join(" · ")
}

/// Text for a terminal, in the order of the checks, grouped by subject.
pub fn plain(findings: &[Finding]) -> String {
    let mut out = String::new();
    let mut about = None;
    for finding in findings {
        if about != Some(&finding.about) {
            about = Some(&finding.about);
            out.push_str(&format!("{}\n", one_line(&finding.about)));
        }
        out.push_str(&format!("  {} {}\n", icon(finding.level), one_line(&finding.what)));
        if !finding.fix.is_empty() {
            let page = finding.page.iter().map(|page| format!(" {page}")).collect::<String>();
            out.push_str(&format!("     → {}\n", one_line(&format!("{}{page}", finding.fix))));
        }
    }
    out.push_str(&format!("\n{}\n", summary(findings)));
    out
}

/// Removes control characters and line breaks: some of these texts are untrusted.
fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An ephemeral message, the worst findings first.
pub fn message(findings: &[Finding]) -> Message {
    let mut sorted: Vec<_> = findings.iter().collect();
    // Where not all fits, who may use what is left out first.
    let is_list = |finding: &Finding| finding.level == Level::Good && finding.about == AGENTS;
    sorted.sort_by_key(|finding| (finding.level, is_list(finding)));
    let mut lines = vec![format!("🩺 **Check of this set-up:** {}", summary(findings))];
    for Finding { level, about, what, fix, page } in sorted {
        let (about, what) = (escape::plain(about, 100), escape::plain(what, MAX_TEXT));
        lines.push(format!("{} **{about}:** {what}", icon(*level)));
        if !fix.is_empty() {
            let page = page.as_ref().map(|page| format!(" {}", escape::link("Page", page)));
            lines.push(format!("→ {}{}", escape::plain(fix, MAX_TEXT), page.unwrap_or_default()));
        }
    }
    Message::private(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level, text: &str) -> Finding {
        let page = Some("https://example.com/x".to_owned());
        Finding { level, about: text.into(), what: text.into(), fix: text.into(), page }
    }

    #[test]
    fn a_message_fits_and_the_worst_comes_first_whatever_the_texts() {
        let hostile = "@everyone **x** `y` \u{202e}\n# z ".repeat(200);
        let mut findings: Vec<_> = (0..60).map(|_| finding(Level::Good, &hostile)).collect();
        findings.push(finding(Level::Bad, "worst"));
        let message = message(&findings);
        assert!(message.is_ephemeral());
        assert!(message.content().encode_utf16().count() <= 2000);
        assert!(message.content().contains("❌ **worst:** worst\n→ worst [Page]("));
        assert!(!message.content().contains("@everyone"));
    }

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let text = plain(&[finding(Level::Doubtful, "a\u{1b}[2Jb\nc")]);
        assert!(!text.contains('\u{1b}'));
        assert_eq!(text.lines().count(), 5, "{text}");
    }
}
