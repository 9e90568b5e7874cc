//! Every file of the corpora through its target.
//!
//! `--no-default-features` leaves out the targets of the node, and with them RocksDB.
//!
//! After a deliberate change of a format the inputs `valid-*` are made anew: `WRITE_CORPUS=1 cargo test --workspace --test
//! replay`. Read the difference before committing it.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: a broken property must stop the run.

use std::alloc::System;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dalil_fuzz::{TARGETS, Taken, Target, seeds};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All corpora together stay small enough for a repository, in bytes.
const CORPORA_BYTES_MAX: u64 = 2 << 20;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The files of one corpus, in order of their names.
fn files(target: &Target) -> Vec<PathBuf> {
    let folder = corpora().join(target.name);
    let read = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = read.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn write_seeds() {
    for target in TARGETS {
        let folder = corpora().join(target.name);
        std::fs::create_dir_all(&folder).unwrap();
        for old in files(target).iter().filter(|path| name_of(path).starts_with("valid-")) {
            std::fs::remove_file(old).unwrap();
        }
    }
    for seed in seeds::all() {
        std::fs::write(corpora().join(seed.target).join(format!("valid-{}", seed.name)), seed.bytes).unwrap();
    }
}

// One test, for memory is counted over the whole process.
#[test]
fn every_input_of_the_corpora() {
    if std::env::var_os("WRITE_CORPUS").is_some() {
        write_seeds();
    }
    let known: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folders: BTreeSet<_> = std::fs::read_dir(corpora()).unwrap().map(|it| name_of(&it.unwrap().path())).collect();
    assert!(known.is_subset(&folders), "a corpus for each target");
    assert!(folders == known || !cfg!(feature = "node"), "a target for each corpus");
    let (mut bytes_in_all, mut broken, mut refused) = (0, Vec::new(), Vec::new());
    for target in TARGETS {
        let files = files(target);
        assert!(files.iter().any(|path| name_of(path).starts_with("valid-")), "{} has no valid input", target.name);
        for path in &files {
            let bytes = std::fs::read(path).unwrap();
            bytes_in_all += bytes.len() as u64;
            let taken = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes)));
            match taken {
                Err(_) => broken.push(path.clone()),
                Ok(Taken::No) if name_of(path).starts_with("valid-") => refused.push(path.clone()),
                Ok(_) => {}
            }
        }
        println!("{}: {} inputs", target.name, files.len());
    }
    assert!(broken.is_empty(), "these break their targets: {broken:#?}");
    let hint = "if their format was changed on purpose, run this test with WRITE_CORPUS=1";
    assert!(refused.is_empty(), "these are refused; {hint}: {refused:#?}");
    assert!(bytes_in_all <= CORPORA_BYTES_MAX, "the corpora hold {bytes_in_all} bytes, minimise them");
}
