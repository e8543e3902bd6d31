//! Faults: errors that a test injects into the stand-in for Discord.

use chrono::{DateTime, Utc};
use std::time::Duration;

/// Which requests a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The edit of a message.
    Edit,
    /// A follow-up message.
    FollowUp,
    /// A look at a message with the interaction's token.
    MessageRead,
    /// The deletion of a message.
    Delete,
    /// A message to the channel, with the bot's token.
    ChannelMessage,
    /// The edit of a message, with the bot's token.
    ChannelEdit,
    /// A look at the channel or its messages, with the bot's token.
    ChannelRead,
    /// Reading or overwriting commands.
    Commands,
    /// Anything else the stand-in answers.
    Other,
    /// Every request.
    Any,
}

/// What a fault does. The request is not processed unless the variant says so.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// 429 with this wait, in seconds.
    RateLimited {
        /// In the body as it is, in `Retry-After` rounded up.
        retry_after: f64,
    },
    /// The same for all requests with the same sign-in.
    RateLimitedGlobally {
        /// As above.
        retry_after: f64,
    },
    /// An HTML page with this status, by a proxy in front of Discord.
    Proxy {
        /// The HTTP status.
        status: u16,
        /// In `Retry-After`.
        retry_after: Option<u64>,
    },
    /// A status with a body of Discord's shape.
    Status(u16),
    /// A status with one of Discord's codes and its text.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Discord's code, for example 50013.
        code: u64,
        /// Its text, for example `Missing Permissions`.
        message: String,
    },
    /// 404 with code 10015, as sometimes for a moment after the callback.
    UnknownWebhook,
    /// The connection is dropped without an answer.
    Reset,
    /// Processed, but the connection is dropped without an answer.
    Lost,
    /// Processed, but answered with this status, as by a proxy in between.
    FailedAfter(u16),
    /// Processed at once, answered late.
    Delay(Duration),
    /// Processed and answered late; processed also if the client has given up meanwhile.
    Late(Duration),
}

/// An error to inject. If several match a request, the first one hits it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Which requests it hits.
    pub on: On,
    /// How many of them pass before it starts.
    pub skip: usize,
    /// How many it hits; `None`: all.
    pub times: Option<usize>,
    /// When it ends, if it was not over before.
    pub until: Option<DateTime<Utc>>,
    /// What it does.
    pub what: What,
}

impl Fault {
    /// Hits the next such request, once.
    pub fn new(on: On, what: What) -> Self {
        Self { on, skip: 0, times: Some(1), until: None, what }
    }

    /// Lets this many requests pass first.
    pub fn skip(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Hits this many requests.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Hits every request from then on.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }
}

/// The fault that hits a request of this kind now, if any. Counts it down.
pub(super) fn take(faults: &mut Vec<Fault>, kind: On, now: DateTime<Utc>) -> Option<What> {
    faults.retain(|fault| fault.until.is_none_or(|until| now < until));
    let due = faults.iter_mut().position(|fault| {
        let concerned = fault.on == On::Any || fault.on == kind;
        if concerned && fault.skip > 0 {
            fault.skip -= 1;
            return false;
        }
        concerned
    })?;
    let what = faults[due].what.clone();
    if let Some(times) = &mut faults[due].times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(due);
        }
    }
    Some(what)
}
