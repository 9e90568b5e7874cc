//! The kinds of events, for those who wait: integrators rely on a kind's name and on the form of its subject.
//!
//! A room emits an event by its name ([`Outcome::event`](crate::Outcome::event)). This table is the one home of the names:
//! a test holds it against the names in the rooms and against `docs/events.md`.

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The room and what happened: `land.deed_registered`.
    pub name: &'static str,
    /// Forms of the subject, what stands in angle brackets being an id.
    pub subject: &'static str,
    /// When it happens.
    pub when: &'static str,
}

const fn kind(name: &'static str, subject: &'static str, when: &'static str) -> Kind {
    Kind { name, subject, when }
}

/// Subject of what happens to a document: its URI.
const DOCUMENT: &str = "in.gov.wb.<document>";

/// Every kind, by room and name.
pub const KINDS: &[Kind] = &[
    kind("authority.administrator_named", "posting/<posting>", "a vote named a department's administrator"),
    kind("authority.certificate_type_set", "certificate-type/<code>", "a vote carried a certificate type"),
    kind("authority.contradiction_recorded", "consensus-key/<key>", "a validator's key is proven to contradict itself"),
    kind("authority.department_changed", "department/<department>", "a vote changed a department's roles"),
    kind("authority.department_founded", "department/<department>", "a vote founded a department"),
    kind("authority.department_retired", "department/<department>", "a vote retired a department"),
    kind("authority.gateways_set", "posting/<posting>", "a department set the gateways of a posting"),
    kind("authority.jurisdiction_changed", "office/<office>", "a department changed where an office may act"),
    kind("authority.key_registered", "key/<key>", "a department registered an officer's key"),
    kind("authority.key_replaced", "key/<key>", "an officer's key gave way to a new one"),
    kind("authority.key_revoked", "key/<key>", "a department revoked an officer's key"),
    kind("authority.office_closed", "office/<office>", "a department closed an office"),
    kind("authority.office_opened", "office/<office>", "a department opened an office"),
    kind("authority.officer_posted", "posting/<posting>", "a department made a posting"),
    kind("authority.parameter_set", "parameter/<name>", "a vote carried a dated value of a parameter"),
    kind("authority.posting_ended", "posting/<posting>", "a department set the end of a posting"),
    kind("authority.upgrade_carried", "protocol/<version>", "a vote carried a protocol upgrade"),
    kind("authority.validator_change_carried", "ballot/<ballot>", "a vote carried a change of the validator set"),
    kind("authority.validator_change_in_force", "ballot/<ballot>", "from the next height the changed set decides"),
    kind("authority.validator_change_lapsed", "ballot/<ballot>", "a carried change waited too long"),
    kind("authority.validator_change_refused", "ballot/<ballot>", "a carried change broke a rule when it came due"),
    kind("authority.validator_joined", "validator/<department>", "a new member showed that it follows the chain"),
    kind("authority.validator_ready", "validator/<department>", "an incoming member proved that it holds its keys"),
    kind("authority.vote_cast", "ballot/<ballot>", "a department voted"),
    kind("certificate.application_received", "application/<application>", "an office took in an application"),
    kind("certificate.application_refused", "application/<application>", "the office refused an application"),
    kind("certificate.class_struck", "strike/<order>", "a second officer confirmed a class strike"),
    kind("certificate.issued", DOCUMENT, "a certificate was issued; once for each of a batch"),
    kind("certificate.query_answered", "application/<application>", "the applicant answered a query"),
    kind("certificate.query_raised", "application/<application>", "the office asked the applicant; the clock stands"),
    kind("certificate.replaced", DOCUMENT, "a certificate was superseded by correction, reissue or renewal"),
    kind("certificate.restored", DOCUMENT, "a suspended or revoked certificate is in force again"),
    kind("certificate.revoked", DOCUMENT, "a certificate was revoked"),
    kind("certificate.strike_ordered", "strike/<order>", "a class strike waits for a second officer"),
    kind("certificate.strike_stay_lifted", "strike/<order>", "a court lifted its stay of a class strike"),
    kind("certificate.strike_stayed", "strike/<order>", "a court stayed a class strike"),
    kind("certificate.suspended", DOCUMENT, "a certificate was suspended"),
    kind("land.case_filed", "case/<case>", "a mutation case was taken in"),
    kind("land.case_moved", "case/<case>", "fee, enquiry, notice, hearing or appeal: the case is at its next stage"),
    kind("land.charge_entered", "plot/<plot>", "an encumbrance was entered"),
    kind("land.charge_released", "plot/<plot>", "an encumbrance was released"),
    kind("land.confirmation_awaited", "plot/<plot>", "a freeze or vesting waits for a second officer"),
    kind("land.deed_cancelled", "deed/<deed>", "a court cancelled a deed"),
    kind("land.deed_flagged", "deed/<deed>", "the deed gives more than is held, or is a second one over a share"),
    kind("land.deed_registered", "deed/<deed>", "a registration office recorded a deed"),
    kind("land.imported", "mouza/<mouza>", "khatians and plots came from the older register"),
    kind("land.mouza_registered", "mouza/<mouza>", "a mouza was entered"),
    kind(
        "land.mutation_allowed",
        "case/<case>",
        "a mutation was allowed and applied, by order, on appeal or automatically",
    ),
    kind("land.mutation_rejected", "case/<case>", "a mutation was rejected"),
    kind("land.mutation_remanded", "case/<case>", "an appeal sent a case back to notice"),
    kind("land.mutation_set_aside", "case/<case>", "a mutation was undone, on appeal or by a court"),
    kind("land.mutation_upheld", "case/<case>", "an appeal upheld the order"),
    kind("land.objected", "case/<case> or deed/<deed>", "a party objected"),
    kind("land.objection_lifted", "case/<case> or deed/<deed>", "an objection was disposed of"),
    kind("land.plot_converted", "plot/<plot>", "a plot's class was converted"),
    kind("land.plot_frozen", "plot/<plot>", "a second officer confirmed a freeze"),
    kind("land.plot_rectified", "plot/<plot>", "a clerical error was corrected"),
    kind("land.plot_settled", "plot/<plot>", "vested land was settled"),
    kind("land.plot_sheet_issued", "plot/<plot>", "a signed sheet of a plot was issued"),
    kind("land.plot_split", "plot/<plot>", "a plot was divided and retired"),
    kind("land.plot_unfrozen", "plot/<plot>", "a freeze ended"),
    kind("land.plot_vested", "plot/<plot>", "a second officer confirmed a vesting"),
    kind("land.plots_amalgamated", "plot/<plot>", "plots were merged into this one"),
    kind("land.ror_issued", "khatian/<khatian>", "a signed extract was issued"),
    kind("land.stay_lifted", "case/<case> or deed/<deed>", "a stay ended"),
    kind("land.stayed", "case/<case> or deed/<deed>", "a court stayed a case or a deed's mutation"),
    kind("land.ulpin_assigned", "plot/<plot>", "a plot got its unique parcel number"),
    kind("mineral.auction_recorded", "mining_block/<block>", "an auction's result was recorded"),
    kind("mineral.block_registered", "mining_block/<block>", "a mining block was entered"),
    kind("mineral.block_reopened", "mining_block/<block>", "a mining block came up for auction again"),
    kind("mineral.challan_cancelled", "challan/<number>", "a challan was cancelled before gate-out"),
    kind("mineral.challan_checked", "challan/<number> or vehicle/<vehicle>", "a load was checked on the road"),
    kind("mineral.challan_delivered", "challan/<number>", "a load was delivered"),
    kind("mineral.challan_delivered_late", "challan/<number>", "a load was delivered after its time"),
    kind("mineral.challan_extended", "challan/<number>", "a challan's time was extended"),
    kind("mineral.challan_gated_out", "challan/<number>", "a load left with its weight"),
    kind("mineral.challan_issued", "challan/<number>", "a challan was issued"),
    kind("mineral.challan_lapsed", "challan/<number>", "a challan expired unused; its reservation returned"),
    kind("mineral.challan_redeemed", "challan/<number>", "a challan was redeemed in a works bill"),
    kind("mineral.challan_released", "challan/<number>", "a seized load was released"),
    kind("mineral.challan_seized", "challan/<number>", "a load was seized"),
    kind("mineral.challan_synced", "challan/<number>", "a challan issued off the network was entered"),
    kind("mineral.challan_transhipped", "challan/<number>", "a load went on in another vehicle"),
    kind(
        "mineral.challan_void",
        "challan/<number>",
        "a challan issued off the network was refused and its number used up",
    ),
    kind(
        "mineral.clone_suspected",
        "challan/<number> or vehicle/<vehicle>",
        "checks at places that one truck cannot have reached",
    ),
    kind("mineral.device_registered", "device/<device>", "a device for work off the network was entered"),
    kind("mineral.expired_challan_shown", "challan/<number>", "a check met an expired challan"),
    kind("mineral.held_challan_shown", "challan/<number>", "a check met a challan whose load was seized"),
    kind("mineral.lease_changed", "lease/<lease>", "a lease was changed"),
    kind("mineral.lease_granted", "lease/<lease>", "a lease was granted"),
    kind("mineral.load_without_challan_seen", "vehicle/<vehicle>", "a check met a load without a challan"),
    kind("mineral.loi_issued", "mining_block/<block>", "a letter of intent was issued"),
    kind("mineral.offence_booked", "offence/<offence>", "an offence was booked"),
    kind("mineral.offence_compounded", "offence/<offence>", "an offence was compounded"),
    kind("mineral.offence_forwarded", "offence/<offence>", "an offence was forwarded"),
    kind("mineral.other_vehicle_seen", "challan/<number>", "a check met another vehicle than the challan's"),
    kind(
        "mineral.overlapping_challan_shown",
        "challan/<number>",
        "a check met a pending challan beside a live one of the vehicle",
    ),
    kind("mineral.overload_seen", "challan/<number> or vehicle/<vehicle>", "a check met an overload"),
    kind("mineral.payment_attested", "grn/<grn>", "Finance attested a payment"),
    kind(
        "mineral.pending_challan_shown",
        "challan/<number>",
        "a check met a challan issued off the network and not yet entered",
    ),
    kind("mineral.permit_granted", "permit/<permit>", "a permit was granted"),
    kind("mineral.range_allocated", "range/<range>", "numbers were set aside for issue off the network"),
    kind("mineral.range_closed", "range/<range>", "a range of numbers was closed"),
    kind("mineral.spent_challan_shown", "challan/<number>", "a check met a challan that had ended"),
    kind("mineral.stockyard_registered", "stockyard/<yard>", "a stockyard was entered"),
    kind("mineral.ungated_challan_shown", "challan/<number>", "a check met a challan that was never gated out"),
    kind("mineral.unknown_challan_shown", "challan/<number>", "a check met a number that is not on record"),
    kind("mineral.vehicle_registered", "vehicle/<vehicle>", "Transport entered a vehicle or changed its entry"),
    kind("mineral.void_challan_shown", "challan/<number>", "a check met a challan that was found void"),
];

/// The kind with this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// Whether a subject has one of this kind's forms.
    pub fn fits(&self, subject: &str) -> bool {
        let forms = self.subject.split(" or ").filter_map(|form| form.split_once('<'));
        forms.into_iter().any(|(prefix, _)| subject.len() > prefix.len() && subject.starts_with(prefix))
    }
}
