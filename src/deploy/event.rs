//! What can become known about a deploy.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::approval::{Approval, Posted};
use super::click::{Acted, Click};
use super::outcome::NotFound;
use super::past::{Past, Success};
use super::progress::Progress;
use super::record::{Details, Sender};
use super::target::Target;
use crate::github::Run;
use crate::github::jobs::Job;

/// Something that became known about a deploy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// Time has passed.
    Tick,
    /// Its message is on screen. `message_id`: if Discord told it.
    OnScreen { message_id: Option<u64> },
    /// Nothing will be sent to GitHub. `tell`: whether the user saw that it began.
    Refused { why: String, tell: bool },
    /// This call of `advance` sends the dispatch.
    Dispatching { by: Uuid },
    /// Whoever sent the dispatch is gone.
    Abandoned,
    /// GitHub named the run of the dispatch.
    Named(Target),
    /// GitHub did not name it. `lost`: it may not have taken the dispatch.
    Unnamed { lost: bool },
    /// GitHub surely did not take the dispatch.
    NotDispatched { why: String, for_admins: bool },
    /// The lists of runs were looked at.
    Searched(Searched),
    /// The run as it is.
    Saw(Box<Run>),
    /// The run has not changed.
    Unchanged,
    /// GitHub does not show the run, or the runs.
    NotShown { said: String, for_admins: bool },
    /// The run was deleted.
    Deleted,
    /// GitHub could not be asked.
    Unanswered,
    /// GitHub does not know the run.
    Missing { said: String },
    /// GitHub shows the run as it was.
    StillThere,
    /// GitHub is asked again then, not earlier.
    Postponed { until: DateTime<Utc> },
    /// A webhook tells of an attempt of the run.
    Hint { attempt: Option<u64>, run: Option<Box<Run>> },
    /// The jobs of the run.
    SawJobs(Progress),
    /// A job of the run, of which a webhook tells.
    SawJob(Box<Job>),
    /// What earlier deploys tell.
    Past(Past),
    /// The last success before it, as it is known now.
    LastSuccess(Option<Success>),
    /// Somebody wants to see how it stands now.
    Refresh,
    /// Somebody wants something done to it.
    Clicked(Click),
    /// What came of the click of this interaction.
    Acted { interaction_id: u64, result: Acted },
    /// A message of its own asks for the approval of these environments.
    AsksForApproval(Approval),
    /// That message was posted. `None`: it surely was not.
    AskedForApproval { approval: Approval, posted: Option<Posted> },
    /// That message tells what came of it, or cannot.
    ToldApproval(Approval),
    /// Discord refuses components in its message.
    NoComponents,
    /// Its message shows the text with this fingerprint.
    Shown { text: String, message_id: Option<u64> },
    /// The answer to the command is this text.
    Answered { text: String },
    /// An edit whose answer was lost may still land until then.
    ShownInDoubt { until: DateTime<Utc> },
    /// Its message shows what it was last made to show.
    StillShown,
    /// Its message shows something else: an earlier edit has landed.
    Replaced,
    /// Its message cannot be edited any more.
    Closed { why: String },
    /// The outcome is about to be posted.
    Tells { by: Sender },
    /// It was posted.
    Told { by: Sender, message_id: Option<u64>, detailed: bool },
    /// It surely was not posted.
    NotTold,
    /// The bot may not post there.
    BotRefused,
    /// It cannot be posted, or nobody can know whether it was.
    Untold { why: String },
    /// The details of the end.
    Detailed(Details),
    /// The outcome's message shows the details, or never will.
    ToldDetails,
}

/// What a look at the lists of runs found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Searched {
    /// The run.
    Found(Target),
    /// No run that fits.
    Nothing,
    /// One run that fits by time, but another one may still appear.
    Candidate(u64),
    /// The run cannot be told from others.
    NotFound(NotFound),
}
