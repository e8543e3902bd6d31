//! Logging: JSON on Lambda, readable lines elsewhere.
//!
//! `LOG_LEVEL` applies only to Deckhand's own lines. Libraries log warnings and above: at lower levels they
//! log whole requests with tokens.

use std::io::IsTerminal;
use std::panic;

use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object per line, for CloudWatch.
    Json,
    /// Text for people.
    Readable,
}

/// Starts logging for the process. `level` is `LOG_LEVEL`: error, warn, info (the default), debug or trace.
/// Any other value counts as info, with a warning.
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

/// Formats events as lines and writes them to `writer`.
pub fn subscriber<W>(form: Form, level: Level, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        // Off: the runtime logs a failed or panicked handler, but we log that ourselves.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        // Off: it logs a warning for every 5xx of AWS, even if the retry succeeds.
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
