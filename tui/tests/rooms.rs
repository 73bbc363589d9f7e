//! Holds the table of rooms: which room may use which. It reads every `crate::room` path of a
//! room's files, wherever it stands, and fails where one is not given.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// `tui/core/src`: a room and what it may use.
const CORE: [(&str, &[&str]); 7] = [
    ("events", &[]),
    ("pipeline", &["events"]),
    ("trace", &["events", "pipeline"]),
    ("text", &["events"]),
    ("faults", &["pipeline", "text"]),
    ("guide", &["events", "pipeline", "text"]),
    ("app", &["events", "pipeline", "trace", "text", "faults", "guide"]),
];

/// `tui/src`: a room and what it may use. The hidden modes' names stand in `main.rs` itself.
const APP: [(&str, &[&str]); 11] = [
    ("main", &["cli", "commands", "runtime"]),
    ("cli", &["commands", "runtime"]),
    ("commands", &["cli", "target", "deploy", "send", "tail", "session", "report"]),
    ("runtime", &["cli", "target", "deploy", "send", "tail", "session", "report", "ui"]),
    ("target", &[]),
    ("deploy", &["target"]),
    ("send", &["target"]),
    ("tail", &["target"]),
    ("session", &[]),
    ("report", &["session"]),
    ("ui", &[]),
];

#[test]
fn rooms_use_only_what_they_are_given() {
    let tui = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = check(&tui.join("core/src"), &CORE);
    wrong.extend(check(&tui.join("src"), &APP));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure_and_the_cloud_knows_nothing_of_the_app() {
    let tui = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dependencies = |manifest: &str| {
        let text = fs::read_to_string(tui.join(manifest)).expect("a manifest");
        let (_, rest) = text.split_once("[dependencies]").expect("dependencies");
        rest.split("\n[").next().unwrap_or_default().to_owned()
    };
    let core = dependencies("core/Cargo.toml");
    for outside in ["tokio", "aws-", "ratatui", "crossterm", "reqwest", "futures", "tailwater-"] {
        assert!(!core.lines().any(|line| line.starts_with(outside)), "core uses {outside}");
    }
    let cloud = dependencies("cloud/Cargo.toml");
    for app in ["tailwater", "ratatui", "crossterm"] {
        assert!(!cloud.lines().any(|line| line.starts_with(app)), "cloud uses {app}");
    }
}

/// The paths that are not given, one a line.
fn check(source: &Path, table: &[(&str, &[&str])]) -> Vec<String> {
    let rooms: BTreeSet<String> = fs::read_dir(source)
        .expect("a source folder")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "lib")
        .collect();
    let named: BTreeSet<String> = table.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(rooms, named, "every room under {} stands in the table", source.display());
    let mut wrong = Vec::new();
    for (room, may_use) in table {
        for file in files(source, room) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                for used in rooms_of(line, &text, number, &rooms) {
                    if used != *room && !may_use.contains(&used.as_str()) {
                        wrong.push(format!("{}:{}: {room} uses {used}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    wrong
}

/// The rooms that a line names: `crate::room…`, `crate::{room…, room…}` over several lines, and
/// `super::` that climbs out of a room's own file.
fn rooms_of(line: &str, text: &str, number: usize, rooms: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in line.match_indices("crate::") {
        let rest = &line[start + "crate::".len()..];
        if rest.starts_with('{') {
            let from_here: String = text.lines().skip(number).collect::<Vec<_>>().join("\n");
            let group = &from_here[from_here.find("crate::{").map_or(0, |at| at + "crate::".len())..];
            found.extend(top_of_group(group));
        } else {
            found.push(first_word(rest));
        }
    }
    found.retain(|name| rooms.contains(name));
    found
}

/// The first names of a `{…}` group's members.
fn top_of_group(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut member = String::new();
    let mut members = Vec::new();
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match letter {
            '{' if depth == 1 => {}
            ',' if depth == 1 => members.push(std::mem::take(&mut member)),
            '}' if depth == 0 => {
                members.push(member);
                break;
            }
            _ => member.push(letter),
        }
    }
    members.iter().map(|member| first_word(member.trim())).collect()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// A room's files: `room.rs`, or everything under `room/`.
fn files(source: &Path, room: &str) -> Vec<PathBuf> {
    let single = source.join(format!("{room}.rs"));
    if single.exists() {
        return vec![single];
    }
    let mut found = Vec::new();
    let mut folders = vec![source.join(room)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a room's folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_path_is_found_wherever_it_stands() {
    let rooms: BTreeSet<String> = ["target", "tail", "ui"].into_iter().map(str::to_owned).collect();
    let of = |text: &str| rooms_of(text.lines().next().unwrap_or_default(), text, 0, &rooms);
    assert_eq!(of("use crate::target::Target;"), ["target"]);
    assert_eq!(of("    let now = crate::tail::now();"), ["tail"]);
    assert_eq!(of("use crate::{\n    target::{A, B},\n    ui,\n};"), ["target", "ui"]);
    assert_eq!(of("use crate::{ui::{self, Screen}, cli};"), ["ui"]);
    assert!(of("crate::SUPERVISE").is_empty());
}
