//! Secrets in SSM parameters.

use standins::github::{Fault, On, Scenario};

use crate::aws;
use crate::world::{Plan, TOKEN, World};

/// A world whose GitHub token is in this parameter.
pub(crate) async fn signing_in_with(parameter: &str, scenario: Scenario) -> World {
    let env =
        vec![("GITHUB_TOKEN", String::new()), ("GITHUB_TOKEN_PARAMETER", parameter.to_owned())];
    World::of(Plan { env, scenario, ..Plan::default() }).await
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_changed_token_in_ssm_is_read_when_the_old_one_is_refused() {
    let parameter = aws::new_parameter();
    let world = signing_in_with(&parameter, Scenario::default()).await;
    aws::put_parameter(&world, &parameter, TOKEN).await;
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    // Revoked, and a new one stored: the next command is refused once and signs in with the new one.
    world.github.fault(Fault::status(401, "Bad credentials").on(On::Dispatch));
    aws::put_parameter(&world, &parameter, "ghs_another").await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("nothing was dispatched"), "{}", told.transcript());
    let dispatches = world.github.requests().into_iter().filter(|r| r.method == "POST");
    assert_eq!(dispatches.map(|request| request.status).collect::<Vec<_>>(), [200, 401, 401]);
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_missing_parameter_is_named_in_the_answer() {
    let world = signing_in_with("/deckhand/nowhere_at-all", Scenario::default()).await;
    for text in ["/deploy-client", "/deploy-client wait:true", "/status", "/verify-latest"] {
        let told = world.types("ada", text).await;
        let missing = "the SSM parameter `/deckhand/nowhere_at-all` (`GITHUB_TOKEN_PARAMETER`) does not exist";
        for message in told.messages() {
            assert!(message.content.contains(missing), "{text}: {}", message.content);
        }
    }
    assert!(world.github.requests().is_empty());
}
