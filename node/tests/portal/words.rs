//! The words, and which language somebody reads.

use std::collections::BTreeSet;

use dalil_node::portal::Language;

/// Keys of the tables, and how many paragraphs explain.
fn keys(language: Language) -> BTreeSet<String> {
    let words = language.words();
    let tables = [
        ("ask", &words.ask),
        ("answer", &words.answer),
        ("scan", &words.scan),
        ("checkpost", &words.checkpost),
        ("checkpost_reason", &words.checkpost_reason),
        ("checkpost_finding", &words.checkpost_finding),
        ("status", &words.status),
        ("status_words", &words.status_words),
        ("reason", &words.reason),
        ("provenance", &words.provenance),
        ("event", &words.event),
        ("trouble", &words.trouble),
        ("timeline", &words.timeline),
        ("explorer", &words.explorer),
        ("descent", &words.descent),
        ("plot", &words.plot),
        ("court", &words.court),
        ("verifier", &words.verifier),
    ];
    let named = tables.iter().flat_map(|(table, words)| words.keys().map(move |key| format!("{table}.{key}")));
    named.chain([format!("{} paragraphs", words.explain.text.len())]).collect()
}

#[test]
fn every_language_has_the_same_words() {
    let english = keys(Language::En);
    for language in Language::ALL {
        let other = keys(language);
        let differing: Vec<_> = english.symmetric_difference(&other).collect();
        assert!(differing.is_empty(), "{language:?}: {differing:?}");
    }
    for table in ["status", "status_words"] {
        for status in [
            "valid",
            "not_yet_valid",
            "expired",
            "suspended",
            "revoked",
            "superseded",
            "consumed",
            "cancelled",
            "seized",
            "not_on_record",
            "could_not_check",
        ] {
            assert!(english.contains(&format!("{table}.{status}")), "{table}.{status}");
        }
    }
}

/// A placeholder that one language lacks would hide a date or a count from its readers.
#[test]
fn every_language_fills_in_the_same_values() {
    let values = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
    };
    let tables = |language: Language| {
        let words = language.words();
        [
            &words.ask,
            &words.answer,
            &words.scan,
            &words.timeline,
            &words.explorer,
            &words.descent,
            &words.plot,
            &words.court,
            &words.checkpost,
        ]
    };
    let mut filled = 0;
    for (place, english) in tables(Language::En).into_iter().enumerate() {
        for key in english.keys() {
            let expected = values(english.get(key));
            filled += usize::from(!expected.is_empty());
            for language in Language::ALL {
                assert_eq!(values(tables(language)[place].get(key)), expected, "{language:?} {key}");
            }
        }
    }
    assert!(filled >= 15, "{filled}");
}

/// Every event of a challan's way has its words.
#[test]
fn every_event_of_a_journey_has_its_words() {
    let words = &Language::En.words().timeline;
    let kinds = dalil_contracts::events::KINDS.iter().filter(|kind| kind.subject.contains("challan/"));
    let missing: Vec<_> =
        kinds.filter(|kind| words.find(kind.name.strip_prefix("mineral.").unwrap()).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_checkpost_page_has_words_for_every_reason() {
    let english = Language::En.words();
    let vectors = include_str!("../../../contracts/tests/vectors/checkpost.jsonl");
    for line in vectors.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        if let Some(reason) = line["expected"]["reason"].as_str() {
            assert!(english.checkpost_reason.find(reason).is_some(), "{reason}");
        }
    }
}

/// Each code that a check can end with has its words.
#[test]
fn every_trouble_has_its_words() {
    let source = include_str!("../../portal/verify.js");
    let known: BTreeSet<_> = Language::En.words().trouble.keys().collect();
    let mut codes: BTreeSet<&str> =
        source.match_indices("refuse(\"").map(|(at, start)| &source[at + start.len()..]).collect();
    codes = codes.into_iter().filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert!(codes.len() >= 4, "{codes:?}");
    codes.extend([
        "number_missing",
        "number_wrong",
        "number_link",
        "number_several",
        "certificate_parts",
        "day_wrong",
        "day_without",
        "evidence_subject",
        "evidence_incomplete",
        "busy",
        "not_a_record",
        "not_held",
        "internal",
        "code_missing",
        "code_photo",
        "code_none",
        "code_unreadable",
        "code_foreign",
        "slip_wrong",
        "malformed",
        "pin_wrong",
        "pin_expired",
        "other_chain",
        "other_validators",
        "stale",
        "future_moment",
        "incomplete",
        "checkpoint_wrong",
        "proof_wrong",
        "other_document",
        "unreachable",
        "no_ed25519",
        "unknown",
    ]);
    let missing: Vec<_> = codes.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_language_is_the_one_most_wanted_of_those_known() {
    let cases = [
        ("", Language::En),
        ("fr, de", Language::En),
        ("bn-IN,bn;q=0.9,en;q=0.8", Language::Bn),
        ("fr;q=1.0, hi;q=0.5, bn;q=0.7", Language::Bn),
        ("en;q=0, hi;q=0.001", Language::Hi),
        ("HI", Language::Hi),
        ("hi;q=2, bn;q=x, en;q=0.1", Language::En),
    ];
    for (header, language) in cases {
        assert_eq!(Language::accepted(header), language, "{header}");
    }
}
