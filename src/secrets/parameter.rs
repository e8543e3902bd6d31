//! An SSM parameter that holds a secret.

use super::mistake::Mistake;
use super::secret::Secret;

/// An SSM parameter that holds a secret.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The setting that names the parameter, like `GITHUB_TOKEN_PARAMETER`.
    pub setting: &'static str,
    /// Name or ARN of the parameter.
    pub name: String,
    /// Parses the value, or says what it is instead.
    pub parse: fn(&str) -> Result<Secret, Mistake>,
}

impl Parameter {
    /// The line of a shell that stores the value anew. The value is asked for, so that it stands in no history.
    pub(super) fn stored_by(&self, region: Option<&str>) -> String {
        let (mut region, mut name) = (region.unwrap_or("REGION"), self.name.clone());
        // arn:aws:ssm:region:account:parameter/name. A name with a slash inside begins with one, too.
        if let Some((before, of_arn)) = self.name.split_once(":parameter/") {
            region = before.split(':').nth(3).unwrap_or(region);
            let slash = if of_arn.contains('/') { "/" } else { "" };
            name = format!("{slash}{of_arn}");
        }
        let put = format!(
            "aws ssm put-parameter --overwrite --type SecureString --region {region} --name {name}"
        );
        if self.setting.contains("PRIVATE_KEY") {
            format!("`{put} --value file://key.pem`")
        } else {
            format!("`read -rs SECRET; {put} --value \"$SECRET\"; unset SECRET`")
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:ssm:us-east-2:111122223333:parameter/a/b", "--region us-east-2 --name /a/b ")]
    #[case("arn:aws:ssm:us-east-2:111122223333:parameter/b", "--region us-east-2 --name b ")]
    #[case("b", "--region REGION --name b ")]
    fn an_arn_says_name_and_region(#[case] name: &str, #[case] said: &str) {
        let parse = |text: &str| Ok(Secret::new(text));
        let setting = "GITHUB_APP_PRIVATE_KEY_PARAMETER";
        let line = Parameter { setting, name: name.to_owned(), parse }.stored_by(None);
        assert!(line.contains(said) && line.ends_with("--value file://key.pem`"), "{line}");
    }
}
