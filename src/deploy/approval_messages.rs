//! The message that asks for the approval of a run, and what becomes of it.

use super::about::{run_or_runs, title};
use super::approval::{Answer, Approval};
use super::record::Deploy;
use crate::discord::Message;
use crate::github::words::running;
use crate::text::escape;

/// The message that asks for the approval of a run that waits for one. `None`: its run is not known.
pub(super) fn asks_for_approval(deploy: &Deploy) -> Option<Message> {
    let run = deploy.target.as_ref()?.run.as_deref()?;
    let (lamp, waits) = running(Some(run));
    let pinged = deploy.pinged().filter(|_| deploy.is_waited_for());
    let text = format!(
        "{lamp} {} is {waits}. Who may review can do it on the run's page: {}\n{}",
        title(deploy),
        run_or_runs(deploy),
        by(deploy),
    );
    let message = Message::public(&text);
    Some(match pinged {
        Some(user_id) => message.pinging(user_id),
        None => message,
    })
}

/// What that message says once it is known what came of it. Its lamps are none of an outcome: it tells no end.
pub(super) fn answered(deploy: &Deploy, asked: &Approval, answer: &Answer) -> Message {
    let title = title(deploy);
    let text = match answer {
        Answer::Approved => {
            let names = asked.environments.iter().take(NAMED);
            let names: Vec<String> =
                names.map(|name| format!("**{}**", escape::plain(name, 60))).collect();
            format!("✅ {title}: approved for {}, it goes on.", names.join(", "))
        }
        Answer::Rejected { by: Some(by) } => {
            format!("⛔ {title}: rejected by **{}**.", escape::plain(by, 60))
        }
        Answer::Rejected { by: None } => format!("⛔ {title}: rejected by a reviewer."),
        Answer::Cancelled => format!("🚫 {title}: cancelled, nothing to approve any more."),
        Answer::Over => format!("⏹️ {title}: not waiting any more, there is nothing to approve."),
    };
    Message::public(&format!("{text}\n{}", by(deploy)))
}

/// The most environments that are named.
const NAMED: usize = 3;

fn by(deploy: &Deploy) -> String {
    match deploy.rerun_by() {
        Some(click) => format!("Run again by <@{}>", click.user_id),
        None => format!("Requested by <@{}>", deploy.order.requester.user_id),
    }
}
