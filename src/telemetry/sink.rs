//! Destinations of summary lines.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Level;

use super::summary::Summary;

/// Receives the summaries.
pub trait Sink: Send + Sync {
    /// Writes one. It must neither fail nor block.
    fn write(&self, summary: Summary);

    /// From now on, keep lines until [`release`](Self::release), so that writing does not delay an answer.
    fn hold(&self) {}

    /// Writes the lines that were kept.
    fn release(&self) {}
}

/// For Lambda: JSON lines with metrics (EMF) on standard output.
#[derive(Debug)]
pub struct Emf {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    function_name: String,
    /// Lines kept since `hold`; `None` when lines are written at once.
    held: Mutex<Option<Vec<Summary>>>,
}

/// For other hosts: readable lines in the log.
#[derive(Debug)]
pub struct Readable;

/// The sink for the Lambda function with this name; for `None`, a readable log.
pub fn sink(function_name: Option<String>) -> Arc<dyn Sink> {
    match function_name.filter(|name| !name.is_empty()) {
        Some(function_name) => Arc::new(Emf { function_name, held: Mutex::default() }),
        None => Arc::new(Readable),
    }
}

impl Sink for Emf {
    fn write(&self, summary: Summary) {
        if summary.is_wanted() {
            match &mut *self.held() {
                Some(held) => held.push(summary),
                None => self.put(&summary),
            }
        }
    }

    fn hold(&self) {
        self.held().get_or_insert_default();
    }

    fn release(&self) {
        let held = self.held().take();
        held.iter().flatten().for_each(|summary| self.put(summary));
    }
}

impl Emf {
    fn held(&self) -> MutexGuard<'_, Option<Vec<Summary>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, summary: &Summary) {
        // A failed write cannot be reported anywhere.
        let _ = std::io::stdout().lock().write_all(&summary.to_line(&self.function_name));
    }
}

impl Sink for Readable {
    fn write(&self, summary: Summary) {
        if !summary.is_wanted() {
            return;
        }
        let Summary { about, notes, took, .. } = &summary;
        let deployed = notes.deployed.as_ref();
        // As JSON, so that no value can look like another field.
        let inputs =
            (!notes.inputs.is_empty()).then(|| serde_json::json!(notes.inputs).to_string());
        macro_rules! say {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    interaction_id = about.interaction_id,
                    correlation_id = about.correlation_id,
                    command = about.command,
                    user_id = about.user_id,
                    outcome = notes.outcome.name(),
                    reply = notes.reply,
                    answered_ms = notes.time_to_answer.map(|took| took.as_millis()),
                    duration_ms = took.as_millis(),
                    "ref" = notes.git_ref,
                    inputs,
                    run_id = notes.run_id,
                    conclusion = deployed.map(|deployed| deployed.conclusion),
                    github_calls = notes.github_calls,
                    rate_limit_left = notes.rate_limit_left,
                    error = notes.error,
                    "{}",
                    about.event.name()
                )
            };
        }
        match summary.level() {
            Level::ERROR => say!(Level::ERROR),
            Level::INFO => say!(Level::INFO),
            _ => say!(Level::DEBUG),
        }
    }
}
