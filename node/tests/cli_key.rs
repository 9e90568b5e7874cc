//! `dalil key` and `dalil completions`.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::os::unix::fs::PermissionsExt as _;

use cli::dalil;
use dalil_ledger::checkpoint::VerifierKey;
use dalil_ledger::crypto::SecretKey;

#[test]
fn a_new_key_is_private_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let made = dalil(folder.path(), &["key", "new", "--out", "officer.seed", "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let path = folder.path().join("officer.seed");
    let text = std::fs::read_to_string(&path).unwrap();
    let seed: [u8; 32] = hex::decode(text.trim_end()).unwrap().try_into().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let public = SecretKey::from_seed(&seed).public().to_string();
    assert_eq!(made.json()["public"], public.as_str());
    assert!(!made.out.contains(text.trim_end()), "the seed is never printed");

    let shown = dalil(folder.path(), &["key", "show", "officer.seed"]);
    assert_eq!((shown.code, shown.out.trim_end()), (0, public.as_str()));

    let again = dalil(folder.path(), &["key", "new", "--out", "officer.seed"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("officer.seed"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_validators_keys_come_from_its_seeds() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["validator.seed", "network.seed"] {
        assert_eq!(dalil(folder.path(), &["key", "new", "--out", file]).code, 0);
    }
    let arguments = ["key", "show", "validator.seed", "--validator", "land", "--origin", "ledger.example/wb", "--json"];
    let shown = dalil(folder.path(), &arguments).json();
    let seed = std::fs::read_to_string(folder.path().join("validator.seed")).unwrap();
    let seed = SecretKey::from_seed(&hex::decode(seed.trim_end()).unwrap().try_into().unwrap());
    for purpose in ["consensus", "cosigner", "log"] {
        assert_eq!(shown[purpose], seed.derive(purpose).public().to_string().as_str());
    }
    let vkey = |name: &str| shown[name].as_str().unwrap().parse::<VerifierKey>().unwrap();
    assert_eq!(vkey("cosigner_vkey").name.as_str(), "ledger.example/wb/land");
    assert_eq!(vkey("log_vkey").key, seed.derive("log").public());
    assert!(dalil(folder.path(), &arguments[..7]).out.contains("witness      ledger.example/wb/land+"));
}

#[test]
fn a_damaged_key_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("half.seed"), "00ff").unwrap();
    let shown = dalil(folder.path(), &["key", "show", "half.seed"]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("half.seed: expected 64 hexadecimal digits"), "{}", shown.err);
    let absent = dalil(folder.path(), &["key", "show", "absent.seed", "--json"]);
    assert_eq!(absent.code, 1);
    assert!(absent.json()["error"].as_str().unwrap().contains("absent.seed"));
}

#[test]
fn shells_complete() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = dalil(folder.path(), &["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(script.out.contains("max-age"), "{shell}");
    }
    assert_eq!(dalil(folder.path(), &["completions", "none"]).code, 2);
}
