//! Step 3 on AWS: the stack, by AWS's and SAM's own command lines.

use std::path::Path;
use std::process::{Command, Stdio};

use super::deployed::Deployed;
use super::files;
use super::on_aws::SECRETS;
use super::package::{self, Package};
use super::sam::Stack;
use super::stopped::Stopped;
use super::work::Work;
use crate::discord::interaction;

const TEMPLATE: &str = "template.yaml";

const NO_AWS: &str = "AWS's command line (`aws`, version 2) is needed to see the stack: \
    https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html. Sign in with it.";

/// Builds and deploys what is not deployed yet. Returns the address of the HTTP API; `None` in a dry run before there is
/// one.
pub(super) async fn deploy(work: &mut Work<'_>) -> Result<Option<String>, Stopped> {
    work.step("AWS");
    if work.flags.zip.is_none()
        && Path::new(TEMPLATE).exists()
        && !is_built(&work.flags.agents, Path::new("."))
    {
        return Err(Stopped::mend(format!(
            "A build takes the clone's own agents.toml, not {}. Copy it to agents.toml here and leave out --agents; or \
             use --zip with the Lambda package of a release.",
            work.flags.agents.display()
        )));
    }
    let stack = work.flags.stack.clone();
    let there = look(&stack).await?;
    let agents = files::read(&work.flags.agents)?.unwrap_or_default();
    let folder = work.home.path().parent().unwrap_or(Path::new(".")).to_owned();
    let package = match work.flags.zip.as_deref() {
        Some(zip) => {
            work.home.keep("ARCHITECTURE", package::architecture(zip)?);
            work.save().await?;
            Some(Package::read(zip, &agents, &folder)?)
        }
        None => None,
    };
    let wanted = match &package {
        Some(package) => Deployed::of(&folder, &stack, &package.parts()),
        None => {
            let template = files::read(Path::new(TEMPLATE))?.unwrap_or_default();
            Deployed::of(&folder, &stack, &[template.as_bytes(), agents.as_bytes()])
        }
    };
    if !(wanted.is_noted() && is_right(work, there.as_ref())) {
        let name = format!("build and deploy the stack {stack}; it costs nothing while idle");
        if !work.goes(&name) {
            return Ok(there.as_ref().and_then(address));
        }
        run(work, &stack, package).await?;
    }
    let Some(there) = look(&stack).await? else {
        return Err(Stopped::mend(format!(
            "There is no stack {stack}. Is it in another region? Set AWS_REGION."
        )));
    };
    if !is_right(work, Some(&there)) {
        return Err(Stopped::mend(format!(
            "The stack {stack} is not as {} has it ({}). `sam deploy --stack-name {stack}` says why.",
            work.home.path().display(),
            there.status
        )));
    }
    wanted.note()?;
    if let Some(table) = there.outputs.get("TableName") {
        work.home.keep("TABLE_NAME", table);
        work.save().await?;
    }
    let address = address(&there).ok_or_else(|| {
        Stopped::mend(format!(
            "The stack {stack} has no output InteractionsUrl: it is another one."
        ))
    })?;
    work.done(&format!("The stack {stack} is deployed."));
    Ok(Some(address))
}

fn is_right(work: &Work<'_>, there: Option<&Stack>) -> bool {
    let wanted = work.home.aws().map(|aws| aws.parameters()).unwrap_or_default();
    there.is_some_and(|there| there.is_right(&wanted))
}

/// Whether a build in this clone takes this file of agents.
fn is_built(agents: &Path, clone: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(agents).is_some_and(|agents| real(&clone.join("agents.toml")) == Some(agents))
}

/// The base of the API's addresses.
pub(super) fn address(stack: &Stack) -> Option<String> {
    Some(stack.outputs.get("InteractionsUrl")?.strip_suffix(interaction::PATH)?.to_owned())
}

/// The stack; `None`: there is none.
pub(super) async fn look(stack: &str) -> Result<Option<Stack>, Stopped> {
    let mut command = command("aws");
    command.args(["cloudformation", "describe-stacks", "--output", "json", "--stack-name", stack]);
    command.stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || command.output()).await;
    let Ok(Ok(done)) = done else { return Err(Stopped::mend(NO_AWS)) };
    if done.status.success() {
        return Ok(Stack::read(&done.stdout));
    }
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("does not exist") {
        return Ok(None);
    }
    Err(Stopped::mend(format!(
        "The stack cannot be seen: {}.",
        crate::text::escape::clipped(said.trim(), 300)
    )))
}

/// A program that is none of ours: it gets no secret that the environment has.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (secret, _) in SECRETS {
        command.env_remove(secret);
    }
    command
}

/// Runs SAM, or says how. It builds in a clone; a package needs no build.
async fn run(work: &Work<'_>, stack: &str, package: Option<Package>) -> Result<(), Stopped> {
    let mut deploy = vec![
        "deploy",
        "--stack-name",
        stack,
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
    ];
    let mut all: Vec<Vec<&str>> = Vec::new();
    if let Some(package) = package {
        package.write()?;
        deploy.extend(["--template-file", package::NAMED]);
    } else if Path::new(TEMPLATE).exists() {
        all.push(vec!["build"]);
    } else {
        return Err(Stopped::mend(
            "There is no template.yaml here: run this in a clone of Deckhand's repository, or with --zip and the \
             package of a release.",
        ));
    }
    all.push(deploy);
    let lines: Vec<String> =
        all.iter().map(|arguments| format!("sam {}", arguments.join(" "))).collect();
    let lines = lines.join(" && ");
    work.person.tell(&format!("  … {lines}"));
    for arguments in &all {
        let mut command = command("sam");
        command.args(arguments).stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.status()).await;
        let Ok(Ok(status)) = done else {
            return Err(Stopped::mend(format!(
                "SAM is not installed here (https://docs.aws.amazon.com/serverless-application-model). Install it, in a \
                 clone with `pip install -r .ci/requirements-package.txt`; or run this where it is:\n{lines}"
            )));
        };
        if !status.success() {
            return Err(Stopped::mend(format!("`sam {}` failed; see above.", arguments.join(" "))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use standins::Scratch;

    #[test]
    fn a_build_takes_the_clones_own_agents_and_no_other() {
        let clone = Scratch::new().unwrap();
        for name in ["agents.toml", "other.toml"] {
            std::fs::write(clone.file(name), "").unwrap();
        }
        assert!(is_built(&clone.path().join("./agents.toml"), clone.path()));
        assert!(!is_built(&clone.file("other.toml"), clone.path()));
        assert!(!is_built(&clone.file("none.toml"), clone.path()));
    }
}
