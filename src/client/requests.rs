//! Requests as either side reads them: what the broker lists is believed only under the signature of the officer who
//! asked, and what answers it stands in the log.
//!
//! Sealed messages are opened here and nowhere else. Start at [`Desk::requests`] and [`Desk::answers`].

use super::{
    desk::{Desk, DeskError},
    identity::Identity,
    seal::open_message,
};
use crate::{
    model::{
        ids::{AgeRecipient, Digest, PartyId, ReportId, RequestId},
        party::Holder,
        purpose::Purpose,
        request::{ItemAnswer, RefusalReason},
        statement::{Body, Kind, is_bidi_control},
    },
    wire::{
        api::{Listing, RequestSummary},
        statement::Unverified,
    },
};
use std::{collections::BTreeMap, str::FromStr};

/// On which side of a request or grant this desk stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Whoever owns reports, by what this device knows; the register names no advocates.
    Owner,
    /// An institution: one of its officers, or its root key.
    Institution(PartyId),
}

/// A report and where to write to its owner: `ID.age1…`, handed over by another channel or in a notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// The report.
    pub report: ReportId,
    /// What messages to its owner are sealed to.
    pub owner: AgeRecipient,
}

/// What an owner answered, as it stands in the log.
#[derive(Clone, Debug)]
pub struct OwnersAnswer {
    /// The request.
    pub request: RequestId,
    /// The items it is about.
    pub purposes: Vec<Purpose>,
    /// Why, if it is a refusal; a question gives none.
    pub reason: Option<RefusalReason>,
    /// More, sealed to the institution's unit.
    pub sealed_message: Option<String>,
}

impl Desk {
    /// Access requests received or sent, each signed by an officer of the institution it names.
    ///
    /// # Errors
    /// [`DeskError::Forged`] when one of them is not; [`DeskError`].
    pub fn requests(&mut self) -> Result<Vec<RequestSummary>, DeskError> {
        let listing: Listing<RequestSummary> = self.remote.fetch("/v1/requests", self.signed_in())?;
        for request in &listing.items {
            self.is_asked(request)?;
        }
        Ok(listing.items)
    }

    /// One request of those.
    ///
    /// # Errors
    /// As [`Desk::requests`], and when there is none such.
    pub fn request(&mut self, id: RequestId) -> Result<RequestSummary, DeskError> {
        let found = self.requests()?.into_iter().find(|request| request.id == id);
        found.ok_or_else(|| {
            DeskError::refused(format!("the broker lists no request {id} for you; see `amana request list`"))
        })
    }

    /// Whether an officer of the institution signed exactly what the broker lists.
    ///
    /// # Errors
    /// [`DeskError::Forged`]; [`DeskError`] when the register cannot be read.
    pub fn is_asked(&mut self, listed: &RequestSummary) -> Result<(), DeskError> {
        let forged = |why: &str| DeskError::Forged { what: format!("the request {}", listed.id), why: why.to_owned() };
        // An officer may have been appointed since the register was last read.
        if self.mirror.key(listed.officer).is_none() {
            self.refresh()?;
        }
        let key = self.mirror.key(listed.officer);
        let key = key.ok_or_else(|| forged("the register knows no such officer"))?;
        let statement = Unverified::parse_kind(&listed.statement, Kind::Request).map_err(|e| forged(&e.to_string()))?;
        if Digest::from(listed.id) != statement.digest() {
            return Err(forged("its statement is another one"));
        }
        let verified = statement.verify(&key.public, self.genesis.digest()).map_err(|e| forged(&e.to_string()))?;
        if key.institution() != Some(listed.institution) {
            return Err(forged("the officer acts for another institution"));
        }
        if *verified.body() == Body::Request(listed.request.clone()) {
            Ok(())
        } else {
            Err(forged("what is listed is not what was signed"))
        }
    }

    /// What owners answered to requests about one report, by the digest of each statement: every one is proved to stand in
    /// the log, which took it from the owner alone.
    ///
    /// # Errors
    /// As [`Desk::entries_of_report`].
    pub fn answers(&mut self, report: ReportId) -> Result<BTreeMap<Digest, OwnersAnswer>, DeskError> {
        let entries = self.entries_of_report(report)?.entries;
        let statements = entries.iter().filter_map(|entry| entry.shared.statement().ok()?);
        Ok(statements.filter_map(answer).collect())
    }

    /// The side this desk stands on.
    pub fn side(&self) -> Side {
        let officer = self.mirror.key(self.identity.key_id()).and_then(|key| key.institution());
        let root = Some(self.party_id()).filter(|id| self.mirror.party(*id).is_some());
        officer.or(root).map_or(Side::Owner, Side::Institution)
    }

    /// The unit an officer works in.
    pub(in crate::client) fn unit_of(&self, request: &RequestSummary) -> Option<String> {
        match self.mirror.key(request.officer)?.holder {
            Holder::Officer(appointment) => Some(appointment.unit.to_string()),
            _ => None,
        }
    }

    /// A sealed message, if this identity or `unit`'s can open it; without characters that move a terminal's cursor or turn
    /// its words.
    pub fn read_message(&self, sealed: &str, unit: Option<&Identity>) -> Option<String> {
        let mut readers = std::iter::once(&self.identity).chain(unit);
        let opened = readers.find_map(|reader| open_message(reader.age_identity(), sealed).ok())?;
        Some(shown(&opened))
    }
}

fn answer(statement: Unverified) -> Option<(Digest, OwnersAnswer)> {
    let digest = statement.digest();
    let answer = match statement.into_unverified_body() {
        Body::Refusal(refusal) => OwnersAnswer {
            request: refusal.request,
            purposes: refusal.purposes,
            reason: Some(refusal.reason),
            sealed_message: refusal.sealed_message,
        },
        Body::Question(question) => OwnersAnswer {
            request: question.request,
            purposes: question.purposes,
            reason: None,
            sealed_message: Some(question.sealed_message),
        },
        _ => return None,
    };
    Some((digest, answer))
}

/// The items of a request that can still be answered: those that are open, and those that were asked back about.
pub fn unanswered(request: &RequestSummary) -> Vec<Purpose> {
    let open = |purpose: &&Purpose| matches!(request.answers.get(*purpose), None | Some(ItemAnswer::Asked(_)));
    request.request.purposes.iter().filter(open).cloned().collect()
}

/// Lines stay; every other control character and every mark that turns words becomes a space.
fn shown(text: &str) -> String {
    let hidden = |c: char| c != '\n' && (c.is_control() || is_bidi_control(c));
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect()
}

impl FromStr for Reference {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (report, owner) = text
            .trim()
            .split_once('.')
            .ok_or("a reference reads ID.age1…, as the advocate's `report show` prints it")?;
        let words = |e: crate::model::ids::Malformed| e.to_string();
        Ok(Self { report: report.parse().map_err(words)?, owner: owner.parse().map_err(words)? })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.report, self.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_reads_as_it_is_written() {
        let text = format!("{}.age1{}", "3f".repeat(32), "q".repeat(58));
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), text);
        for wrong in ["", "3f", "3f.age1q", &text.replace('.', " "), &text.replace("age1", "")] {
            assert!(wrong.parse::<Reference>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn message_keeps_its_lines_and_nothing_that_turns_or_moves_them() {
        assert_eq!(shown("one\ntwo"), "one\ntwo");
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c\rd"), "a [2Jb c d");
    }
}
