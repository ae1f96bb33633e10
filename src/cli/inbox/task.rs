//! One thing to be done, in words: what it is, by when, and the commands that settle it.

use crate::{
    cli::words,
    client::{
        accounting::terms_of,
        desk::Desk,
        requests::{Side, unanswered},
    },
    model::{
        answer::{Answer, Owes},
        grant::{Grant, GrantState},
        ids::PartyId,
        purpose::Purpose,
        request::ItemAnswer,
        time::Timestamp,
    },
    wire::api::{GrantSummary, InboxItem, InboxThing, NoticeSummary, RequestSummary},
};

/// One thing to be done.
pub(super) struct Task {
    /// What, in one or two sentences.
    pub(super) what: String,
    /// By when.
    pub(super) when: String,
    /// Any of these settles it.
    pub(super) commands: Vec<String>,
}

impl Task {
    /// What an item of an inbox means on this side.
    pub(super) fn of(desk: &Desk, item: &InboxItem) -> Self {
        let when = if item.overdue { Self::overdue(item) } else { format!("by {}", words::moment(item.by)) };
        let (what, commands) = match (&item.thing, desk.side()) {
            (InboxThing::Request(request), Side::Owner) => asked(desk, request, item.overdue),
            (InboxThing::Request(request), Side::Institution(_)) => asked_back(request),
            (InboxThing::Notice(notice), _) => told(notice),
            (InboxThing::Grant(grant), side) => match (terms_of(grant), side) {
                (Ok(terms), Side::Owner) => given(desk, grant, &terms),
                (Ok(terms), Side::Institution(_)) => granted(desk, grant, &terms),
                // The inbox was checked when it was read.
                (Err(_), _) => (format!("The grant {} is not to be believed.", grant.id), Vec::new()),
            },
        };
        Self { what, when, commands }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let commands: String = self.commands.iter().flat_map(|command| ["\n    ", command]).collect();
        format!("{}  {}{commands}", self.when, self.what)
    }

    fn overdue(item: &InboxItem) -> String {
        let since = words::moment(item.by);
        match &item.thing {
            // It is owed from the moment of collecting on; that is no fault yet.
            InboxThing::Grant(grant) if grant.awaiting.is_some() => format!("since {since}"),
            _ => format!("OVERDUE since {since}"),
        }
    }
}

type Words = (String, Vec<String>);

/// The owner is asked.
fn asked(desk: &Desk, request: &RequestSummary, late: bool) -> Words {
    let (id, body) = (request.id, &request.request);
    let open = unanswered(request);
    let purposes: Vec<&str> = open.iter().map(Purpose::as_str).collect();
    let refuse = format!("amana request refuse {id}");
    let what = format!(
        "{} asks {} ({}), report {}.",
        name(desk, request.institution),
        words::asked(body.kind),
        purposes.join(", "),
        body.report
    );
    if late {
        return (format!("{what} It is too late to grant or to ask back; refusing closes it."), vec![refuse]);
    }
    let replaces = body.grant.map_or_else(String::new, |grant| format!(" --replaces {grant}"));
    let to = request.institution;
    let grant = format!(
        "amana grant create {} --to {to} --purpose {} --answers {id}{replaces}",
        body.report,
        purposes.join(",")
    );
    let look = format!("amana request show {id}");
    (what, vec![look, grant, refuse, format!("amana request ask {id} --message TEXT")])
}

/// The owner asked back.
fn asked_back(request: &RequestSummary) -> Words {
    let asked = |purpose: &&Purpose| matches!(request.answers.get(*purpose), Some(ItemAnswer::Asked(_)));
    let purposes: Vec<&str> = request.request.purposes.iter().filter(asked).map(Purpose::as_str).collect();
    let what = format!(
        "The owner of report {} has a question about your request ({}). Answer with another request that says more.",
        request.request.report,
        purposes.join(", ")
    );
    (what, vec![format!("amana request show {} --unit-identity FILE", request.id)])
}

fn told(notice: &NoticeSummary) -> Words {
    let what =
        "Somebody let you know that there is something to ask for. Who they are is known by a key alone.".to_owned();
    (what, vec![format!("amana request show {} --unit-identity FILE", notice.id)])
}

/// A grant of this person's, or of a report they own with others.
fn given(desk: &Desk, grant: &GrantSummary, terms: &Grant) -> Words {
    let (id, to) = (grant.id, name(desk, grant.institution));
    let show = format!("amana grant show {id}");
    if grant.effective_at.is_none() {
        let what =
            format!("Another owner of report {} granted it to {to}; it waits for you to agree or not.", grant.report);
        return (what, vec![show, format!("amana grant approve {id}"), format!("amana grant revoke {id}")]);
    }
    if let Some(missing) = second_yes(grant, terms, desk.now()) {
        return (format!("Your grant to {to} waits for your second yes, and before that: {missing}."), vec![show]);
    }
    let what = format!("Your grant to {to} waits for your second yes; nothing else is missing.");
    (what, vec![show, format!("amana grant complete {id}"), format!("amana grant revoke {id}")])
}

/// What is missing before the second yes, if anything is.
fn second_yes(grant: &GrantSummary, terms: &Grant, now: Timestamp) -> Option<String> {
    let agree = u32::try_from(grant.officer_approvals.len()).unwrap_or(u32::MAX);
    let missing = terms.officer_approvals.saturating_sub(agree);
    if missing > 0 {
        Some(format!("{missing} more officer(s) of the institution have to agree"))
    } else if now < grant.releasable_from {
        Some(format!("the waiting time runs until {}", words::moment(grant.releasable_from)))
    } else {
        None
    }
}

/// A grant to this institution.
fn granted(desk: &Desk, grant: &GrantSummary, terms: &Grant) -> Words {
    let id = grant.id;
    if let Some(release) = grant.awaiting {
        let what = format!(
            "Release {release} was collected and is not acknowledged; nothing more is released under this grant before it is."
        );
        return (what, vec!["amana release open FILE --unit-identity FILE --into FOLDER --acknowledge".to_owned()]);
    }
    if let Answer::Owed { because, .. } = grant.answer {
        return (owed(because, grant, terms), vec![format!("amana release status {id} --became WORD")]);
    }
    let agree = u32::try_from(grant.officer_approvals.len()).unwrap_or(u32::MAX);
    let missing = terms.officer_approvals.saturating_sub(agree);
    let approve = format!("amana release approve {id}");
    if missing > 0 {
        let what = format!(
            "{missing} more officer(s), beside the one who collects, have to agree before report {} is collected.",
            grant.report
        );
        return (what, vec![approve]);
    }
    if grant.state == (GrantState::HeaderPending {}) {
        let what = format!(
            "Report {} was granted to you; its owner says a second yes before it can be collected.",
            grant.report
        );
        return (what, vec![format!("amana grant show {id}")]);
    }
    let purpose = terms.purposes.first().map_or("PURPOSE", Purpose::as_str);
    let what = if terms.officers.is_empty() || terms.officers.contains(&desk.identity().key_id()) {
        format!("Report {} can be collected from {} on.", grant.report, words::moment(grant.releasable_from))
    } else {
        format!("Report {} can be collected by the officers the grant names; you are not one of them.", grant.report)
    };
    (what, vec![format!("amana release fetch {id} --purpose {purpose} --out FILE")])
}

fn owed(because: Owes, grant: &GrantSummary, terms: &Grant) -> String {
    let said = grant.became.as_ref().map_or_else(String::new, |said| {
        format!(" You said on {}: your institution {}.", words::moment(said.at), words::became(&said.became))
    });
    let keep = terms.keep_until.map_or_else(String::new, |until| format!(" (until {})", words::moment(until)));
    match because {
        Owes::Withdrawn => format!(
            "The information of report {} was withdrawn after you collected it. Say what became of it.{said}",
            grant.report
        ),
        Owes::Keeping => format!(
            "Report {} may be kept for a time{keep}. Then say that it is gone, or why it cannot be.{said}",
            grant.report
        ),
    }
}

fn name(desk: &Desk, institution: PartyId) -> String {
    let row = desk.mirror().institution(institution);
    row.map_or_else(|| institution.to_string(), |row| row.record.name.to_string())
}
