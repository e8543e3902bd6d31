//! A package that was downloaded, instead of one that is built: with the agents of this folder in it, and a template that
//! names it.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::files;
use super::stopped::Stopped;

/// The stack, with the sources as its code.
const TEMPLATE: &str = include_str!("../../template.yaml");
const SOURCES: &str = "      CodeUri: lambda/\n";

/// What is written beside `samconfig.toml`.
pub(super) const ZIP: &str = "deckhand-package.zip";
pub(super) const NAMED: &str = "deckhand-template.yaml";

const PROGRAM: &str = "bootstrap";
const AGENTS: &str = "agents.toml";

/// The template with the package as its code.
fn template() -> String {
    TEMPLATE.replacen(SOURCES, &format!("      CodeUri: {ZIP}\n"), 1)
}

/// The package with these agents instead of its own, and where it is kept: beside `samconfig.toml`.
pub(super) struct Package {
    bytes: Vec<u8>,
    folder: PathBuf,
}

impl Package {
    pub(super) fn read(package: &Path, agents: &str, folder: &Path) -> Result<Self, Stopped> {
        let bytes = repacked(package, agents).map_err(|error| {
            let name = package.display();
            Stopped::mend(format!("{name}: it is no package of Deckhand's for Lambda ({error})"))
        })?;
        Ok(Self { bytes, folder: folder.to_owned() })
    }

    /// What is deployed of it.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [&self.bytes, TEMPLATE.as_bytes()]
    }

    /// Keeps it, and the template that names it.
    pub(super) fn write(&self) -> Result<(), Stopped> {
        files::write(&self.folder.join(ZIP), &self.bytes, files::PUBLIC)?;
        files::write(&self.folder.join(NAMED), template(), files::PUBLIC)
    }
}

fn repacked(package: &Path, agents: &str) -> io::Result<Vec<u8>> {
    let mut given = ZipArchive::new(BufReader::new(File::open(package)?))?;
    let mut new = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..given.len() {
        let file = given.by_index_raw(at)?;
        let is_ours = file.name().is_ok_and(|name| name == AGENTS);
        if !is_ours {
            new.raw_copy_file(file)?;
        }
    }
    new.start_file(AGENTS, SimpleFileOptions::default().unix_permissions(0o644))?;
    new.write_all(agents.as_bytes())?;
    Ok(new.finish()?.into_inner())
}

/// What the package's program runs on, as the stack's parameter has it.
pub(super) fn architecture(package: &Path) -> Result<&'static str, Stopped> {
    machine(package)
        .map_err(|error| Stopped::mend(format!("{}: cannot be read ({error})", package.display())))?
        .ok_or_else(|| {
            Stopped::mend(format!(
                "{}: it holds no program `{PROGRAM}` for Lambda.",
                package.display()
            ))
        })
}

/// By the header of the program. <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
fn machine(package: &Path) -> io::Result<Option<&'static str>> {
    let mut given = ZipArchive::new(BufReader::new(File::open(package)?))?;
    let Ok(mut program) = given.by_name(PROGRAM) else { return Ok(None) };
    let mut header = [0; 20];
    program.read_exact(&mut header)?;
    Ok(match header {
        [0x7f, b'E', b'L', b'F', .., 0x3e, 0] => Some("x86_64"),
        [0x7f, b'E', b'L', b'F', .., 0xb7, 0] => Some("arm64"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use standins::Scratch;

    fn package(folder: &Scratch, machine: u8, name: &str) -> PathBuf {
        let path = folder.file("deckhand-lambda.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        let mut program = b"\x7fELF".to_vec();
        program.extend([0; 14]);
        program.extend([machine, 0]);
        program.extend(b"and more".repeat(100));
        for (name, text) in [(name, program.as_slice()), (AGENTS, b"old")] {
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
            zip.write_all(text).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[rstest]
    #[case(0x3e, PROGRAM, Some("x86_64"))]
    #[case(0xb7, PROGRAM, Some("arm64"))]
    #[case(0x28, PROGRAM, None)]
    #[case(0x3e, "deckhand", None)]
    fn a_package_tells_what_it_runs_on(
        #[case] machine: u8,
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        let folder = Scratch::new().unwrap();
        assert_eq!(architecture(&package(&folder, machine, name)).ok(), expected);
    }

    #[test]
    fn the_agents_of_the_folder_take_the_place_of_those_in_the_package() {
        let folder = Scratch::new().unwrap();
        let path = package(&folder, 0x3e, PROGRAM);
        for agents in ["one", "another"] {
            let read = || Package::read(&path, agents, folder.path()).unwrap();
            read().write().unwrap();
            assert_eq!(read().parts(), read().parts(), "the same differs each time");
            let mut zip = ZipArchive::new(File::open(folder.file(ZIP)).unwrap()).unwrap();
            assert_eq!(zip.len(), 2);
            assert_eq!(zip.by_name(PROGRAM).unwrap().unix_mode().unwrap() & 0o777, 0o755);
            let mut text = String::new();
            zip.by_name(AGENTS).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, agents);
        }
        let template = std::fs::read_to_string(folder.file(NAMED)).unwrap();
        assert_eq!(
            template,
            TEMPLATE.replace("CodeUri: lambda/\n", "CodeUri: deckhand-package.zip\n")
        );
        assert_ne!(template, TEMPLATE);
    }

    #[test]
    fn what_is_no_package_is_said() {
        let folder = Scratch::new().unwrap();
        std::fs::write(folder.file("x.zip"), "no zip").unwrap();
        let error = architecture(&folder.file("x.zip")).unwrap_err().to_string();
        assert!(error.contains("x.zip: cannot be read"), "{error}");
    }
}
