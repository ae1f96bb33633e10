//! The officer's side: asking for access, collecting, opening, acknowledging.

use super::{
    desk::{Desk, DeskError},
    identity::{Identity, private_file},
    open::{self, Opened, Stated},
    receiving::{FetchSteps, Wanted, told_as_progress},
    remote::RemoteError,
    reporting::report_of,
    seal,
    uploading::Pace,
};
use crate::{
    model::{
        ambient::random,
        event::Log,
        grant::Grant,
        ids::{AgeRecipient, Digest, GrantId, Nonce, ReleaseId, ReportId},
        purpose::Purpose,
        release::{Acknowledgement, Outcome, ReleaseRequest},
        request::{AccessRequest, RequestKind},
        statement::{Body, Kind, Text},
        time::Timestamp,
    },
    wire::{
        api::{Accepted, Released, SubmitStatement},
        entry::Happening,
        ownership::{Ownership, OwnershipError},
        receipt,
        statement::Unverified,
    },
};
use serde::{Deserialize, Serialize};
use std::{io::Write as _, path::Path};

/// What is kept beside a collected report: enough to check, open and acknowledge it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collected {
    /// The release.
    pub release: ReleaseId,
    /// The grant.
    pub grant: GrantId,
    /// The grant statement.
    pub grant_statement: String,
    /// The report statement.
    pub report_statement: String,
    /// Receipt of the release's entry.
    pub receipt: String,
}

/// What an officer asks for.
#[derive(Clone, Debug)]
pub struct Asking {
    /// What is asked.
    pub kind: RequestKind,
    /// The report.
    pub report: ReportId,
    /// The grant it is about, but for access.
    pub grant: Option<GrantId>,
    /// Its owner's recipient, from the reference handed over.
    pub owner: AgeRecipient,
    /// What for.
    pub purposes: Vec<Purpose>,
    /// On which legal basis.
    pub legal_basis: Text,
    /// When an answer comes too late.
    pub deadline: Timestamp,
    /// To keep it longer: until when.
    pub keep_until: Option<Timestamp>,
    /// A message to the owner, sealed before it leaves.
    pub message: Option<String>,
}

impl Asking {
    /// Asks to collect a report, with nothing else said yet.
    pub fn for_access(
        report: ReportId,
        owner: AgeRecipient,
        purposes: Vec<Purpose>,
        legal_basis: Text,
        deadline: Timestamp,
    ) -> Self {
        let (kind, grant, keep_until, message) = (RequestKind::Access, None, None, None);
        Self { kind, report, grant, owner, purposes, legal_basis, deadline, keep_until, message }
    }
}

impl Desk {
    /// Asks for access to a report.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn ask_for_access(&mut self, asking: &Asking) -> Result<Accepted, DeskError> {
        let sealed_message = match &asking.message {
            Some(text) => Some(seal::seal_message(&asking.owner, text).map_err(|e| DeskError::refused(e.to_string()))?),
            None => None,
        };
        let body = AccessRequest {
            kind: asking.kind,
            report: asking.report,
            grant: asking.grant,
            purposes: asking.purposes.clone(),
            legal_basis: asking.legal_basis.clone(),
            deadline: asking.deadline,
            keep_until: asking.keep_until,
            sealed_message,
        };
        self.state(&body, None)
    }

    /// Signs the request for one release. The same text again is the same release.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn sign_release_request(
        &self,
        grant: GrantId,
        purpose: Purpose,
        prev: Option<Digest>,
    ) -> Result<String, DeskError> {
        let nonce = Nonce::from_bytes(random(&*self.entropy));
        let body = ReleaseRequest { grant, purpose, nonce, conditions_noted: grant };
        self.sign(&body, Some(grant.into()), prev)
    }

    /// Asks for a release and verifies its receipt before the header is used.
    ///
    /// # Errors
    /// [`DeskError`]; a denial lists every reason.
    pub fn request_release(&mut self, grant: GrantId, purpose: &Purpose) -> Result<Released, DeskError> {
        let subject = Digest::from(grant).to_string();
        let mut prev = self.memory.chains.get(&subject).copied();
        for _ in 0..2 {
            let text = self.sign_release_request(grant, purpose.clone(), prev)?;
            match self.send_release_request(grant, &text) {
                Err(DeskError::Remote(RemoteError::Problem(problem)))
                    if problem.is(crate::wire::problem::ProblemType::OutOfOrder) && problem.current != prev =>
                {
                    prev = problem.current;
                }
                outcome => return outcome,
            }
        }
        Err(DeskError::refused("another device of yours keeps asking under this grant; try again"))
    }

    /// Sends a signed release request, new or again.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn send_release_request(&mut self, grant: GrantId, text: &str) -> Result<Released, DeskError> {
        let path = format!("/v1/grants/{grant}/releases");
        let submit = SubmitStatement { statement: text.to_owned() };
        let sent: Result<Released, RemoteError> = self.remote.submit("POST", &path, &submit, self.signed_in());
        let released = sent.map_err(|error| self.held_against(error))?;
        let receipt = self.believed(|trust| {
            receipt::verify_statement(&released.receipt, Log::Case, trust, &Happening::Released, text)
        })?;
        self.keep_receipt(&receipt, &released.receipt, text)?;
        self.memory.chains.insert(Digest::from(grant).to_string(), released.release.into());
        if Digest::from(released.release) != Digest::of(text.as_bytes()) {
            return Err(DeskError::refused("the broker answered with another release than the one asked for"));
        }
        self.check_signatures(&released)?;
        let grant_terms = grant_of(&released.grant_statement)?;
        if grant_terms.header != Digest::of(&released.header.0)
            || Digest::of(released.grant_statement.as_bytes()) != grant.into()
            || Digest::of(released.report_statement.as_bytes()) != grant_terms.report.into()
        {
            return Err(DeskError::refused("the broker sent a header or statements that do not belong to the grant"));
        }
        Ok(released)
    }

    /// Both statements are signed by one advocate, whose party id is the thumbprint of the key that signed.
    fn check_signatures(&self, released: &Released) -> Result<(), DeskError> {
        if !released.keys.is_empty() {
            return self.check_ownership(released);
        }
        let signer = |text: &str| {
            let parsed = Unverified::parse(text).map_err(|e| DeskError::refused(e.to_string()))?;
            let verified = parsed.verify(&released.advocate_key, self.genesis.digest());
            let verified = verified.map_err(|e| DeskError::refused(format!("a statement does not verify: {e}")))?;
            Ok::<_, DeskError>(verified.signed().iss)
        };
        let (of_grant, of_report) = (signer(&released.grant_statement)?, signer(&released.report_statement)?);
        if of_grant == of_report && of_grant == released.advocate_key.thumbprint().first_of_party() {
            Ok(())
        } else {
            Err(DeskError::refused("grant and report are not signed by the same advocate; nothing was used"))
        }
    }

    /// Keys were replaced, or the report came to belong to somebody else: the statements that did it say so.
    fn check_ownership(&self, released: &Released) -> Result<(), DeskError> {
        let refused = |e: OwnershipError| DeskError::refused(format!("{e}; nothing was used"));
        let ownership = Ownership::read(&released.keys, self.genesis.digest()).map_err(refused)?;
        let sealed_by = ownership.signer(&released.report_statement).map_err(refused)?;
        let given_by = ownership.signer(&released.grant_statement).map_err(refused)?;
        let report = grant_of(&released.grant_statement)?.report;
        ownership.leads(report, sealed_by, given_by).map_err(refused)
    }

    /// Collects a release as one standard age file; the first trouble ends it, and the next attempt goes on from there.
    ///
    /// # Errors
    /// [`DeskError`]; a payload that differs from the report statement is not kept.
    pub fn collect(
        &self,
        released: &Released,
        out: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Collected, DeskError> {
        self.collect_with(released, out, &Pace::default(), &mut told_as_progress(progress))
    }

    /// Collects a release as one standard age file, through cuts, and hands back what is needed to check and acknowledge
    /// it. Every range is decided about anew.
    ///
    /// # Errors
    /// [`DeskError`]; a payload that differs from the report statement is not kept, and neither is half of one that the
    /// broker no longer gives.
    pub fn collect_with(
        &self,
        released: &Released,
        out: &Path,
        pace: &Pace,
        steps: FetchSteps<'_>,
    ) -> Result<Collected, DeskError> {
        let stated = report_of(&released.report_statement)?;
        let wanted = Wanted {
            path: format!("/v1/releases/{}/report.age", released.release),
            // The header came with the release and is checked; the payload follows it in the stream.
            header: &released.header.0,
            payload_at: released.header.0.len() as u64,
            stated: &stated,
        };
        self.receive(&wanted, out, pace, steps)?;
        let terms = Digest::of(released.grant_statement.as_bytes());
        Ok(Collected {
            release: released.release,
            grant: terms.into(),
            grant_statement: released.grant_statement.clone(),
            report_statement: released.report_statement.clone(),
            receipt: released.receipt.clone(),
        })
    }

    /// Acknowledges a release.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn acknowledge(&mut self, collected: &Collected, outcome: Outcome) -> Result<Accepted, DeskError> {
        let body = Acknowledgement { grant: collected.grant, release: collected.release, outcome };
        self.state(&body, Some(collected.grant.into()))
    }
}

/// Opens a collected report with the unit's identity: payload digest and key commitment are checked against the
/// advocate's statement, and the conditions are written beside the files.
///
/// # Errors
/// In words; nothing is left behind.
pub fn open_collected(
    collected: &Collected,
    report_age: &Path,
    unit: &Identity,
    into: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(Opened, Outcome), DeskError> {
    let report = report_of(&collected.report_statement)?;
    let grant = grant_of(&collected.grant_statement)?;
    if Digest::of(collected.report_statement.as_bytes()) != grant.report.into() {
        return Err(DeskError::refused("the statements beside the file do not belong together"));
    }
    let stated = Stated {
        payload_sha256: report.payload_sha256,
        payload_bytes: report.payload_bytes,
        key_commitment: report.key_commitment,
    };
    let opened = open::open(report_age, unit.age_identity(), &stated, into, progress)
        .map_err(|e| DeskError::refused(e.to_string()))?;
    write_conditions(&opened.folder, collected, &grant)?;
    let outcome = Outcome::Opened { payload_sha256: opened.payload_sha256, key_commitment: opened.key_commitment };
    Ok((opened, outcome))
}

fn write_conditions(folder: &Path, collected: &Collected, grant: &Grant) -> Result<(), DeskError> {
    let json = serde_json::to_string_pretty(&serde_json::json!({
        "grant": collected.grant,
        "release": collected.release,
        "terms": grant,
        "grant_statement": collected.grant_statement,
    }))
    .map_err(|e| DeskError::refused(e.to_string()))?;
    for (name, text) in [("CONDITIONS.txt", conditions_text(grant)), ("CONDITIONS.json", json)] {
        let path = folder.join(name);
        let written = private_file(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|e| DeskError::refused(format!("{}: {e}", path.display())))?;
    }
    Ok(())
}

/// The conditions of a grant in plain words.
pub fn conditions_text(grant: &Grant) -> String {
    let purposes: Vec<&str> = grant.purposes.iter().map(Purpose::as_str).collect();
    let word = |value: &dyn erased::Word| value.word();
    let keep = grant.keep_until.map_or_else(|| "as your published terms say".to_owned(), date);
    format!(
        "CONDITIONS\n\n\
         This information was given to you for: {}.\n\
         Use: {}. Persons may be identified: {}.\n\
         Passing it on: {}. Contact with the persons: {}. Publishing: {}. Outside services: {}.\n\
         It may be kept until: {keep}.\n\
         Consent has to be reviewed by: {}.\n\n\
         What these files say is alleged. Whoever gave it can withdraw: you will be told, and owe an answer on what\n\
         became of it.\n",
        purposes.join(", "),
        word(&grant.use_mode),
        word(&grant.identification),
        word(&grant.conditions.onward),
        word(&grant.conditions.contact),
        word(&grant.conditions.publication),
        word(&grant.conditions.external_processing),
        date(grant.consent_review_by),
    )
}

fn date(moment: Timestamp) -> String {
    let seconds = i64::try_from(moment.as_seconds()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "an unknown date".to_owned(), |stamp| stamp.to_string())
}

mod erased {
    //! The serialised name of a term, which is also the word people read.

    /// A term with a name.
    pub(super) trait Word {
        fn word(&self) -> String;
    }
    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            let value = serde_json::to_value(self).ok();
            value.and_then(|v| v.as_str().map(|s| s.replace('-', " "))).unwrap_or_default()
        }
    }
}

/// The body of a grant statement.
///
/// # Errors
/// When it is not one.
pub fn grant_of(statement: &str) -> Result<Grant, DeskError> {
    let parsed = Unverified::parse_kind(statement, Kind::Grant).map_err(|e| DeskError::refused(e.to_string()))?;
    match parsed.into_unverified_body() {
        Body::Grant(grant) => Ok(*grant),
        _ => Err(DeskError::refused("this is not a grant statement")),
    }
}
