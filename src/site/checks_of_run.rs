//! The summary that a run of the diagnose workflow leaves, read and rendered.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::diagnosis::{ARTIFACT, MAX_ARCHIVE_BYTES, Summary, Unreadable, read};
use crate::deploy::record::Checks;
use crate::deploy::{Findings, Order};
use crate::github::artifacts::ArtifactLookup;
use crate::github::{Github, GithubError, Run};
use crate::text::escape;

/// The most checks shown; the rest of the message needs space, too.
const SHOWN: usize = 15;

/// How often to look for the summary. GitHub may show an artifact a moment late, and a download may fail.
const LOOKS: u32 = 3;

/// The pause after the first look; after each further one it is as long again.
const NEXT_LOOK_AFTER: Duration = Duration::from_secs(2);

/// The checks in the summary of a run of the diagnose workflow.
pub(crate) fn read_checks<'a>(
    github: &'a Github,
    order: &'a Order,
    run: &'a Run,
) -> BoxFuture<'a, Option<Findings>> {
    Box::pin(checks(github, order, run))
}

async fn checks(github: &Github, order: &Order, run: &Run) -> Option<Findings> {
    // A run that was not worked through leaves no summary.
    let is_worked_through = matches!(run.conclusion.as_deref(), Some("success" | "failure"));
    let looks = if is_worked_through { LOOKS } else { 1 };
    let mut look = Look::NotTold;
    for number in 1..=looks {
        look = match summary(github, order, run).await {
            Ok(look) => look,
            // It may be there a moment later (404), or the answer was lost.
            Err(error) if error.is_passing() || error == GithubError::NotFound => {
                tracing::debug!(%error, run_id = run.id, "the summary could not be read");
                Look::NotTold
            }
            Err(error) => {
                tracing::warn!(%error, run_id = run.id, "the summary could not be read");
                return Some(Look::NotTold.findings());
            }
        };
        if look.is_final() || number == looks {
            break;
        }
        sleep(NEXT_LOOK_AFTER * number).await;
    }
    Some(look.findings())
}

/// What a look for the summary found.
enum Look {
    Summary(Summary),
    /// GitHub lists no such artifact.
    None,
    /// It cannot be used.
    Unusable(&'static str),
    /// It cannot be read.
    Unreadable(Unreadable),
    /// GitHub did not show it.
    NotTold,
}

impl Look {
    /// Whether another look would find the same. A damaged archive may have been cut off on its way.
    fn is_final(&self) -> bool {
        match self {
            Self::Summary(_) | Self::Unusable(_) => true,
            Self::Unreadable(why) => *why != Unreadable::Archive,
            Self::None | Self::NotTold => false,
        }
    }

    fn findings(&self) -> Findings {
        let checks = match self {
            Self::Summary(Summary { checks }) => {
                let failed = checks.iter().filter(|check| !check.ok).count();
                Some(Checks { failed, total: checks.len() })
            }
            _ => None,
        };
        Findings { lines: self.text(), checks }
    }

    fn text(&self) -> String {
        let none = |why: &str| format!("⚠️ There is no summary to show: {why}.");
        match self {
            Self::Summary(summary) => render(summary),
            Self::None => none("GitHub lists none for this run"),
            Self::Unusable(why) => none(why),
            Self::Unreadable(why) => none(&why.to_string()),
            Self::NotTold => {
                "⚠️ The summary could not be fetched from GitHub; look at the run.".to_owned()
            }
        }
    }
}

async fn summary(github: &Github, order: &Order, run: &Run) -> Result<Look, GithubError> {
    let artifact = match github.artifact(&order.repository, run.id, ARTIFACT).await? {
        ArtifactLookup::Found(artifact) => artifact,
        ArtifactLookup::None => return Ok(Look::None),
        ArtifactLookup::NotTold => return Ok(Look::NotTold),
    };
    if artifact.expired == Some(true) {
        return Ok(Look::Unusable("it has expired"));
    }
    if artifact.size_in_bytes.is_some_and(|size| size > MAX_ARCHIVE_BYTES) {
        return Ok(Look::Unusable("it is larger than a summary may be"));
    }
    let archive = github.download(&order.repository, &artifact).await?;
    Ok(read(&archive).map_or_else(Look::Unreadable, Look::Summary))
}

fn render(Summary { checks }: &Summary) -> String {
    // Failed checks come first, so that they are never cut off.
    let (fine, failed): (Vec<_>, Vec<_>) = checks.iter().partition(|check| check.ok);
    let shown = failed.into_iter().chain(fine).take(SHOWN).map(|check| {
        let icon = if check.ok { "✅" } else { "❌" };
        let detail =
            check.detail.as_ref().map(|detail| format!(" — {}", escape::plain(detail, 80)));
        format!("{icon} {}{}", escape::plain(&check.name, 60), detail.unwrap_or_default())
    });
    let mut lines: Vec<String> = shown.collect();
    if checks.len() > SHOWN {
        lines.push(format!("… and {} more", checks.len() - SHOWN));
    }
    lines.join("\n")
}
