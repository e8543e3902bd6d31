//! Logs: JSON on Lambda, readable lines elsewhere.
//!
//! Only Deckhand's own lines follow `LOG_LEVEL`. The libraries stay at warnings, because at finer
//! levels they log requests whole, tokens included.

use std::io::IsTerminal;
use std::panic;

use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The lines' form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line, for CloudWatch.
    Json,
    /// For people.
    Readable,
}

/// Starts logging for the process. `level` is `LOG_LEVEL`: error, warn, info (the default), debug or
/// trace; anything else counts as info and is warned of.
pub fn start(form: Form, level: Option<&str>) -> Result<(), TryInitError> {
    let given = level.map(str::trim).filter(|level| !level.is_empty());
    let parsed = given.map(str::parse::<Level>);
    let level = match &parsed {
        Some(Ok(level)) => *level,
        Some(Err(_)) | None => Level::INFO,
    };
    match form {
        Form::Json => subscriber(form, level, std::io::stdout).try_init()?,
        Form::Readable => subscriber(form, level, std::io::stderr).try_init()?,
    }
    if matches!(parsed, Some(Err(_))) {
        tracing::warn!("LOG_LEVEL is not one of error, warn, info, debug, trace; using info");
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let words = panic.payload_as_str();
        tracing::error!(place, words, "panic");
    }));
    Ok(())
}

/// What turns events into lines on `writer`.
pub fn subscriber<W>(form: Form, level: Level, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        // The runtime's lines about a handler that failed or panicked, of which there is one of ours.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        // What it says comes with every 5xx of AWS's, also when the next try is well.
        .with_target("aws_smithy_runtime::client::http::connection_poisoning", LevelFilter::OFF)
        .with_target("deckhand", LevelFilter::from_level(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match form {
        Form::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        Form::Readable => {
            lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
        }
    };
    tracing_subscriber::registry().with(lines.with_filter(filter))
}
