//! The workflows that `/status` and the digest show.

use super::registry::{Agent, Kind, Registry};
use crate::github::Repository;

/// A workflow, and the agents that dispatch it. It is shown once, however many they are.
#[derive(Debug, Clone)]
pub struct Reported<'a> {
    /// Where it is.
    pub repository: &'a Repository,
    /// Its file name.
    pub file: &'a str,
    /// At least one, in the order of the file.
    pub agents: Vec<&'a Agent>,
}

impl Registry {
    /// Every workflow that an agent dispatches, without those that are not `reported`. `default` is the
    /// repository of an agent that names none.
    pub fn reported<'a>(&'a self, default: &'a Repository) -> Vec<Reported<'a>> {
        let mut all: Vec<Reported<'a>> = Vec::new();
        for agent in &self.agents {
            let Some(workflow) = agent.workflow().filter(|workflow| workflow.reported) else {
                continue;
            };
            let repository = workflow.repository.as_ref().unwrap_or(default);
            let file = workflow.file.as_str();
            let same = |known: &&mut Reported<'_>| {
                known.file == file && known.repository.is_same(repository)
            };
            match all.iter_mut().find(same) {
                Some(known) => known.agents.push(agent),
                None => all.push(Reported { repository, file, agents: vec![agent] }),
            }
        }
        all
    }
}

impl Reported<'_> {
    /// Whether one of its agents deploys.
    pub fn deploys(&self) -> bool {
        self.agents.iter().any(|agent| matches!(agent.kind, Kind::Deploy(_)))
    }

    /// Whether an agent that deploys may dispatch it on this branch or tag.
    pub fn deploys_from(&self, git_ref: &str) -> bool {
        self.agents.iter().any(|agent| match &agent.kind {
            Kind::Deploy(workflow) => workflow.allows_ref(git_ref),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::agents::file::parse;

    fn agent(id: &str, kind: &str, more: &str) -> String {
        let command = id.replace('_', "-");
        format!(
            "[[agent]]\nid = \"{id}\"\nname = \"{id}\"\ndescription = \"x\"\ncommand = \"{command}\"\n\
             kind = \"{kind}\"\n{more}\n"
        )
    }

    #[test]
    fn each_workflow_is_there_once_with_all_its_agents() {
        let text = agent("status", "status", "")
            + &agent("staging", "deploy", "workflow = \"deploy.yml\"")
            + &agent("hidden", "deploy", "workflow = \"hidden.yml\"\nreported = false")
            + &agent(
                "production",
                "deploy",
                "workflow = \"deploy.yml\"\nref = \"release\"\nrepository = \"Octo-Org/Web\"",
            )
            + &agent("backup", "workflow", "workflow = \"backup.yml\"\nreported = true")
            + &agent(
                "other",
                "deploy",
                "workflow = \"deploy.yml\"\nrepository = \"octo-org/other\"",
            );
        let registry = parse("x.toml", &text).unwrap();
        let default = "octo-org/web".parse().unwrap();
        let all = registry.reported(&default);
        let shown: Vec<(String, Vec<&str>)> = all
            .iter()
            .map(|one| (one.file.to_owned(), one.agents.iter().map(|a| a.id.as_str()).collect()))
            .collect();
        let expected = [
            ("deploy.yml".to_owned(), vec!["staging", "production"]),
            ("backup.yml".to_owned(), vec!["backup"]),
            ("deploy.yml".to_owned(), vec!["other"]),
        ];
        assert_eq!(shown, expected);
        assert!(all[0].deploys_from("main") && all[0].deploys_from("release"));
        assert!(
            !all[0].deploys_from("feature") && !all[1].deploys() && !all[1].deploys_from("main")
        );
    }
}
