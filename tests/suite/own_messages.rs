//! The messages of a deploy as the client sends and finds them, one try each.

mod cards;

use std::sync::Arc;
use std::time::Duration;

use deckhand::discord::{
    Discord, DiscordError, InteractionId, InteractionToken, Message, Settings, Told, outcome_nonce,
};
use deckhand::secrets::{NoParameters, Secret};
use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{CHANNEL_ID, Fault, Interaction, On, Permissions, User, What};

use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
const OUTCOME: &str = "<@810000000000000001> it succeeded";

/// A client of the world's Discord, and the interaction of a command that was answered.
struct Story {
    world: World,
    client: Discord,
    interaction: Interaction,
    token: InteractionToken,
}

impl Story {
    /// A deploy's card is on screen.
    async fn new() -> Self {
        let story = Self::thinking().await;
        story.client.edit_answer(&story.token, &Message::public("a card")).await.unwrap();
        story
    }

    /// The answer shows "thinking…".
    async fn thinking() -> Self {
        Self::deferred(0).await
    }

    async fn deferred(flags: u64) -> Self {
        let world = World::new().await;
        let interaction = world.interaction("ada", "/deploy-client wait:true");
        let endpoint = answering(json!({"type": 5, "data": {"flags": flags}}));
        assert!(world.discord.deliver(&interaction, &endpoint).await.accepted());
        let token = Secret::new(&interaction.token);
        let token = InteractionToken { application_id: None, token };
        Self { client: client(&world), world, interaction, token }
    }

    fn id(&self) -> InteractionId {
        InteractionId(self.interaction.id.parse().unwrap())
    }

    /// The id of the answer.
    fn card(&self) -> u64 {
        self.world.discord.messages(&self.interaction.id)[0].id.parse().unwrap()
    }

    fn told(&self) -> Told<'static> {
        Told {
            message_id: Some(self.card()),
            interaction: self.id(),
            application_id: None,
            content: OUTCOME,
        }
    }

    async fn found(&self) -> Result<Option<u64>, DiscordError> {
        self.client.find_told(channel(), self.told()).await
    }

    async fn reply(&self, message: &Message) -> Result<Option<u64>, DiscordError> {
        let nonce = outcome_nonce(self.id(), 1);
        self.client.reply(channel(), Some(self.card()), message, &nonce).await
    }

    fn is_refused_by(&self, on: On, status: u16, code: u64) {
        let what = What::Refused { status, code, message: "no".to_owned() };
        self.world.discord.fault(Fault::new(on, what));
    }

    /// Other members talk.
    fn chatter(&self, messages: usize) {
        for n in 0..messages {
            self.world.discord.writes(&grace(), CHANNEL_ID, &format!("chatter {n}"), None);
        }
    }

    /// The body of the last request, and how it was sent.
    fn last(&self) -> (String, Value) {
        let request = self.world.discord.requests().pop().unwrap();
        (format!("{} {}", request.method, request.path), request.body)
    }
}

fn answering(answer: Value) -> standins::discord::Endpoint {
    standins::discord::Endpoint::Direct(Arc::new(move |_| {
        let body = answer.to_string().into();
        let response = http::Response::builder().header("content-type", "application/json");
        Box::pin(std::future::ready(response.body(body).unwrap()))
    }))
}

fn client(world: &World) -> Discord {
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => Some(world.discord.public_key()),
        "DISCORD_APPLICATION_ID" => Some(world.discord.application_id()),
        "DISCORD_API_BASE" => Some(world.discord.url()),
        "DISCORD_BOT_TOKEN" => Some(world.discord.bot_token()),
        "GITHUB_TOKEN" => Some("t".to_owned()),
        "GITHUB_REPO" => Some("octo-org/web-client".to_owned()),
        "ALLOWED_GUILD_IDS" => Some("1".to_owned()),
        _ => None,
    };
    let settings: Settings = deckhand::bot::Settings::load(env).unwrap().discord;
    Discord::new(settings, world.transport(), Arc::new(NoParameters), world.clock())
}

fn channel() -> u64 {
    CHANNEL_ID.parse().unwrap()
}

fn grace() -> User {
    User::named("grace")
}

fn outcome() -> Message {
    Message::public(OUTCOME).pinging(810_000_000_000_000_001)
}

fn card_data(content: &str) -> Value {
    Message::public(content).to_create()
}

/// The body of an edit to this text. It takes away the buttons that there may be.
fn edit_to(text: &str) -> Value {
    json!({"content": text, "components": [], "allowed_mentions": nobody()})
}

fn nobody() -> Value {
    json!({"parse": [], "users": []})
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_edited_and_read() {
    let story = Story::thinking().await;
    let thinking = story.client.read_answer(&story.token).await.unwrap();
    assert!(thinking.is_loading && !thinking.is_ephemeral);
    let id = story.client.edit_answer(&story.token, &Message::public("a card")).await.unwrap();
    assert_eq!(id, Some(story.card()));
    let (request, body) = story.last();
    assert!(request.starts_with("PATCH") && request.ends_with("/messages/@original"), "{request}");
    assert_eq!(body, edit_to("a card"));
    let shown = story.client.read_answer(&story.token).await.unwrap();
    assert_eq!((shown.id, shown.content.as_str()), (id, "a card"));
    assert!(!shown.is_loading);

    let private = Story::deferred(64).await;
    let shown = private.client.read_answer(&private.token).await.unwrap();
    assert!(shown.is_loading && shown.is_ephemeral);
    private.card();
}

#[tokio::test(start_paused = true)]
async fn after_the_interaction_s_time_the_bot_edits_the_card() {
    let story = Story::new().await;
    story.world.passes(16 * 60 * SECOND).await;
    let dead = story.client.edit_answer(&story.token, &Message::public("x")).await.unwrap_err();
    assert!(dead.is_dead_interaction(), "{dead}");
    let edit = |id| {
        let client = &story.client;
        async move { client.edit_message(channel(), id, &Message::public("succeeded")).await }
    };
    edit(story.card()).await.unwrap();
    let (request, body) = story.last();
    assert_eq!(request, format!("PATCH /api/v10/channels/{CHANNEL_ID}/messages/{}", story.card()));
    assert_eq!(body, edit_to("succeeded"));
    assert_eq!(story.world.discord.messages(&story.interaction.id)[0].content, "succeeded");

    assert!(edit(1).await.unwrap_err().is_gone());
    let hers = story.world.discord.writes(&grace(), CHANNEL_ID, "hers", None);
    assert!(edit(hers.parse().unwrap()).await.unwrap_err().may_not());
    story.world.discord.permit(Permissions { view: false, ..Permissions::default() });
    assert!(edit(story.card()).await.unwrap_err().may_not());
    story.last();
}

#[tokio::test(start_paused = true)]
async fn edits_of_old_messages_are_limited_and_the_limit_passes() {
    let story = Story::new().await;
    story.world.passes(2 * 3600 * SECOND).await;
    story.world.discord.set_old_edits(1);
    let (card, message) = (story.card(), Message::public("succeeded"));
    let edit = || story.client.edit_message(channel(), card, &message);
    edit().await.unwrap();
    let limited = edit().await.unwrap_err();
    assert!(limited.is_edit_limit() && limited.passes() && !limited.may_not(), "{limited}");
    // Other requests are not held back.
    story.reply(&outcome()).await.unwrap();
    story.world.passes(21 * SECOND).await;
    edit().await.unwrap();
    story.card();
    assert_eq!(story.world.discord.channel_messages().len(), 1);
    story.last();
}

#[tokio::test(start_paused = true)]
async fn a_reply_pings_the_requester_once() {
    let story = Story::new().await;
    let id = story.reply(&outcome()).await.unwrap();
    let (_, body) = story.last();
    let expected = json!({
        "content": OUTCOME,
        "allowed_mentions":
            {"parse": [], "users": ["810000000000000001"], "replied_user": false},
        "nonce": outcome_nonce(story.id(), 1), "enforce_nonce": true,
        "message_reference": {"message_id": story.card().to_string(), "fail_if_not_exists": false},
    });
    assert_eq!(body, expected);
    assert_eq!(story.reply(&outcome()).await.unwrap(), id, "the nonce is enforced");
    let messages = story.world.discord.channel_messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].pings, ["810000000000000001"]);
    assert_eq!(messages[0].reply_to, Some(story.card().to_string()));
    assert_eq!(messages[0].id.parse().ok(), id);
    assert_eq!(story.found().await, Ok(id));
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_a_message_that_is_gone_is_a_message_of_its_own_and_found() {
    let story = Story::new().await;
    let told = story.told();
    story.world.discord.delete_original(&story.interaction);
    let nonce = outcome_nonce(story.id(), 1);
    let id = story.client.reply(channel(), told.message_id, &outcome(), &nonce).await.unwrap();
    assert_eq!(story.client.find_told(channel(), told).await, Ok(id));
    assert_eq!(story.world.discord.channel_messages()[0].reply_to, None);
    story.last();
}

/// Two deploys of one user may end alike. What tells of the one must not count for the other.
#[tokio::test(start_paused = true)]
async fn a_message_of_its_own_that_says_the_same_is_another_deploy_s() {
    let story = Story::new().await;
    story.client.reply(channel(), None, &outcome(), "another").await.unwrap();
    assert_eq!(story.found().await, Ok(None));
    story.card();
    story.world.and_more();
}

#[rstest]
#[case::not_seen(403, 50001)]
#[case::not_permitted(403, 50013)]
#[case::archived_thread(400, 50083)]
#[tokio::test(start_paused = true)]
async fn where_the_bot_may_not_post_it_says_so(#[case] status: u16, #[case] code: u64) {
    let story = Story::new().await;
    story.is_refused_by(On::ChannelMessage, status, code);
    let error = story.reply(&outcome()).await.unwrap_err();
    assert!(error.may_not() && !error.may_be_taken(), "{error}");
    story.world.discord.permit(Permissions { send: false, ..Permissions::default() });
    assert!(story.reply(&outcome()).await.unwrap_err().may_not());
    // Without the history no reply, but a message of its own.
    story.world.discord.permit(Permissions { history: false, ..Permissions::default() });
    assert!(story.reply(&outcome()).await.unwrap_err().may_not());
    let alone = story.client.reply(channel(), None, &outcome(), "n").await.unwrap();
    assert_eq!(story.world.discord.channel_messages()[0].id.parse().ok(), alone);
    story.last();
}

#[tokio::test(start_paused = true)]
async fn each_request_is_sent_once() {
    let story = Story::new().await;
    let before = story.world.discord.requests().len();
    let outage = Fault::new(On::Any, What::Status(503)).always();
    story.world.discord.fault(outage);
    let (client, token, message) = (&story.client, &story.token, outcome());
    let fault = DiscordError::Fault(503);
    assert_eq!(client.edit_answer(token, &message).await, Err(fault.clone()));
    assert_eq!(client.read_answer(token).await, Err(fault.clone()));
    assert_eq!(client.edit_message(channel(), 1, &message).await, Err(fault.clone()));
    assert_eq!(client.reply(channel(), None, &message, "n").await, Err(fault.clone()));
    assert_eq!(client.follow_up_once(token, &message).await, Err(fault.clone()));
    assert_eq!(client.edit_follow_up(token, 1, &message).await, Err(fault.clone()));
    assert_eq!(story.found().await, Err(fault));
    assert_eq!(story.world.discord.requests().len() - before, 7);
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_is_posted_found_and_edited() {
    let story = Story::new().await;
    let posted = story.client.follow_up_once(&story.token, &outcome()).await.unwrap();
    assert!(!posted.replaced_original);
    let id = posted.id.unwrap();
    assert_eq!(story.found().await, Ok(posted.id));
    let later = Message::public("it succeeded, in detail");
    story.client.edit_follow_up(&story.token, id, &later).await.unwrap();
    let (request, body) = story.last();
    assert!(request.starts_with("PATCH /api/v10/webhooks/"), "{request}");
    assert!(request.ends_with(&format!("/messages/{id}")), "{request}");
    assert_eq!(body, edit_to("it succeeded, in detail"));
    let messages = story.world.discord.messages(&story.interaction.id);
    assert_eq!((messages[1].id.parse(), messages[1].edits), (Ok(id), 1));
    assert_eq!(messages[1].pings, ["810000000000000001"]);
    assert_eq!(story.found().await, Ok(None), "it has another text now");
    let gone = story.client.edit_follow_up(&story.token, 1, &later).await.unwrap_err();
    assert!(gone.is_gone());
    story.last();
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_in_the_place_of_thinking_has_told_nobody() {
    let story = Story::thinking().await;
    let posted = story.client.follow_up_once(&story.token, &outcome()).await.unwrap();
    assert!(posted.replaced_original);
    assert_eq!(posted.id, Some(story.card()));
    assert_eq!(story.found().await, Ok(None));
}

#[rstest]
#[case::invalid_token(401, 50027)]
#[case::unknown_webhook(404, 10015)]
#[case::unknown_interaction(404, 10062)]
#[tokio::test(start_paused = true)]
async fn discord_s_own_word_says_that_the_interaction_is_dead(
    #[case] status: u16,
    #[case] code: u64,
) {
    let story = Story::new().await;
    story.is_refused_by(On::FollowUp, status, code);
    let error = story.client.follow_up_once(&story.token, &outcome()).await.unwrap_err();
    assert!(error.is_dead_interaction() && !error.may_be_taken(), "{error}");
    story.is_refused_by(On::Edit, 404, 10008);
    let error = story.client.edit_answer(&story.token, &outcome()).await.unwrap_err();
    assert!(error.is_gone() && !error.is_dead_interaction(), "{error}");
    story.card();
}

#[tokio::test(start_paused = true)]
async fn a_busy_channel_hides_no_outcome() {
    let story = Story::new().await;
    story.chatter(330);
    let id = story.reply(&outcome()).await.unwrap();
    assert_eq!(story.found().await, Ok(id), "among the latest");
    story.chatter(250);
    assert_eq!(story.found().await, Ok(id), "on the third page");
    let reads = story.world.discord.requests();
    assert_eq!(reads.iter().filter(|read| read.method == "GET").count(), 4);
    story.chatter(100);
    assert_eq!(story.found().await, Err(DiscordError::NotShown), "too far back to tell");
    story.world.discord.channel_messages();
}

#[rstest]
#[case::one_page(5)]
#[case::exactly_one_page(99)]
#[case::two_pages(150)]
#[case::exactly_two_pages(199)]
#[case::three_pages(290)]
#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_there_is_not_found(#[case] chatter: usize) {
    let story = Story::new().await;
    story.chatter(chatter);
    assert_eq!(story.found().await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn the_search_ends_at_the_deploy_s_message_or_its_interaction() {
    let story = Story::new().await;
    story.chatter(500);
    // A second deploy, after all that.
    let later = story.world.interaction("ada", "/deploy-client wait:true");
    let answer = answering(json!({"type": 4, "data": card_data("a second card")}));
    assert!(story.world.discord.deliver(&later, &answer).await.accepted());
    let card = story.world.discord.messages(&later.id)[0].id.parse().ok();
    story.chatter(100);
    let interaction = InteractionId(later.id.parse().unwrap());
    for message_id in [card, None] {
        let told = Told { message_id, interaction, application_id: None, content: OUTCOME };
        assert_eq!(story.client.find_told(channel(), told).await, Ok(None), "{message_id:?}");
    }
    story.card();
}

#[tokio::test(start_paused = true)]
async fn what_others_write_is_no_outcome_of_ours() {
    let story = Story::new().await;
    let card = story.card();
    story.world.discord.writes(&grace(), CHANNEL_ID, OUTCOME, Some(&card.to_string()));
    story.world.discord.writes(&grace(), CHANNEL_ID, OUTCOME, None);
    // Our reply to another message.
    let hers = story.world.discord.writes(&grace(), CHANNEL_ID, "hello", None).parse().unwrap();
    story.client.reply(channel(), Some(hers), &outcome(), "other").await.unwrap();
    // A follow-up of another interaction.
    let other = story.world.interaction("ada", "/deploy-client wait:true");
    let answer = answering(json!({"type": 4, "data": card_data("another card")}));
    assert!(story.world.discord.deliver(&other, &answer).await.accepted());
    let token = InteractionToken { application_id: None, token: Secret::new(&other.token) };
    story.client.follow_up_once(&token, &outcome()).await.unwrap();
    assert_eq!(story.found().await, Ok(None));
    let id = story.reply(&outcome()).await.unwrap();
    assert_eq!(story.found().await, Ok(id));
    story.world.discord.channel_messages();
    story.world.discord.messages(&other.id);
}

#[tokio::test(start_paused = true)]
async fn an_empty_history_does_not_tell() {
    let story = Story::new().await;
    let id = story.reply(&outcome()).await.unwrap();
    story.world.discord.permit(Permissions { history: false, ..Permissions::default() });
    assert_eq!(story.found().await, Err(DiscordError::NotShown));
    story.world.discord.permit(Permissions { view: false, ..Permissions::default() });
    assert!(story.found().await.unwrap_err().may_not());
    story.world.discord.permit(Permissions::default());
    assert_eq!(story.found().await, Ok(id));
    story.world.discord.channel_messages();
    story.last();
}
