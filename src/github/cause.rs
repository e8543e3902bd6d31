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
        } else {
            None
        }
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
    #[case("Resource not accessible by integration", None)]
    #[case("Must have admin rights to Repository.", None)]
    #[case("Workflow does not have 'workflow_dispatch' trigger", None)]
    #[case("", None)]
    fn a_named_cause_is_recognised(#[case] said: &str, #[case] cause: Option<Cause>) {
        assert_eq!(Cause::of(said), cause);
    }
}
