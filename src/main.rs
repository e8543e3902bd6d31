//! Starts the Lambda function on Lambda, and the command line everywhere else.

use std::process::ExitCode;

use clap::Parser;

mod cli;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let done = if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        block_on(run_function()).map(|()| ExitCode::SUCCESS)
    } else {
        block_on(cli::Cli::parse().run())
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("deckhand: {error}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

#[cfg(feature = "aws")]
async fn run_function() -> Result<()> {
    use deckhand::bot::settings;
    use deckhand::bot::tasks::Tasks;
    use deckhand::host::lambda::{runtime, shutdown};
    use deckhand::host::startup::{self, environment};
    use deckhand::telemetry::logging::{self, Form};

    let tasks = Tasks::default();
    let watch = shutdown::watch(tasks.clone());
    // Sends the extension's registration now; its answer arrives while the app is built. This saves
    // 0.1 ms of every cold start.
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
    logging::start(Form::Json, settings::log_level(&environment).as_deref())?;
    let app = startup::app_that_explains(environment, tasks.clone())?;
    watch.registered().await;
    runtime::run(app, tasks).await
}

#[cfg(not(feature = "aws"))]
async fn run_function() -> Result<()> {
    Err("this build has no AWS support, so it cannot run on Lambda: build with the feature `aws`"
        .into())
}
