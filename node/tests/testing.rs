//! `docs/testing.md` names the test of each failure that the design lists. Here: that every one of them is there.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // What is not as expected must stop the test.

use std::collections::BTreeSet;
use std::path::Path;

/// Adds the names of the tests in a folder's Rust files.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                if let Some((name, _)) = name.and_then(|rest| rest.split_once('(')) {
                    if is_test {
                        names.insert(name.to_owned());
                    }
                    is_test = false;
                }
            }
        }
    }
}

#[test]
fn every_failure_of_the_design_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names = BTreeSet::new();
    for folder in ["ledger/tests", "consensus/tests", "node/tests"] {
        collect(&root.join(folder), &mut names);
    }
    let text = std::fs::read_to_string(root.join("docs/testing.md")).unwrap();
    let section = text.split("## ").find(|section| section.starts_with("Failures that must be tests")).unwrap();
    let rows: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).collect();
    let rows: Vec<_> = rows.into_iter().filter(|(failure, _)| *failure != "Failure").collect();
    assert!(rows.len() >= 35, "{} failures", rows.len());
    for (failure, tests) in rows {
        // `binary room::name`: names of tests are sentences.
        let named = tests.split('`').skip(1).step_by(2).filter(|name| name.contains('_'));
        let named: Vec<_> = named.filter_map(|name| name.rsplit([' ', ':', '…']).next()).collect();
        assert!(!named.is_empty(), "no test: {failure}");
        for name in named {
            assert!(names.contains(name), "there is no test {name}, which plays {failure:?}");
        }
    }
}
