//! The page in a real browser: `browser.py` beside this, which drives Chromium. `.ci/run browser` installs what it
//! needs; without that these tests are skipped, and say so.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Chromium, under the names that it has.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

fn on_the_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|file| file.is_file())
}

/// What the tests need, or what is missing.
fn needed() -> Result<[PathBuf; 3], &'static str> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/.cache");
    let there = |file: &str| Some(cache.join(file)).filter(|file| file.is_file());
    Ok([
        there("browser/bin/python").ok_or("no Python with Playwright")?,
        there("axe/node_modules/axe-core/axe.min.js").ok_or("no axe-core")?,
        on_the_path(&BROWSERS).ok_or("no Chromium")?,
    ])
}

#[test]
fn the_page_in_a_browser() {
    let [python, axe, chromium] = match needed() {
        Ok(found) => found,
        Err(missing) => {
            // Not by a macro: what those print is hidden of a test that passes.
            let line = format!(
                "\nSKIPPED: the page in a browser ({missing}); .ci/run browser installs it\n"
            );
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser.py");
    let mut tests = Command::new(python);
    tests.arg(script).args(["--playground", env!("CARGO_BIN_EXE_playground")]);
    tests.arg("--axe").arg(axe).arg("--chromium").arg(chromium);
    let ended = tests.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
}
