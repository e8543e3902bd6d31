//! `/set-frontend`, `/set-api-base`: write a base URL to the repository, the frontend's as a variable, the API's
//! as a secret.
//!
//! Only admins may use them, and only with `ALLOW_SECRET_WRITES`. The caller is authorised before any
//! other check. No message shows the value, only its fingerprint.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::agents::options::{OptionKind, OptionSpec, OptionValue};
use crate::bot::authorize::AccessLevel;
use crate::bot::{Call, Command, Context, Plan, Serves};
use crate::discord::Message;
use crate::github::Repository;
use crate::github::explain::{Subject, explain};
use crate::github::permission::{Need, Permission, Repositories};
use crate::github::{Github, GithubError};
use crate::secrets::Secret;
use crate::telemetry;
use crate::text::{UserError, escape};

pub(crate) const FRONTEND: Command = Command {
    serves: Serves::Own {
        name: "set-frontend",
        description: "Sets the frontend's URL as a variable of the repository (admins)",
        access: AccessLevel::Admin,
        options,
    },
    needs: &[Need::write(Permission::Variables, Repositories::Default)],
    start: |call| Box::pin(start(call, Place::Variable, "FRONTEND_BASE_URL")),
    complete: None,
};

pub(crate) const API_BASE: Command = Command {
    serves: Serves::Own {
        name: "set-api-base",
        description: "Sets the API's base URL as a secret of the repository (admins)",
        access: AccessLevel::Admin,
        options,
    },
    needs: &[Need::write(Permission::Secrets, Repositories::Default)],
    start: |call| Box::pin(start(call, Place::Secret, "VITE_API_BASE")),
    complete: None,
};

/// What a value becomes in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Whoever may read the repository's settings can read it.
    Variable,
    /// Nobody can read it again; a workflow run can use it.
    Secret,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Secret => "secret",
        }
    }

    /// The permission that writing it needs.
    fn permission(self) -> &'static str {
        match self {
            Self::Variable => "Variables: read and write",
            Self::Secret => "Secrets: read and write",
        }
    }
}

fn options() -> Vec<OptionSpec> {
    let option = |name: &str, description: &str, required, kind| OptionSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        required,
        kind,
    };
    vec![
        option("url", "A public https URL", true, OptionKind::Url),
        option("confirm", "true: really set it", false, OptionKind::Boolean),
    ]
}

/// One value to write, and where to write it.
#[derive(Debug)]
struct Job {
    place: Place,
    name: &'static str,
    repository: Repository,
    value: Secret,
    fingerprint: Fingerprint,
    user_id: u64,
}

async fn start(call: Call, place: Place, name: &'static str) -> Result<Plan, UserError> {
    let context = call.context.clone();
    if !context.allow_secret_writes {
        return Err(UserError::new(
            "Nothing was set: this command is switched off. Set `ALLOW_SECRET_WRITES=true` to let admins \
             write the repository's variables and secrets.",
        ));
    }
    let Some(OptionValue::Url(url)) = call.options.get("url") else {
        return Err(UserError::new("Nothing was set: the option `url` is required."));
    };
    let job = Job {
        place,
        name,
        repository: context.github.default_repository().clone(),
        value: Secret::new(url.as_str()),
        fingerprint: Fingerprint::of(url.as_str()),
        user_id: call.caller.user_id,
    };
    if !call.options.is_true("confirm") {
        return Ok(Plan::Answer(unconfirmed(&job)));
    }
    telemetry::given(None, [("url", format!("fingerprint {}", job.fingerprint).as_str())]);
    call.take().await?;
    Ok(Plan::RacePrivately(Box::pin(async move { set(&context, &job).await.into() })))
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    Created,
    Updated,
    /// Nothing was written, because a read before it failed.
    NotRead(GithubError),
    /// The write failed.
    Failed(GithubError),
}

async fn set(context: &Context, job: &Job) -> Message {
    let written = write(&context.github, job).await;
    let Job { place, name, repository, fingerprint, user_id, .. } = job;
    let place = place.name();
    if matches!(written, Written::Created | Written::Updated) {
        tracing::info!(place, name, %repository, %fingerprint, user_id, "repository setting written");
    } else {
        telemetry::failed(&format_args!("{name} was not written"));
        tracing::warn!(
            place, name, %repository, %fingerprint, user_id, ?written, "repository setting not written"
        );
    }
    render(job, &written)
}

/// Reads before it writes, so that a failed read changes nothing. No error contains the value.
async fn write(github: &Github, job: &Job) -> Written {
    let Job { place, name, repository, value, .. } = job;
    let created = match place {
        Place::Variable => {
            let exists = match github.has_variable(repository, name).await {
                Ok(exists) => exists,
                Err(error) => return Written::NotRead(error.without(value)),
            };
            if exists {
                github.update_variable(repository, name, value).await.map(|()| false)
            } else {
                github.create_variable(repository, name, value).await.map(|()| true)
            }
        }
        Place::Secret => {
            let key = github.sealing_key(repository).await;
            match key.and_then(|key| Ok(key.seal(value)?)) {
                Ok(sealed) => github.put_secret(repository, name, &sealed).await,
                Err(error) => return Written::NotRead(error.without(value)),
            }
        }
    };
    match created {
        Ok(true) => Written::Created,
        Ok(false) => Written::Updated,
        Err(error) => Written::Failed(error.without(value)),
    }
}

/// Identifies a value without showing it: `…` and the last four hex digits of its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fingerprint(String);

impl Fingerprint {
    fn of(value: &str) -> Self {
        let digest = hex::encode(Sha256::digest(value));
        Self(digest.chars().skip(digest.len() - 4).collect())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…{}", self.0)
    }
}

fn unconfirmed(job: &Job) -> Message {
    Message::private(&format!(
        "Nothing was set yet. This would set the {} to the value with the fingerprint `{}`.\nIf you mean it, type \
         the command again with `confirm:true`.",
        target(job),
        job.fingerprint,
    ))
}

fn render(job: &Job, written: &Written) -> Message {
    let (target, fingerprint) = (target(job), &job.fingerprint);
    let why = |error| explain(error, Subject::Repository(&job.repository), job.place.permission());
    let done = |verb| {
        format!(
            "✅ The {target} was {verb}: it has the value with the fingerprint `{fingerprint}`.\nWorkflow runs \
             that start from now on use it."
        )
    };
    Message::private(&match written {
        Written::Created => done("created"),
        Written::Updated => done("updated"),
        Written::Failed(error @ GithubError::Lost(_)) => format!(
            "❓ It is not known whether the {target} was set (fingerprint `{fingerprint}`). {} Repeating the command \
             is safe: it writes the same value.",
            why(error)
        ),
        Written::NotRead(error) | Written::Failed(error) => format!(
            "❌ Nothing was set: the {target} is as it was (fingerprint `{fingerprint}`).\n{}",
            why(error)
        ),
    })
}

/// `variable X of o/r`.
fn target(job: &Job) -> String {
    let repository = escape::code(&job.repository.to_string(), 140);
    format!("{} `{}` of {repository}", job.place.name(), job.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_fingerprint_is_the_end_of_the_digest() {
        // printf %s https://api.example.com | sha256sum
        assert_eq!(Fingerprint::of("https://api.example.com").to_string(), "…b646");
        assert_ne!(
            Fingerprint::of("https://api.example.com/"),
            Fingerprint::of("https://api.example.com")
        );
    }

    fn job(place: Place) -> Job {
        let url = "https://api.example.com";
        Job {
            place,
            name: if place == Place::Secret { "VITE_API_BASE" } else { "FRONTEND_BASE_URL" },
            repository: "octo-org/web-client".parse().unwrap(),
            value: Secret::new(url),
            fingerprint: Fingerprint::of(url),
            user_id: 7,
        }
    }

    fn errors() -> Vec<GithubError> {
        let said = || "https://api.example.com".to_owned();
        vec![
            GithubError::NotSent(said()),
            GithubError::Lost(said()),
            GithubError::RateLimited(Duration::from_secs(90)),
            GithubError::NoSignIn("the private key is not usable".to_owned()),
            GithubError::Unauthorized(said()),
            GithubError::Forbidden(said()),
            GithubError::NotFound,
            GithubError::Moved,
            GithubError::Refused(422, said()),
        ]
    }

    #[test]
    fn every_message() {
        let mut messages = Vec::new();
        for job in [job(Place::Variable), job(Place::Secret)] {
            messages.push(unconfirmed(&job));
            messages.push(render(&job, &Written::Created));
            messages.push(render(&job, &Written::Updated));
            for error in errors().into_iter().map(|error| error.without(&job.value)) {
                messages.push(render(&job, &Written::NotRead(error.clone())));
                messages.push(render(&job, &Written::Failed(error)));
            }
        }
        assert!(messages.iter().all(Message::is_ephemeral));
        let texts: Vec<_> = messages.iter().map(Message::content).collect();
        assert!(texts.iter().all(|text| !text.contains("api.example.com")));
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn a_job_does_not_show_its_value() {
        assert!(!format!("{:?}", job(Place::Secret)).contains("api.example.com"));
    }
}
