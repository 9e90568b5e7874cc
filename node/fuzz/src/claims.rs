//! Holders' files, presentations, and presentations made of parts of others.
//!
//! The first byte of an input chooses. Oracle: a file is written and read again as the same; every claim of a holder's file
//! can be shown alone, belongs to the document of that file's root and to no other, and the file that shows it holds no
//! other claim; whatever presentation verifies, however it was put together, shows claims that the document makes and
//! nothing else; a value looks as it reads.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dalil_ledger::claims::{Claim, ClaimName, ClaimValue, HolderFile, Presentation};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::DocumentEntry;
use serde_json::Value;

use crate::memory::bounded;
use crate::receipts::fixture::document;
use crate::wire::{Wire, choose};
use crate::{Input, Taken};

/// What the two documents of [`files`] say.
const CLAIMS: [[(&str, &str); 4]; 2] = [
    [("annual_income_rupees", "54000"), ("district", "বাঁকুড়া"), ("name", "Fatima Khatun"), ("year", "2026")],
    [("annual_income_rupees", "910000"), ("district", "বাঁকুড়া"), ("name", "Rahul Das"), ("year", "2026")],
];

/// A holder's file, a presentation, edits of a true presentation, or a claim's value.
pub fn claims(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] = &[holder_file, presentation, edited, value];
    choose(TABLE, bytes)
}

/// The holders' files of two documents.
pub(crate) fn files() -> &'static [HolderFile; 2] {
    static FILES: OnceLock<[HolderFile; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        [0, 1].map(|which| {
            let claims = CLAIMS[which].map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let mut drawn = 0_u32;
            let random = || {
                drawn += 1;
                Ok::<_, std::convert::Infallible>(sha256(format!("{which} {drawn}").as_bytes()).0)
            };
            HolderFile::make(document(&which.to_string()).uri, BTreeMap::from(claims), random).unwrap()
        })
    })
}

/// The entry of the document that a file with this root belongs to.
fn entry_of(file: &HolderFile, root: Hash) -> DocumentEntry {
    DocumentEntry { uri: file.uri.clone(), claims_root: Some(root), ..document("0") }
}

fn holder_file(bytes: &[u8]) -> Taken {
    let Ok(file) = bounded(bytes, || HolderFile::parse(bytes)) else { return Taken::No };
    assert_eq!(HolderFile::parse(&file.to_bytes()).as_ref(), Ok(&file));
    let root = file.root();
    let other = Hash(root.0.map(|byte| byte ^ 1));
    for (name, claim) in file.claims() {
        let shown = Presentation::disclose(&file, std::slice::from_ref(name), None).unwrap();
        assert_eq!(shown.claims().collect::<Vec<_>>(), [claim]);
        assert_eq!(shown.verify(&entry_of(&file, root)), Ok(()));
        assert!(shown.verify(&entry_of(&file, other)).is_err());
        let text = String::from_utf8(shown.to_bytes()).unwrap();
        let hidden = file.claims().into_values().find(|other| other.salt != claim.salt && is_told(&text, other));
        assert_eq!(hidden, None, "{name} alone was shown");
    }
    Taken::Yes
}

fn is_told(text: &str, claim: &Claim) -> bool {
    text.contains(&claim.salt.to_string())
}

fn presentation(bytes: &[u8]) -> Taken {
    let Ok(shown) = bounded(bytes, || Presentation::parse(bytes)) else { return Taken::No };
    assert_eq!(Presentation::parse(&shown.to_bytes()).as_ref(), Ok(&shown));
    let names: Vec<&ClaimName> = shown.claims().map(|claim| &claim.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "each claim once: {names:?}");
    judge(&shown);
    Taken::Yes
}

/// Whether the presentation verifies as one of a document; then all that it shows is what that document says.
fn judge(shown: &Presentation) -> bool {
    let verifies = files().iter().filter(|file| shown.verify(&entry_of(file, file.root())).is_ok());
    let verifies: Vec<&HolderFile> = verifies.collect();
    for file in &verifies {
        assert_eq!(shown.uri, file.uri);
        let said = file.claims();
        assert!(shown.claims().all(|claim| said.get(&claim.name) == Some(&claim)), "{shown:?}");
    }
    assert!(verifies.len() < 2, "of two documents at once: {shown:?}");
    !verifies.is_empty()
}

/// True presentations of both documents; then a byte each for what is edited, and of which claim.
fn edited(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let mask = input.byte();
    let of = |which: usize, mask: u8| {
        let names = CLAIMS[which].iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        let names: Vec<ClaimName> = names.map(|(_, (name, _))| name.parse().unwrap()).collect();
        Presentation::disclose(&files()[which], &names, None).ok()
    };
    let (Some(mine), Some(other)) = (of(0, mask), of(1, 0x0f)) else { return Taken::No };
    let json = |shown: &Presentation| serde_json::from_slice::<Value>(&shown.to_bytes()).unwrap();
    let (mut file, other) = (json(&mine), json(&other));
    while !input.is_empty() {
        edit(&mut file, &other, &mut input);
    }
    let Ok(shown) = Presentation::parse(file.to_string().as_bytes()) else { return Taken::No };
    if judge(&shown) { Taken::Yes } else { Taken::No }
}

fn edit(file: &mut Value, other: &Value, input: &mut Input<'_>) {
    let (edit, count) = (input.below(9), file["claims"].as_array().map_or(0, Vec::len));
    let (at, from) = (input.below(count), input.below(4));
    if count == 0 {
        return;
    }
    let theirs = &other["claims"][from];
    match edit {
        0 => file["uri"] = other["uri"].clone(),
        1 => file["claims"][at] = theirs.clone(),
        2 => file["claims"][at]["claim"] = theirs["claim"].clone(),
        3 => file["claims"][at]["claim"]["value"] = theirs["claim"]["value"].clone(),
        4 => file["claims"][at]["claim"]["name"] = theirs["claim"]["name"].clone(),
        5 => file["claims"][at]["path"] = theirs["path"].clone(),
        6 => file["claims"][at]["place"] = Value::from(input.byte()),
        7 => drop(file["claims"].as_array_mut().map(|claims| claims.remove(at))),
        _ => {
            let salt = file["claims"][from % count]["claim"]["salt"].clone();
            file["claims"][at]["claim"]["salt"] = salt;
        }
    }
}

fn value(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    let Ok(value) = text.parse::<ClaimValue>() else { return Taken::No };
    assert_eq!(value.as_str(), text);
    assert!(!text.is_empty() && text.trim() == text && !text.chars().any(char::is_control), "{text:?}");
    assert!(!text.contains(['\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{00a0}']), "{text:?}");
    Taken::Yes
}
