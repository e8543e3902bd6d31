//! `samconfig.toml`, and what the stack has. No I/O.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Table;

/// What a deploy is called with if there is no file yet.
pub(super) const FRESH: &str = "\
# What `sam` is called with. No secrets here: they live in SSM.
version = 0.1

[default.deploy.parameters]
capabilities = \"CAPABILITY_IAM\"
resolve_s3 = true
";

const SECTION: &str = "[default.deploy.parameters]";
const KEY: &str = "parameter_overrides";

/// Parameters of the stack, by name.
pub(super) type Parameters = BTreeMap<String, String>;

/// The parameters in the file. An error: it has them in a form that is not changed here.
pub(super) fn parameters(text: &str) -> Result<Parameters, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let found = ["default", "deploy", "parameters"]
        .iter()
        .try_fold(&table, |table, key| table.get(*key)?.as_table());
    match found.and_then(|table| table.get(KEY)) {
        None => Ok(Parameters::new()),
        Some(toml::Value::String(text)) => Ok(words(text)),
        Some(toml::Value::Array(all)) => {
            let one = |one: &toml::Value| {
                let (name, value) = one.as_str()?.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            };
            Ok(all.iter().filter_map(one).collect())
        }
        Some(_) => Err(format!("{KEY} is neither a text nor a list")),
    }
}

/// `A="1" B=2` as SAM writes it.
fn words(text: &str) -> Parameters {
    let mut all = Parameters::new();
    let mut rest = text.trim_start();
    while let Some((name, value)) = rest.split_once('=') {
        let mut read = String::new();
        let mut quote = None;
        let mut end = value.len();
        let mut chars = value.char_indices();
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                ('\\', _) => read.extend(chars.next().map(|(_, c)| c)),
                (c, Some(open)) if c == open => quote = None,
                ('"' | '\'', None) => quote = Some(c),
                (c, None) if c.is_whitespace() => {
                    end = at;
                    break;
                }
                (c, _) => read.push(c),
            }
        }
        all.insert(name.trim().to_owned(), read);
        rest = value.get(end..).unwrap_or_default().trim_start();
    }
    all
}

/// The file with these parameters instead of those that are there. An error: it must be changed by hand, and how.
pub(super) fn with_parameters(text: &str, parameters: &Parameters) -> Result<String, String> {
    let is_odd = |value: &str| value.contains(['"', '\\']) || value.chars().any(char::is_control);
    if let Some((name, _)) = parameters.iter().find(|(_, value)| is_odd(value)) {
        return Err(format!(
            "the value of {name} has a quote, a backslash or a line end, which cannot be passed on to SAM safely; take \
             it out"
        ));
    }
    let all: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let line = format!("{KEY} = {}", Value::from(all.join(" ")));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_section = |line: &String| line.trim() == SECTION;
    let Some(section) = lines.iter().position(is_section) else {
        let with = format!("{}\n\n{SECTION}\n{line}\n", text.trim_end());
        // If it is there in another spelling, it is there twice now.
        return match parameters_of(&with) {
            Some(read) if read == *parameters => Ok(with),
            _ => Err(format!("write the section of the parameters for deploys as {SECTION}")),
        };
    };
    let own = lines.iter().enumerate().skip(section + 1);
    let own = own.take_while(|(_, line)| !line.trim_start().starts_with('['));
    let is_it = |line: &str| {
        line.trim_start().strip_prefix(KEY).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let there = own.clone().find(|(_, line)| is_it(line)).map(|(at, _)| at);
    match there.and_then(|at| lines.get_mut(at)) {
        Some(there) => *there = line,
        None => lines.insert(section + 1, line),
    }
    let text = lines.join("\n") + "\n";
    // What spanned lines is no TOML now.
    match parameters_of(&text) {
        Some(read) if read == *parameters => Ok(text),
        _ => Err(format!("{KEY} spans several lines; put it on one line")),
    }
}

fn parameters_of(text: &str) -> Option<Parameters> {
    parameters(text).ok()
}

/// The stack as AWS shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stack {
    pub status: String,
    pub parameters: Parameters,
    pub outputs: Parameters,
}

impl Stack {
    /// Reads the answer of `aws cloudformation describe-stacks --output json`.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(json).ok()?;
        let stack = json.pointer("/Stacks/0")?;
        let pairs = |list: &str, name: &str, value: &str| -> Parameters {
            let pair = |one: &Value| {
                let text = |key: &str| Some(one.get(key)?.as_str()?.to_owned());
                Some((text(name)?, text(value)?))
            };
            let all = stack.get(list).and_then(Value::as_array);
            all.into_iter().flatten().filter_map(pair).collect()
        };
        Some(Self {
            status: stack.get("StackStatus")?.as_str()?.to_owned(),
            parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
            outputs: pairs("Outputs", "OutputKey", "OutputValue"),
        })
    }

    /// Whether it works, with these parameters. After an update that failed it is what it was before.
    pub(super) fn is_right(&self, parameters: &Parameters) -> bool {
        let works = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];
        works.contains(&self.status.as_str())
            && parameters.iter().all(|(name, value)| self.parameters.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn some(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[rstest]
    #[case::of_sam(r#"parameter_overrides = "A=\"1\" B=\"x,y\" C=\"\"""#, &[("A", "1"), ("B", "x,y"), ("C", "")])]
    #[case::plain("parameter_overrides = 'A=1  B=2'", &[("A", "1"), ("B", "2")])]
    #[case::spaces(r#"parameter_overrides = "A='cron(0 9 ? * MON-FRI *)' B=2""#, &[("A", "cron(0 9 ? * MON-FRI *)"), ("B", "2")])]
    #[case::list("parameter_overrides = ['A=1', 'B=x y']", &[("A", "1"), ("B", "x y")])]
    #[case::none("resolve_s3 = true", &[])]
    fn parameters_in_each_of_their_forms(#[case] line: &str, #[case] expected: &[(&str, &str)]) {
        let text = format!("version = 0.1\n[default.deploy.parameters]\n{line}\n");
        assert_eq!(parameters(&text), Ok(some(expected)));
    }

    #[test]
    fn parameters_take_their_place_and_the_rest_stays() {
        let text = "# Mine\n[default.deploy.parameters]\nparameter_overrides = \"A=1\"\nresolve_s3 = true\n\n[other]\na = 1\n";
        let with = with_parameters(text, &some(&[("A", "2"), ("B", "x y")])).unwrap();
        assert_eq!(with, text.replace("\"A=1\"", r#""A=\"2\" B=\"x y\"""#));
        for text in [FRESH, "version = 0.1\n", ""] {
            let with = with_parameters(text, &some(&[("A", "2")])).unwrap();
            assert_eq!(parameters(&with), Ok(some(&[("A", "2")])), "{with}");
        }
        let lines = "[default.deploy.parameters]\nparameter_overrides = [\n  'A=1',\n]\n";
        assert!(with_parameters(lines, &some(&[("A", "2")])).is_err());
    }

    #[rstest]
    #[case::inline("[default.deploy]\nparameters = {resolve_s3 = true}\n", "2", SECTION)]
    #[case::quoted("[\"default\".deploy.parameters]\nresolve_s3 = true\n", "2", SECTION)]
    #[case::dotted("default.deploy.parameters.resolve_s3 = true\n", "2", SECTION)]
    #[case::quote("", "a\"b", "the value of A has a quote")]
    #[case::backslash(FRESH, "a\\b", "the value of A has a quote, a backslash")]
    #[case::lines(
        "[default.deploy.parameters]\nparameter_overrides = [\n'A=1',\n]\n",
        "2",
        "several lines"
    )]
    fn what_sam_could_not_read_is_not_written(
        #[case] text: &str,
        #[case] value: &str,
        #[case] why: &str,
    ) {
        let error = with_parameters(text, &some(&[("A", value)])).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[rstest]
    #[case::right("UPDATE_COMPLETE", "1", true)]
    #[case::other_value("UPDATE_COMPLETE", "2", false)]
    #[case::new("CREATE_COMPLETE", "1", true)]
    #[case::failed("ROLLBACK_COMPLETE", "1", false)]
    #[case::busy("UPDATE_IN_PROGRESS", "1", false)]
    #[case::rolled_back("UPDATE_ROLLBACK_COMPLETE", "1", true)]
    #[case::rolled_back_to_another_value("UPDATE_ROLLBACK_COMPLETE", "2", false)]
    fn a_stack_is_right_or_is_deployed(
        #[case] status: &str,
        #[case] value: &str,
        #[case] right: bool,
    ) {
        let json = format!(
            r#"{{"Stacks":[{{"StackStatus":"{status}",
            "Parameters":[{{"ParameterKey":"A","ParameterValue":"1"}}],
            "Outputs":[{{"OutputKey":"InteractionsUrl","OutputValue":"https://x.example.com/discord"}}]}}]}}"#
        );
        let stack = Stack::read(json.as_bytes()).unwrap();
        assert_eq!(stack.outputs, some(&[("InteractionsUrl", "https://x.example.com/discord")]));
        assert_eq!(stack.is_right(&some(&[("A", value)])), right);
    }
}
