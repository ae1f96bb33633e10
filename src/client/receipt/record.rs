//! What a receipt says. Every term of a grant has its place here, or this file does not compile.

use crate::{
    model::{
        grant::{Ask, Conditions, Contact, Grant, UseMode},
        ids::{AgeRecipient, Digest, GrantId, KeyId, PartyId, PublicKey, ReportId, RequestId},
        institution::InstitutionRecord,
        purpose::{Identification, Purpose},
        statement::{Body, Kind, Text},
        time::{Duration, Timestamp, Window},
    },
    wire::statement::{StatementError, Unverified},
};

/// What a receipt says, taken from one grant statement.
#[derive(Clone, Debug)]
pub struct Record {
    /// The grant: the digest of its statement.
    pub grant: GrantId,
    /// The key that signed it. No name stands behind it here.
    pub given_by: KeyId,
    /// When it was signed.
    pub given_at: Timestamp,
    /// Digest of the genesis of the broker it was meant for.
    pub broker: Digest,
    /// Whether the signature was checked.
    pub signature: Signature,
    /// The institution.
    pub recipient: Recipient,
    /// The report.
    pub report: ReportId,
    /// Everything else it says, in the order people read it.
    pub terms: Vec<Term>,
}

/// What is known of a statement's signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signature {
    /// Nobody looked: everything the receipt says is claimed.
    Unchecked,
    /// It verified under this key, which is the one the statement names.
    Holds(PublicKey),
}

/// To whom it was given.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Its id.
    pub id: PartyId,
    /// Name and jurisdiction, if a register was at hand.
    pub named: Option<(Text, Text)>,
}

/// One term of a grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Term {
    /// What for.
    Purposes(Vec<Purpose>),
    /// In which way.
    UseMode(UseMode),
    /// How far persons may be identified.
    Identification(Identification),
    /// When it can be collected: the first clock.
    Collect(Window),
    /// Until when it may be kept: the second clock. None for "as the recipient's terms say".
    Keep(Option<Timestamp>),
    /// How often it can be collected.
    MaxReleases(u32),
    /// How long it can be taken back before anybody collects.
    CoolingOff(Duration),
    /// Who may collect; nobody named means every officer.
    Officers(Vec<KeyId>),
    /// How many officers other than the one who collects have to agree.
    OfficerApprovals(u32),
    /// Before when it must not arrive.
    Embargo(Option<Timestamp>),
    /// When persons' consent has to be reviewed.
    Review(Timestamp),
    /// Passing on.
    Onward(Ask),
    /// Contact with the persons.
    Contact(Contact),
    /// Publishing.
    Publication(Ask),
    /// Outside services.
    ExternalProcessing(Ask),
    /// The request it answers.
    Answers(Option<RequestId>),
    /// The grant it takes the place of.
    Replaces(Option<GrantId>),
    /// Whether the recipient's key was young.
    Urgent(bool),
    /// The key it is sealed to.
    RecipientKey(AgeRecipient),
    /// The statement that published this key.
    RecipientKeyStatement(Digest),
    /// Digest of the wrapped header.
    Opens(Digest),
    /// Digest of the terms the recipient had published.
    RecipientTerms(Option<Digest>),
    /// Digest of the policy bundle.
    Rules(Digest),
    /// Digest of the purpose taxonomy.
    Taxonomy(Digest),
}

impl Record {
    /// From a grant statement whose signature nobody has checked.
    ///
    /// # Errors
    /// When the text is not a grant statement.
    pub fn unchecked(statement: &str) -> Result<Self, StatementError> {
        Ok(Self::claimed(Unverified::parse_kind(statement, Kind::Grant)?)?.0)
    }

    /// From a grant statement, under the public key that signed it.
    ///
    /// # Errors
    /// When the text is not a grant statement, names another key, or its signature does not verify.
    pub fn checked(statement: &str, key: &PublicKey) -> Result<Self, StatementError> {
        let (record, unverified) = Self::claimed(Unverified::parse_kind(statement, Kind::Grant)?)?;
        // Which broker it was meant for stands in the receipt; whether that is the reader's is theirs to compare.
        let broker = record.broker;
        unverified.verify(key, broker)?;
        Ok(Self { signature: Signature::Holds(*key), ..record })
    }

    /// The same, with what the register says of the recipient.
    #[must_use]
    pub fn naming(mut self, institution: &InstitutionRecord) -> Self {
        self.recipient.named = Some((institution.name.clone(), institution.jurisdiction.clone()));
        self
    }

    fn claimed(statement: Unverified) -> Result<(Self, Unverified), StatementError> {
        let Body::Grant(grant) = statement.clone().into_unverified_body() else {
            return Err(StatementError::WrongKind { expected: Kind::Grant });
        };
        let (institution, report, terms) = terms_of(*grant);
        let record = Self {
            grant: statement.digest().into(),
            given_by: statement.kid(),
            given_at: statement.claimed_at(),
            broker: statement.claimed_audience(),
            signature: Signature::Unchecked,
            recipient: Recipient { id: institution, named: None },
            report,
            terms,
        };
        Ok((record, statement))
    }
}

/// The one place where the terms of a grant become those of a receipt.
fn terms_of(grant: Grant) -> (PartyId, ReportId, Vec<Term>) {
    let Grant {
        report,
        institution,
        recipient_key,
        recipient,
        header,
        purposes,
        use_mode,
        identification,
        collect,
        keep_until,
        max_releases,
        cooling_off_seconds,
        officers,
        conditions: Conditions { onward, contact, publication, external_processing },
        consent_review_by,
        bundle,
        taxonomy,
        answers,
        urgent,
        officer_approvals,
        embargo_until,
        terms: recipient_terms,
        replaces,
    } = grant;
    let terms = vec![
        Term::Purposes(purposes),
        Term::UseMode(use_mode),
        Term::Identification(identification),
        Term::Collect(collect),
        Term::Keep(keep_until),
        Term::MaxReleases(max_releases),
        Term::CoolingOff(cooling_off_seconds),
        Term::Officers(officers),
        Term::OfficerApprovals(officer_approvals),
        Term::Embargo(embargo_until),
        Term::Review(consent_review_by),
        Term::Onward(onward),
        Term::Contact(contact),
        Term::Publication(publication),
        Term::ExternalProcessing(external_processing),
        Term::Answers(answers),
        Term::Replaces(replaces),
        Term::Urgent(urgent),
        Term::RecipientKey(recipient),
        Term::RecipientKeyStatement(recipient_key),
        Term::Opens(header),
        Term::RecipientTerms(recipient_terms),
        Term::Rules(bundle),
        Term::Taxonomy(taxonomy),
    ];
    (institution, report, terms)
}
