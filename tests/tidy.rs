//! Rules of the code that no compiler checks: which module may know which, who prints, how long a
//! file may be. CONTRIBUTING.md has the reasons.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Layers of `src/`. A module may name modules of lower layers only.
const COORDINATOR: &[(&str, u8)] = &[
    ("cli", 6),
    ("commands", 5),
    ("demo", 4),
    ("report", 4),
    ("plot", 4),
    ("bench", 3),
    ("select", 3),
    ("estimate", 2),
    ("input", 2),
    ("pool", 1),
    ("atomic_file", 0),
    ("cgroup", 0),
    ("number", 0),
];

/// Layers of `worker/src/`. `serve` and `tasks` do not know each other: whoever builds a worker
/// brings them together.
const WORKER: &[(&str, u8)] = &[
    ("serve", 5),
    ("tasks", 5),
    ("startup", 4),
    ("registry", 4),
    ("beacon", 4),
    ("protocol", 3),
    ("samples", 2),
    ("shared", 1),
    ("mapping", 0),
    ("kernel", 0),
    ("task", 0),
    ("panic", 0),
    ("clock", 0),
];

/// Words that a module's code does not have, whether as names or in them.
const FOREIGN: &[(&str, &[&str])] = &[
    ("src/pool/", &["estimate", "kernel", "density", "DensityTile"]),
    ("worker/src/kernel/", &["Pool", "process", "ipc", "pid", "thread", "WorkerId"]),
    ("src/estimate/journal/header.rs", &["fs", "File", "Path", "write"]),
    ("src/estimate/journal/record.rs", &["fs", "File", "Path", "write"]),
    ("src/estimate/journal/index.rs", &["fs", "io", "File", "Path"]),
    ("src/pool/scheduler.rs", &["Instant::now", "std::thread", "std::io", "std::fs", "std::sync"]),
];

/// What prints, and where it may stand.
const PRINTING: &[&str] =
    &["println!", "print!", "eprintln!", "eprint!", "dbg!", "stdout()", "stderr()"];
const MAY_PRINT: &[&str] = &["src/cli/", "worker/src/startup.rs"];

/// Lines of a file, its tests apart.
const MAX_LINES: usize = 600;

struct File {
    /// From the root, with `/`.
    path: String,
    text: String,
}

impl File {
    /// What is compiled: no comments, and no text in quotes.
    fn code(&self) -> String {
        code(&self.text)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All `.rs` files below `directories`, sorted.
fn files(directories: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    directories.iter().for_each(|directory| collect(&root().join(directory), &mut paths));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        File { text: fs::read_to_string(&path).unwrap(), path: name }
    };
    paths.into_iter().map(read).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// `text` with comments and the content of string literals blanked out. Lines stay lines.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = token_len(rest);
        let token = &rest[..len];
        match first {
            '/' | '"' if 1 < len => code.extend(token.chars().filter(|&c| c == '\n')),
            _ => code.push_str(token),
        }
        rest = &rest[len..];
    }
    code
}

/// Length of the comment or literal at the front of `text`, or of one character of anything else.
fn token_len(text: &str) -> usize {
    let until = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        until("*/")
    } else if text.starts_with('"') {
        let mut chars = text.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => return at + 1,
                _ => {}
            }
        }
        text.len()
    } else if text.starts_with("'\"'") || text.starts_with("'\\") {
        // A quote as a character, or one that is escaped: no string begins here.
        1 + text[1..].char_indices().skip(1).find(|&(_, c)| c == '\'').map_or(0, |(at, _)| at + 1)
    } else {
        text.chars().next().map_or(1, char::len_utf8)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in `code`, not as a part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The first names of all paths in `code` that begin with `prefix`, such as `crate::`; of
/// `crate::{a::b, c}` these are `a` and `c`.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(names_of_group(group)),
            None => names.push(rest.chars().take_while(|&c| is_word(c)).collect()),
        }
    }
    names
}

/// The first name of each member of a group, given what follows its `{`.
fn names_of_group(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut members = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            _ if depth == 0 => members.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    let first = |member: String| member.trim().chars().take_while(|&c| is_word(c)).collect();
    members.into_iter().map(first).filter(|name: &String| !name.is_empty()).collect()
}

/// What is wrong with the paths of a file, given its place below `src/`.
fn upward(place: &str, code: &str, layers: &[(&str, u8)]) -> Vec<String> {
    let own = place.split(['/', '.']).next().unwrap();
    let layer = |name: &str| layers.iter().find(|(known, _)| *known == name).map(|&(_, n)| n);
    let Some(own_layer) = layer(own) else {
        return vec![format!("`{own}` has no layer: add it to tests/tidy.rs")];
    };
    let mut names = names_after(code, "crate::");
    let is_top = place == format!("{own}.rs") || place == format!("{own}/mod.rs");
    if is_top {
        names.extend(names_after(code, "super::").into_iter().filter(|name| layer(name).is_some()));
    }
    let mut wrong: Vec<String> = names
        .iter()
        .filter(|name| *name != own && layer(name).is_some_and(|other| own_layer <= other))
        .map(|name| format!("`{own}` (layer {own_layer}) names `{name}`"))
        .collect();
    if code.contains("super::super") {
        wrong.push("`super::super`: say `crate::…`, so that it can be checked".to_owned());
    }
    wrong
}

/// Lines before the tests: those of a whole file if all of it is tests are none.
fn lines_without_tests(file: &File, is_test_module: bool) -> usize {
    if is_test_module {
        return 0;
    }
    file.text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

/// Words that mark unfinished work, spelled so that they are not found here.
fn unfinished() -> [String; 3] {
    [["TO", "DO"], ["FIX", "ME"], ["X", "XX"]].map(|halves| halves.concat())
}

/// Beginnings of paths that exist on somebody's machine only.
fn machine_paths() -> Vec<String> {
    ["home", "Users", "root", "work", "tmp"].map(|top| format!("/{top}/")).to_vec()
}

#[test]
fn arrows_point_one_way() {
    for (directory, layers) in [("src", COORDINATOR), ("worker/src", WORKER)] {
        for file in files(&[directory]) {
            let place = file.path.strip_prefix(directory).unwrap().trim_start_matches('/');
            if ["main.rs", "lib.rs"].contains(&place) {
                continue;
            }
            let wrong = upward(place, &file.code(), layers);
            assert!(wrong.is_empty(), "{}: {}", file.path, wrong.join("; "));
        }
    }
}

#[test]
fn modules_keep_to_their_subject() {
    for file in files(&["src", "worker/src"]) {
        for (_, words) in FOREIGN.iter().filter(|(place, _)| file.path.starts_with(place)) {
            let code = file.code();
            let found: Vec<_> = words.iter().filter(|word| has_word(&code, word)).collect();
            assert!(found.is_empty(), "{} speaks of {found:?}", file.path);
        }
    }
}

#[test]
fn only_the_command_line_prints() {
    for file in files(&["src", "worker/src"]) {
        if MAY_PRINT.iter().any(|place| file.path.starts_with(place)) {
            continue;
        }
        let code = file.code();
        let found: Vec<_> = PRINTING.iter().filter(|way| has_call(&code, way)).collect();
        assert!(found.is_empty(), "{} prints with {found:?}", file.path);
    }
}

/// Whether `call`, such as `print!`, stands in `code`, not as the end of a longer name.
fn has_call(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| !code[..at].chars().next_back().is_some_and(is_word))
}

#[test]
fn files_are_short_and_finished() {
    for file in files(&["src", "worker", "tests"]) {
        let is_test_module = file.path.ends_with("/tests.rs")
            || ["src/pool/sim", "tests/", "worker/tests/"]
                .iter()
                .any(|at| file.path.starts_with(at));
        let lines = lines_without_tests(&file, is_test_module);
        assert!(lines <= MAX_LINES, "{} has {lines} lines without its tests", file.path);
        for word in unfinished() {
            assert!(!has_word(&file.text, &word), "{} has a {word}", file.path);
        }
        for path in machine_paths() {
            assert!(!file.text.contains(&path), "{} names a place under {path}", file.path);
        }
    }
}

#[test]
fn every_crate_and_module_says_what_it_is() {
    let begins_with_docs = |file: &&File| !file.text.starts_with("//!");
    let all = files(&["src", "worker/src", "worker/bin", "tests"]);
    // The tests of a module, in a file of their own, are told by its name.
    let modules = all.iter().filter(|file| !file.path.ends_with("/tests.rs"));
    let silent: Vec<_> = modules.filter(begins_with_docs).map(|file| &file.path).collect();
    assert!(silent.is_empty(), "these begin without `//!`: {silent:?}");
}

#[test]
fn comments_and_texts_are_no_code() {
    let check = |text: &str, expected: &str| assert_eq!(code(text), expected, "{text}");
    check("a // b\nc", "a \nc");
    check("a /* b\n */ c", "a \n c");
    check(r#"say("a \" // b") // c"#, "say() ");
    check("if c == '\"' { x } // y", "if c == '\"' { x } ");
    check(r"c == '\'' // y", r"c == '\'' ");
    check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
    check("a / b", "a / b");
}

#[test]
fn names_are_found_in_paths_and_groups() {
    let check = |code: &str, expected: &[&str]| assert_eq!(names_after(code, "crate::"), expected);
    check("use crate::pool::Pool;", &["pool"]);
    check("use crate::{\n    a::{self, b},\n    c,\n    d::e as f,\n};", &["a", "c", "d"]);
    check("let x = crate::pool::error::Kind;", &["pool"]);
    check("use other_crate::pool; pub(crate) fn f() {}", &[]);
}

#[test]
fn a_path_that_points_up_is_found() {
    let layers = &[("top", 2), ("middle", 1), ("beside", 1), ("bottom", 0)];
    let check = |place: &str, code: &str, n: usize| {
        let wrong = upward(place, code, layers);
        assert_eq!(wrong.len(), n, "{place}: {code}: {wrong:?}");
    };
    check("middle/a.rs", "use crate::{bottom::X, middle::Y};", 0);
    check("middle/a.rs", "use crate::{bottom::X, top::Y};", 1);
    check("middle/a.rs", "fn f() { crate::top::g(); crate::beside::h() }", 2);
    check("middle/mod.rs", "use super::top::X; mod tests { use super::*; }", 1);
    check("middle.rs", "use super::bottom::X;", 0);
    check("middle/a.rs", "use super::top::X;", 0); // A submodule of its own, of this name.
    check("bottom/a/b.rs", "use super::super::X;", 1);
    check("new/a.rs", "", 1);
}

#[test]
fn words_and_calls_are_found_whole() {
    assert!(has_word("use x::density;", "density"));
    assert!(!has_word("let densities = density_of(x);", "density"));
    assert!(has_word("Instant::now()", "Instant::now"));
    assert!(has_call("    println!();", "println!") && has_call("io::stderr().lock()", "stderr()"));
    assert!(!has_call("my_println!()", "println!"));
}

#[test]
fn tests_do_not_count_as_lines() {
    let text = "//! a\nfn f() {}\n#[cfg(test)]\nmod tests {}\n".to_owned();
    let file = File { path: "x.rs".to_owned(), text };
    assert_eq!(lines_without_tests(&file, false), 2);
    assert_eq!(lines_without_tests(&file, true), 0);
}
