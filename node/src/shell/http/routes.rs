//! Every operation of the interface for clients, with its handler and its description.

use axum::extract::DefaultBodyLimit;
use axum::routing;
use dalil_contracts::mineral::checkpost::BookQuestion;
use dalil_contracts::mineral::enquiry::SignedEnquiry;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::receipt::{RegisterReceipt, StatusReceipt};

use super::api::{Api, Kind, Operation, PAGES, forms, get, post};
use super::{
    App, checkpost, cose, description, docs, enforcement, events, evidence, governance, land, log, membership, qr,
    ready, records, rpc, schema, status, verify, witnesses,
};
use crate::service::{Ask, Batch, Verified};
use crate::shell::handle::NodeStatus;

const VERIFICATION: &str = "verification";
const CHECKPOST: &str = "checkpost";
const RECORDS: &str = "records";
const REGISTERS: &str = "registers";
const GOVERNANCE: &str = "governance";
const LOG: &str = "log";
const NODE: &str = "node";

/// What clients may ask, apart from the portal's pages.
pub(super) fn api() -> Api<App> {
    let api = described(checkpost_of(verification(Api::new())));
    portal(node(log_of(governance_of(registers(records_of(api))))))
}

/// A code, as a picture or as what it says.
fn code(operation: Operation) -> Operation {
    operation
        .query::<qr::Which>()
        .answer(200, "The code.", Kind::bytes("image/svg+xml"))
        .answer(200, "The code.", Kind::bytes("image/png"))
        .answer(200, "What the code says.", Kind::text())
        .problem(404, "It is not on record.")
        .problem(422, "It does not fit a code: take the file.")
}

fn checkpost_of(api: Api<App>) -> Api<App> {
    let receipt = || Kind::json::<RegisterReceipt>();
    api.serve(
        get("/v1/checkpost/numbers", CHECKPOST, "Numbers of challans and ranges, a page at a time; the node's word")
            .query::<checkpost::Since>()
            .answer(200, "A page.", Kind::json::<checkpost::Numbers>())
            .problem(404, "Older than what this node holds."),
        routing::get(checkpost::numbers),
    )
    .serve(
        post("/v1/checkpost/book", CHECKPOST, "What a checkpost takes along, as a register receipt")
            .body(Kind::json::<BookQuestion>())
            .answer(200, "The receipt.", receipt())
            .problem(415, "The body is not declared as JSON.")
            .problem(422, "The body is JSON of another form, or asks for too much."),
        routing::post(checkpost::book).layer(DefaultBodyLimit::max(checkpost::QUESTION_BYTES_MAX)),
    )
    .serve(
        get("/v1/checkpost/challan", CHECKPOST, "A challan as it stands, as a register receipt")
            .query::<checkpost::OfNumber>()
            .answer(200, "The receipt.", receipt()),
        routing::get(checkpost::challan),
    )
}

fn verification(api: Api<App>) -> Api<App> {
    let answer = || Kind::json::<Verified>();
    api.serve(
        get("/v1/verify", VERIFICATION, "Is this document genuine and still in force?")
            .about(
                "Ask by `uri`, `digest`, `index`, `plot`, `challan` (with `vehicle`), `number` (with `department` and \
                 `type`) or `receipt`: exactly one of them. The answer is the node's word; its receipts are the proof.",
            )
            .query::<Ask>()
            .answer(200, "The answer with its receipts; also where nothing could be checked.", answer()),
        routing::get(verify::ask),
    )
    .serve(
        post("/v1/verify", VERIFICATION, "The same for a document's file; only its SHA-256 is used")
            .body(Kind::bytes("application/octet-stream"))
            .answer(200, "The answer.", answer()),
        routing::post(verify::ask_by_file),
    )
    .serve(
        post("/v1/verify/receipt", VERIFICATION, "Is this receipt good, and what of its document today?")
            .body(Kind::text())
            .answer(200, "The answer.", answer()),
        routing::post(verify::ask_by_receipt),
    )
    .serve(
        post("/v1/verify/batch", VERIFICATION, "Up to 1,000 questions, answered on one checkpoint")
            .body(Kind::json::<Batch>())
            .answer(200, "All answers, in the order of the questions.", Kind::json::<verify::BatchAnswer>())
            .problem(413, "The body is too long, or it holds too many questions."),
        routing::post(verify::batch),
    )
    .serve(
        get("/v1/receipts/status", VERIFICATION, "A status receipt (`.dalil-status`)")
            .query::<verify::OfDocument>()
            .answer(200, "The receipt.", Kind::json::<StatusReceipt>())
            .tagged(),
        routing::get(verify::status_receipt),
    )
    .serve(
        get("/v1/receipts/inclusion", VERIFICATION, "An inclusion receipt (`.tlog-proof`)")
            .query::<verify::Where>()
            .answer(200, "The receipt.", Kind::text())
            .problem(404, "There is no such record here."),
        routing::get(verify::inclusion_receipt),
    )
    .serve(
        get("/v1/receipts/cose", VERIFICATION, "The inclusion of a record as a COSE receipt (RFC 9942)")
            .about("Signed by this validator's log key alone; the quorum stands behind the C2SP form.")
            .query::<verify::Where>()
            .answer(200, "The receipt.", Kind::bytes("application/cose"))
            .problem(404, "There is no such record here."),
        routing::get(cose::receipt),
    )
    .serve(
        code(get("/v1/qr/a", VERIFICATION, "QR A: a link with the document's name and digest, for paper")),
        routing::get(qr::link),
    )
    .serve(code(get("/v1/qr/c", VERIFICATION, "QR C: an inclusion receipt")), routing::get(qr::inclusion))
    .serve(
        post("/v1/enforcement/live-challan", VERIFICATION, "The live challan of a vehicle, for enforcement officers")
            .body(Kind::json::<SignedEnquiry>())
            .answer(200, "The challan, and the state keys that prove it.", Kind::json::<enforcement::LiveChallan>())
            .problem(403, "The enquiry is not signed by an enforcement officer in office, or is old.")
            .problem(415, "The body is not declared as JSON.")
            .problem(422, "The body is JSON of another form."),
        routing::post(enforcement::live_challan),
    )
}

fn records_of(api: Api<App>) -> Api<App> {
    let submitted = || Kind::json::<records::Submitted>();
    api.serve(
        post("/v1/records", RECORDS, "Hands in a signed record")
            .query::<records::Wait>()
            .body(Kind::json::<records::SubmittedRecord>())
            .answer(200, "Final, at a log index.", submitted())
            .answer(202, "Taken and not known to be final: ask again by id.", submitted())
            .problem(409, "Recorded already, or waiting.")
            .problem(422, "Refused by a rule, whose code is given."),
        routing::post(records::submit),
    )
    .serve(
        get("/v1/records/{which}", RECORDS, "An entry of the log")
            .within::<forms::IndexOrId>("which")
            .answer(200, "The entry, decoded and as bytes.", Kind::json::<records::Shown>())
            .problem(404, "There is no such entry here.")
            .tagged(),
        routing::get(records::show),
    )
    .serve(
        get("/v1/history", RECORDS, "The records about a subject, a page at a time")
            .query::<records::HistoryQuery>()
            .answer(200, "A page.", Kind::json::<records::History>())
            .problem(404, "Older than what this node holds."),
        routing::get(records::history),
    )
    .serve(
        get("/v1/events", RECORDS, "What happens, as server-sent events, resumable")
            .query::<events::EventsQuery>()
            .header::<forms::Text>("Last-Event-ID", "The event that was seen last, such as `17-0`.")
            .answer(200, "The stream; the data of each event is JSON.", Kind::bytes("text/event-stream"))
            .problem(404, "Older than what this node holds."),
        routing::get(events::stream),
    )
    .serve(
        get("/v1/schema", RECORDS, "JSON Schema of every call")
            .answer(200, "The schema.", Kind::json::<forms::Object>())
            .tagged(),
        routing::get(schema),
    )
    .serve(
        get("/v1/schema/event", RECORDS, "JSON Schema of an event")
            .answer(200, "The schema.", Kind::json::<forms::Object>())
            .tagged(),
        routing::get(events::event_schema),
    )
}

fn registers(api: Api<App>) -> Api<App> {
    let register = |operation: Operation| {
        operation.answer(200, "The register and the receipt that proves it.", Kind::json::<land::ShownRegister>())
    };
    api.serve(
        register(get("/v1/land/title", REGISTERS, "A plot's chain of title").query::<land::OfPlot>()),
        routing::get(land::title),
    )
    .serve(
        register(get("/v1/land/encumbrances", REGISTERS, "What lies on a plot").query::<land::OfPlot>()),
        routing::get(land::encumbrances),
    )
    .serve(
        register(
            get("/v1/land/pendency", REGISTERS, "Mutation cases that wait for an office").query::<land::OfOffice>(),
        ),
        routing::get(land::pendency),
    )
}

fn governance_of(api: Api<App>) -> Api<App> {
    use governance::{FromNumber, OfBallot, OfParameter, Page, ShownBallot, ShownParameter, ShownProtocol};
    let none = "There is none.";
    api.serve(
        get("/v1/validators", GOVERNANCE, "The validators of the next height").answer(
            200,
            "The set, and changes of it that wait.",
            Kind::json::<membership::ShownValidators>(),
        ),
        routing::get(membership::validators),
    )
    .serve(
        get("/v1/handovers", GOVERNANCE, "What renews a pin").query::<membership::From>().answer(
            200,
            "Handovers and the newest head.",
            Kind::json::<membership::ShownHandovers>(),
        ),
        routing::get(membership::handovers),
    )
    .serve(
        get("/v1/ballot", GOVERNANCE, "A ballot with its votes")
            .query::<OfBallot>()
            .answer(200, "The ballot.", Kind::json::<ShownBallot>())
            .problem(404, none),
        routing::get(governance::ballot),
    )
    .serve(
        get("/v1/ballots", GOVERNANCE, "All ballots, a page at a time").query::<FromNumber>().answer(
            200,
            "A page.",
            Kind::json::<Page<ShownBallot>>(),
        ),
        routing::get(governance::ballots),
    )
    .serve(
        get("/v1/parameter", GOVERNANCE, "A dated parameter")
            .query::<OfParameter>()
            .answer(200, "Its values and the one in force.", Kind::json::<ShownParameter>())
            .problem(404, none),
        routing::get(governance::parameter),
    )
    .serve(
        get("/v1/parameters", GOVERNANCE, "All dated parameters, a page at a time").query::<FromNumber>().answer(
            200,
            "A page.",
            Kind::json::<Page<ShownParameter>>(),
        ),
        routing::get(governance::parameters),
    )
    .serve(
        get("/v1/protocol", GOVERNANCE, "The version of the protocol, and upgrades to come").answer(
            200,
            "The versions.",
            Kind::json::<ShownProtocol>(),
        ),
        routing::get(governance::protocol),
    )
    .serve(
        get("/v1/evidence", GOVERNANCE, "What this node can prove against validators")
            .query::<evidence::EvidenceQuery>()
            .answer(200, "A page.", Kind::json::<evidence::EvidencePage>()),
        routing::get(evidence::list),
    )
}

fn log_of(api: Api<App>) -> Api<App> {
    api.serve(
        get("/checkpoint", LOG, "The cosigned checkpoint (C2SP signed-note)")
            .about("Lines of outside witnesses that cosigned it too stand last, while the note keeps at most 16 lines.")
            .answer(200, "The note.", Kind::text())
            .tagged(),
        routing::get(witnesses::checkpoint),
    )
    .serve(
        get("/witnesses/checkpoint", LOG, "The newest checkpoint that outside witnesses cosigned (C2SP signed-note)")
            .about("It may be older than `/checkpoint`. The validators' lines stand first, and count as in any other note.")
            .query::<witnesses::HowMany>()
            .answer(200, "The note.", Kind::text())
            .problem(404, "No head was cosigned by so many witnesses since this node started.")
            .tagged(),
        routing::get(witnesses::cosigned),
    )
    .serve(
        get("/tile/{*path}", LOG, "A tile of the log (C2SP tlog-tiles)")
            .within::<forms::TilePath>("path")
            .answer(200, "The tile.", Kind::bytes("application/octet-stream"))
            .problem(404, "The log has no such tile yet, or this node does not hold it.")
            .tagged(),
        routing::get(log::tile),
    )
    .serve(
        get("/genesis", LOG, "Canonical genesis, whose hash is the chain's id")
            .answer(200, "Its bytes.", Kind::bytes("application/octet-stream"))
            .tagged(),
        routing::get(log::genesis),
    )
    .serve(
        get("/v1/attachments/{root}", LOG, "The leaf list of a batch, canonical bytes")
            .within::<forms::Root>("root")
            .answer(200, "Its bytes.", Kind::bytes("application/octet-stream"))
            .problem(404, "There is no such batch here.")
            .tagged(),
        routing::get(log::attachment),
    )
    .serve(
        get("/policy", LOG, "The policy (C2SP tlog-policy). Take it from a source that you trust")
            .answer(200, "The policy.", Kind::text())
            .tagged(),
        routing::get(log::policy),
    )
    .serve(
        get("/pin", LOG, "A verifier's pin. Take it from a source that you trust").answer(
            200,
            "The pin.",
            Kind::json::<Pin>(),
        ),
        routing::get(log::pin),
    )
    .serve(
        get("/v1/blocks/{height}", LOG, "A block")
            .within::<forms::Height>("height")
            .answer(200, "Header, transaction ids and commit certificate.", Kind::json::<log::ShownBlock>())
            .problem(404, "There is no such block here.")
            .tagged(),
        routing::get(log::block),
    )
    .serve(
        get("/v1/state", LOG, "A value of the state with its proof").query::<log::StateQuery>().answer(
            200,
            "The value, or its absence.",
            Kind::json::<log::ShownState>(),
        ),
        routing::get(log::state),
    )
}

fn node(api: Api<App>) -> Api<App> {
    api.serve(
        get("/v1/status", NODE, "Where the node stands").answer(200, "Its standing.", Kind::json::<NodeStatus>()),
        routing::get(status),
    )
    .serve(
        get("/v1/witnesses", NODE, "Outside witnesses, what they cosigned last, and why they do not").answer(
            200,
            "The witnesses.",
            Kind::json::<witnesses::ShownWitnesses>(),
        ),
        routing::get(witnesses::list),
    )
    .serve(
        get("/health/live", NODE, "Whether the process runs").answer(200, "It does.", Kind::text()),
        routing::get(|| async { "live\n" }),
    )
    .serve(
        get("/health/ready", NODE, "Whether the node can answer")
            .answer(200, "It can.", Kind::json::<NodeStatus>())
            .answer(503, "It cannot yet: no head is published, or it is behind.", Kind::json::<NodeStatus>()),
        routing::get(ready),
    )
}

fn described(api: Api<App>) -> Api<App> {
    let document = || Kind::json::<forms::Object>();
    api.serve(
        post("/rpc", NODE, "JSON-RPC 2.0: one call or a batch of up to 100")
            .about("`/openrpc.json` describes the methods. Errors of JSON-RPC come with status 200.")
            .body(Kind::json::<forms::Message>())
            .answer(200, "The answer to each call that is no notification.", Kind::json::<forms::Message>())
            .empty(204, "There were notifications only."),
        routing::post(rpc::post),
    )
    .serve(
        get("/rpc", NODE, "JSON-RPC 2.0 over a WebSocket, with subscriptions to heads and events")
            .empty(101, "The connection is a WebSocket from now on.")
            .problem(400, "The request asks for no upgrade to a WebSocket.")
            .problem(426, "This connection cannot be upgraded."),
        routing::get(rpc::upgrade),
    )
    .serve(
        get("/openrpc.json", NODE, "The description of `/rpc`, OpenRPC")
            .answer(200, "The description.", document())
            .tagged(),
        routing::get(rpc::openrpc),
    )
    .serve(
        get("/openapi.json", NODE, "This description, OpenAPI 3.1")
            .answer(200, "The description.", document())
            .tagged(),
        routing::get(description::openapi),
    )
    .serve(
        get("/openapi-3.0.json", NODE, "This description, OpenAPI 3.0")
            .answer(200, "The description.", document())
            .tagged(),
        routing::get(description::openapi_30),
    )
    .serve(
        get("/docs", NODE, "This description for people").answer(200, "A page.", Kind::html()).tagged(),
        routing::get(docs::page),
    )
    .serve(
        get("/docs/{file}", NODE, "What that page loads")
            .within::<forms::DocsFile>("file")
            .answer(200, "The file.", Kind::bytes("text/javascript"))
            .answer(200, "The file.", Kind::bytes("text/css"))
            .problem(404, "There is no such file.")
            .tagged(),
        routing::get(docs::file),
    )
}

/// The portal's pages are served by its own room.
fn portal(api: Api<App>) -> Api<App> {
    use crate::portal::{AskOfPortal, Reader};
    let page = || Kind::html();
    let api = api
        .describe(get("/", PAGES, "The form").query::<Reader>().answer(200, "A page.", page()))
        .describe(get("/about", PAGES, "How this is checked").query::<Reader>().answer(200, "A page.", page()))
        .describe(
            get("/check", PAGES, "An answer for people")
                .query::<AskOfPortal>()
                .answer(200, "A page with the answer.", page())
                .answer(400, "A page that says why this is no question.", page())
                .answer(503, "A page that says why nothing could be checked.", page()),
        )
        .describe(
            get("/evidence", PAGES, "What a court is handed about a document, a challan or a plot, as a page to print")
                .query::<AskOfPortal>()
                .answer(200, "The page; its files are within it.", page())
                .answer(400, "A page that says why this is no question.", page())
                .answer(503, "A page that says why it could not be gathered and checked.", page()),
        )
        .describe(get("/scan", PAGES, "The page that reads codes").query::<Reader>().answer(200, "A page.", page()))
        .describe(
            post("/scan", PAGES, "A photo or the text of a code, as a form")
                .query::<Reader>()
                .body(Kind::bytes("multipart/form-data"))
                .answer(200, "A page with the answer.", page())
                .empty(303, "A link leads to the answer of its document.")
                .answer(400, "A page that says why this is no code.", page())
                .answer(503, "A page that says why nothing could be checked.", page()),
        )
        .describe(get("/checkpost", PAGES, "The page that checks trucks without a network").query::<Reader>().answer(
            200,
            "A page.",
            page(),
        ))
        .describe(
            get("/checkpost-worker.js", PAGES, "Keeps the checkpost page's files in a browser")
                .answer(200, "The file.", Kind::bytes("text/javascript"))
                .tagged(),
        )
        .describe(
            get("/portal/{name}", PAGES, "Scripts and style")
                .within::<forms::FileName>("name")
                .answer(200, "The file.", Kind::bytes("text/javascript"))
                .answer(200, "The file.", Kind::bytes("text/css"))
                .problem(404, "There is no such file.")
                .tagged(),
        )
        .describe(
            get("/portal/fonts.css", PAGES, "The style sheet that names the fonts")
                .answer(200, "The sheet; an empty one where this machine has no fonts.", Kind::bytes("text/css"))
                .tagged(),
        )
        .describe(
            get("/portal/fonts/{font}", PAGES, "A font")
                .within::<forms::FontName>("font")
                .answer(200, "The font.", Kind::bytes("font/ttf"))
                .problem(404, "There is no such font.")
                .tagged(),
        )
        .describe(get("/verifier.html", PAGES, "The verifier in one file").answer(200, "The file.", page()).tagged());
    explorer(api)
}

/// The explorer's pages, which are served by its own room.
fn explorer(api: Api<App>) -> Api<App> {
    use crate::portal::Reader;
    use crate::portal::explorer::{AskOfBlock, AskOfBlocks, AskOfPlot, AskOfSearch, AskOfSubject};
    let leaf = |path, summary| {
        get(path, PAGES, summary).answer(200, "A page.", Kind::html()).answer(
            503,
            "A page that says why nothing can be shown.",
            Kind::html(),
        )
    };
    let asked = |path, summary| {
        leaf(path, summary)
            .answer(400, "A page that says why this is no question.", Kind::html())
            .answer(404, "A page that says that there is no such thing here.", Kind::html())
            .problem(404, "There is no such page.")
    };
    api.describe(leaf("/explorer", "The newest head, the network's health, the last blocks").query::<Reader>())
        .describe(asked("/explorer/blocks", "Blocks, a page at a time").query::<AskOfBlocks>())
        .describe(asked("/explorer/blocks/{height}", "A block").within::<forms::Height>("height").query::<AskOfBlock>())
        .describe(asked("/explorer/records/{which}", "A record").within::<forms::IndexOrId>("which").query::<Reader>())
        .describe(asked("/explorer/subject", "The records about a subject, a page at a time").query::<AskOfSubject>())
        .describe(leaf("/explorer/validators", "The validators, their turns and their last votes").query::<Reader>())
        .describe(
            asked("/explorer/search", "From an id, a number or a name to its page")
                .query::<AskOfSearch>()
                .empty(303, "Leads to the page of what was found."),
        )
        .describe(asked("/plot", "A plot's chain of title, for people").query::<AskOfPlot>())
}
