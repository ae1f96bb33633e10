//! What the check finds: a summary of what holds, or the first thing that does not.

use crate::{
    model::{
        audit::AuditedTree,
        event::{EntryRef, Event, Log},
        fold::Refusal,
        ids::Digest,
        time::Timestamp,
    },
    tlog::{CheckpointError, EMPTY_ROOT},
    wire::{entry::EntryError, genesis::GenesisError, statement::StatementError},
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What was found to hold.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Size of the register.
    pub register_size: u64,
    /// Size of the case log.
    pub case_size: u64,
    /// Number of facts folded and compared.
    pub facts: u64,
    /// Entries by what happened.
    pub events: BTreeMap<&'static str, u64>,
    /// Statements whose signature verified.
    pub signatures: u64,
    /// Case entries whose bodies were shredded, as the log says.
    pub shredded_bodies: u64,
    /// Case entries whose bodies were lost and whose loss administrators and council confirmed.
    pub lost_bodies: u64,
    /// Time of the last entry.
    pub last_at: Timestamp,
    /// The trust root's card.
    pub card: String,
    /// Whether witnesses are named in genesis.
    pub witnessed: bool,
    /// Both trees as they were verified.
    pub trees: Trees,
    /// How many entries of the case log enough witnesses cosigned, by its own entries, and when last.
    pub cosigned: Option<(u64, Timestamp)>,
}

/// Roots of both logs.
#[derive(Clone, Copy, Debug)]
pub struct Trees {
    /// Of the register.
    pub register: AuditedTree,
    /// Of the case log.
    pub case: AuditedTree,
}

impl Default for Trees {
    fn default() -> Self {
        let empty = AuditedTree { size: 0, root: Digest::from_bytes(*EMPTY_ROOT.as_bytes()) };
        Self { register: empty, case: empty }
    }
}

/// The first thing that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The trust root.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A file is not readable.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: &'static str,
        /// Why.
        reason: String,
    },
    /// An entry.
    #[error("{} entry {}: {what}", log_word(entry.log), entry.index)]
    Entry {
        /// Which.
        entry: EntryRef,
        /// What does not hold.
        what: EntryFault,
    },
    /// A checkpoint.
    #[error("the checkpoint of the {} does not verify", log_word(*log))]
    Checkpoint {
        /// Of which log.
        log: Log,
        /// Why.
        #[source]
        source: CheckpointError,
    },
    /// The entries are not those the checkpoint signs.
    #[error("the entries of the {} are not those its checkpoint signs", log_word(*log))]
    Root {
        /// Of which log.
        log: Log,
    },
    /// The policies that came along.
    #[error("the exported policies are not those in force: {0}")]
    Policies(String),
    /// The broker's facts are not what the log says.
    #[error("the broker's facts differ from the log: {0}")]
    Facts(String),
    /// The checker failed.
    #[error("the facts could not be folded: {0}")]
    Fold(String),
}

/// What is wrong with one entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryFault {
    /// Bytes.
    #[error("{0}")]
    Form(#[from] EntryError),
    /// The statement in it.
    #[error("its statement does not verify: {0}")]
    Statement(#[from] StatementError),
    /// It should not have happened.
    #[error("it breaks a rule: {0}")]
    Rule(#[from] Refusal),
    /// The auditor part is not the one committed to.
    #[error("its auditor part is not the one it commits to")]
    AuditorPart,
    /// Time or register size run backwards.
    #[error("{0}")]
    Order(&'static str),
    /// Entries are called lost whose bodies are here.
    #[error("it says that entries were lost whose bodies are here, entry {0} of the case log among them")]
    HeldThough(u64),
    /// Its signer had verified other logs.
    #[error("its signer had verified a log that is none of these logs' earlier states: somebody was shown another one")]
    Seen,
    /// Its body is not here, and the log does not say why.
    #[error("it does not open: only its leaf is here, and neither was its body shredded nor is its loss confirmed")]
    Unopened,
    /// A release without a decision that allows it, or a denial without one that denies it.
    #[error("what left is not backed by the decision recorded with it: {0}")]
    Decision(&'static str),
    /// A decision made from something else than the log says.
    #[error("what left is not backed by the decision recorded with it: the facts are not those of the log")]
    Facts,
    /// Decided again, something else comes out.
    #[error("{0}")]
    Replay(Box<Disagreement>),
}

/// A decision that does not come out as it was recorded.
#[derive(Debug)]
pub struct Disagreement {
    /// The auditor part that was recorded, verbatim.
    pub recorded: String,
    /// The auditor part that the log and the policies give.
    pub derived: String,
}

impl Disagreement {
    /// Where the two differ: path, what was recorded, what comes out; `null` for what is not there.
    pub fn differences(&self) -> Vec<(String, Value, Value)> {
        let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let mut found = Vec::new();
        differ("", &read(&self.recorded), &read(&self.derived), &mut found);
        found
    }
}

/// A record has two levels; what is below is shown whole.
fn differ(path: &str, recorded: &Value, derived: &Value, found: &mut Vec<(String, Value, Value)>) {
    let (Value::Object(theirs), Value::Object(ours)) = (recorded, derived) else {
        if recorded != derived {
            found.push((path.to_owned(), recorded.clone(), derived.clone()));
        }
        return;
    };
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let member = |part: &Map<String, Value>| part.get(name).cloned().unwrap_or_default();
        differ(&path, &member(theirs), &member(ours), found);
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "decided again, something else comes out")?;
        let differences = self.differences();
        if differences.is_empty() {
            write!(f, ": the same, spelt otherwise than the broker spells")?;
        }
        for (path, recorded, derived) in differences {
            write!(f, "; {path}: recorded {recorded}, comes out {derived}")?;
        }
        Ok(())
    }
}

const fn log_word(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case log",
    }
}

/// An event in words, for the summary.
pub(super) fn word(event: &Event) -> &'static str {
    use crate::model::statement::Kind;
    match event {
        Event::GenesisLaid(..) => "genesis",
        Event::Accepted(signed, _) => match signed.kind {
            Kind::Party => "party enrolled",
            Kind::Report => "report declared",
            Kind::Request => "access requested",
            Kind::Grant => "grant given",
            Kind::Revocation => "grant revoked",
            Kind::ReleaseRequest => "release requested",
            Kind::Acknowledgement => "release acknowledged",
            Kind::Admission => "admission proposed",
            Kind::Approval => "approved",
            Kind::Roster => "roster proposed",
            Kind::Officer => "officer appointed",
            Kind::RecipientKey => "recipient key published",
            Kind::Attestation => "attested",
            Kind::Suspension => "suspension",
            Kind::Audited => "audited",
            Kind::Resumption => "resumption",
            Kind::WebRelease => "page vouched for",
            Kind::Rotation => "rotation proposed",
            Kind::Recovery => "keys recovered",
            Kind::OwnerHeader => "owner header replaced",
            Kind::Handover => "report offered to another owner",
            Kind::Withdrawal => "report withdrawn",
            Kind::Refusal => "request refused",
            Kind::Question => "request asked back about",
            Kind::Notice => "notice given",
            Kind::Status => "status stated",
            Kind::Terms => "terms published",
            Kind::Call => "call published",
            Kind::Record => "record proposed",
            Kind::Closing => "closing stated",
            Kind::Freeze => "frozen",
            Kind::Thaw => "thaw stated",
        },
        Event::Released(..) => "released",
        Event::ReleaseDenied(..) => "release denied",
        Event::PayloadStored(_) => "payload stored",
        Event::HeaderReceived(_) => "wrapped header received",
        Event::OwnerHeaderFetched(..) => "owner header fetched",
        Event::OwnerHeaderDenied(..) => "owner header denied",
        Event::DenialsCounted(_) => "further denials counted",
        Event::GrantEnded(..) => "grant ended",
        Event::Shredded(..) => "wrapped header shredded",
        Event::ClockResumed { .. } => "clock resumed",
        Event::ClockConfirmed => "clock confirmed",
        Event::Cover => "cover",
        Event::Cosigned(_) => "cosigned",
        Event::Disclosed(_) => "disclosed to an auditor",
        Event::RolledForward(_) => "rolled forward",
        Event::BodyShredded(..) => "body shredded",
        Event::ReportErased(_) => "report erased",
    }
}
