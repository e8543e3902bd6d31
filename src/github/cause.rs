//! Causes that GitHub names in the text of a refusal. They are certain, and each has a cure of its own.

/// A cause that has nothing to do with the token's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The organization's single sign-on.
    Saml,
    /// The organization's list of allowed addresses.
    IpAllowList,
    /// The organization takes no classic tokens.
    ClassicToken,
    /// The workflow is disabled.
    WorkflowDisabled,
    /// GitHub Actions is switched off.
    ActionsDisabled,
    /// The repository is archived.
    Archived,
    /// A bill is not paid, or a spending limit is reached.
    Billing,
    /// The app's installation or the account is suspended.
    Suspended,
    /// The run goes on, so it cannot be run again.
    GoesOn,
    /// The run has ended, so it cannot be cancelled.
    HasEnded,
    /// The run is too old to be run again.
    TooOld,
    /// The run has no failed jobs to run again.
    NothingFailed,
    /// The run cannot be run again, for another reason or too often.
    NotAgain,
}

impl Cause {
    /// The cause that this text of GitHub's names, if any.
    pub(super) fn of(said: &str) -> Option<Self> {
        let said = said.to_lowercase();
        let has = |words: &str| said.contains(words);
        if has("saml") {
            Some(Self::Saml)
        } else if has("ip allow list") || has("ip address") {
            Some(Self::IpAllowList)
        } else if has("classic") {
            Some(Self::ClassicToken)
        } else if has("disabled") && has("workflow") {
            Some(Self::WorkflowDisabled)
        } else if has("disabled") && has("actions") {
            Some(Self::ActionsDisabled)
        } else if has("archived") {
            Some(Self::Archived)
        } else if has("billing") || has("spending limit") {
            Some(Self::Billing)
        } else if has("suspended") {
            Some(Self::Suspended)
        } else if has("already running") {
            Some(Self::GoesOn)
        } else if has("cannot cancel") {
            Some(Self::HasEnded)
        } else if has("over a month ago") || has("30 days") {
            Some(Self::TooOld)
        } else if has("failed jobs") {
            Some(Self::NothingFailed)
        } else if has("unable to retry") || has("cannot be re") {
            Some(Self::NotAgain)
        } else {
            None
        }
    }

    /// Whether the cure is at the bot's account or token, which only its admins can change.
    pub(super) fn is_of_the_token(self) -> bool {
        matches!(self, Self::Saml | Self::IpAllowList | Self::ClassicToken | Self::Suspended)
    }

    /// What to do, in a sentence of Markdown.
    pub(super) fn cure(self) -> &'static str {
        match self {
            Self::Saml => {
                "Authorize the token for the organization's single sign-on (on the token's page: Configure SSO)."
            }
            Self::IpAllowList => {
                "Add the bot's address to the organization's IP allow list, or let a GitHub App with an entry of \
                 its own do it."
            }
            Self::ClassicToken => {
                "Use a fine-grained token or a GitHub App: classic tokens are not allowed there."
            }
            Self::WorkflowDisabled => "Enable the workflow on its page on GitHub.",
            Self::ActionsDisabled => {
                "Enable GitHub Actions in the settings of the repository or the organization."
            }
            Self::Archived => "Unarchive the repository: an archived one is read-only.",
            Self::Billing => "Mend the billing of the repository's owner on GitHub.",
            Self::Suspended => {
                "Unsuspend the app's installation (or the account) in its settings on GitHub."
            }
            Self::GoesOn => "It goes on. Wait until it has ended, or cancel it first.",
            Self::HasEnded => "It has ended already, so there is nothing to cancel.",
            Self::TooOld => {
                "GitHub runs a run again only within 30 days of its start. Start a new deploy."
            }
            Self::NothingFailed => "None of its jobs failed. Start a new deploy.",
            Self::NotAgain => {
                "GitHub runs a run again within 30 days of its start, and 50 times at most. Start a new deploy."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
        Some(Cause::WorkflowDisabled)
    )]
    #[case("This workflow has been disabled.", Some(Cause::WorkflowDisabled))]
    #[case("GitHub Actions is disabled for this repository.", Some(Cause::ActionsDisabled))]
    #[case("Actions has been disabled for this user.", Some(Cause::ActionsDisabled))]
    #[case("Repository was archived so is read-only.", Some(Cause::Archived))]
    #[case("This installation has been suspended", Some(Cause::Suspended))]
    #[case("Sorry. Your account was suspended.", Some(Cause::Suspended))]
    #[case("The account is locked due to a billing issue.", Some(Cause::Billing))]
    #[case("This workflow is already running", Some(Cause::GoesOn))]
    #[case("The workflow run containing this job is already running", Some(Cause::GoesOn))]
    #[case("Cannot cancel a workflow run that is completed.", Some(Cause::HasEnded))]
    #[case(
        "Unable to retry this workflow run because it was created over a month ago",
        Some(Cause::TooOld)
    )]
    #[case(
        "Unable to retry this workflow run because it was not attempted with failed jobs.",
        Some(Cause::NothingFailed)
    )]
    #[case(
        "Unable to retry this workflow run because it has been run too often",
        Some(Cause::NotAgain)
    )]
    #[case("This workflow run cannot be retried", Some(Cause::NotAgain))]
    #[case("This workflow run cannot be rerun", Some(Cause::NotAgain))]
    #[case("Resource not accessible by integration", None)]
    #[case("Must have admin rights to Repository.", None)]
    #[case("Workflow does not have 'workflow_dispatch' trigger", None)]
    #[case("", None)]
    fn a_named_cause_is_recognised(#[case] said: &str, #[case] cause: Option<Cause>) {
        assert_eq!(Cause::of(said), cause);
    }
}
