//! The mistakes that people make in `agents.toml`, and exactly what they are told.

use rstest::rstest;

use super::super::parse;
use super::GOOD;

/// What is told of the file if `right` is replaced, once.
fn told(right: &str, wrong: &str) -> Vec<String> {
    assert!(GOOD.contains(right), "{right}");
    let text = GOOD.replacen(right, wrong, 1);
    parse("my.toml", &text).err().map(|bad| bad.lines()).unwrap_or_default()
}

#[test]
fn the_file_without_a_mistake_is_taken() {
    assert_eq!(told("eu-1", "eu-1"), Vec::<String>::new());
}

#[rstest]
#[case::role_as_number(
    "[\"77\"]",
    "[123]",
    "11: allowed_roles: ids go in quotes: allowed_roles = [\"123\"]"
)]
#[case::roles_as_numbers(
    "[\"77\"]",
    "[123, \"4\",\n  56]",
    "11: allowed_roles: ids go in quotes: allowed_roles = [\"123\", \"4\", \"56\"]"
)]
#[case::no_list("[\"77\"]", "\"77\"", "11: allowed_roles must be a list: allowed_roles = [\"77\"]")]
#[case::number_and_no_list(
    "[\"77\"]",
    "77",
    "11: allowed_roles must be a list: allowed_roles = [\"77\"]"
)]
#[case::refs_no_list(
    "[\"release/*\"]",
    "\"release/*\"",
    "10: allowed_refs must be a list: allowed_refs = [\"release/*\"]"
)]
#[case::role_name(
    "77",
    "@deployers",
    "11: allowed_roles holds ids, which are digits only, and \"@deployers\" is none (Discord's Developer Mode lets you copy them)"
)]
#[case::no_roles(
    "[\"77\"]",
    "[]",
    "11: allowed_roles is empty; leave it out to let everyone in the servers use the agent"
)]
#[case::no_users(
    "wait = true",
    "allowed_users = [\n]",
    "12: allowed_users is empty; leave it out to let everyone in the servers use the agent"
)]
#[case::single_brackets("[[agent]]", "[agent]", "1: [agent] takes two brackets: [[agent]]")]
#[case::single_brackets_later(
    "\n[[agent]]\nid = \"v",
    "\n[agent]\nid = \"v",
    "33: [agent] takes two brackets: [[agent]]"
)]
#[case::single_brackets_of_inputs(
    "[[agent.inputs]]\noption = \"stage\"",
    "[agent.inputs]\noption = \"stage\"",
    "14: [agent.inputs] takes two brackets: [[agent.inputs]]"
)]
#[case::single_brackets_of_steps(
    "[[agent.steps]]",
    "[agent.steps]",
    "41: [agent.steps] takes two brackets: [[agent.steps]]"
)]
#[case::too_many_brackets(
    "[agent.fixed]",
    "[[agent.fixed]]",
    "30: [[agent.fixed]] takes one pair of brackets: [agent.fixed]"
)]
#[case::status_in_quotes("204", "\"204\"", "48: status is a number, without quotes: status = 204")]
#[case::status("204", "99", "48: status must be 200 to 599")]
#[case::flag_in_quotes(
    "wait = true",
    "wait = \"true\"",
    "12: wait goes without quotes: wait = true"
)]
#[case::flag("wait = true", "wait = \"yes\"", "12: wait must be true or false")]
#[case::number_as_flag("required = true", "required = 1", "19: required must be true or false")]
#[case::limit_in_quotes("min = 1", "min = \"1\"", "27: min is a number, without quotes: min = 1")]
#[case::a_half("min = 1", "min = 1.5", "27: min must be a whole number")]
#[case::number_as_text(
    "\"release/*\"",
    "2024",
    "10: allowed_refs must be a text, in quotes: allowed_refs = [\"2024\"]"
)]
#[case::float_as_text(
    "ref = \"trunk\"",
    "ref = 1.10",
    "9: ref must be a text, in quotes: ref = \"1.10\""
)]
#[case::list_as_text("\"trunk\"", "[\"trunk\"]", "9: ref is one text, not a list")]
#[case::mistyped(
    "allowed_refs",
    "allowed_ref",
    "10: unknown key `allowed_ref` in [[agent]]: did you mean `allowed_refs`?"
)]
#[case::mistyped_and_needed(
    "command = \"deploy-api\"",
    "commands = \"deploy-api\"",
    "5: unknown key `commands` in [[agent]]: did you mean `command`?"
)]
#[case::mistyped_in_an_input(
    "description = \"Where to\"",
    "descriptions = \"Where to\"",
    "18: unknown key `descriptions` in [[agent.inputs]]: did you mean `description`?"
)]
#[case::invented(
    "wait = true",
    "colour = \"red\"",
    "12: unknown key `colour` in [[agent]]; docs/agents.md lists the keys"
)]
#[case::of_the_agent(
    "required = true",
    "allowed_users = [\"7\"]",
    "19: `allowed_users` is no key of [[agent.inputs]], but of [[agent]]: move it up, above the first [[agent.inputs]]"
)]
#[case::of_an_input(
    "wait = true",
    "choices = [\"a\"]",
    "12: `choices` is no key of [[agent]], but of [[agent.inputs]]: put it below a line [[agent.inputs]]"
)]
#[case::before_the_agent(
    "[[agent]]\nid = \"d",
    "wait = true\n[[agent]]\nid = \"d",
    "1: `wait` is a key of [[agent]]: put it below a line [[agent]]"
)]
#[case::agents(
    "\n[[agent]]\nid = \"verifier\"\nname = \"Verifier\"\ndescription = \"Verifies\"\ncommand = \"verify\"\nkind = \"verify\"\nverifies = \"deploy_api\"\n\n[[agent.steps]]\nlabel = \"Build\"\npattern = \"build\"\n\n[[agent.checks]]",
    "\n[[agents]]",
    "33: unknown key `agents`: did you mean `[[agent]]`?"
)]
#[case::table_of_the_file(
    "[agent.fixed]",
    "[fixed]",
    "30: `fixed` belongs to an agent: write [agent.fixed], below its [[agent]]"
)]
#[case::long_description("Deploys the API", &"x".repeat(115), "4: description is too long: 115 of 100 characters")]
#[case::long_name("API deploy", &"ä".repeat(51), "3: name is too long: 51 of 50 characters")]
#[case::empty_name("API deploy", " ", "3: name is empty")]
#[case::bad_id(
    "deploy_api\"\nname",
    "Deploy API\"\nname",
    "2: id \"Deploy API\" must be 1 to 32 lowercase letters, digits and _\n39: verifies \"deploy_api\": no agent of kind deploy has this id"
)]
#[case::slash(
    "\"deploy-api\"",
    "\"/deploy-api\"",
    "5: command goes without the slash: command = \"deploy-api\""
)]
#[case::bad_command(
    "\"deploy-api\"",
    "\"Deploy API\"",
    "5: command \"Deploy API\" must be 1 to 32 lowercase letters, digits, - and _"
)]
#[case::no_name("name = \"API deploy\"\n", "", "1: [[agent]] needs the key `name`")]
#[case::no_workflow(
    "workflow = \"api.yml\"\n",
    "",
    "1: [[agent]] needs the key `workflow`: kind \"deploy\" dispatches a workflow, \"<file>.yml\""
)]
#[case::no_option("option = \"stage\"\n", "", "14: [[agent.inputs]] needs the key `option`")]
#[case::bad_kind(
    "\"deploy\"",
    "\"deployment\"",
    "6: kind \"deployment\" is not one of deploy, diagnose, status, verify, workflow: did you mean \"deploy\"?\n39: verifies \"deploy_api\": no agent of kind deploy has this id"
)]
#[case::bad_input_kind(
    "\"integer\"",
    "\"number\"",
    "25: kind \"number\" is not one of string, integer, boolean, url"
)]
#[case::folder(
    "\"api.yml\"",
    "\".github/workflows/api.yml\"",
    "7: workflow \".github/workflows/api.yml\" must be a file name like client-deploy.yml, without its folder"
)]
#[case::no_yaml(
    "\"api.yml\"",
    "\"api\"",
    "7: workflow \"api\" must be a file name like client-deploy.yml, without its folder"
)]
#[case::url_of_a_repository(
    "\"octo-org/api\"",
    "\"https://github.com/octo-org/api.git\"",
    "8: repository is owner/name, not a URL: repository = \"octo-org/api\""
)]
#[case::half_a_repository(
    "\"octo-org/api\"",
    "\"api\"",
    "8: repository \"api\" must be owner/name"
)]
#[case::bad_ref("trunk", "a b", "9: ref \"a b\" must be the name of a branch or tag")]
#[case::bad_pattern(
    "release/*",
    "*/x",
    "10: allowed_refs \"*/x\" must be branch or tag names, or prefixes like \"release/*\""
)]
#[case::taken_option(
    "\"stage\"",
    "\"wait\"",
    "15: option \"wait\": wait and ref are taken, every such command has them; choose another name"
)]
#[case::taken_input(
    "\"STAGE\"",
    "\"requester\"",
    "16: input \"requester\": correlation_id, requester, channel are taken, Deckhand sets them itself; rename the workflow's input"
)]
#[case::taken_channel(
    "\"STAGE\"",
    "\"channel\"",
    "16: input \"channel\": correlation_id, requester, channel are taken, Deckhand sets them itself; rename the workflow's input"
)]
#[case::same_option(
    "\"replicas\"\ninput",
    "\"stage\"\ninput",
    "23: option \"stage\" is given twice, first in line 15"
)]
#[case::same_choice(
    "\"production\"",
    "\"staging\"",
    "20: choice \"staging\" is given twice, first in line 20"
)]
#[case::no_choices(
    "[\"staging\", \"production\"]",
    "[]",
    "20: choices is empty; leave it out to take any text"
)]
#[case::misplaced_limit(
    "\"integer\"",
    "\"boolean\"",
    "27: min does not go with kind \"boolean\"\n28: max does not go with kind \"boolean\""
)]
#[case::crossed_limits("min = 1", "min = 10", "27: min is above max")]
#[case::fixed_and_option(
    "region",
    "STAGE",
    "31: fixed \"STAGE\" is also an option: an input has a fixed value, or users set it"
)]
#[case::fixed_list(
    "\"eu-1\"",
    "[\"eu-1\"]",
    "31: fixed \"region\" must be a text, a number, true or false"
)]
#[case::fixed_and_reserved(
    "region",
    "correlation_id",
    "31: fixed \"correlation_id\": correlation_id, requester, channel are taken, Deckhand sets them itself; rename the workflow's input"
)]
#[case::fixed_is_a_word("[agent.fixed]\nregion = \"eu-1\"", "", "")]
#[case::twice("name = \"API deploy\"", "name = \"a\"\nname = \"b\"", "4: name is given twice")]
#[case::no_quotes("\"trunk\"", "trunk", "9: ref: a text goes in quotes")]
#[case::curly_quotes(
    "\"trunk\"",
    "“trunk”",
    "9: a text goes in straight quotes: \" and not “ or ”"
)]
#[case::same_id(
    "id = \"verifier\"",
    "id = \"deploy_api\"",
    "34: id \"deploy_api\" is given twice, first in line 2"
)]
#[case::verifies_nobody(
    "verifies = \"deploy_api\"",
    "verifies = \"deploy_web\"",
    "39: verifies \"deploy_web\": no agent of kind deploy has this id"
)]
#[case::not_for_its_kind(
    "verifies = \"deploy_api\"",
    "verifies = \"deploy_api\"\nref = \"main\"\nwait = false",
    "40: an agent of kind \"verify\" takes no ref\n41: an agent of kind \"verify\" takes no wait"
)]
fn a_mistake_is_told_by_its_line_its_key_and_its_cure(
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] expected: &str,
) {
    let expected: Vec<String> = expected.lines().map(|line| format!("my.toml:{line}")).collect();
    assert_eq!(told(right, wrong), expected);
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let mut text = GOOD.to_owned();
    for (right, wrong) in [
        ("[\"77\"]", "[77]"),
        ("204", "\"204\""),
        ("allowed_refs", "allowed_ref"),
        ("Deploys the API", &"x".repeat(115)),
        ("min = 1", "min = 10"),
        ("\"verify\"\nkind", "\"/verify\"\nkind"),
    ] {
        assert!(text.contains(right), "{right}");
        text = text.replacen(right, wrong, 1);
    }
    let expected = "/etc/deckhand/a b.toml:4: description is too long: 115 of 100 characters
/etc/deckhand/a b.toml:10: unknown key `allowed_ref` in [[agent]]: did you mean `allowed_refs`?
/etc/deckhand/a b.toml:11: allowed_roles: ids go in quotes: allowed_roles = [\"77\"]
/etc/deckhand/a b.toml:27: min is above max
/etc/deckhand/a b.toml:37: command goes without the slash: command = \"verify\"
/etc/deckhand/a b.toml:48: status is a number, without quotes: status = 204";
    let error = parse("/etc/deckhand/a b.toml", &text).unwrap_err().to_string();
    assert_eq!(error, expected);
}

#[test]
fn what_is_no_toml_is_one_mistake_and_repeats_nothing() {
    let text = GOOD.replacen("id = \"deploy_api\"", "id = \"hunter2", 1).replacen("204", "x", 1);
    let error = parse("my.toml", &text).unwrap_err();
    let lines = error.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("my.toml:2: this is no TOML: "), "{lines:?}");
    assert!(!lines[0].contains("hunter2"), "{lines:?}");
}

#[rstest]
#[case::empty("", "my.toml:1: there is no agent; each begins with a line [[agent]]")]
#[case::comments("# nothing\n", "my.toml:1: there is no agent; each begins with a line [[agent]]")]
#[case::none("agent = []\n", "my.toml:1: there is no agent; each begins with a line [[agent]]")]
#[case::single("[agent]\nid = 1\n", "my.toml:1: [agent] takes two brackets: [[agent]]")]
#[case::list("agent = [1]\n", "my.toml:1: agent: each begins with a line [[agent]]")]
#[case::word(
    "agent = \"x\"\n",
    "my.toml:1: agent is written as a table: begin it with a line [[agent]]"
)]
fn a_file_without_an_agent_says_how_one_begins(#[case] text: &str, #[case] first: &str) {
    assert_eq!(parse("my.toml", text).unwrap_err().lines()[0], first);
}

/// 24 options, 26 inputs: neither can be sent.
#[rstest]
#[case::options(
    24,
    0,
    "there are 24 inputs: Discord takes 25 options, and wait and ref are two of them. Give some a fixed value in [agent.fixed]"
)]
#[case::inputs(20, 6, "the agent sets 26 inputs: GitHub takes at most 25")]
#[case::both_fit(23, 2, "")]
fn no_more_inputs_than_can_be_sent(
    #[case] options: usize,
    #[case] fixed: usize,
    #[case] expected: &str,
) {
    let mut text = "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"deploy\"\nworkflow = \"a.yml\"\n".to_owned();
    text += "[agent.fixed]\n";
    for n in 0..fixed {
        text += &format!("f{n} = {n}\n");
    }
    for n in 0..options {
        text += &format!(
            "[[agent.inputs]]\noption = \"o{n}\"\ninput = \"i{n}\"\nkind = \"boolean\"\ndescription = \"x\"\n"
        );
    }
    let told = parse("my.toml", &text).err().map(|bad| bad.lines()).unwrap_or_default();
    assert_eq!(told.len(), usize::from(!expected.is_empty()), "{told:?}");
    assert!(told.iter().all(|line| line.ends_with(expected)), "{told:?}");
}
