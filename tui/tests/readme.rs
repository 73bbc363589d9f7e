//! The README says what is there.

use std::{fs, path::Path};

use tailwater_core::app::keymap;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).expect("the README")
}

#[test]
fn its_keys_are_those_of_the_key_map() {
    let table = keymap::markdown();
    assert!(readme().contains(table.trim()), "put this table into the README:\n\n{table}");
}

#[test]
fn its_faults_are_those_of_the_table() {
    let table = tailwater_core::faults::markdown();
    assert!(readme().contains(table.trim()), "put this table into the README:\n\n{table}");
}

#[test]
fn its_paths_are_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = readme();
    let paths: Vec<&str> = readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| ["tui/", "handler/", "assets/", ".ci/"].iter().any(|folder| text.starts_with(folder)))
        .collect();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        assert!(top.join(path).exists(), "{path}");
    }
}
