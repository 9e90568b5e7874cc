//! The explorer and the timelines: every figure is the ledger's, every picture has as many marks as its list has rows, and
//! nothing that somebody types does anything.

use dalil_contracts::Invocation;
use dalil_contracts::land::registers::{Register, RegisterQuestion};
use dalil_ledger::block::{Entry, Header};
use dalil_ledger::validators::ValidatorIndex;
use dalil_node::shell::finality::{BLOCKS_MAX, Finality};
use serde_json::{Value, json};

use crate::browser::{Browser, ENTER, Setting, TAB};
use crate::common::uri;
use crate::host::{Host, Lie};
use crate::ledger::{CHALLAN, CHALLAN_URI, DIVIDED, INHERITED, Node, TOOK_MS, node};

/// The rows of a table, each cell's text.
fn rows(browser: &Browser, css: &str) -> Vec<Vec<String>> {
    let script = "return [...document.querySelectorAll(arguments[0] + ' tbody tr')]
        .map((row) => [...row.children].map((cell) => cell.textContent.trim()));";
    serde_json::from_value(browser.run(script, json!([css]))).unwrap()
}

/// The facts of a list of facts, by name.
fn fact(browser: &Browser, name: &str) -> String {
    let script = "const row = [...document.querySelectorAll('.facts > div')]
        .find((row) => row.querySelector('dt').textContent === arguments[0]);
        return row?.querySelector('dd').textContent ?? null;";
    let found = browser.run(script, json!([name]));
    found.as_str().unwrap_or_else(|| panic!("no fact {name}")).to_owned()
}

fn count(browser: &Browser, css: &str) -> u64 {
    browser.run("return document.querySelectorAll(arguments[0]).length", json!([css])).as_u64().unwrap()
}

fn texts(browser: &Browser, css: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((it) => it.textContent.trim())";
    serde_json::from_value(browser.run(script, json!([css]))).unwrap()
}

/// All headers, by height.
fn headers(node: &Node) -> Vec<Header> {
    let view = node.view();
    (0..=view.head().height).map(|height| view.header(height).unwrap().unwrap()).collect()
}

fn short(hash: impl ToString) -> String {
    format!("{}…", &hash.to_string()[..12])
}

#[test]
fn the_overview_shows_the_newest_head_and_the_last_blocks() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    // The node is shared with tests that take minutes.
    node.publish();
    browser.open(&node.page("/explorer?lang=en"));
    let (view, headers) = (node.view(), headers(node));
    let head = view.head();
    assert_eq!(fact(&browser, "Block"), head.height.to_string());
    assert_eq!(fact(&browser, "Entries in the ledger"), view.log_size().to_string());
    assert_eq!(fact(&browser, "Block id"), view.head_id().to_string());
    assert_eq!(fact(&browser, "Chain id"), node.genesis.chain_id().to_string());
    assert_eq!(fact(&browser, "Vouched for by"), "3 of 4 validators");
    assert_eq!(fact(&browser, "Records waiting"), "7");
    assert!(fact(&browser, "Vouched for, this long ago").ends_with(" IST)"));
    let listed = rows(&browser, "section:not(.health) > table");
    assert_eq!(listed.len(), 10);
    for (row, header) in listed.iter().zip(headers.iter().rev()) {
        assert_eq!(row[0], header.height.to_string());
        assert!(row[1].ends_with(" IST"), "{row:?}");
        assert_eq!(row[2], header.proposer.as_str());
        assert_eq!(row[3], header.record_count.to_string());
        assert_eq!(row[4], short(header.id()));
    }
    // Health is said in words, beside each picture.
    assert_eq!(browser.text(".health h2"), "Network health: in order");
    let signs = texts(&browser, ".findings .sign");
    assert_eq!(signs, vec!["Good:"; 4]);
    assert!(texts(&browser, ".findings li")[2].ends_with("connected to 3 others; a decision needs 3 validators."));
}

/// What is plotted is what the table beside it says, and that is what the ledger and the node's clock say.
#[test]
fn the_plots_are_drawn_of_the_ledgers_own_figures() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    // The node is shared with tests that take minutes.
    node.publish();
    browser.open(&node.page("/explorer?lang=en"));
    let (view, headers) = (node.view(), headers(node));
    let charts = count(&browser, "figure.chart");
    assert_eq!(charts, 3);
    let chart = |place: usize| format!("figure.chart:nth-of-type({place})");
    for place in 1..=3 {
        let (marks, rows) =
            (count(&browser, &format!("{} svg .mark", chart(place))), rows(&browser, &chart(place)).len());
        assert_eq!((marks as usize, rows > 0), (rows, true), "plot {place}");
        let named = browser.attribute(&format!("{} svg", chart(place)), "aria-labelledby").unwrap();
        for id in named.split(' ') {
            assert!(
                !browser
                    .run("return document.getElementById(arguments[0]).textContent", json!([id]))
                    .as_str()
                    .unwrap()
                    .is_empty()
            );
        }
    }
    let rate = rows(&browser, &chart(1));
    assert_eq!(rate.len(), 30);
    for row in &rate {
        let height: usize = row[0].parse().unwrap();
        let passed = headers[height].timestamp_ms - headers[height - 1].timestamp_ms;
        let thousandths = u64::from(headers[height].record_count) * 1_000_000 / passed;
        assert_eq!(row[1], format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
    }
    let head = view.head().height.to_string();
    assert_eq!(TOOK_MS, 1_234_567);
    assert_eq!(rows(&browser, &chart(2)), vec![vec![head, "12,34,567".to_owned()]]);
    let sizes = rows(&browser, &chart(3));
    assert_eq!(sizes.len(), 30);
    for row in &sizes {
        let header = &headers[row[0].parse::<usize>().unwrap()];
        let entries = view.entries_bytes(header.first_entry, header.record_count as usize + 1).unwrap();
        let bytes: usize = entries.iter().map(Vec::len).sum();
        assert_eq!(row[1].replace(',', ""), bytes.to_string());
    }
    // The tallest bar is that of the largest figure.
    let tallest = "const bars = [...document.querySelectorAll(arguments[0] + ' svg .mark')].map((it) => Number(it.getAttribute('height')));
        return bars.indexOf(Math.max(...bars));";
    let place = browser.run(tallest, json!([chart(3)])).as_u64().unwrap() as usize;
    let bytes = |row: &[String]| row[1].replace(',', "").parse::<u64>().unwrap();
    let largest = sizes.iter().map(|row| bytes(row)).max().unwrap();
    assert_eq!(bytes(&sizes[sizes.len() - 1 - place]), largest);
}

#[test]
fn blocks_are_listed_page_by_page_to_the_first() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    browser.open(&node.page("/explorer/blocks?lang=en"));
    let mut seen = Vec::new();
    loop {
        seen.extend(rows(&browser, "main").into_iter().map(|row| row[0].parse::<u64>().unwrap()));
        if count(&browser, ".paging a[rel=next]") == 0 {
            break;
        }
        let url = browser.url();
        browser.follow(".paging a[rel=next]");
        browser.wait(
            "the next page is there",
            &format!("return location.href !== '{url}' && 'ready' in document.documentElement.dataset"),
        );
    }
    let head = node.view().head().height;
    assert_eq!(seen, (0..=head).rev().collect::<Vec<_>>());
    assert!(head > 25, "more than one page");
}

#[test]
fn a_block_shows_its_header_its_records_and_who_signed() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    let view = node.view();
    for height in [0, 1, 3, view.head().height] {
        let header = view.header(height).unwrap().unwrap();
        browser.open(&node.page(&format!("/explorer/blocks/{height}?lang=en")));
        assert_eq!(browser.text("h1"), format!("Block {height}"));
        assert_eq!(fact(&browser, "Block id"), header.id().to_string());
        assert_eq!(fact(&browser, "Made by"), header.proposer.as_str());
        assert_eq!(fact(&browser, "State root"), header.state_root.to_string());
        assert_eq!(fact(&browser, "The block before"), header.parent.to_string());
        assert_eq!(fact(&browser, "Validators of the next block"), header.next_validators_hash.to_string());
        let listed = rows(&browser, "main");
        assert_eq!(listed.len(), header.record_count as usize);
        for (row, index) in listed.iter().zip(header.first_entry..) {
            let Some(Entry::Record(record)) = view.entry(index).unwrap() else { panic!("a header") };
            let said = Invocation::decode(&record.body.call).unwrap();
            assert_eq!(row, &vec![index.to_string(), said.call.name(), said.posting.to_string(), short(record.id())]);
        }
        let signers: Vec<_> = view.commit(height).unwrap().map_or(Vec::new(), |certificate| {
            let seats = certificate.signer_indexes();
            seats.map(|seat| node.genesis.validators.get(seat).unwrap().department.to_string()).collect()
        });
        assert_eq!(texts(&browser, ".signers li"), signers);
        assert_eq!(signers.len(), if height == 0 { 0 } else { 3 });
    }
}

#[test]
fn a_record_is_decoded_and_leads_to_all_that_it_is_about() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    let view = node.view();
    let index = view.history(&format!("challan/{CHALLAN}").parse().unwrap(), 0, 1).unwrap()[0];
    let Some(Entry::Record(record)) = view.entry(index).unwrap() else { panic!("a header") };
    browser.open(&node.page(&format!("/explorer/records/{}?lang=en", record.id())));
    assert_eq!(browser.text("h1"), format!("Record {index}"));
    assert_eq!(fact(&browser, "What was recorded"), "mineral.issue_challan");
    assert_eq!(fact(&browser, "On behalf of"), "posting/minerals/agent-L1");
    assert_eq!(fact(&browser, "Signed by the key"), record.body.signer.to_string());
    assert_eq!(fact(&browser, "Transaction id"), record.id().to_string());
    let fields: std::collections::BTreeMap<_, _> =
        rows(&browser, "section:nth-of-type(2)").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(fields["number"], CHALLAN);
    assert_eq!(fields["quantity.litres"], "11000");
    assert_eq!(fields["destination.receiver.office"], "works/yard");
    let links = |css: &str| -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((it) => it.getAttribute('href'))";
        serde_json::from_value(browser.run(script, json!([css]))).unwrap()
    };
    let links = links("section a");
    for wanted in [
        format!("/check?uri={CHALLAN_URI}&lang=en"),
        format!("/explorer/subject?id=challan%2F{CHALLAN}&lang=en"),
        format!("/v1/receipts/inclusion?index={index}"),
        format!("/v1/records/{index}"),
    ] {
        assert!(links.contains(&wanted), "{wanted} is not among {links:?}");
    }
    // What it leads to is there. A node without a log key gives no COSE receipt.
    let script = "return Promise.all(given[0].map(async (path) => [path, (await fetch(path)).status]));";
    let statuses = browser.run_async(script, json!([links]));
    for found in statuses.as_array().unwrap() {
        let cose = found[0].as_str().unwrap().starts_with("/v1/receipts/cose");
        assert!(found[1] == 200 || cose, "{found}");
    }
}

#[test]
fn a_subjects_history_is_the_ledgers() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    for subject in [format!("challan/{CHALLAN}"), format!("plot/{INHERITED}"), "khatian/2991-106/201".to_owned()] {
        browser.open(&node.page(&format!("/explorer/subject?id={subject}&lang=en")));
        let indexes = node.view().history(&subject.parse().unwrap(), 0, 100).unwrap();
        let listed: Vec<_> = rows(&browser, "main").into_iter().map(|row| row[0].parse::<u64>().unwrap()).collect();
        assert!(!indexes.is_empty(), "{subject}");
        assert_eq!(listed, indexes, "{subject}");
    }
    browser.open(&node.page(&format!("/explorer/subject?id=plot/{INHERITED}&from=1000000&lang=en")));
    assert!(browser.text("main").contains("There are no more records."));
}

/// The same table, made another way.
#[test]
fn validators_are_shown_with_their_turn_and_their_last_vote() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    browser.open(&node.page("/explorer/validators?lang=en"));
    let (view, headers, set) = (node.view(), headers(node), &node.genesis.validators);
    let (head, n) = (view.head().height, set.len() as u64);
    let listed = rows(&browser, "main > table");
    assert_eq!(listed.len(), set.len());
    let certificates: Vec<_> = (1..=head).map(|height| (height, view.commit(height).unwrap().unwrap())).collect();
    for (seat, row) in listed.iter().enumerate() {
        let member = set.get(ValidatorIndex(seat)).unwrap();
        let next = (head + 1..=head + n).find(|height| height % n == seat as u64).unwrap();
        let due = if next == head + 1 { format!("block {next}, the next one") } else { format!("block {next}") };
        let made = headers.iter().filter(|it| it.height > 0 && it.proposer == member.department).count();
        let signs = |bits: u64| bits >> seat & 1 == 1;
        let last = certificates.iter().rev().find(|(_, it)| signs(it.signers)).unwrap().0;
        let signed = if signs(certificates.last().unwrap().1.signers) { "Yes" } else { "No" };
        assert_eq!(
            row[..5],
            [&member.department.to_string(), &seat.to_string(), &due, &made.to_string(), signed]
                .map(|it| it.to_string())
        );
        assert!(row[5].starts_with(&format!("Block {last}, ")) && row[5].ends_with(" ago"), "{row:?}");
    }
    assert_ne!(listed[0][5].split(',').next(), listed[3][5].split(',').next(), "one has not signed for a while");
    let keys = texts(&browser, "details dd");
    let expected = set.iter().flat_map(|it| [it.consensus, it.cosigner, it.log, it.network].map(|key| key.to_string()));
    assert_eq!(keys, expected.collect::<Vec<_>>());
}

#[test]
fn the_search_leads_from_every_name_to_its_page() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    let view = node.view();
    let issued = view.history(&format!("challan/{CHALLAN}").parse().unwrap(), 0, 1).unwrap()[0];
    let Some(Entry::Record(record)) = view.entry(issued).unwrap() else { panic!("a header") };
    let digest = dalil_ledger::crypto::sha256(b"certificate 1");
    let found = [
        (view.head_id().to_string(), format!("/explorer/blocks/{}", view.head().height)),
        (record.id().to_string(), format!("/explorer/records/{issued}")),
        (record.id().to_string().to_uppercase(), format!("/explorer/records/{issued}")),
        ((view.log_size() - 1).to_string(), format!("/explorer/records/{}", view.log_size() - 1)),
        (format!(" challan/{CHALLAN} "), "/explorer/subject".to_owned()),
        (INHERITED.to_owned(), "/plot".to_owned()),
        (CHALLAN_URI.to_owned(), "/check".to_owned()),
        (digest.to_string(), "/check".to_owned()),
    ];
    for (text, path) in found {
        browser.open(&node.page("/explorer?lang=hi"));
        browser.fill("form.search input[name=q]", &text);
        browser.follow("form.search button");
        browser.wait(
            "the page is there",
            &format!("return location.pathname === '{path}' && 'ready' in document.documentElement.dataset"),
        );
        assert!(browser.url().ends_with("lang=hi"), "{text}: {}", browser.url());
    }
    // A number that is both is asked about.
    browser.open(&node.page("/explorer/search?q=3&lang=en"));
    assert_eq!(texts(&browser, "main ul a"), ["Block 3", "Record 3"]);
}

#[test]
fn hostile_questions_get_a_clear_page_and_no_server_error() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    browser.open(&node.page("/explorer?lang=en"));
    let cases = [
        ("/explorer/blocks?below=-1", 400),
        ("/explorer/blocks?below=99999999999999999999", 400),
        ("/explorer/blocks?below=18446744073709551615", 200),
        ("/explorer/blocks?below=0", 200),
        ("/explorer/blocks/18446744073709551615", 404),
        ("/explorer/blocks/x", 400),
        ("/explorer/blocks/%3Cscript%3E", 400),
        ("/explorer/blocks/1?from=18446744073709551615", 200),
        ("/explorer/records/18446744073709551615", 404),
        ("/explorer/records/zz", 400),
        ("/explorer/records/0000000000000000000000000000000000000000000000000000000000000000", 404),
        ("/explorer/subject", 400),
        ("/explorer/subject?id=nobody", 404),
        ("/explorer/subject?id=%E2%80%AE", 400),
        ("/explorer/subject?id=nobody&from=18446744073709551615", 200),
        ("/explorer/search", 400),
        ("/explorer/search?q=%E0%A6%A6", 404),
        ("/explorer/search?q=18446744073709551615", 404),
        ("/explorer/search?q=..%2F..%2Fetc%2Fpasswd", 404),
        ("/plot", 200),
        ("/plot?id=1-1/999999", 404),
        ("/plot?id=x", 400),
        ("/plot?id=%00", 400),
    ];
    let script = "return Promise.all(given[0].map(async (path) => {
        const answer = await fetch(path);
        return [path, answer.status, answer.headers.get('content-type'), answer.headers.get('content-security-policy') !== null];
    }));";
    let paths: Vec<_> = cases.iter().map(|(path, _)| path).collect();
    let answers = browser.run_async(script, json!([paths]));
    for ((path, status), answer) in cases.iter().zip(answers.as_array().unwrap()) {
        assert_eq!(*answer, json!([path, status, "text/html; charset=utf-8", true]));
    }
    for (typed, seen) in [
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("plot/\u{202e}1", "plot/⟨U+202E⟩1"),
        ("\"><script>document.title='x'</script>", "\"><script>document.title='x'</script>"),
    ] {
        browser.open(&node.page("/explorer?lang=en"));
        browser.fill("form.search input[name=q]", typed);
        browser.follow("form.search button");
        browser.wait(
            "the page is there",
            "return location.pathname === '/explorer/search' && 'ready' in document.documentElement.dataset",
        );
        assert_eq!(browser.text("main > p code"), seen);
        assert_eq!(count(&browser, "main img, main script"), 0);
    }
    let long = "a".repeat(301);
    browser.open(&node.page(&format!("/explorer/search?q={long}")));
    assert!(browser.text("main").contains("so long a name"));
}

#[test]
fn a_node_that_published_nothing_says_so() {
    let (node, browser) = (Node::empty(), Browser::start(&Setting::default()));
    browser.open(&node.page("/about"));
    let script = "return Promise.all(given[0].map(async (path) => (await fetch(path)).status));";
    let paths = [
        "/explorer",
        "/explorer/blocks",
        "/explorer/blocks/0",
        "/explorer/records/0",
        "/explorer/validators",
        "/explorer/subject?id=x",
        "/explorer/search?q=1",
        "/plot?id=1-1/1",
    ];
    assert_eq!(browser.run_async(script, json!([paths])), Value::from(vec![503; paths.len()]));
    // Nor does it show a head whose signatures do not count: they are of tomorrow.
    node.publish_at(crate::host::now_ms() + 86_400_000);
    assert_eq!(browser.run_async(script, json!([paths])), Value::from(vec![503; paths.len()]));
    browser.open(&node.page("/explorer?lang=en"));
    assert_eq!(browser.status(), "could_not_check");
    assert!(browser.text("main").contains("do not check out by this node's clock"), "{}", browser.text("main"));
    // From then on it shows what there is: genesis alone, which nothing was measured of.
    node.publish();
    browser.open(&node.page("/explorer?lang=en"));
    assert_eq!(fact(&browser, "Block"), "0");
    assert!(
        texts(&browser, "figure.chart > p").iter().filter(|it| *it == "Nothing has been measured yet.").count() >= 2
    );
}

/// A challan's journey: the records of its way with their places, and as many marks as steps.
#[test]
fn a_challans_journey_is_told_from_its_records() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    browser.open(&node.page(&format!("/check?uri={CHALLAN_URI}&lang=en")));
    assert_eq!(browser.status(), "consumed");
    assert!(browser.is_shown("section.timeline"));
    let names = texts(&browser, ".steps strong");
    let expected = [
        "Validity begins",
        "Issued",
        "Left the gate",
        "Checked on the road",
        "Delivered",
        "Accounted for in a works bill",
        "Validity ends",
        "Now",
    ];
    assert_eq!(names, expected);
    assert_eq!(count(&browser, ".timeline svg .mark"), expected.len() as u64);
    let steps = texts(&browser, ".steps li");
    assert!(steps[2].contains("Load: 17,600 kg"), "{}", steps[2]);
    assert!(steps[3].contains("Checkpost CP-HOOGHLY-01") && steps[3].contains("district 312"), "{}", steps[3]);
    assert!(steps[4].contains("Load: 17,580 kg"), "{}", steps[4]);
    assert!(steps[5].contains("Works bill PWD-KOL-2026-118"), "{}", steps[5]);
    let recorded = node.view().history(&format!("challan/{CHALLAN}").parse().unwrap(), 0, 100).unwrap();
    let links = texts(&browser, ".steps a");
    assert_eq!(links, recorded.iter().map(|index| format!("Record {index}")).collect::<Vec<_>>());
    browser.picture("journey");
}

/// A document's life, from what is proven of it, with the moments that were asked about.
#[test]
fn a_documents_life_is_drawn_of_the_same_steps_as_its_list() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page(&format!("/check?uri={}&lang=en", uri("revoked"))));
    assert_eq!(browser.status(), "revoked");
    assert_eq!(texts(&browser, ".steps strong"), ["Validity begins", "Recorded", "Suspended", "Revoked", "Now"]);
    assert_eq!(count(&browser, ".timeline svg .mark"), 5);
    assert_eq!(count(&browser, ".timeline svg rect.mark"), 2, "what takes it out of force has a shape of its own");
    browser.picture("life");
    let before_ms = crate::host::now_ms() - 80 * 60_000;
    browser.open(&host.page(&format!("/check?uri={}&as_of={before_ms}&lang=en", uri("revoked"))));
    assert_eq!(browser.status(), "suspended");
    assert_eq!(
        texts(&browser, ".steps strong"),
        ["Validity begins", "Recorded", "Suspended", "The day asked about", "Revoked", "Now"]
    );
    assert_eq!(count(&browser, ".timeline svg .mark"), 6);
    browser.open(&host.page(&format!("/check?uri={}&lang=en", uri("nowhere"))));
    assert_eq!((browser.status().as_str(), count(&browser, ".timeline")), ("not_on_record", 0));
}

/// What the node draws stands beside an answer of the device only where both say the same.
#[test]
fn a_lying_nodes_picture_is_not_shown() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let page = host.page(&format!("/check?uri={}&lang=en", uri("revoked")));
    for (lie, shown) in
        [(Lie::None, true), (Lie::SwappedStatus, false), (Lie::StaleCheckpoint, false), (Lie::Silence, false)]
    {
        host.lies(lie);
        browser.open(&page);
        browser.status();
        assert_eq!(browser.is_shown(".timeline"), shown);
    }
}

#[test]
fn a_plots_chain_of_title_is_the_registers() {
    let (node, browser) = (node(), Browser::start(&Setting::default()));
    for (plot, names, lanes) in [
        (INHERITED, vec!["Older register", "Mutation", "Mutation", "Mutation set aside"], 1),
        (DIVIDED, vec!["Older register", "Divided or merged", "New plot", "New plot"], 3),
    ] {
        browser.open(&node.page("/plot?lang=en"));
        browser.fill("form.plot input[name=id]", plot);
        browser.follow("form.plot button");
        browser.wait(
            "the page is there",
            "return location.search.includes('id=') && 'ready' in document.documentElement.dataset",
        );
        assert_eq!(texts(&browser, ".steps strong"), names);
        assert_eq!(count(&browser, "svg.descent .mark"), names.len() as u64);
        assert_eq!(count(&browser, "svg.descent text.number"), names.len() as u64);
        let view = node.view();
        let question = RegisterQuestion::Title(plot.parse().unwrap());
        let Ok(Register::Title(chain)) = question.answer(&view, 0).unwrap() else { panic!("no chain of title") };
        assert_eq!(chain.plots.len(), lanes);
        let records: Vec<u64> =
            texts(&browser, ".steps a").iter().map(|it| it.strip_prefix("Record ").unwrap().parse().unwrap()).collect();
        let mut expected: Vec<_> =
            chain.lines.iter().map(|line| line.record).chain(chain.plots.iter().map(|plot| plot.entered)).collect();
        expected.sort_unstable();
        assert_eq!(records, expected);
        let held = rows(&browser, "main table");
        let in_force: Vec<_> = chain.plots.iter().filter(|plot| !plot.retired).collect();
        assert_eq!(held.len(), in_force.len());
        for (row, plot) in held.iter().zip(in_force) {
            assert_eq!(row[0], plot.id.to_string());
            for holding in &plot.holdings {
                let said = format!("khatian {}: {}", holding.khatian, holding.share);
                assert!(row[3].contains(&said), "{row:?} lacks {said}");
            }
        }
        browser.picture(&format!("plot-{}", plot.replace('/', "-")));
    }
}

#[test]
fn the_explorer_works_without_javascript_and_by_the_keyboard() {
    let node = node();
    let browser = Browser::start(&Setting { script: false, ..Setting::default() });
    browser.go(&node.page("/?lang=en"));
    browser.follow("nav a[href^='/explorer']");
    assert_eq!(browser.text("h1"), "Explorer");
    browser.follow("section table a");
    assert_eq!(browser.text("h1"), format!("Block {}", node.view().head().height));
    browser.follow(".ways a[href^='/plot']");
    browser.fill("form.plot input[name=id]", INHERITED);
    browser.follow("form.plot button");
    assert_eq!(browser.text("h1"), format!("Chain of title of plot {INHERITED}"));
    assert!(browser.is_shown("svg.descent"));
    browser.go(&node.page(&format!("/check?uri={CHALLAN_URI}&lang=en")));
    assert!(browser.is_shown(".timeline svg") && browser.text(".timeline").contains("the word of the server"));

    let browser = Browser::start(&Setting::default());
    browser.open(&node.page("/explorer?lang=en"));
    browser.press(&TAB.to_string());
    browser.press(&ENTER.to_string());
    // Past the header: the explorer's own pages, then the search.
    for _ in 0..5 {
        browser.press(&TAB.to_string());
    }
    let focused = browser
        .run("const it = document.activeElement; return [it.name, getComputedStyle(it).outlineStyle]", json!([]));
    assert_eq!(focused, json!(["q", "solid"]));
    browser.press(INHERITED);
    browser.press(&ENTER.to_string());
    browser.wait("the plot is there", "return location.pathname === '/plot'");
}

/// Heads that are published again, blocks of before and blocks that came late are not measured; only so many are kept.
#[test]
fn finality_is_measured_once_a_block_and_for_so_many_blocks() {
    let mut header = node().view().head().clone();
    let mut at = |height: u64| {
        header.height = height;
        header.clone()
    };
    let finality = Finality::default();
    finality.skip(10);
    let time_ms = at(1).timestamp_ms;
    finality.note(&at(10), time_ms + 1);
    finality.note(&at(11), time_ms + 2);
    finality.note(&at(11), time_ms + 15_000);
    finality.skip(13);
    finality.note(&at(13), time_ms + 3);
    finality.note(&at(14), time_ms - 5);
    let measured: Vec<_> = finality.since(0).iter().map(|it| (it.height, it.took_ms)).collect();
    assert_eq!(measured, [(11, 2), (14, 0)]);
    for height in 15..15 + BLOCKS_MAX as u64 {
        finality.note(&at(height), time_ms);
    }
    let kept = finality.since(0);
    assert_eq!((kept.len(), kept[0].height), (BLOCKS_MAX, 15));
    assert_eq!(finality.since(20).first().map(|it| it.height), Some(20));
}
