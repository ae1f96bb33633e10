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
        rows::KeyRow,
        statement::{Body, Kind, is_bidi_control},
    },
    wire::{api::RequestSummary, statement::Unverified},
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
        let requests: Vec<RequestSummary> = self.remote.fetch_all("/v1/requests", self.signed_in())?;
        for request in &requests {
            self.is_asked(request)?;
        }
        Ok(requests)
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
        // An officer may have been appointed since the register was last read.
        if self.mirror.key(listed.officer).is_none() {
            self.refresh()?;
        }
        let key = self.mirror.key(listed.officer);
        is_signed(listed, key.as_ref(), self.genesis.digest())
            .map_err(|why| DeskError::Forged { what: format!("the request {}", listed.id), why })
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

    /// That this desk stands on an owner's side, before anything is sealed or signed.
    pub(in crate::client) fn answers_for_itself(&self) -> Result<(), DeskError> {
        match self.side() {
            Side::Owner => Ok(()),
            Side::Institution(_) => Err(DeskError::refused(
                "this is for whoever owns the report; you act for an institution (choose another identity with --as)",
            )),
        }
    }

    /// That this desk stands on an institution's side.
    ///
    /// # Errors
    /// When it does not.
    pub fn acts_for_institution(&self) -> Result<(), DeskError> {
        match self.side() {
            Side::Institution(_) => Ok(()),
            Side::Owner => Err(DeskError::refused(
                "this is for an officer of the institution; the register knows you as none (choose another identity with --as)",
            )),
        }
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

/// Why what is listed is not what an officer of that institution signed.
fn is_signed(listed: &RequestSummary, key: Option<&KeyRow>, genesis: Digest) -> Result<(), String> {
    let key = key.ok_or("the register knows no such officer")?;
    let statement = Unverified::parse_kind(&listed.statement, Kind::Request).map_err(|e| e.to_string())?;
    if Digest::from(listed.id) != statement.digest() {
        return Err("its statement is another one".to_owned());
    }
    let verified = statement.verify(&key.public, genesis).map_err(|e| e.to_string())?;
    if key.institution() != Some(listed.institution) || key.public.thumbprint() != listed.officer {
        return Err("the officer acts for another institution".to_owned());
    }
    if *verified.body() == Body::Request(listed.request.clone()) {
        Ok(())
    } else {
        Err("what is listed is not what was signed".to_owned())
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
    use crate::{
        model::{
            ids::{Jti, PublicKey},
            institution::OfficerAppointment,
            request::{AccessRequest, RequestKind},
            time::Timestamp,
        },
        wire::statement::{Claims, Seen, SeenTree, sign},
    };
    use ed25519_dalek::SigningKey;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const HOUSE: PartyId = PartyId::from_bytes([7; 32]);

    fn genesis() -> Digest {
        Digest::of(b"genesis")
    }

    fn officer(seed: u8) -> (SigningKey, KeyRow) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::from_bytes(key.verifying_key().to_bytes());
        let unit = "evidence unit".parse().unwrap();
        let office = OfficerAppointment { institution: HOUSE, signing_key: public, unit, until: Timestamp::FAR_FUTURE };
        (key, KeyRow { public, party: public.thumbprint().first_of_party(), holder: Holder::Officer(office) })
    }

    fn listed(key: &SigningKey, row: &KeyRow) -> RequestSummary {
        let request = AccessRequest {
            kind: RequestKind::Access,
            report: ReportId::from_bytes([1; 32]),
            grant: None,
            purposes: vec!["commission-of-inquiry".parse().unwrap()],
            legal_basis: "a resolution".parse().unwrap(),
            deadline: Timestamp::FAR_FUTURE,
            keep_until: None,
            sealed_message: None,
        };
        let nothing = SeenTree { size: 0, root: Digest::of(b"") };
        let claims = Claims {
            iss: row.party,
            aud: genesis(),
            jti: Jti::from_bytes([1; 16]),
            iat: NOW,
            submit_by: NOW,
            subject: None,
            prev: None,
            seen: Some(Seen { register: nothing, case: nothing }),
            body: request.clone(),
        };
        let statement = sign(&claims, key).unwrap();
        let id = Digest::of(statement.as_bytes()).into();
        let (officer, answers) = (row.public.thumbprint(), BTreeMap::new());
        RequestSummary { id, officer, institution: HOUSE, request, at: NOW, answers, statement }
    }

    #[test]
    fn request_is_believed_only_as_an_officer_of_the_institution_signed_it() {
        let ((key, row), (_, other)) = (officer(1), officer(2));
        let genuine = listed(&key, &row);
        assert_eq!(is_signed(&genuine, Some(&row), genesis()), Ok(()));
        assert!(is_signed(&genuine, None, genesis()).is_err());
        assert!(is_signed(&genuine, Some(&other), genesis()).is_err());
        assert!(is_signed(&genuine, Some(&row), Digest::of(b"another broker")).is_err());
        let no_officer = KeyRow { holder: Holder::Advocate {}, ..row.clone() };
        assert!(is_signed(&genuine, Some(&no_officer), genesis()).is_err());
        let of_another = RequestSummary { institution: PartyId::from_bytes([8; 32]), ..genuine.clone() };
        assert!(is_signed(&of_another, Some(&row), genesis()).is_err());
        let wider =
            RequestSummary { request: AccessRequest { deadline: NOW, ..genuine.request.clone() }, ..genuine.clone() };
        assert!(is_signed(&wider, Some(&row), genesis()).is_err());
        let under_another_id = RequestSummary { id: RequestId::from_bytes([9; 32]), ..genuine.clone() };
        assert!(is_signed(&under_another_id, Some(&row), genesis()).is_err());
        let broken = RequestSummary { statement: genuine.statement.replace('.', ".A"), ..genuine };
        assert!(is_signed(&broken, Some(&row), genesis()).is_err());
    }

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
