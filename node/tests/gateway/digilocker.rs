//! The pull interface's parts: XML in, the store, XML out.

use std::io::Write as _;
use std::path::Path;

use dalil_ledger::crypto::Hash;
use dalil_node::digilocker::request::{Asked, Format, Kind, Malformed, PullRequest, REQUEST_BYTES_MAX};
use dalil_node::digilocker::response::Head;
use dalil_node::digilocker::store::{Line, Store, name_commitment};
use roxmltree::Document;

use crate::support::token;

fn uri_request(details: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<PullURIRequest xmlns=\"http://tempuri.org/\" ver=\"3.0\" \
         ts=\"2026-06-01T10:00:00+05:30\" txn=\"t-1\" orgId=\"in.gov.wb.district\" keyhash=\"ab\" format=\"both\">\
         <DocDetails>{details}</DocDetails></PullURIRequest>"
    )
}

const DETAILS: &str = "<DocType>DOM</DocType><UDF1> DOM/2026/1 </UDF1><FullName>Asha &amp; Murmu</FullName><Photo/>";

fn read(xml: &str) -> Result<PullRequest, Malformed> {
    PullRequest::from_xml(Kind::Uri, xml.as_bytes())
}

#[test]
fn both_requests_are_read_as_the_specification_names_them() {
    let request = read(&uri_request(DETAILS)).unwrap();
    assert_eq!((request.envelope.ts.as_str(), request.envelope.txn.as_str()), ("2026-06-01T10:00:00+05:30", "t-1"));
    assert_eq!((request.envelope.org_id.as_str(), request.envelope.format), ("in.gov.wb.district", Format::Both));
    let Asked::Uri { doc_type, parameters } = request.asked else { panic!() };
    assert_eq!(doc_type.as_str(), "DOM");
    assert_eq!((parameters["UDF1"].as_str(), parameters["FullName"].as_str()), ("DOM/2026/1", "Asha & Murmu"));
    assert_eq!(parameters.len(), 2, "what is empty is not there");
    // As older senders write it: without a format, the key hash in another case, a prefix for the name space.
    let doc = "<ns2:PullDocRequest xmlns:ns2=\"http://tempuri.org/\" ver=\"1.0\" ts=\"2026-06-01T10:00:00+05:30\" txn=\"2\" \
               orgId=\"x\" keyHash=\"CD\"><DocDetails><URI>in.gov.wb.district-DOM-1</URI></DocDetails></ns2:PullDocRequest>";
    let request = PullRequest::from_xml(Kind::Doc, doc.as_bytes()).unwrap();
    assert_eq!((request.envelope.format, request.envelope.keyhash.as_str()), (Format::Pdf, "CD"));
    assert_eq!(request.asked, Asked::Doc(token("in.gov.wb.district-DOM-1")));
    assert!(PullRequest::from_xml(Kind::Uri, doc.as_bytes()).is_err(), "each at its own address");
}

#[test]
fn xml_bombs_and_what_is_no_request_are_refused() {
    let bomb = "<!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY c \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let bombed =
        uri_request("<DocType>&c;</DocType>").replacen("<PullURIRequest", &format!("{bomb}<PullURIRequest"), 1);
    let outside = "<!DOCTYPE b [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let outside =
        uri_request("<DocType>&f;</DocType>").replacen("<PullURIRequest", &format!("{outside}<PullURIRequest"), 1);
    let empty_type = uri_request(DETAILS).replacen("<PullURIRequest", "<!DOCTYPE b><PullURIRequest", 1);
    let many = uri_request(&(0..300).map(|number| format!("<UDF{number}/>")).collect::<String>());
    let deep = uri_request(&("<a>".repeat(60_000) + &"</a>".repeat(20_000)));
    let deep_closed = uri_request(&("<a>".repeat(30_000) + &"</a>".repeat(30_000)));
    let long = uri_request(&format!("<Photo>{}</Photo>", "A".repeat(REQUEST_BYTES_MAX)));
    for xml in [&bombed, &outside, &empty_type, &many, &deep, &deep_closed] {
        assert!(matches!(read(xml), Err(Malformed::Xml(_))), "{}", &xml[..200]);
    }
    assert!(matches!(read(&long), Err(Malformed::TooLong(_))));
    assert!(read("").is_err() && read("<a/>").is_err() && read("{}").is_err());
    assert_eq!(PullRequest::from_xml(Kind::Uri, &[0xff, 0xfe]), Err(Malformed::Encoding));
    for (what, with) in [
        ("ver=\"3.0\"", "ver=\"2.0\""),
        (" ver=\"3.0\"", ""),
        (" txn=\"t-1\"", ""),
        ("txn=\"t-1\"", "txn=\"two words\""),
        ("ts=\"2026-06-01T10:00:00+05:30\"", "ts=\"\""),
        ("format=\"both\"", "format=\"exe\""),
        (" orgId=\"in.gov.wb.district\"", ""),
        (" keyhash=\"ab\"", ""),
        ("<DocType>DOM</DocType>", ""),
        ("<DocType>DOM</DocType>", "<DocType>D OM</DocType>"),
        ("<DocType>DOM</DocType>", "<DocType>DOM</DocType><DocType>DOM</DocType>"),
        ("DocDetails", "Details"),
    ] {
        let xml = uri_request(DETAILS).replace(what, with);
        assert!(read(&xml).is_err(), "{what} → {with}");
    }
    for hidden in ["\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}", "\u{ad}"] {
        let xml = uri_request(&DETAILS.replace("Asha", &format!("As{hidden}ha")));
        assert_eq!(read(&xml), Err(Malformed::Hidden));
    }
    // A photograph is not kept, however long.
    let photo = uri_request(&DETAILS.replace("<Photo/>", &format!("<Photo>{}</Photo>", "A".repeat(50_000))));
    let Asked::Uri { parameters, .. } = read(&photo).unwrap().asked else { panic!() };
    assert_eq!(parameters.len(), 2);
}

fn line(uri: &str, number: &str, name: &str) -> String {
    let salt = Hash([number.len() as u8; 32]);
    let line =
        Line { uri: token(uri), kind: token("DOM"), number: token(number), salt, name: name_commitment(&salt, name) };
    serde_json::to_string(&line).unwrap() + "\n"
}

fn append(folder: &Path, text: &str) {
    let index = std::fs::OpenOptions::new().append(true).create(true).open(folder.join("index.jsonl"));
    index.unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_document_is_found_by_number_and_name_and_by_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Store::open(folder.path()).is_err(), "no index");
    append(folder.path(), &line("in.gov.wb.district-DOM-1", "DOM/1", "Asha  MURMU "));
    let store = Store::open(folder.path()).unwrap();
    let find = |number: &str, name: &str| store.find(&token("DOM"), &token(number), name).unwrap();
    assert_eq!(find("DOM/1", " asha murmu"), Some(token("in.gov.wb.district-DOM-1")));
    for (number, name) in [("DOM/1", "Asha"), ("DOM/1", ""), ("DOM/1", "AshaMurmu"), ("DOM/2", "Asha Murmu")] {
        assert_eq!(find(number, name), None, "{number}, {name}");
    }
    assert_eq!(store.find(&token("INC"), &token("DOM/1"), "Asha Murmu").unwrap(), None);
    assert!(!std::fs::read_to_string(folder.path().join("index.jsonl")).unwrap().contains("MURMU"));
    // The index grows while the node runs; a line that is being written, or is none, keeps nothing else away.
    append(folder.path(), "not a line\n{\"uri\": \"x\"}\n\n");
    append(folder.path(), &line("in.gov.wb.district-DOM-2", "DOM/2", "Rahim Sk"));
    append(folder.path(), "{\"uri\": \"in.gov.wb.dist");
    assert_eq!(find("DOM/2", "Rahim SK"), Some(token("in.gov.wb.district-DOM-2")));
    assert_eq!(store.number_of(&token("in.gov.wb.district-DOM-1")).unwrap(), Some(token("DOM/1")));
    // A copy after loss: the number leads to the newest document.
    append(folder.path(), &("\n".to_owned() + &line("in.gov.wb.district-DOM-3", "DOM/1", "Asha Murmu")));
    assert_eq!(find("DOM/1", "Asha Murmu"), Some(token("in.gov.wb.district-DOM-3")));
}

#[test]
fn no_uri_leads_out_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), "");
    std::fs::create_dir(folder.path().join("documents")).unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    let store = Store::open(folder.path()).unwrap();
    for uri in [
        "../secret",
        "..",
        ".",
        "/etc/passwd",
        "a/../../secret",
        "..%2fsecret",
        "a\\..\\secret",
        ".hidden",
        "a..b",
        "~",
    ] {
        assert_eq!(store.path_of(&token(uri)), None, "{uri}");
        assert_eq!(store.file(&token(uri)).unwrap(), None, "{uri}");
    }
    std::fs::write(folder.path().join("documents/in.gov.wb.x-DOM-1"), "file").unwrap();
    assert_eq!(store.file(&token("in.gov.wb.x-DOM-1")).unwrap().unwrap(), b"file");
    assert_eq!(store.file(&token("in.gov.wb.x-DOM-2")).unwrap(), None);
    let huge = std::fs::File::create(folder.path().join("documents/in.gov.wb.x-DOM-3")).unwrap();
    huge.set_len(9 << 20).unwrap();
    assert!(store.file(&token("in.gov.wb.x-DOM-3")).is_err());
}

#[test]
fn an_answer_is_well_formed_whatever_it_repeats() {
    let hostile = "\"'><&\u{0}\u{202e}\u{ffff}]]>";
    let xml = Head { kind: Kind::Doc, ts: hostile, txn: hostile }.error(hostile, hostile);
    let document = Document::parse(&xml).unwrap();
    let status = document.root_element().first_element_child().unwrap();
    assert_eq!(document.root_element().tag_name().name(), "PullDocResponse");
    assert_eq!(
        (status.tag_name().name(), status.attribute("Status"), status.text()),
        ("ResponseStatus", Some("0"), Some("0"))
    );
    assert_eq!(status.attribute("txn"), Some("\"'><&\u{202e}]]>"));
}
