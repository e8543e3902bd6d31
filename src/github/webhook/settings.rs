//! The settings of GitHub's webhooks: `GITHUB_WEBHOOK_SECRET` and `GITHUB_WEBHOOK_SECRET_PREVIOUS`.

use crate::config::{Reader, Setting};
use crate::secrets::{SecretSetting, SecretSource, mistake};

/// The secrets that deliveries may be signed with. None: deliveries are not taken.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The present secret.
    pub secret: Option<SecretSource>,
    /// The one before it, while the secret is rotated.
    pub previous: Option<SecretSource>,
}

const SHAPE: &str = "it must be one line without control characters";
const PARAMETER_SHAPE: &str = "it must be an SSM parameter's name or ARN";

const SECRET: SecretSetting = SecretSetting {
    value: Setting {
        name: "GITHUB_WEBHOOK_SECRET",
        about: "the secret of the [webhook](webhooks.md) that tells what becomes of runs; without it `POST /github/webhook` is 404",
        default: "none",
        shape: SHAPE,
    },
    parameter: Setting {
        name: "GITHUB_WEBHOOK_SECRET_PARAMETER",
        about: "the SSM SecureString that holds it, by name or ARN; used instead of `GITHUB_WEBHOOK_SECRET`",
        default: "none",
        shape: PARAMETER_SHAPE,
    },
    parse: mistake::webhook_secret,
};

const PREVIOUS: SecretSetting = SecretSetting {
    value: Setting {
        name: "GITHUB_WEBHOOK_SECRET_PREVIOUS",
        about: "the secret before, accepted too [while it is rotated](webhooks.md#changing-the-secret)",
        default: "none",
        shape: SHAPE,
    },
    parameter: Setting {
        name: "GITHUB_WEBHOOK_SECRET_PREVIOUS_PARAMETER",
        about: "the SSM SecureString that holds it, by name or ARN; used instead of `GITHUB_WEBHOOK_SECRET_PREVIOUS`",
        default: "none",
        shape: PARAMETER_SHAPE,
    },
    parse: mistake::webhook_secret,
};

/// The settings of this module.
pub const DECLARED: &[&Setting] =
    &[&SECRET.value, &SECRET.parameter, &PREVIOUS.value, &PREVIOUS.parameter];

impl Settings {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self { secret: SECRET.read(reader), previous: PREVIOUS.read(reader) }
    }

    /// Whether a secret is set, valid or not.
    pub fn are_set(reader: &Reader<'_>) -> bool {
        SECRET.is_set(reader) || PREVIOUS.is_set(reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::words("It's a Secret to Everybody", true)]
    #[case::not_ascii("geheim-ß", true)]
    #[case::empty("", false)]
    #[case::two_lines("a\nb", false)]
    #[case::a_control_character("a\u{1b}b", false)]
    fn a_secret_is_one_line_of_any_text(#[case] text: &str, #[case] is_valid: bool) {
        assert_eq!(mistake::webhook_secret(text).is_ok(), is_valid);
    }

    #[rstest]
    #[case::none(&[], false, 0)]
    #[case::present(&["GITHUB_WEBHOOK_SECRET"], true, 0)]
    #[case::previous_alone(&["GITHUB_WEBHOOK_SECRET_PREVIOUS"], true, 0)]
    #[case::not_valid(&["GITHUB_WEBHOOK_SECRET_PARAMETER"], true, 1)]
    fn a_secret_that_is_not_valid_counts_as_set(
        #[case] set: &[&str],
        #[case] are_set: bool,
        #[case] problems: usize,
    ) {
        // Two words: a secret, but no parameter's name.
        let env = |name: &str| set.contains(&name).then(|| "two words".to_owned());
        let mut reader = Reader::new(&env);
        Settings::read(&mut reader);
        assert_eq!(Settings::are_set(&reader), are_set);
        assert_eq!(reader.problems().len(), problems);
    }
}
