//! `/set-frontend`, `/set-api-base`: write a base URL to the repository, as a variable and as a secret.
//!
//! Only admins may use them, and only with `ALLOW_SECRET_WRITES`. The caller is authorised before any
//! other check. No message shows the value, only its fingerprint.

use std::fmt;
use std::time::Duration;

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
        description: "Sets the frontend's URL as a variable and a secret of the repository (admins)",
        access: AccessLevel::Admin,
        options,
    },
    needs: NEEDS,
    start: |call| Box::pin(start(call, "FRONTEND_BASE_URL")),
    complete: None,
};

pub(crate) const API_BASE: Command = Command {
    serves: Serves::Own {
        name: "set-api-base",
        description: "Sets the API's base URL as a variable and a secret of the repository (admins)",
        access: AccessLevel::Admin,
        options,
    },
    needs: NEEDS,
    start: |call| Box::pin(start(call, "VITE_API_BASE")),
    complete: None,
};

const NEEDS: &[Need] = &[
    Need::write(Permission::Variables, Repositories::Default),
    Need::write(Permission::Secrets, Repositories::Default),
];

/// The pause that GitHub asks for between two writes.
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests>
const PAUSE: Duration = Duration::from_secs(1);

const VARIABLES: &str = "Variables: read and write";
const SECRETS: &str = "Secrets: read and write";

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
    name: &'static str,
    repository: Repository,
    value: Secret,
    fingerprint: Fingerprint,
    user_id: u64,
}

async fn start(call: Call, name: &'static str) -> Result<Plan, UserError> {
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

/// The result of one of the two writes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Write {
    Created,
    Updated,
    Failed(GithubError),
    NotTried,
}

/// The result of the whole command.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    /// Nothing was written, because a read failed first: the permission that it needs, and the error.
    NotRead(&'static str, GithubError),
    /// The reads succeeded; the result of each write.
    Tried { variable: Write, secret: Write },
}

async fn set(context: &Context, job: &Job) -> Message {
    let written = write(&context.github, job).await;
    let Job { name, repository, fingerprint, user_id, .. } = job;
    let complete = matches!(&written, Written::Tried { secret, .. } if secret.is_done());
    if complete {
        tracing::info!(name, %repository, %fingerprint, user_id, "repository setting written");
    } else {
        telemetry::failed(&format_args!("{name} was not written"));
        tracing::warn!(
            name, %repository, %fingerprint, user_id, ?written, "repository setting not written"
        );
    }
    render(job, &written)
}

/// Does all reads before the first write, so that a failed read changes nothing. No error contains the
/// value.
async fn write(github: &Github, job: &Job) -> Written {
    let Job { name, repository, value, .. } = job;
    let (key, exists) =
        tokio::join!(github.sealing_key(repository), github.has_variable(repository, name));
    let sealed = key.and_then(|key| Ok(key.seal(value)?));
    let (sealed, exists) = match (sealed, exists) {
        (Err(error), _) => return Written::NotRead(SECRETS, error.without(value)),
        (_, Err(error)) => return Written::NotRead(VARIABLES, error.without(value)),
        (Ok(sealed), Ok(exists)) => (sealed, exists),
    };
    let written = if exists {
        github.update_variable(repository, name, value).await.map(|()| Write::Updated)
    } else {
        github.create_variable(repository, name, value).await.map(|()| Write::Created)
    };
    let variable = match written {
        Ok(write) => write,
        Err(error) => {
            let variable = Write::Failed(error.without(value));
            return Written::Tried { variable, secret: Write::NotTried };
        }
    };
    tokio::time::sleep(PAUSE).await;
    let secret = match github.put_secret(repository, name, &sealed).await {
        Ok(true) => Write::Created,
        Ok(false) => Write::Updated,
        Err(error) => Write::Failed(error.without(value)),
    };
    Written::Tried { variable, secret }
}

impl Write {
    fn is_done(&self) -> bool {
        matches!(self, Self::Created | Self::Updated)
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
        "Nothing was set yet. This would set the variable and the secret {} to the value with the \
         fingerprint `{}`.\nIf you mean it, type the command again with `confirm:true`.",
        place(job),
        job.fingerprint,
    ))
}

fn render(job: &Job, written: &Written) -> Message {
    let (place, fingerprint) = (place(job), &job.fingerprint);
    let lines = match written {
        Written::NotRead(permission, error) => vec![
            format!("⚠️ Nothing was set: {place} is as it was (fingerprint `{fingerprint}`)."),
            why(job, error, permission),
        ],
        Written::Tried { variable, secret } => {
            let both =
                [line(job, "Variable", variable, VARIABLES), line(job, "Secret", secret, SECRETS)];
            let (first, last) = if variable.is_done() && secret.is_done() {
                (
                    format!("✅ {place} is set to the value with the fingerprint `{fingerprint}`."),
                    "Workflow runs that start from now on use it.",
                )
            } else {
                (
                    format!("⚠️ {place} is not set as asked (fingerprint `{fingerprint}`):"),
                    "Repeating the command is safe: it writes the same value to both.",
                )
            };
            [first].into_iter().chain(both).chain([last.to_owned()]).collect()
        }
    };
    Message::private(&lines.join("\n"))
}

fn place(job: &Job) -> String {
    format!("`{}` of {}", job.name, escape::code(&job.repository.to_string(), 140))
}

fn line(job: &Job, what: &str, write: &Write, permission: &str) -> String {
    match write {
        Write::Created => format!("✅ {what}: created"),
        Write::Updated => format!("✅ {what}: updated"),
        Write::NotTried => format!("⚪ {what}: not tried, it is as it was"),
        Write::Failed(error @ GithubError::Lost(_)) => {
            format!(
                "❓ {what}: it is not known whether it was set. {}",
                why(job, error, permission)
            )
        }
        Write::Failed(error) => format!("❌ {what}: not set. {}", why(job, error, permission)),
    }
}

fn why(job: &Job, error: &GithubError, permission: &str) -> String {
    explain(error, Subject::Repository(&job.repository), permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_end_of_the_digest() {
        // printf %s https://api.example.com | sha256sum
        assert_eq!(Fingerprint::of("https://api.example.com").to_string(), "…b646");
        assert_ne!(
            Fingerprint::of("https://api.example.com/"),
            Fingerprint::of("https://api.example.com")
        );
    }

    fn job() -> Job {
        let url = "https://api.example.com";
        Job {
            name: "VITE_API_BASE",
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
        let job = job();
        let mut messages = vec![unconfirmed(&job)];
        for (variable, secret) in
            [(Write::Created, Write::Updated), (Write::Updated, Write::Created)]
        {
            messages.push(render(&job, &Written::Tried { variable, secret }));
        }
        for error in errors().into_iter().map(|error| error.without(&job.value)) {
            messages.push(render(&job, &Written::NotRead(SECRETS, error.clone())));
            let (variable, secret) = (Write::Failed(error.clone()), Write::NotTried);
            messages.push(render(&job, &Written::Tried { variable, secret }));
            let (variable, secret) = (Write::Updated, Write::Failed(error));
            messages.push(render(&job, &Written::Tried { variable, secret }));
        }
        assert!(messages.iter().all(Message::is_ephemeral));
        let texts: Vec<_> = messages.iter().map(Message::content).collect();
        assert!(texts.iter().all(|text| !text.contains("api.example.com")));
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn a_job_does_not_show_its_value() {
        assert!(!format!("{:?}", job()).contains("api.example.com"));
    }
}
