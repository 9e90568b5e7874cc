//! The answer at the barrier, for the officer.

use dalil_contracts::mineral::checkpost::{Earlier, Judgement, Reason, Verdict};

use super::check::Answer;
use crate::cli::output::{bold, fact};
use crate::cli::qr::slip_facts;
use crate::time::{clock, ist, span};

pub(super) fn answer(answer: &Answer) -> String {
    let (headline, mut lines) = match &answer.judged {
        Ok(judged) => (headline(judged), facts(judged, answer.at_ms)),
        Err(why) => ("COULD NOT CHECK".to_owned(), vec![fact("reason", why)]),
    };
    if let Some(said) = &answer.said {
        lines.extend(slip_facts(said));
    }
    lines.push(match &answer.recorded {
        Ok(counter) => fact("recorded", format_args!("check {counter} of this device, to be synced")),
        Err(why) => fact("NOT recorded", why),
    });
    format!("{}\n\n{}", bold(&headline), lines.join("\n"))
}

fn headline(judged: &Judgement) -> String {
    match judged.verdict {
        Verdict::Valid => "VALID".to_owned(),
        Verdict::ValidOffline => format!("VALID-OFFLINE (as of {} IST)", clock(judged.as_of_ms)),
        Verdict::Invalid => format!("INVALID ({})", reason(judged.reason)),
        Verdict::CouldNotCheck => "COULD NOT CHECK".to_owned(),
    }
}

fn facts(judged: &Judgement, at_ms: u64) -> Vec<String> {
    let age = span(at_ms.saturating_sub(judged.as_of_ms));
    let mut lines = vec![
        fact("reason", reason(judged.reason)),
        fact("bundle", format_args!("as of {}, {age} old; what came later is not known here", ist(judged.as_of_ms))),
    ];
    if let Some(Earlier { observed_at_ms, post, same_vehicle }) = &judged.earlier {
        let on = if *same_vehicle { "this plate" } else { "ANOTHER PLATE" };
        lines.push(fact("SHOWN BEFORE", format_args!("on {on} at {}, {}", post, ist(*observed_at_ms))));
    }
    for alert in judged.alerts.iter() {
        let name = serde_json::to_value(alert).ok().and_then(|name| name.as_str().map(str::to_owned));
        lines.push(fact("on record", format_args!("an earlier check found: {}", name.unwrap_or_default())));
    }
    lines
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::InForce => "on record and in force",
        Reason::IssuedSince => "issued since, by its issuer's word alone",
        Reason::Pending => "issued off the network, by its issuer's word; not on record yet",
        Reason::StaleBundle => "the bundle is too old: sync it",
        Reason::ClockBehind => "this device's clock is behind the bundle's time: set it",
        Reason::NotAChallan => "the code is not of a challan",
        Reason::NothingShown => "no challan is shown",
        Reason::UnknownIssuer => "no issuer known here signed the code: forged, or newer than the bundle",
        Reason::BadSignature => "the signature is wrong: forged or altered",
        Reason::OtherSite => "signed by a key of another lease or stockyard, or of another range",
        Reason::IssuerEnded => "the issuer's key was revoked or its time is over",
        Reason::NotYetValid => "its validity has not begun",
        Reason::Expired => "its validity is over",
        Reason::OtherVehicle => "issued for another plate",
        Reason::RecordDiffers => "the record says otherwise than the code",
        Reason::NotOnRecord => "it should be on record and is not",
        Reason::RangeUsedUp => "its range of numbers for issue off the network is used up",
        Reason::Consumed => "used up: the load was delivered",
        Reason::Transhipped => "another vehicle took the load over",
        Reason::Cancelled => "withdrawn before it left",
        Reason::Seized => "the load was seized",
        Reason::Void => "found void: issued off the network against a rule",
        Reason::Clone => "this plate was just seen where this truck cannot have been",
        Reason::ShownBefore => "it was shown here before: a second truck, or a second journey",
        Reason::Overload => "heavier than the vehicle may be",
    }
}
