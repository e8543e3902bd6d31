//! Whether reviewers kept a run from going on.

use super::annotation::tidy;
use super::kept::Rejected;
use crate::github::approvals::Review;
use crate::text::escape::clipped;

/// The most environments that are kept, and the most characters of texts.
const ENVIRONMENTS: usize = 3;
const NAME: usize = 60;
const COMMENT: usize = 200;

/// The rejection, if there is one that is of this attempt. GitHub lists the decisions of all attempts and tells no times:
/// of an environment that was also approved in a run of several attempts, it cannot be known which came last.
pub(super) fn find(reviews: &[Review], attempt: u64) -> Option<Rejected> {
    let is_approved = |name: &str| {
        let mut others = reviews.iter().filter(|other| !other.is_rejected());
        others.any(|other| other.environments().any(|approved| approved == name))
    };
    let is_clear = |review: &&Review| {
        review.is_rejected() && (attempt <= 1 || !review.environments().any(is_approved))
    };
    let review = reviews.iter().find(is_clear)?;
    let text = |text: &str, most| Some(clipped(&tidy(text), most)).filter(|text| !text.is_empty());
    Some(Rejected {
        by: review.by().and_then(|by| text(by, NAME)),
        environments: review
            .environments()
            .take(ENVIRONMENTS)
            .filter_map(|name| text(name, NAME))
            .collect(),
        comment: review.comment.as_deref().and_then(|comment| text(comment, COMMENT)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn review(state: &str, by: &str, environment: &str) -> Value {
        json!({"state": state, "comment": "Not\nnow", "user": {"login": by}, "environments": [{"name": environment}]})
    }

    #[rstest]
    #[case::rejected(json!([review("rejected", "grace", "prod")]), 1, Some("grace"))]
    #[case::another_was_approved(json!([review("approved", "ada", "stage"), review("rejected", "grace", "prod")]), 2, Some("grace"))]
    #[case::approved(json!([review("approved", "ada", "prod")]), 1, None)]
    #[case::perhaps_of_an_earlier_attempt(json!([review("rejected", "grace", "prod"), review("approved", "ada", "prod")]), 2, None)]
    #[case::both_in_one_attempt(json!([review("approved", "ada", "prod"), review("rejected", "grace", "prod")]), 1, Some("grace"))]
    #[case::nobody(json!([]), 1, None)]
    #[case::odd(json!([{"state": 5}, {}]), 1, None)]
    fn a_rejection_is_found(
        #[case] reviews: Value,
        #[case] attempt: u64,
        #[case] by: Option<&str>,
    ) {
        let reviews: Vec<Review> = serde_json::from_value(reviews).unwrap();
        let found = find(&reviews, attempt);
        let expected = by.map(|by| Rejected {
            by: Some(by.to_owned()),
            environments: vec!["prod".to_owned()],
            comment: Some("Not now".to_owned()),
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_reviewer_whose_account_is_gone_is_nobody() {
        let reviews: Vec<Review> = serde_json::from_value(
            json!([{"state": "rejected", "user": null, "environments": null}]),
        )
        .unwrap();
        let nobody = Rejected { by: None, environments: Vec::new(), comment: None };
        assert_eq!(find(&reviews, 1), Some(nobody));
    }
}
