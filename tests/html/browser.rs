//! Chromium without a window.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Neither a window nor a network nor a user's settings.
const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
    "--dump-dom",
];

/// The browser of this machine.
pub(crate) struct Browser(PathBuf);

/// What came of a page.
pub(crate) struct Shown {
    /// The page after its scripts, as HTML.
    pub(crate) dom: String,
    /// What was written to the console.
    pub(crate) console: Vec<String>,
}

impl Browser {
    /// Tells if there is none: then there is nothing to test.
    #[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
    pub(crate) fn find() -> Option<Self> {
        let named = env::var_os("CHROMIUM").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let all =
            env::split_paths(&path).flat_map(|directory| NAMES.map(|name| directory.join(name)));
        let found = named.into_iter().chain(all).find(|program| program.is_file());
        if found.is_none() {
            eprintln!("skipped: no Chromium; `scripts/install-chromium` installs it");
        }
        found.map(Self)
    }

    /// Opens `html` from a file.
    #[expect(clippy::disallowed_methods, reason = "a browser is no worker")]
    pub(crate) fn open(&self, html: &str, flags: &[&str]) -> Shown {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join("page.html");
        fs::write(&page, html).unwrap();
        let mut command = Command::new(&self.0);
        command
            .args(FLAGS)
            .args(flags)
            .arg(format!("--user-data-dir={}", directory.path().display()));
        // It keeps files there, too.
        command.env("HOME", directory.path()).arg(format!("file://{}", page.display()));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {error}");
        let console = error.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned);
        Shown { dom: String::from_utf8(output.stdout).unwrap(), console: console.collect() }
    }
}

impl Shown {
    /// What the root element has as `name`.
    pub(crate) fn root_attribute(&self, name: &str) -> Option<String> {
        let root = self.dom.split_once("<html")?.1.split_once('>')?.0;
        let (value, _) = root.split_once(&format!(" {name}=\""))?.1.split_once('"')?;
        Some(value.to_owned())
    }
}
