use super::super::delivery::Measure;
use super::super::period::tests::{at, run};
use super::*;
use crate::github::GithubError;
use crate::github::explain::Audience;
use proptest::prelude::*;
use rstest::rstest;

const PAGE: &str = "https://github.com/octo-org/web-client/actions";

const TEN: [(&str, &str); 10] = [
    ("Client deploy", "client-deploy.yml"),
    ("API deploy", "api-deploy.yml"),
    ("Admin console", "admin-deploy.yml"),
    ("Landing page", "landing.yml"),
    ("Search index", "search-index.yml"),
    ("Billing service", "billing.yml"),
    ("Mobile bundle", "mobile-bundle.yml"),
    ("Diagnose runner", "diagnose-dispatch.yml"),
    ("Nightly database backup", "backup.yml"),
    ("Issue triage", "triage.yml"),
];

fn row(agents: &[&str], file: &str, runs: Vec<Run>) -> Row {
    let agent = |name: &&str| ((*name).to_owned(), name.to_lowercase().replace(' ', "-"));
    Row {
        agents: agents.iter().map(agent).collect(),
        file: file.to_owned(),
        page: format!("{PAGE}/workflows/{file}"),
        since: at(-7 * 86_400),
        deploys: true,
        audience: Audience::Colleague,
        runs: Ok(RowRuns {
            runs,
            left: 0,
            left_out: 0,
            unread: 0,
            unreadable: 0,
            is_unsure: false,
        }),
    }
}

/// So many runs of a week, with a page each; every `bad`th failed.
fn week(count: i64, bad: i64, took: i64) -> Vec<Run> {
    let one = |number: i64| {
        let id = 15_000_000_000 + number.unsigned_abs();
        let conclusion = match (number + 3) % bad {
            0 => "failure",
            _ if number % 13 == 5 => "cancelled",
            _ => "success",
        };
        let created = -(number * 600_000 / count) - 600;
        Run {
            run_number: Some(1240 - number.unsigned_abs()),
            html_url: Some(format!("{PAGE}/runs/{id}")),
            ..run(id, created, took + number * 37 % (took / 3 + 1), conclusion)
        }
    };
    (0..count).map(one).collect()
}

fn summary(rows: Vec<Row>) -> Summary {
    let measure = |value: f64, samples| Measure { value: Some(value), samples };
    let now = Delivery {
        frequency: measure(8.3, 58),
        lead: measure(187_200.0, 41),
        fail_rate: measure(0.094, 64),
        recovery: measure(3120.0, 5),
        rework_rate: measure(0.109, 64),
    };
    let before = Delivery { frequency: measure(7.1, 50), lead: measure(190_000.0, 39), ..now };
    Summary {
        period: Period::Weekly,
        window: Window { from: at(-7 * 86_400), to: at(0) },
        zone: Zone::utc(),
        cut: None,
        rows,
        delivery: Some((now, before, 0)),
        recorded: Ok(Recorded::default()),
    }
}

fn ten() -> Vec<Row> {
    let runs = [
        (38, 9, 151),
        (21, 1000, 92),
        (9, 3, 240),
        (14, 1000, 45),
        (6, 8, 610),
        (3, 1000, 75),
        (1, 1000, 1260),
        (5, 1000, 31),
        (7, 1000, 5400),
        (0, 1, 1),
    ];
    let rows = TEN.iter().zip(runs);
    rows.map(|((name, file), (count, bad, took))| row(&[name], file, week(count, bad, took)))
        .collect()
}

/// The message; with the variable DIGEST_PICTURES, its picture and text are written to that folder.
fn told(name: &str, rows: Vec<Row>) -> String {
    let summary = summary(rows);
    let text = render(&summary).content().to_owned();
    if let Some(folder) = std::env::var_os("DIGEST_PICTURES") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join(format!("{name}.png")), picture::png(&chart(&summary)).unwrap())
            .unwrap();
        std::fs::write(folder.join(format!("{name}.txt")), &text).unwrap();
    }
    text
}

#[test]
fn one_agent_is_told_in_full() {
    let text = told("digest-1", ten().into_iter().take(1).collect());
    assert!(!text.contains("In total"), "{text}");
    for part in ["38 runs: ", "Duration: median", "Latest: ", "Deployment rework rate: **10.9 %**"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn two_agents_have_their_own_lines_and_a_total() {
    let text = told("digest-2", ten().into_iter().take(2).collect());
    for part in [
        "**In total** · 2 agents",
        "59 runs: ",
        "38 runs",
        "21 runs",
        "**Client deploy**",
        "**API deploy**",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("more"), "{text}");
}

#[test]
fn ten_agents_have_a_line_each_with_a_link_to_what_failed() {
    let text = told("digest-10", ten());
    for (name, _) in TEN {
        assert!(text.contains(&format!("**{name}**")), "{name}: {text}");
    }
    assert!(text.contains("⚪ No runs in this window: **Issue triage**"), "{text}");
    assert!(text.contains(&format!("[#1234](<{PAGE}/runs/15000000006>)")), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn agents_that_share_a_workflow_share_its_line_and_count_once() {
    let rows = vec![
        row(&["Staging", "Production"], "deploy.yml", week(4, 1000, 60)),
        row(&["Backup"], "backup.yml", week(2, 1000, 60)),
    ];
    let text = told("digest-shared", rows);
    assert!(text.contains("**In total** · 3 agents\n6 runs: "), "{text}");
    assert_eq!(text.matches("**Staging**, **Production**").count(), 1, "{text}");
}

#[test]
fn the_same_error_is_told_once_where_room_is_short() {
    let mut rows = ten();
    for row in &mut rows[2..6] {
        row.runs = Err(GithubError::NotFound);
    }
    let text = told("digest-errors", rows);
    assert!(text.contains("6 of 10 agents"), "{text}");
    let error = "⚠️ **Admin console**, **Landing page**, **Search index**, **Billing service**: ";
    assert!(text.contains(error), "{text}");
    assert_eq!(text.matches("(404)").count(), 1, "{text}");
}

#[test]
fn what_is_not_known_or_added_is_said() {
    let mut rows = vec![row(&["Client deploy"], "client-deploy.yml", week(2, 1000, 60))];
    rows[0].since = at(-9 * 86_400);
    if let Ok(runs) = &mut rows[0].runs {
        (runs.left, runs.left_out, runs.unread) = (2, 100, 1);
    }
    let mut summary = summary(rows);
    summary.cut = Some(at(-30 * 86_400));
    if let Some((_, _, unknown)) = &mut summary.delivery {
        *unknown = 3;
    }
    let text = render(&summary).content().to_owned();
    for part in [
        "The last digest ended <t:1792749600:f>, which is too long ago",
        "With what ran since <t:1794564000:f>",
        "🔵 2 runs not ended yet: in the next digest.",
        "does not list 100 more runs",
        "1 run of before could not be read",
        "How 3 re-run runs had ended before is not known",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn delivery_names_what_it_leaves_out() {
    let mut rows: Vec<Row> = ten().into_iter().take(2).collect();
    if let Ok(runs) = &mut rows[1].runs {
        runs.is_unsure = true;
    }
    let line = "⚠️ Delivery is not known of **API deploy**: runs may be missing.";
    let mut summary = summary(rows);
    assert!(render(&summary).content().contains(line));
    summary.delivery = None;
    let text = render(&summary).content().to_owned();
    assert!(text.contains(line) && !text.contains("Deployment frequency"), "{text}");
    summary.rows[1].deploys = false;
    assert!(!render(&summary).content().contains("Delivery is not known"));
}

#[test]
fn runs_that_have_not_ended_are_not_no_runs() {
    let left = |file| {
        let mut row = row(&["Client deploy"], file, Vec::new());
        if let Ok(runs) = &mut row.runs {
            runs.left = 1;
        }
        row
    };
    for count in [1, 2, 15, 30] {
        let rows = (0..count).map(|_| left("client-deploy.yml")).collect();
        let text = render(&summary(rows)).content().to_owned();
        assert!(text.contains("1 run not ended yet") || text.contains("· 1 not ended"), "{text}");
        assert!(!text.contains("No runs") && !text.contains("0 runs"), "{text}");
    }
}

#[rstest]
#[case::twenty_five(25, 10)]
#[case::long_names(10, 50)]
#[case::hostile(3, 4000)]
fn however_many_there_are_it_fits(#[case] count: usize, #[case] length: usize) {
    let name = "@everyone **`x` ".repeat(length / 16 + 1);
    let rows = (0..count).map(|_| row(&[&name], "x.yml", week(9, 4, 60))).collect();
    let text = render(&summary(rows)).content().to_owned();
    assert!(fits(&text) && text.contains("What the numbers mean"), "{text}");
    assert!(!text.contains("@everyone"), "{text}");
}

proptest! {
    #[test]
    fn rows_that_do_not_fit_are_left_out_and_counted(lengths in prop::collection::vec(1usize..900, 1..12)) {
        let rows: Vec<_> = lengths.iter().map(|length| "x".repeat(*length)).collect();
        let whole = |rows: &[String]| {
            [["t".repeat(400)].as_slice(), rows, &["b".repeat(900)]].concat().join("\n")
        };
        let text = cut(&rows, whole);
        prop_assert!(fits(&text));
        let shown = text.lines().filter(|line| line.starts_with('x')).count();
        let left_out: usize =
            text.lines().find_map(|line| line.strip_prefix("… and ")?.split(' ').next()?.parse().ok()).unwrap();
        prop_assert_eq!(shown + left_out, rows.len());
    }
}
