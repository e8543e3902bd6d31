//! The filters and pages of a list of runs.

use super::run::{Phase, Run};
use crate::server::Received;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// GitHub gives out at most this many results of a filtered search.
const SEARCH_ENDS_AT: usize = 1000;

/// The filters of a list of runs.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    event: Option<String>,
    branch: Option<String>,
    status: Option<String>,
    actor: Option<String>,
    head_sha: Option<String>,
    created: Option<Range>,
}

impl Filter {
    /// Reads the query; a `created` that is no date or range is an error.
    pub fn read(request: &Received) -> Result<Self, String> {
        let text = |name| {
            let value = request.query(name);
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let created = match text("created") {
            Some(created) => Some(
                Range::read(&created)
                    .ok_or_else(|| format!("created is no date or range of dates: {created}"))?,
            ),
            None => None,
        };
        Ok(Self {
            event: text("event"),
            branch: text("branch"),
            status: text("status"),
            actor: text("actor"),
            head_sha: text("head_sha"),
            created,
        })
    }

    /// Whether a run in this phase passes the filter. `created` is by GitHub's clock.
    pub fn takes(&self, run: &Run, phase: &Phase, created: DateTime<Utc>) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        let status = self.status.as_deref().is_none_or(|wanted| {
            wanted == phase.status || Some(wanted) == phase.conclusion.as_deref()
        });
        same(&self.event, &run.event)
            && same(&self.branch, &run.branch)
            && same(&self.actor, &run.actor)
            && same(&self.head_sha, &run.sha)
            && status
            && self.created.is_none_or(|range| range.holds(created))
    }

    /// Whether it filters at all: then the list comes from an index of GitHub's, which can lag.
    pub fn is_search(&self) -> bool {
        self.event.is_some()
            || self.branch.is_some()
            || self.status.is_some()
            || self.actor.is_some()
            || self.head_sha.is_some()
            || self.created.is_some()
    }

    /// How many of `total` results GitHub gives out.
    pub fn reachable(&self, total: usize) -> usize {
        if self.is_search() { total.min(SEARCH_ENDS_AT) } else { total }
    }
}

/// A range of whole seconds, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl Range {
    /// `D`, `>D`, `>=D`, `<D`, `<=D`, `D..D`, `*..D`, `D..*`, where D is a date or a time.
    fn read(text: &str) -> Option<Self> {
        let second = TimeDelta::seconds(1);
        let open = |from, to| Some(Self { from, to });
        if let Some((from, to)) = text.split_once("..") {
            let end = |text: &str| match text {
                "*" => Some(None),
                other => Span::read(other).map(Some),
            };
            let (from, to) = (end(from)?, end(to)?);
            return open(from.map(|span| span.first), to.map(|span| span.last));
        }
        if let Some(rest) = text.strip_prefix(">=") {
            return open(Some(Span::read(rest)?.first), None);
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return open(None, Some(Span::read(rest)?.last));
        }
        if let Some(rest) = text.strip_prefix('>') {
            return open(Some(Span::read(rest)?.last + second), None);
        }
        if let Some(rest) = text.strip_prefix('<') {
            return open(None, Some(Span::read(rest)?.first - second));
        }
        let span = Span::read(text)?;
        open(Some(span.first), Some(span.last))
    }

    fn holds(self, time: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time <= to)
    }
}

/// The first and the last second that a date or a time names.
struct Span {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl Span {
    fn read(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            // Whole seconds, as GitHub keeps them.
            let first = DateTime::from_timestamp(time.timestamp(), 0)?;
            return Some(Self { first, last: first });
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        let first = day.and_time(NaiveTime::MIN).and_utc();
        let last = first + TimeDelta::days(1) - TimeDelta::seconds(1);
        Some(Self { first, last })
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    per_page: usize,
    page: usize,
}

impl Page {
    /// Reads `per_page` (30, at most 100) and `page` (1).
    pub fn read(request: &Received) -> Self {
        Self::read_within(request, (30, 100))
    }

    /// Reads them where another number of items is usual, and at most another is given.
    pub fn read_within(request: &Received, (usual, most): (usize, usize)) -> Self {
        let number = |name, default| {
            let value = request.query(name).and_then(|value| value.parse().ok());
            value.filter(|value| *value > 0).unwrap_or(default)
        };
        Self { per_page: number("per_page", usual).min(most), page: number("page", 1) }
    }

    /// Whether it asks for more items than this.
    pub fn is_larger_than(self, items: usize) -> bool {
        self.per_page > items
    }

    /// The items of this page.
    pub fn of<T>(self, items: Vec<T>) -> Vec<T> {
        let skip = self.page.saturating_sub(1).saturating_mul(self.per_page);
        items.into_iter().skip(skip).take(self.per_page).collect()
    }

    /// The `Link` header, if there is more than one page.
    pub fn link(self, request: &Received, base: &str, total: usize) -> Option<String> {
        let last = total.div_ceil(self.per_page).max(1);
        let url = |page: usize| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            for (name, value) in request.query.iter().filter(|(name, _)| name != "page") {
                query.append_pair(name, value);
            }
            query.append_pair("page", &page.to_string());
            format!("<{base}{}?{}>", request.path, query.finish())
        };
        let mut links = Vec::new();
        if self.page > 1 {
            let before = (self.page - 1).min(last);
            links.push(format!("{}; rel=\"prev\"", url(before)));
        }
        if self.page < last {
            links.push(format!("{}; rel=\"next\"", url(self.page + 1)));
            links.push(format!("{}; rel=\"last\"", url(last)));
        }
        if self.page > 1 {
            links.push(format!("{}; rel=\"first\"", url(1)));
        }
        (!links.is_empty()).then(|| links.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Received {
        Received {
            method: "GET".into(),
            path: "/repos/o/r/actions/runs".into(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn ranges_of_creation_times() {
        let noon = "2026-01-02T12:00:00Z".parse().unwrap();
        for (range, held) in [
            (">=2026-01-02T12:00:00Z", true),
            (">2026-01-02T12:00:00Z", false),
            ("<=2026-01-02T12:00:00Z", true),
            ("<2026-01-02T12:00:00Z", false),
            ("2026-01-02", true),
            (">2026-01-02", false),
            (">=2026-01-02", true),
            ("<2026-01-02", false),
            ("<=2026-01-02", true),
            ("2026-01-02T11:59:59Z..2026-01-02T12:00:00Z", true),
            ("2026-01-02T12:00:01Z..2026-01-03T00:00:00Z", false),
            ("2026-01-01..2026-01-02", true),
            ("*..2026-01-01", false),
            ("2026-01-02T13:00:00+01:00..*", true),
            (">=2026-01-02T12:00:00.750Z", true),
        ] {
            assert_eq!(Range::read(range).unwrap().holds(noon), held, "{range}");
        }
        for wrong in ["", "yesterday", ">=2026-13-01", "2026-01-01T00:00:00 00:00"] {
            assert_eq!(Range::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn pages_and_their_links() {
        let first = request("per_page=2&event=push");
        let page = Page::read(&first);
        assert_eq!(page.of(vec![1, 2, 3, 4, 5]), [1, 2]);
        let base = "http://x/repos/o/r/actions/runs?per_page=2&event=push";
        assert_eq!(
            page.link(&first, "http://x", 5).unwrap(),
            format!("<{base}&page=2>; rel=\"next\", <{base}&page=3>; rel=\"last\"")
        );
        let last = request("per_page=2&page=3");
        assert_eq!(Page::read(&last).of(vec![1, 2, 3, 4, 5]), [5]);
        let link = Page::read(&last).link(&last, "", 5).unwrap();
        assert!(!link.contains("next") && link.contains("prev"));
        let beyond = Page::read(&request("page=9"));
        assert_eq!(beyond.of(vec![1]), [0; 0]);
    }

    #[test]
    fn a_page_holds_at_most_100() {
        assert_eq!(Page::read(&request("per_page=1000")).per_page, 100);
        assert_eq!(Page::read(&request("per_page=0")).per_page, 30);
        assert_eq!(Page::read(&request("")).link(&request(""), "", 30), None);
    }
}
