//! The whole way: the steps in their order.

use std::sync::Arc;

use super::address::Address;
use super::agents::commands;
use super::deploy::deploy;
use super::discord::Signed;
use super::flags::{Flags, Target};
use super::given::Given;
use super::home::Home;
use super::on_aws::OnAws;
use super::person::{Person, Question};
use super::stopped::Stopped;
use super::work::{Registries, Work};
use super::{
    address, agents, agents_file, discord, endpoint, files, github, sam, service, webhook,
};
use crate::agents::{Kind, Registry};
use crate::bot::{Command, keeper, registration};
use crate::clock::SystemClock;
use crate::discord::registration::{Scope, changes, ours};
use crate::doctor::environment::Whose;
use crate::doctor::{self, is_ill};
use crate::net::transport::Https;
use crate::register::Asked;
use crate::secrets::Secret;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything works, as far as the doctor knows.
    Well,
    /// It is set up, and the doctor found something that does not work.
    Ill,
}

/// Sets the bot up. `env`: the environment, without the file of the settings.
pub async fn setup(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    table: &[Command],
    registries: Registries<'_>,
    person: &dyn Person,
) -> Result<Ended, Stopped> {
    address::check(flags)?;
    let given = Given::read(flags).await?;
    let transport = Arc::new(Https::default());
    let mut known = flags.target;
    let ended = match target(flags, env, person).await {
        Ok(target) => {
            known = Some(target);
            flags.check(target)?;
            let home = home(flags, target, transport.clone()).await?;
            let mut work = Work {
                flags,
                files: given,
                env,
                table,
                registries,
                person,
                transport,
                home,
                agents_changed: false,
            };
            steps(&mut work, target).await
        }
        Err(stopped) => Err(stopped),
    };
    match ended {
        Err(Stopped::Unasked { text, flag }) if flags.dry_run => {
            let rest = rest(Came::Question, known);
            person.tell(&format!("  would ask: {text} ({flag})\n{rest}"));
            Ok(Ended::Well)
        }
        ended => ended,
    }
}

/// Where the bot runs: as the flags say, or as the files that are there show.
pub(super) fn known_target(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Target>, Stopped> {
    if flags.target.is_some() {
        return Ok(flags.target);
    }
    let has = |home: &Home| home.value("DISCORD_APPLICATION_ID").is_some();
    if has(&Home::in_file(&flags.env_file, true)?)
        || env("DECKHAND_URL").is_some()
        || flags.url.is_some()
    {
        return Ok(Some(Target::Server));
    }
    let text = files::read(&flags.sam_config)?.unwrap_or_default();
    let is_there = sam::parameters(&text)
        .is_ok_and(|parameters| parameters.contains_key("DiscordApplicationId"));
    Ok(is_there.then_some(Target::Aws))
}

/// Where the bot runs: as is known, or as the person says.
async fn target(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    person: &dyn Person,
) -> Result<Target, Stopped> {
    if let Some(target) = known_target(flags, env)? {
        return Ok(target);
    }
    person.tell("Where will the bot run?\n  1) on a server of yours\n  2) on AWS Lambda");
    let question = Question {
        text: "1 or 2".to_owned(),
        default: Some("1".to_owned()),
        flag: "--to server or --to aws",
        is_secret: false,
    };
    loop {
        let answer = if flags.yes { Ok(Secret::new("")) } else { person.ask(&question).await };
        let answer = answer.map_err(|why| Stopped::of(why, &question))?;
        match answer.expose().trim() {
            "" | "1" => return Ok(Target::Server),
            "2" => return Ok(Target::Aws),
            _ => person.tell("  ! 1 or 2."),
        }
    }
}

/// Where the settings are kept.
pub(super) async fn home(
    flags: &Flags,
    target: Target,
    transport: Arc<Https>,
) -> Result<Home, Stopped> {
    if target == Target::Server {
        files::check(&flags.env_file, flags.dry_run)?;
        return Home::in_file(&flags.env_file, flags.dry_run);
    }
    files::check(&flags.sam_config, flags.dry_run)?;
    let Some(keeper) = keeper(transport, Arc::new(SystemClock)) else {
        return Err(Stopped::mend("This build has no AWS support: build with the feature `aws`."));
    };
    let place = OnAws::open(&flags.sam_config, &flags.secrets_path, keeper).await?;
    Ok(Home::on_aws(place, flags.dry_run))
}

/// How far a dry run came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// To a question without an answer.
    Question,
    /// To `agents.toml`, which the rest is made of.
    Agents,
    /// To the deploy, which makes the address.
    Deploy,
}

/// What a dry run tells of the steps whose details depend on what is not there. `None`: where the bot runs is not known.
fn rest(came: Came, target: Option<Target>) -> String {
    const SERVER: &str =
        "  Server    write the settings (mode 600) and what runs the server; wait until it answers";
    const AWS: &str = "  AWS       keep the secrets in SSM and the settings in samconfig.toml; sam build, sam deploy; wait until it answers";
    let mut lines = vec![match came {
        Came::Question => {
            "\nWhat follows depends on that. In this order, and only what is missing:"
        }
        Came::Agents => "\nThe rest is made of that file:",
        Came::Deploy => "\nThe rest needs the address that the deploy makes:",
    }];
    if came == Came::Question {
        lines.extend([
            "  Discord   find the application by the bot's token; wait until the bot is in a server",
            "  GitHub    list the repositories and the workflows that can be started; write agents.toml",
        ]);
    }
    if came < Came::Deploy {
        lines.extend(match target {
            Some(Target::Server) => &[SERVER][..],
            Some(Target::Aws) => &[AWS],
            None => &[SERVER, "or", AWS],
        });
    }
    lines.extend([
        "  Discord   set the interactions endpoint; register the commands",
        "  GitHub    make a webhook for runs and jobs in each repository",
        "  Doctor    check all of it",
        "Dry run: nothing was changed.",
    ]);
    lines.join("\n")
}

async fn steps(work: &mut Work<'_>, target: Target) -> Result<Ended, Stopped> {
    // A mistake in it is said before anything is asked.
    agents_file::there(work)?;
    work.keep_given();
    let signed = discord::sign_in(work).await?;
    discord::servers(work, &signed).await?;
    let github = github::sign_in(work).await?;
    let Some(registry) = agents::agents(work, &github).await? else {
        work.person.tell(&rest(Came::Agents, Some(target)));
        return Ok(Ended::Well);
    };
    let address = match target {
        Target::Server => Some(address::address(work).await?),
        Target::Aws => None,
    };
    let is_new = webhook::secret(work, &github, &registry).await?;
    let address = match address {
        Some(address) => {
            service::write(work).await?;
            address
        }
        None => match deploy(work).await? {
            Some(url) => Address { url, before: None },
            None => {
                work.person.tell(&rest(Came::Deploy, Some(target)));
                return Ok(Ended::Well);
            }
        },
    };
    address::answers(work, &address.url, target).await?;
    work.step("Discord's commands");
    endpoint::set(work, &signed, &registry, &address).await?;
    register_commands(work, &signed, &registry).await?;
    webhook::hooks(work, &github, &registry, &address, is_new).await?;
    if work.flags.dry_run {
        work.person.tell("\nDry run: nothing was changed.");
        return Ok(Ended::Well);
    }
    Ok(examine(work, &registry).await)
}

async fn register_commands(
    work: &Work<'_>,
    signed: &Signed,
    registry: &Registry,
) -> Result<(), Stopped> {
    let server = work.value("DISCORD_GUILD_ID").and_then(|id| id.trim().parse().ok());
    let scope = if server.is_some() { Scope::Guild } else { Scope::Global };
    let declared = registration(work.table, registry, scope);
    if let Ok(there) = signed.client.commands(server).await
        && there.is_array()
        && changes(&declared, &there).is_empty()
    {
        work.done(&format!("All {} commands are registered.", ours(&declared).count()));
        return Ok(());
    }
    let asked = Asked { place: None, remove: false, dry_run: work.flags.dry_run };
    let done = work.register(Ok(registry.clone()), asked).await;
    done.map_err(|error| Stopped::mend(error.to_string()))
}

async fn examine(work: &Work<'_>, registry: &Registry) -> Ended {
    work.step("Doctor");
    // As the bot itself will have it: what is kept, and from the environment only what AWS's own tools read there.
    let given = |name: &str| work.given(name).filter(|_| name.starts_with("AWS_"));
    let env = |name: &str| work.home.value(name).or_else(|| given(name));
    let agents = Ok(registry.clone());
    let findings = doctor::environment::examine(env, agents, work.table, Whose::Ours).await;
    work.person.tell(&doctor::text::plain(&findings));
    if is_ill(&findings) {
        work.person.tell("It is set up, but see ❌ above. Mend that, then run `deckhand doctor`.");
        return Ended::Ill;
    }
    let starts = |kind: &Kind| matches!(kind, Kind::Deploy(_));
    let agents = registry.agents();
    let first = agents.iter().find(|agent| starts(&agent.kind));
    match first.or_else(|| agents.iter().find(|agent| agent.workflow().is_some())) {
        Some(agent) => {
            work.person.tell(&format!("Done. Type in Discord: /{} wait:true", agent.command))
        }
        None => work.person.tell(&format!("Done. Type in Discord: {}", commands(work, registry))),
    }
    Ended::Well
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_tells_of_the_place_that_was_chosen() {
        for came in [Came::Question, Came::Agents] {
            let aws = rest(came, Some(Target::Aws));
            for words in ["SSM", "samconfig.toml", "sam build", "sam deploy"] {
                assert!(aws.contains(words), "{words}: {aws}");
            }
            assert!(!aws.contains("mode 600"), "{aws}");
            let server = rest(came, Some(Target::Server));
            assert!(server.contains("mode 600") && !server.contains("SSM"), "{server}");
            let both = rest(came, None);
            assert!(both.contains("mode 600") && both.contains("SSM"), "{both}");
        }
        let deployed = rest(Came::Deploy, Some(Target::Aws));
        assert!(!deployed.contains("sam ") && deployed.contains("endpoint"), "{deployed}");
    }
}
