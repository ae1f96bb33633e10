//! A request and a notice in words, for either side: who asks what, what was answered, and every message that can be
//! opened here.

use super::reply::listed;
use crate::{
    cli::words,
    client::{
        answering::read_notice,
        desk::Desk,
        identity::Identity,
        requests::{OwnersAnswer, Side},
    },
    model::{
        ids::{Digest, PartyId},
        purpose::Purpose,
        request::ItemAnswer,
    },
    wire::api::{NoticeSummary, RequestSummary},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// What owners answered, by the digest of each statement.
pub(super) type Answers = BTreeMap<Digest, OwnersAnswer>;

/// With whose eyes messages are read.
pub(super) struct Reader<'a> {
    /// The desk: its own identity, and the register's names.
    pub(super) desk: &'a Desk,
    /// A unit's identity.
    pub(super) unit: Option<&'a Identity>,
}

impl Reader<'_> {
    /// A request in words; its answers as far as they were fetched.
    pub(super) fn request(&self, request: &RequestSummary, answers: &Answers) -> String {
        let asked = &request.request;
        let mut text = format!(
            "{}\n  from      {}\n  asks      {}\n  report    {}\n  for       {}\n  basis     {}\n  asked     {}, answer due by {}\n  state     {}",
            request.id,
            self.name(request.institution),
            words::asked(asked.kind),
            asked.report,
            listed(&asked.purposes),
            asked.legal_basis,
            words::moment(request.at),
            words::moment(asked.deadline),
            self.items(request, answers),
        );
        // Writing to a string cannot fail.
        if let Some(grant) = asked.grant {
            let _ = write!(text, "\n  grant     {grant}");
        }
        if let Some(until) = asked.keep_until {
            let _ = write!(text, "\n  keep      until {}", words::moment(until));
        }
        if let Some(sealed) = &asked.sealed_message {
            let _ = write!(text, "\n  message   {}", self.message(sealed, TO_OWNER));
        }
        text
    }

    /// A notice in words.
    pub(super) fn notice(&self, notice: &NoticeSummary) -> String {
        let opened = self.desk.read_message(&notice.notice.sealed_message, self.unit);
        let said = match opened.as_deref().map(read_notice) {
            None => format!("  message   {}", self.to_unit()),
            Some(None) => format!("  message   {}", indented(opened.as_deref().unwrap_or_default())),
            Some(Some((reference, message))) => format!(
                "  message   {}\n  ask       amana request create {reference} --purpose PURPOSE --legal-basis TEXT --deadline DAYS",
                message.map_or_else(|| "(none)".to_owned(), indented)
            ),
        };
        format!(
            "{}\n  notice from somebody who has something to ask for, told {}, until {}\n{said}",
            notice.id,
            words::moment(notice.at),
            words::moment(notice.notice.until)
        )
    }

    /// For programs; messages that were not opened are null.
    pub(super) fn request_json(&self, request: &RequestSummary, answers: &Answers) -> serde_json::Value {
        let replies = answers.iter().filter(|(_, answer)| answer.request == request.id).map(|(statement, answer)| {
            let message = answer.sealed_message.as_deref().and_then(|sealed| self.desk.read_message(sealed, self.unit));
            serde_json::json!({
                "statement": statement, "purposes": answer.purposes, "reason": answer.reason, "message": message,
            })
        });
        let message = request.request.sealed_message.as_deref();
        serde_json::json!({
            "id": request.id, "at": request.at, "officer": request.officer, "institution": request.institution,
            "institution_name": self.name(request.institution), "request": request.request,
            "answers": request.answers, "replies": replies.collect::<Vec<_>>(),
            "message": message.and_then(|sealed| self.desk.read_message(sealed, self.unit)),
        })
    }

    /// For programs.
    pub(super) fn notice_json(&self, notice: &NoticeSummary) -> serde_json::Value {
        let opened = self.desk.read_message(&notice.notice.sealed_message, self.unit);
        let read = opened.as_deref().and_then(read_notice);
        serde_json::json!({
            "notice": notice.id, "at": notice.at, "until": notice.notice.until,
            "reference": read.as_ref().map(|(reference, _)| reference.to_string()),
            "message": match &read { Some((_, message)) => message.map(str::to_owned), None => opened.clone() },
        })
    }

    fn items(&self, request: &RequestSummary, answers: &Answers) -> String {
        let item = |purpose: &Purpose| match request.answers.get(purpose) {
            None => format!("{purpose}: open"),
            Some(ItemAnswer::Granted(grant)) => format!("{purpose}: granted by {grant}"),
            Some(ItemAnswer::Refused(statement)) => format!("{purpose}: refused{}", self.said(*statement, answers)),
            Some(ItemAnswer::Asked(statement)) => format!("{purpose}: asked back{}", self.said(*statement, answers)),
        };
        request.request.purposes.iter().map(item).collect::<Vec<_>>().join("\n            ")
    }

    fn said(&self, statement: Digest, answers: &Answers) -> String {
        let Some(answer) = answers.get(&statement) else { return format!(" by {statement}") };
        let mut text = answer.reason.map_or_else(String::new, |reason| format!(" ({})", words::reason(reason)));
        if let Some(sealed) = &answer.sealed_message {
            let _ = write!(text, ": {}", self.message(sealed, self.to_unit()));
        }
        text
    }

    fn message(&self, sealed: &str, otherwise: &str) -> String {
        self.desk.read_message(sealed, self.unit).map_or_else(|| otherwise.to_owned(), |text| indented(&text))
    }

    /// Whoever wrote it reads their own words nowhere: they were sealed to the other side.
    fn to_unit(&self) -> &'static str {
        match self.desk.side() {
            Side::Owner => "(sealed to the institution's unit; this device keeps no copy)",
            Side::Institution(_) => "(sealed to a unit, whose identity opens it: --unit-identity FILE)",
        }
    }

    fn name(&self, institution: PartyId) -> String {
        let row = self.desk.mirror().institution(institution);
        row.map_or_else(
            || format!("an institution the register does not know, {institution}"),
            |row| words::institution(&row.record),
        )
    }
}

const TO_OWNER: &str = "(sealed to the owner of the report; this identity cannot open it)";

/// Lines under one another, so that none looks like a line of this program's.
fn indented(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\n            | ").replace("| \n", "|\n")
}
