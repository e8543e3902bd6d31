//! `deckhand setup --to aws`, with SAM's and AWS's command lines played by scripts, and SSM by the stand-in of AWS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use deckhand::net::transport::Https;
use standins::discord::GUILD_ID;
use uuid::Uuid;

use super::scene::Scene;
use crate::aws;
use crate::world::TOKEN;

/// Shows the stack with the parameters of samconfig.toml, once it is deployed.
const AWS: &str = r#"#!/bin/sh
[ -z "$DISCORD_BOT_TOKEN$GITHUB_TOKEN" ] || echo aws >>given-secrets
[ -e deployed ] || { echo "Stack with id deckhand does not exist" >&2; exit 254; }
parameters=$(sed -n 's/^parameter_overrides = "\(.*\)"$/\1/p' deployed | grep -o '[A-Za-z]*=\\"[^"]*\\"' |
    sed 's/\([A-Za-z]*\)=\\"\(.*\)\\"/{"ParameterKey":"\1","ParameterValue":"\2"}/' | paste -sd, -)
cat <<JSON
{"Stacks":[{"StackStatus":"UPDATE_COMPLETE","CreationTime":"2099-01-01T00:00:00+00:00",
"Parameters":[$parameters],
"Outputs":[{"OutputKey":"InteractionsUrl","OutputValue":"$URL/discord"},
{"OutputKey":"TableName","OutputValue":"$TABLE"}]}]}
JSON
"#;

/// Notes what it is called with, and deploys what is in samconfig.toml.
const SAM: &str = r#"#!/bin/sh
[ -z "$DISCORD_BOT_TOKEN$GITHUB_TOKEN" ] || echo sam >>given-secrets
echo "$@" >>sam.log
[ "$1" != deploy ] || cp samconfig.toml deployed
"#;

/// A stored file `bootstrap` with the head of a program for arm64.
pub(super) const PACKAGE: &[u8] = b"PK\x03\x04\x0a\0\0\0\0\0\0\0!\0\xef\x32\x88\x38\x14\0\0\0\x14\0\0\0\x09\0\0\0bootstrap\
    \x7fELF\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xb7\0\
    PK\x01\x02\x1e\x03\x0a\0\0\0\0\0\0\0!\0\xef\x32\x88\x38\x14\0\0\0\x14\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\xed\x81\0\0\0\0bootstrap\
    PK\x05\x06\0\0\0\0\x01\0\x01\0\x37\0\0\0\x3b\0\0\0\0\0";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_stack_is_set_up_with_its_secrets_in_ssm_and_taken_back() {
    let mut scene = Scene::new().await;
    let standin = aws::standin().unwrap();
    let aws = aws::at(&standin, Arc::new(Https::default())).await;
    let table = aws::new_table(&aws).await;
    fs::create_dir(scene.file("bin")).unwrap();
    for (name, text) in [("aws", AWS), ("sam", SAM)] {
        let file = scene.file("bin").join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(scene.file("template.yaml"), "").unwrap();
    let path = format!("{}:{}", scene.file("bin").display(), std::env::var("PATH").unwrap());
    for (name, value) in [
        ("PATH", path),
        ("URL", scene.url()),
        ("TABLE", table),
        ("AWS_ENDPOINT_URL", standin),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ] {
        scene.env.insert(name, value);
    }
    // What the function would be.
    let listen = scene.url().replace("http://", "");
    let server = Command::new(env!("CARGO_BIN_EXE_deckhand"))
        .args(["serve", "--listen", &listen])
        .current_dir(scene.file("bin"))
        .env_clear()
        .env("DISCORD_PUBLIC_KEY", scene.discord.public_key())
        .env("DISCORD_APPLICATION_ID", scene.discord.application_id())
        .env("ALLOWED_GUILD_IDS", GUILD_ID)
        .env("GITHUB_TOKEN", TOKEN)
        .env("GITHUB_REPO", "octo-org/web-client")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    scene.runs_beside(server);
    let secrets = format!("/deckhand-{}", Uuid::new_v4());
    let setup = ["setup", "--to", "aws", "--secrets-path", &secrets, "--yes"];
    // The tokens are in the environment once, and from then on in SSM.
    scene.env.insert("DISCORD_BOT_TOKEN", scene.discord.bot_token());
    scene.env.insert("GITHUB_TOKEN", TOKEN.to_owned());
    let (code, said) = scene.runs(&setup).await;
    assert!(code == 0 && said.contains("Done. Type in Discord: /client-deploy"), "{said}");
    assert!(!said.contains(&scene.discord.bot_token()) && !said.contains(TOKEN), "{said}");
    let config = scene.read("samconfig.toml");
    for part in
        ["UseWebhooks=", "GithubRepo=", &format!("SecretsPath=\\\"{secrets}"), "resolve_s3 = true"]
    {
        assert!(config.contains(part), "{part} is not in: {config}");
    }
    assert!(!config.contains(&scene.discord.bot_token()) && !config.contains(TOKEN), "{config}");
    let deploy = "deploy --stack-name deckhand --no-confirm-changeset --no-fail-on-empty-changeset";
    assert_eq!(scene.read("sam.log"), format!("build\n{deploy}\n"));
    assert!(!scene.file("given-secrets").exists(), "{}", scene.read("given-secrets"));
    assert_eq!(scene.discord.interactions_endpoint(), Some(format!("{}/discord", scene.url())));
    // Again, with what is in SSM: nothing is deployed.
    scene.env.remove("DISCORD_BOT_TOKEN");
    scene.env.remove("GITHUB_TOKEN");
    let (code, said) = scene.runs(&setup).await;
    assert!(code == 0 && said.contains("is deployed"), "{said}");
    assert_eq!(scene.read("sam.log").lines().count(), 2);
    // Nor because of a file that is only newer, as after `git checkout`.
    let agents = scene.read("agents.toml");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5_000_000_000);
    fs::File::options()
        .append(true)
        .open(scene.file("agents.toml"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    let (code, said) = scene.runs(&setup).await;
    assert!(code == 0 && scene.read("sam.log").lines().count() == 2, "{said}");
    // With other content it is.
    fs::write(scene.file("agents.toml"), agents + "# Mine.\n").unwrap();
    let (code, said) = scene.runs(&setup).await;
    assert!(code == 0 && scene.read("sam.log").lines().count() == 4, "{said}");
    // A package of a release needs no build.
    fs::write(scene.file("lambda.zip"), PACKAGE).unwrap();
    let zip = [&setup[..], &["--zip", "lambda.zip"]].concat();
    let (code, said) = scene.runs(&zip).await;
    assert!(code == 0 && scene.read("samconfig.toml").contains("Architecture=\\\"arm64"), "{said}");
    let log = scene.read("sam.log");
    assert_eq!(
        log.lines().last(),
        Some(&*format!("{deploy} --template-file deckhand-template.yaml"))
    );
    assert_eq!(log.lines().count(), 5);
    assert!(scene.read("deckhand-template.yaml").contains("CodeUri: deckhand-package.zip"));
    // The same package, downloaded again, is deployed already.
    fs::write(scene.file("lambda.zip"), PACKAGE).unwrap();
    let (code, said) = scene.runs(&zip).await;
    assert!(code == 0 && scene.read("sam.log").lines().count() == 5, "{said}");
    let (code, said) = scene
        .runs(&["setup", "--to", "aws", "--secrets-path", &secrets, "--yes", "--remove"])
        .await;
    assert!(code == 0 && said.contains(&format!("{secrets}/github-token is deleted")), "{said}");
    assert!(said.contains("sam delete --stack-name deckhand"), "{said}");
    // What was not there is not said to be deleted.
    assert!(!said.contains("github-app-private-key"), "{said}");
    for made in ["deckhand-package.zip", "deckhand-template.yaml", "deckhand-deployed.txt"] {
        assert!(!scene.file(made).exists(), "{made}");
    }
    let (code, said) = scene
        .runs(&["setup", "--to", "aws", "--secrets-path", &secrets, "--yes", "--remove"])
        .await;
    assert!(
        code == 0 && said.contains(&format!("There is no secret in SSM under {secrets}")),
        "{said}"
    );
    let (code, said) = scene.runs(&setup).await;
    assert!(
        code == 1 && said.contains("there is no terminal to ask at: The bot's token"),
        "{said}"
    );
}
