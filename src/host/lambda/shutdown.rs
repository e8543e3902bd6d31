//! Winds work up when Lambda ends the process.
//!
//! Lambda sends SIGTERM only to a function with an extension, so this registers one that does nothing.
//! Without it the function works as well; only what runs when the process ends is cut off. That is why
//! `lambda_runtime`'s own helper does not do: it panics if it cannot register.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>

use std::process::exit;
use std::time::Duration;

use lambda_extension::{Error, Extension};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::bot::tasks::Tasks;

/// The extension's name. No other extension of the function may have it.
const NAME: &str = "deckhand-shutdown";

/// Timeout for running work after SIGTERM. Lambda kills the process after 500 ms.
const WIND_UP: Duration = Duration::from_millis(400);

/// Timeout for registering. It takes a millisecond; the whole start may take 10 s.
const REGISTER: Duration = Duration::from_secs(2);

/// Tells whether the extension is registered. Registering ends with the first invocation.
pub struct Watch(oneshot::Receiver<Result<(), Error>>);

/// Registers, and tells all work to wind up on SIGTERM.
pub fn watch(tasks: Tasks) -> Watch {
    tokio::spawn(async move {
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let [Ok(term), Ok(int)] = signals else {
            return tracing::warn!("signals cannot be received: nothing is wound up at the end");
        };
        ended(term, int).await;
        tasks.stop();
        let _ = timeout(WIND_UP, tasks.drained()).await;
        exit(0);
    });
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        // It subscribes to no events.
        match Extension::new().with_events(&[]).with_extension_name(NAME).register().await {
            Ok(extension) => {
                let _ = sender.send(Ok(()));
                // Tells Lambda that it is ready, and then waits for an event that never comes.
                if let Err(error) = extension.run().await {
                    tracing::debug!(%error, "the shutdown extension ended");
                }
            }
            Err(error) => {
                let _ = sender.send(Err(error));
            }
        }
    });
    Watch(receiver)
}

async fn ended(mut term: Signal, mut int: Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

impl Watch {
    /// Waits for the registration. Without it the function goes on, with a warning.
    pub async fn registered(self) {
        let why = match timeout(REGISTER, self.0).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(_)) => "it ended".to_owned(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(
            %why,
            "the shutdown extension could not be registered: work that still runs when Lambda ends \
             this process is cut off"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whatever_comes_of_the_registration_the_function_goes_on() {
        for result in [Ok(()), Err("403 Forbidden".into())] {
            let (sender, receiver) = oneshot::channel();
            sender.send(result).unwrap();
            Watch(receiver).registered().await;
        }
        let (sender, receiver) = oneshot::channel();
        drop(sender);
        Watch(receiver).registered().await;
        let (_never, receiver) = oneshot::channel();
        Watch(receiver).registered().await;
    }
}
