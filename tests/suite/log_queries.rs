//! What the saved queries and `docs/operations.md` name must be in the lines that the bot writes.

use std::collections::BTreeSet;
use std::time::Duration;

use rstest::rstest;
use serde_json::Value;
use standins::discord::{Fault as DiscordFault, On as OnDiscord, What as DiscordWhat};
use standins::github::{Fault, On, What};

use crate::template::below;
use crate::world::World;

const OPERATIONS: &str = include_str!("../../docs/operations.md");
const QUERIES: [&str; 3] = ["Commands", "Deploys", "Trouble"];
/// Every word of CloudWatch Logs Insights that the queries use. Any other word is a field.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html>
const LANGUAGE: &[&str] = &[
    "and",
    "as",
    "asc",
    "bin",
    "by",
    "count",
    "desc",
    "fields",
    "filter",
    "ispresent",
    "limit",
    "max",
    "min",
    "pct",
    "sort",
    "stats",
    "strcontains",
    "sum",
];

/// A query as the stack saves it.
fn saved(name: &str) -> String {
    let resource = below(&format!("{name}Query:"));
    let query = resource.into_iter().skip_while(|line| line.trim() != "QueryString: |-").skip(1);
    let query: Vec<&str> = query.map(str::trim).filter(|line| !line.is_empty()).collect();
    query.join("\n")
}

/// The fields that a part of a query reads. CloudWatch adds those with an `@`; an alias is a column that
/// the query makes itself.
fn fields(query: &str) -> BTreeSet<String> {
    let bare: String = query.split('"').step_by(2).collect();
    let words = bare.split(|c: char| !(c.is_alphanumeric() || "_@.".contains(c)));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut aliases = BTreeSet::new();
    for pair in words.windows(2) {
        if pair[0] == "as" {
            aliases.insert(pair[1]);
        }
    }
    let is_field = |word: &&str| {
        let numeric = word.starts_with(|c: char| c.is_ascii_digit());
        !numeric && !word.starts_with('@') && !LANGUAGE.contains(word) && !aliases.contains(word)
    };
    words.into_iter().filter(is_field).map(str::to_owned).collect()
}

/// The lines that one deploy of each kind and some other commands leave.
async fn lines() -> Vec<Value> {
    let mut lines = Vec::new();
    for scenario in ["success", "failure", "forbidden"] {
        let world = World::named(scenario).await;
        for text in ["/deploy-client", "/deploy-client wait:true", "/agents", "/set-frontend url:x"]
        {
            world.types("ada", text).await;
        }
        world.sweeps(2).await;
        lines.extend(world.lines.all());
        world.and_more();
    }
    // No sweep comes for a quarter of an hour.
    let world = World::named("stuck").await;
    world.types("ada", "/deploy-client wait:true").await;
    world.leaps(Duration::from_secs(900)).await;
    world.sweeps(1).await;
    lines.extend(world.lines.all());
    world.and_more();
    // Discord takes no message after the answer: neither the outcome of a deploy nor what took long.
    let world = World::new().await;
    let refused = DiscordWhat::Refused { status: 403, code: 50013, message: "Missing".to_owned() };
    world.discord.fault(DiscordFault::new(OnDiscord::FollowUp, refused).always());
    world.types("ada", "/deploy-client wait:true").await;
    world.discord.fault(DiscordFault::new(OnDiscord::Any, DiscordWhat::Status(500)).always());
    world.github.fault(Fault::new(On::RunList, What::Delay(Duration::from_secs(5))).always());
    world.types("ada", "/status").await;
    lines.extend(world.lines.all());
    world.and_more();
    lines
}

#[rstest]
fn a_saved_query_is_the_documented_one(#[values("Commands", "Deploys", "Trouble")] name: &str) {
    let section = OPERATIONS.split(&format!("### {name}\n")).nth(1).expect("a section");
    let documented = section.split("```").nth(1).expect("a query").trim();
    assert_eq!(saved(name), documented);
}

#[tokio::test(start_paused = true)]
async fn every_field_of_a_query_is_in_a_line_that_its_filter_passes() {
    let lines = lines().await;
    for name in QUERIES {
        let query = saved(name);
        let (filter, rest) = query.split_once('|').expect("a filter comes first");
        let filtered = fields(filter);
        let passes = |line: &&Value| {
            let event =
                !filter.contains("event = \"interaction\"") || line["event"] == "interaction";
            event && filtered.iter().all(|field| !line[field].is_null())
        };
        let passed: Vec<&Value> = lines.iter().filter(passes).collect();
        assert!(!filtered.is_empty() && !passed.is_empty(), "{name} finds nothing");
        let selected = fields(rest);
        assert!(selected.len() >= 2, "{name}: {selected:?}");
        for field in selected {
            let is_there = passed.iter().any(|line| !line[&field].is_null());
            assert!(is_there, "{name}: no line has a field {field}");
        }
    }
    let failed = lines.iter().filter(|line| line["level"] == "ERROR");
    assert!(failed.count() > 0 && saved("Trouble").contains("strcontains(level, \"ERROR\")"));
}

/// Name, unit and dimensions of a metric, as the document has them.
type Metric = (String, String, Vec<String>);

fn documented_metrics() -> BTreeSet<Metric> {
    let rows = OPERATIONS
        .lines()
        .skip_while(|line| *line != "| metric | unit | dimensions | what it counts |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let metric = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let names = |cell: &str| -> Vec<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        (names(cells[0]).remove(0), cells[1].to_owned(), names(cells[2]))
    };
    rows.map(metric).collect()
}

fn sent_metrics(line: &Value) -> Vec<Metric> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
    let metrics = directives.flat_map(|directive| {
        let dimensions = directive["Dimensions"][0].as_array().unwrap().iter();
        let dimensions: Vec<String> =
            dimensions.map(|name| name.as_str().unwrap().to_owned()).collect();
        directive["Metrics"].as_array().unwrap().iter().map(move |metric| {
            let text = |key: &str| metric[key].as_str().unwrap().to_owned();
            (text("Name"), text("Unit"), dimensions.clone())
        })
    });
    metrics.collect()
}

#[tokio::test(start_paused = true)]
async fn the_metrics_that_are_sent_are_the_documented_ones() {
    let sent: BTreeSet<Metric> = lines().await.iter().flat_map(sent_metrics).collect();
    assert_eq!(sent, documented_metrics());
}
