//! Step 3: what runs the server. Writes a unit of systemd or a compose file; the person starts it.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::files;
use super::flags::Service;
use super::stopped::Stopped;
use super::work::Work;

const UNIT: &str = "deckhand.service";
const COMPOSE: &str = "compose.yaml";
/// Of the release that this binary is of.
const IMAGE: &str = concat!("ghcr.io/deckhand-bot/deckhand:", env!("CARGO_PKG_VERSION"));

/// The paths that the service has to know. All are from the root.
struct Paths {
    program: PathBuf,
    settings: PathBuf,
    agents: PathBuf,
    folder: PathBuf,
}

/// Where a service listens, if neither a flag nor its file says.
const LISTEN: &str = "127.0.0.1:3000";

/// A service's file: beside the settings.
fn file_of(work: &Work<'_>, service: Service) -> PathBuf {
    work.home.path().with_file_name(match service {
        Service::Systemd => UNIT,
        Service::Compose => COMPOSE,
    })
}

fn file(work: &Work<'_>) -> PathBuf {
    file_of(work, service(work))
}

/// The services whose files this program has made; the newest file first.
pub(super) fn made(work: &Work<'_>) -> Vec<(Service, PathBuf)> {
    let all = [Service::Systemd, Service::Compose].map(|one| (one, file_of(work, one)));
    let is_made = |file: &Path| {
        files::read(file).is_ok_and(|text| text.is_some_and(|text| text.starts_with(MADE)))
    };
    let mut made: Vec<_> = all.into_iter().filter(|(_, file)| is_made(file)).collect();
    let time = |file: &Path| std::fs::metadata(file).and_then(|data| data.modified()).ok();
    made.sort_by_key(|(_, file)| Reverse(time(file)));
    made
}

/// What runs the server: as the flag says, or as the file that is there shows.
fn service(work: &Work<'_>) -> Service {
    let made = || Some(made(work).first()?.0);
    work.flags.service.or_else(made).unwrap_or(Service::Systemd)
}

/// Where the server listens: as the flag says, or as the file that is there shows.
pub(super) fn listen(work: &Work<'_>) -> String {
    let kept = || {
        let made = made(work);
        let own = made.iter().find(|(one, _)| *one == service(work)).or(made.first());
        let (service, file) = own?;
        listens(*service, &files::read(file).ok()??)
    };
    work.flags.listen.clone().or_else(kept).unwrap_or_else(|| LISTEN.to_owned())
}

/// The address in a service's file.
fn listens(service: Service, text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim);
    let address = match service {
        Service::Systemd => lines.find_map(|line| {
            let (_, after) = line.strip_prefix("ExecStart=")?.split_once(" --listen ")?;
            after.split_whitespace().next()
        }),
        Service::Compose => {
            lines.find_map(|line| line.strip_prefix("- \"")?.strip_suffix(":3000\""))
        }
    };
    address.filter(|address| address.parse::<SocketAddr>().is_ok()).map(str::to_owned)
}

/// How the service is started, and started again after a change.
pub(super) fn start(work: &Work<'_>) -> [String; 2] {
    let file = file(work);
    match service(work) {
        Service::Systemd => [
            format!("sudo systemctl enable --now {}", quoted(&file)),
            "sudo systemctl restart deckhand".to_owned(),
        ],
        Service::Compose => {
            let up = format!("docker compose -f {} up --detach", quoted(&file));
            [up.clone(), up + " --force-recreate"]
        }
    }
}

/// How the service is stopped for good.
pub(super) fn stop(service: Service, file: &Path) -> String {
    match service {
        Service::Systemd => "sudo systemctl disable --now deckhand".to_owned(),
        Service::Compose => format!("docker compose -f {} down", quoted(file)),
    }
}

/// Writes the file, unless it is there as it should be. One of the person's own is left alone.
pub(super) async fn write(work: &mut Work<'_>) -> Result<(), Stopped> {
    work.step("Server");
    for name in ["DATA_FILE", "TABLE_NAME"] {
        if let Some(given) = work.given(name) {
            work.home.keep(name, &given);
        }
    }
    work.save().await?;
    if work.value("DATA_FILE").is_none() && work.value("TABLE_NAME").is_none() {
        let data = work.home.path().with_file_name("deckhand.redb");
        work.home.keep("DATA_FILE", &data.display().to_string());
        work.save().await?;
    }
    let (file, paths) = (file(work), paths(work)?);
    let (service, listen) = (service(work), listen(work));
    let text = match service {
        Service::Systemd => unit(&paths, &listen, files::owner(&paths.settings))?,
        Service::Compose => compose(&paths, &listen),
    };
    for (other, file) in made(work).into_iter().filter(|(other, _)| *other != service) {
        let stop = stop(other, &file);
        work.note(&format!(
            "{} runs the server, too. Stop it ({stop}) and delete it.",
            file.display()
        ));
    }
    match files::read(&file)? {
        Some(there) if there == text => work.done(&format!("{} is there.", file.display())),
        Some(there) if !there.starts_with(MADE) => {
            work.note(&format!("{} is not of this program, so it stays as it is.", file.display()));
        }
        _ if !work.goes(&format!("write {}", file.display())) => {}
        _ => {
            files::write(&file, &text, files::PUBLIC)?;
            work.done(&format!("{} is written.", file.display()));
        }
    }
    Ok(())
}

/// A unit for what a release installs.
const EXAMPLE: &str = include_str!("../../examples/deckhand.service");

/// The first words of a file that may be replaced.
const MADE: &str = "# Made by `deckhand setup`";

fn paths(work: &Work<'_>) -> Result<Paths, Stopped> {
    let settings = work.home.path().to_owned();
    let folder = settings.parent().unwrap_or(Path::new("/")).to_owned();
    let agents = files::absolute(&work.flags.agents)?;
    Ok(Paths { program: work.flags.program.clone(), settings, agents, folder })
}

/// `user`: who runs it, by number. Only the owner of the settings can read them.
fn unit(paths: &Paths, listen: &str, user: Option<u32>) -> Result<String, Stopped> {
    let Paths { program, settings, folder, .. } = paths;
    let mut words = Vec::new();
    for path in [program, settings, folder] {
        let text = path.to_str().filter(|text| !text.chars().any(|c| c.is_control() || c == '"'));
        let text = text.ok_or_else(|| {
            Stopped::mend(format!("systemd cannot use the path {}: move it.", path.display()))
        })?;
        // systemd replaces % and, in a command, $.
        words.push(text.replace('%', "%%").replace('\\', "\\\\"));
    }
    let [program, settings, folder] = words.try_into().unwrap_or_default();
    let user = user.map(|user| format!("User={user}\n")).unwrap_or_default();
    Ok(format!(
        "{MADE}; docs/deploying.md tells more.
[Unit]
Description=Deckhand, deploys from chat
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=\"{program}\" serve --listen {listen} --env-file \"{settings}\"
WorkingDirectory={folder}
{user}Restart=on-failure
RestartSec=5
# Running waits get 20 s to end by themselves and 10 s to wind up.
TimeoutStopSec=35
UMask=0077
ReadWritePaths=\"{folder}\"

{rights}
[Install]
WantedBy=multi-user.target
",
        rights = rights(),
        program = program.replace('$', "$$"),
        settings = settings.replace('$', "$$"),
    ))
}

/// What the example takes from the service. This one may lie in somebody's home.
fn rights() -> String {
    const FIRST: &str = "CapabilityBoundingSet=";
    let lines = EXAMPLE.lines().skip_while(|line| !line.starts_with(FIRST));
    let lines = lines.take_while(|line| !line.is_empty());
    let kept = lines.filter(|line| !line.starts_with("ProtectHome="));
    kept.map(|line| format!("{line}\n")).collect()
}

fn compose(paths: &Paths, listen: &str) -> String {
    let text = |text: String| serde_json::Value::from(text.replace('$', "$$")).to_string();
    let agents = text(format!("{}:/etc/deckhand/agents.toml:ro", paths.agents.display()));
    let settings = text(paths.settings.display().to_string());
    let port = text(format!("{listen}:3000"));
    format!(
        "{MADE}; docs/deploying.md tells more.
services:
  deckhand:
    image: {IMAGE}
    command: [serve, --listen, \"0.0.0.0:3000\"]
    env_file: {settings}
    environment:
      AGENTS_FILE: /etc/deckhand/agents.toml
      DATA_FILE: /data/deckhand.redb
    volumes:
      - {agents}
      - data:/data
    ports:
      - {port}
    restart: unless-stopped
    stop_grace_period: 35s
    read_only: true
    cap_drop: [ALL]
    security_opt: [\"no-new-privileges:true\"]
    mem_limit: 256m
    pids_limit: 64

volumes:
  data:
"
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(folder: &str) -> Paths {
        let at = |name: &str| Path::new(folder).join(name);
        Paths {
            program: "/usr/local/bin/deckhand".into(),
            settings: at(".env"),
            agents: at("agents.toml"),
            folder: folder.into(),
        }
    }

    #[test]
    fn a_unit_names_its_paths_as_systemd_reads_them() {
        let text = unit(&paths("/srv/a $b 100%"), "127.0.0.1:3000", Some(1000)).unwrap();
        let start = "ExecStart=\"/usr/local/bin/deckhand\" serve --listen 127.0.0.1:3000 --env-file \"/srv/a $$b 100%%/.env\"\n";
        assert!(text.contains(start), "{text}");
        assert!(text.contains("\nWorkingDirectory=/srv/a $b 100%%\nUser=1000\n"), "{text}");
        assert!(!unit(&paths("/srv"), "127.0.0.1:3000", None).unwrap().contains("User="));
        assert!(unit(&paths("/srv/a\"b"), "127.0.0.1:3000", None).is_err());
    }

    #[test]
    fn a_compose_file_keeps_what_must_outlive_the_container() {
        let text = compose(&paths("/srv/deck"), "127.0.0.1:3000");
        for line in [
            "env_file: \"/srv/deck/.env\"",
            "- \"/srv/deck/agents.toml:/etc/deckhand/agents.toml:ro\"",
            "- data:/data",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn where_a_service_listens_is_read_from_its_file() {
        for listen in ["127.0.0.1:3000", "0.0.0.0:40799", "[::1]:52417"] {
            let unit = unit(&paths("/srv/a --listen b"), listen, None).unwrap();
            let unit = unit.replace("/usr/local/bin", "/opt");
            assert_eq!(listens(Service::Systemd, &unit).as_deref(), Some(listen));
            let compose = compose(&paths("/srv/deck"), listen);
            assert_eq!(listens(Service::Compose, &compose).as_deref(), Some(listen));
        }
        assert_eq!(listens(Service::Systemd, "ExecStart=x --listen elsewhere\n"), None);
    }

    #[test]
    fn a_path_is_quoted_for_a_shell() {
        assert_eq!(quoted(Path::new("/srv/x.service")), "/srv/x.service");
        assert_eq!(quoted(Path::new("/srv/a's b")), r"'/srv/a'\''s b'");
    }
}
