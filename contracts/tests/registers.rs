//! What must agree across rooms: parameters have values, codes have a sentence and a test.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dalil_contracts::authority::Role;
use dalil_contracts::authority::dated::Dated;
use support::World;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

fn sources(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    rust_files(&folder).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The text between the quotes of each string literal of a line.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

#[test]
fn each_parameter_that_the_code_names_has_a_value() {
    let plan = World::plan();
    let known: BTreeSet<_> = plan.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let sources = sources("src");
    // `pub const CONFIRM_WITHIN: &str = "authority/confirm_within_ms";`, the value sometimes on the next line.
    let named: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| source.split("const ").skip(1))
        .filter(|rest| rest.split_once('=').is_some_and(|(head, _)| head.contains(": &str ")))
        .filter_map(|rest| literals(rest.split(';').next()?).next())
        .filter(|text| ["authority/", "land/", "mineral/", "certificate/"].iter().any(|room| text.starts_with(room)))
        .filter(|text| !text.ends_with('/'))
        .collect();
    assert!(named.contains("authority/confirm_within_ms"), "{named:?}");
    assert_eq!(named.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn each_parameter_of_the_sample_stands_in_the_documentation_with_its_value() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parameters.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            assert!(cells[2].len() > 1 && cells[3].len() > 8, "unit and meaning: {row}");
            format!("{} = {}", cells[1].trim_matches('`'), cells[4])
        })
        .collect();
    let value = |dated: &[Dated<i64>]| dated.last().unwrap().value;
    let plan = World::plan();
    let sample: BTreeSet<_> =
        plan.parameters.iter().map(|one| format!("{} = {}", one.name, value(&one.values))).collect();
    assert_eq!(listed.symmetric_difference(&sample).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn each_role_has_a_posting() {
    let plan = World::plan();
    let posted: BTreeSet<_> = plan.postings.iter().map(|posting| posting.role).collect();
    let roles: Vec<Role> = serde_json::from_value(roles_of_the_schema()).unwrap();
    assert!(roles.len() >= 30);
    assert_eq!(roles.iter().filter(|role| !posted.contains(role)).collect::<Vec<_>>(), Vec::<&Role>::new());
}

fn roles_of_the_schema() -> serde_json::Value {
    let schema = dalil_contracts::schema();
    let variants = schema.pointer("/$defs/Role/oneOf").unwrap().as_array().unwrap();
    variants.iter().map(|variant| variant["const"].clone()).collect()
}

/// The rows of docs/rules.md that begin with a code: code, sentence, tests.
fn rules() -> Vec<(String, String, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let tests = cells[3].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (cells[1].to_owned(), cells[2].to_owned(), tests)
    })
    .filter(|(code, _, _)| code != "Code")
    .collect()
}

#[test]
fn each_rule_in_the_table_has_a_sentence_and_a_test_that_exists() {
    let tests = sources("tests").concat();
    let rules = rules();
    assert!(rules.len() > 15);
    for (code, sentence, names) in rules {
        assert!(sentence.len() > 8 && !names.is_empty(), "{code}");
        for name in names {
            assert!(tests.contains(&format!("fn {name}(")), "{code}: no test {name}");
        }
    }
}

#[test]
fn each_code_of_authority_registry_and_certificate_stands_in_the_table() {
    let listed: BTreeSet<_> = rules().into_iter().map(|(code, _, _)| code).collect();
    let sources = ["src/authority", "src/registry", "src/certificate"].map(sources).concat().concat();
    let is_code = |text: &str| {
        let digits = text.strip_prefix(['A', 'C', 'D', 'P']);
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let used: BTreeSet<_> = sources.lines().flat_map(literals).filter(|text| is_code(text)).collect();
    assert!(used.len() > 15, "{used:?}");
    assert_eq!(used.iter().filter(|code| !listed.contains(**code)).collect::<Vec<_>>(), Vec::<&&str>::new());
}
