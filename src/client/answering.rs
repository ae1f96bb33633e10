//! The owner's answers that are no grants: refusing a request, asking back about it, and telling an institution that there
//! is something to ask for. Words are sealed on this device, to a unit's recipient of the verified register.

use super::{
    desk::{Desk, DeskError},
    reporting::report_of,
    requests::{Reference, unanswered},
    seal,
};
use crate::{
    model::{
        ids::{Digest, PartyId, ReportId},
        purpose::Purpose,
        request::{Notice, Question, RefusalReason, RequestRefusal},
        rows::RecipientKeyRow,
        time::Timestamp,
    },
    wire::api::{Accepted, RequestSummary},
};

/// What an owner says to a request instead of granting.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The items it is about; none named means all that can still be answered.
    pub purposes: Vec<Purpose>,
    /// A message to the institution, sealed before it leaves.
    pub message: Option<String>,
    /// The unit it is for; needed only when the asking officer's has no recipient and there are several.
    pub unit: Option<String>,
}

/// What an owner lets an institution know.
#[derive(Clone, Debug)]
pub struct Telling {
    /// Whom.
    pub institution: PartyId,
    /// Its unit; needed when it has several.
    pub unit: Option<String>,
    /// The report there is to ask for.
    pub report: ReportId,
    /// More, in words.
    pub message: Option<String>,
    /// First second it says nothing any more.
    pub until: Timestamp,
}

/// A statement was accepted, and the unit that can read its message.
#[derive(Clone)]
pub struct Answered {
    /// The statement's receipt.
    pub accepted: Accepted,
    /// The items it is about; none for a notice.
    pub purposes: Vec<Purpose>,
    /// The unit its message is sealed to.
    pub unit: Option<String>,
}

impl Desk {
    /// Refuses a request, or some of its items.
    ///
    /// # Errors
    /// [`DeskError`]; an item that was granted or refused before cannot be refused.
    pub fn refuse_request(
        &mut self,
        request: &RequestSummary,
        reason: RefusalReason,
        reply: &Reply,
    ) -> Result<Answered, DeskError> {
        self.answers_for_itself()?;
        let purposes = items(request, &reply.purposes)?;
        let (unit, sealed_message) = match &reply.message {
            Some(message) => {
                let (unit, sealed) = self.sealed_to_asker(request, reply, message)?;
                (Some(unit), Some(sealed))
            }
            None => (None, None),
        };
        let body = RequestRefusal { request: request.id, purposes: purposes.clone(), reason, sealed_message };
        let accepted = self.state(&body, Some(request.id.into()))?;
        Ok(Answered { accepted, purposes, unit })
    }

    /// Asks back about a request; its items can still be granted or refused.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn ask_back(&mut self, request: &RequestSummary, reply: &Reply) -> Result<Answered, DeskError> {
        self.answers_for_itself()?;
        let purposes = items(request, &reply.purposes)?;
        let question = reply.message.as_deref().unwrap_or_default();
        if question.trim().is_empty() {
            return Err(DeskError::refused("a question needs words"));
        }
        let (unit, sealed_message) = self.sealed_to_asker(request, reply, question)?;
        let body = Question { request: request.id, purposes: purposes.clone(), sealed_message };
        let accepted = self.state(&body, Some(request.id.into()))?;
        Ok(Answered { accepted, purposes, unit: Some(unit) })
    }

    /// Lets an institution know that there is something to ask for: the reference of an own report, sealed to its unit.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn give_notice(&mut self, telling: &Telling) -> Result<Answered, DeskError> {
        self.refresh()?;
        self.answers_for_itself()?;
        let own = self.memory.report(telling.report).ok_or_else(|| {
            DeskError::refused(format!(
                "this device knows no report {} of yours; see `amana report list`",
                telling.report
            ))
        })?;
        let owner = report_of(&own.statement)?.owner_recipient;
        let reference = Reference { report: telling.report, owner };
        let text = notice_text(&reference, telling.message.as_deref());
        let (digest, key) = self.unit_key(telling.institution, None, telling.unit.as_deref())?;
        let sealed_message = sealed(&key, &text)?;
        let body =
            Notice { institution: telling.institution, recipient_key: digest, until: telling.until, sealed_message };
        let accepted = self.state(&body, None)?;
        Ok(Answered { accepted, purposes: Vec::new(), unit: Some(key.unit) })
    }

    fn sealed_to_asker(
        &mut self,
        request: &RequestSummary,
        reply: &Reply,
        message: &str,
    ) -> Result<(String, String), DeskError> {
        self.refresh()?;
        let of_officer = self.unit_of(request);
        let (_, key) = self.unit_key(request.institution, of_officer.as_deref(), reply.unit.as_deref())?;
        Ok((key.unit.clone(), sealed(&key, message)?))
    }

    /// The current recipient key of the unit named, else of the unit preferred, else of the only one there is.
    fn unit_key(
        &self,
        institution: PartyId,
        preferred: Option<&str>,
        named: Option<&str>,
    ) -> Result<(Digest, RecipientKeyRow), DeskError> {
        chosen(&self.mirror.current_recipient_keys(institution), preferred, named)
    }
}

fn chosen(
    keys: &[(Digest, RecipientKeyRow)],
    preferred: Option<&str>,
    named: Option<&str>,
) -> Result<(Digest, RecipientKeyRow), DeskError> {
    let units: Vec<String> = keys.iter().map(|(_, key)| format!("{:?}", key.unit)).collect();
    let of = |unit: &str| keys.iter().find(|(_, key)| key.unit == unit).cloned();
    if let Some(named) = named {
        return of(named).ok_or_else(|| {
            DeskError::refused(format!(
                "the institution has no unit {named:?} that can read messages; it has: {}",
                units.join(", ")
            ))
        });
    }
    match (preferred.and_then(of), keys) {
        (Some(key), _) => Ok(key),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(DeskError::refused(
            "the institution has published no recipient key, so nobody there can read a message; answer without one",
        )),
        (None, _) => Err(DeskError::refused(format!(
            "the institution has several units; say which one with --unit: {}",
            units.join(", ")
        ))),
    }
}

fn sealed(key: &RecipientKeyRow, text: &str) -> Result<String, DeskError> {
    seal::seal_message(&key.recipient, text).map_err(|e| DeskError::refused(e.to_string()))
}

/// The items named, each of which can still be answered; or all that can.
fn items(request: &RequestSummary, named: &[Purpose]) -> Result<Vec<Purpose>, DeskError> {
    let open = unanswered(request);
    if open.is_empty() {
        return Err(DeskError::refused("every item of this request was answered already; see `amana request show`"));
    }
    match named.iter().find(|purpose| !open.contains(purpose)) {
        Some(purpose) if request.request.purposes.contains(purpose) => {
            Err(DeskError::refused(format!("{purpose} was answered already; see `amana request show`")))
        }
        Some(purpose) => Err(DeskError::refused(format!("the request does not ask for {purpose}"))),
        None if named.is_empty() => Ok(open),
        None => Ok(named.to_vec()),
    }
}

/// The reference stands in the first line; whatever is said stands after an empty one.
fn notice_text(reference: &Reference, message: Option<&str>) -> String {
    match message {
        Some(message) => format!("{reference}\n\n{message}"),
        None => reference.to_string(),
    }
}

/// The reference in an opened notice, and what was said with it.
pub fn read_notice(text: &str) -> Option<(Reference, Option<&str>)> {
    let (first, rest) = text.split_once("\n\n").map_or((text, None), |(first, rest)| (first, Some(rest)));
    Some((first.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        ids::{AgeRecipient, KeyId},
        request::{AccessRequest, ItemAnswer, RequestKind},
    };

    fn recipient() -> AgeRecipient {
        format!("age1{}", "q".repeat(58)).parse().unwrap()
    }

    fn key(unit: &str) -> (Digest, RecipientKeyRow) {
        let row = RecipientKeyRow {
            institution: PartyId::from_bytes([1; 32]),
            unit: unit.to_owned(),
            recipient: recipient(),
            since: Timestamp::from_seconds(1),
            cosigned_at: None,
            superseded_by: None,
        };
        (Digest::of(unit.as_bytes()), row)
    }

    fn unit(keys: &[&str], preferred: Option<&str>, named: Option<&str>) -> Result<String, DeskError> {
        chosen(&keys.iter().map(|unit| key(unit)).collect::<Vec<_>>(), preferred, named).map(|(_, key)| key.unit)
    }

    #[test]
    fn message_goes_to_the_unit_named_else_the_askers_else_the_only_one() {
        assert_eq!(unit(&["a", "b"], Some("b"), None).unwrap(), "b");
        assert_eq!(unit(&["a", "b"], Some("b"), Some("a")).unwrap(), "a");
        assert_eq!(unit(&["a"], Some("gone"), None).unwrap(), "a");
        assert!(unit(&["a", "b"], Some("gone"), None).unwrap_err().to_string().contains("--unit"));
        assert!(unit(&["a"], Some("a"), Some("b")).is_err());
        assert!(unit(&[], None, None).is_err());
    }

    fn asked(purposes: &[&str], answers: &[(&str, ItemAnswer)]) -> RequestSummary {
        let request = AccessRequest {
            kind: RequestKind::Access,
            report: ReportId::from_bytes([1; 32]),
            grant: None,
            purposes: purposes.iter().map(|purpose| purpose.parse().unwrap()).collect(),
            legal_basis: "a resolution".parse().unwrap(),
            deadline: Timestamp::FAR_FUTURE,
            keep_until: None,
            sealed_message: None,
        };
        RequestSummary {
            id: Digest::of(b"request").into(),
            officer: KeyId::from_bytes([1; 32]),
            institution: PartyId::from_bytes([1; 32]),
            request,
            at: Timestamp::from_seconds(1),
            answers: answers.iter().map(|(purpose, answer)| (purpose.parse().unwrap(), *answer)).collect(),
            statement: String::new(),
        }
    }

    #[test]
    fn what_was_granted_or_refused_cannot_be_refused_and_what_was_asked_about_can() {
        let (granted, about) = (ItemAnswer::Granted(Digest::of(b"g").into()), ItemAnswer::Asked(Digest::of(b"q")));
        let request = asked(&["one", "two", "three"], &[("one", granted), ("two", about)]);
        let texts = |items: Vec<Purpose>| items.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(items(&request, &[]).unwrap()), ["two", "three"]);
        assert_eq!(texts(items(&request, &["three".parse().unwrap()]).unwrap()), ["three"]);
        assert!(items(&request, &["one".parse().unwrap()]).is_err());
        assert!(items(&request, &["four".parse().unwrap()]).is_err());
        assert!(items(&asked(&["one"], &[("one", granted)]), &[]).is_err());
    }

    #[test]
    fn notice_reads_as_it_was_written() {
        let reference = Reference { report: ReportId::from_bytes([2; 32]), owner: recipient() };
        let text = notice_text(&reference, Some("A list.\n\nOf two parts."));
        assert_eq!(read_notice(&text), Some((reference.clone(), Some("A list.\n\nOf two parts."))));
        assert_eq!(read_notice(&notice_text(&reference, None)), Some((reference, None)));
        assert_eq!(read_notice("call me"), None);
    }
}
