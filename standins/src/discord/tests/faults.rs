//! What a test can let go wrong.

use super::*;

fn edit(discord: &Discord, interaction: &Interaction, content: &str) -> u16 {
    ask(discord, "PATCH", &hook(interaction, ORIGINAL), json!({"content": content})).0
}

async fn deferred(discord: &Discord) -> Interaction {
    let interaction = typed(discord);
    deliver(discord, &interaction, json!({"type": 5})).await;
    interaction
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_by_itself() {
    let discord = standin();
    let interaction = deferred(&discord).await;
    discord.fault_for(Duration::from_secs(30), Fault::new(On::Any, What::Status(503)));
    for (passes, status) in [(29, 503), (1, 200)] {
        tokio::time::advance(Duration::from_secs(passes)).await;
        assert_eq!(edit(&discord, &interaction, "x"), status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_answers_with_a_page() {
    let discord = standin();
    let interaction = deferred(&discord).await;
    for retry_after in [None, Some(3)] {
        discord.fault(Fault::new(On::Any, What::Proxy { status: 429, retry_after }));
        let path = format!("/api/v10{}", hook(&interaction, ORIGINAL));
        let received = Received {
            method: "PATCH".into(),
            path,
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        };
        let Outcome::Answer(answer) = discord.take(&received) else { panic!("not answered") };
        assert_eq!(answer.status, 429);
        assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
        let header = answer.headers.iter().find(|(name, _)| name == "retry-after");
        assert_eq!(header.map(|(_, value)| value.as_str()), retry_after.map(|_| "3"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_global_limit_says_so() {
    let discord = standin();
    let interaction = deferred(&discord).await;
    discord.fault(Fault::new(On::Edit, What::RateLimitedGlobally { retry_after: 1.5 }));
    let (status, body) =
        ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), json!({"content": "x"}));
    assert_eq!((status, &body["global"], &body["retry_after"]), (429, &json!(true), &json!(1.5)));
}

#[tokio::test(start_paused = true)]
async fn a_late_request_is_processed_although_the_client_has_given_up() {
    let discord = standin();
    let interaction = deferred(&discord).await;
    discord.fault(Fault::new(On::Edit, What::Late(Duration::from_secs(12))));
    let mut headers = http::HeaderMap::new();
    headers.insert("user-agent", "DiscordBot (u, 1)".parse().unwrap());
    headers.insert("content-type", "application/json".parse().unwrap());
    let received = Received {
        method: "PATCH".into(),
        path: format!("/api/v10{}", hook(&interaction, ORIGINAL)),
        query: Vec::new(),
        headers,
        body: json!({"content": "late"}).to_string().into(),
    };
    let given_up = tokio::time::timeout(Duration::from_secs(10), discord.handle(received)).await;
    assert!(given_up.is_err());
    assert_eq!(edit(&discord, &interaction, "newer"), 200);
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    assert_eq!(discord.messages(&interaction.id)[0].content, "newer");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(discord.messages(&interaction.id)[0].content, "late");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_somebody_deleted_is_gone() {
    let discord = standin();
    let interaction = deferred(&discord).await;
    discord.delete_original(&interaction);
    let gone = ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), json!({"content": "x"}));
    assert_eq!((gone.0, &gone.1["code"]), (404, &json!(10008)));
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_names_its_interaction_and_the_original_response() {
    let discord = standin();
    let interaction = deferred(&discord).await;
    let post = || ask(&discord, "POST", &hook(&interaction, ""), json!({"content": "x"})).1;
    let (original, follow_up) = (post(), post());
    for message in [&original, &follow_up] {
        assert_eq!(message["interaction_metadata"]["id"], interaction.id);
    }
    assert_eq!((&original["type"], &follow_up["type"]), (&json!(20), &json!(0)));
    let names = |message: &Value| {
        message.pointer("/interaction_metadata/original_response_message_id").cloned()
    };
    assert_eq!((names(&original), names(&follow_up)), (None, Some(original["id"].clone())));
}
