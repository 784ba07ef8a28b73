//! The page of a benchmark, opened in a browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod browser;
mod example;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use browser::Browser;

/// Every part of the page, in its order.
const PARTS: &str = "conclusion figures pictures timeline order system";

/// Asks the page what it shows, and uses it as a reader would.
const PROBE: &str = include_str!("probe.js");

#[test]
fn every_part_is_shown_without_an_error() {
    let Some(browser) = Browser::find() else { return };
    let html = example::html();
    let shown = browser.open(&html, &[]);
    assert_eq!(shown.console, Vec::<String>::new());
    assert!(shown.dom.contains("Time on each track: 6 processes"), "{}", shown.dom);

    let shown = browser.open(&probed(&html), &[]);
    let probe = |name: &str| shown.root_attribute(&format!("data-{name}"));
    assert_eq!(probe("errors").as_deref(), Some(""), "{}", shown.dom);
    assert_eq!(shown.console, Vec::<String>::new());
    assert_eq!(probe("parts").as_deref(), Some(PARTS));
    assert_eq!(probe("pictures").as_deref(), Some("2"));
    assert_eq!(probe("loaded").as_deref(), Some("0"), "something was fetched");
    assert_eq!(probe("tables").as_deref(), Some("every table has heads"));

    let tip = probe("tip").unwrap();
    for part in ["h 0.", "rows from", "s, from ", "worker 0, process 4001"] {
        assert!(tip.contains(part), "no `{part}` in {tip}");
    }
    let by_key = probe("tip-by-key").unwrap();
    assert!(by_key.contains("worker 0, process 4001"), "{by_key}");
    assert_eq!(probe("zoomed").as_deref(), Some("true"));
    assert_eq!(probe("panned").as_deref(), Some("true"));
    let case = probe("case").unwrap();
    assert!(case.starts_with("Time on each track: 2 processes"), "{case}");
}

#[test]
fn a_real_benchmark_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    benchmark("--html", &path);
    let html = std::fs::read_to_string(&path).unwrap();
    let Some(browser) = Browser::find() else { return };
    let shown = browser.open(&probed(&html), &[]);
    assert_eq!(shown.console, Vec::<String>::new());
    assert_eq!(shown.root_attribute("data-errors").as_deref(), Some(""));
    let parts = shown.root_attribute("data-parts").unwrap();
    for part in ["conclusion", "figures", "timeline", "order", "system"] {
        assert!(parts.contains(part), "no {part} in {parts}");
    }
    assert_eq!(parts.contains("pictures"), cfg!(feature = "plot"), "{parts}");
    let tip = shown.root_attribute("data-tip").unwrap();
    assert!(tip.contains("rows from") && tip.contains("worker"), "{tip}");
}

/// Runs a small benchmark with `option PATH`.
#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn benchmark(option: &str, path: &Path) {
    let line = "bench --quick --rounds 1 --warmup 0 --workers 2 --max-foreign 1";
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.args(line.split_whitespace()).arg(option).arg(path).env_remove("PARZEN_WORKER");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The probe is the first of all scripts, so that it sees the errors of the others.
fn probed(html: &str) -> String {
    html.replacen("<style>", &format!("<script>{PROBE}</script><style>"), 1)
}

#[test]
fn nothing_is_wider_than_a_phone() {
    let Some(browser) = Browser::find() else { return };
    let probed = probed(&example::html());
    for size in ["--window-size=500,900", "--window-size=1400,1000"] {
        let shown = browser.open(&probed, &[size]);
        let overflow = shown.root_attribute("data-overflow");
        assert_eq!(overflow.as_deref(), Some(""), "{size}");
    }
}
