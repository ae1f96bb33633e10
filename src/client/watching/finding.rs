//! What somebody who watches a broker can find, each under a word that stays the same.

use crate::{
    audit::{AuditError, EntryFault},
    model::event::{EntryRef, Log},
    wire::entry::{Happening, Shared},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was found. Programs may depend on the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// A log is smaller than one verified before.
    Rollback,
    /// Two trees of which neither is the beginning of the other.
    Fork,
    /// The public checkpoint stands still, or its witnesses are silent.
    Stale,
    /// An entry does not open, is withheld, or cannot be folded.
    Closed,
    /// A release against the rules, or decided from facts that are not those of the log.
    UnexplainedRelease,
    /// The broker says that it lost entries that are held here.
    Lost,
    /// Entries from the future.
    Clock,
    /// Another genesis, or signatures of other keys.
    OtherBroker,
    /// Nothing could be had for too long.
    Unreachable,
}

impl Word {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Fork => "fork",
            Self::Stale => "stale",
            Self::Closed => "closed",
            Self::UnexplainedRelease => "unexplained-release",
            Self::Lost => "lost",
            Self::Clock => "clock",
            Self::OtherBroker => "other-broker",
            Self::Unreachable => "unreachable",
        }
    }

    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Rollback => {
                "The broker signed more than it shows now. It was set back to an older state, by accident (a restored \
                 backup or snapshot) or on purpose; entries are gone that people hold receipts for."
            }
            Self::Fork => {
                "The broker signed two logs that contradict each other. It shows different people different histories, \
                 or its log keys are in other hands."
            }
            Self::Stale => {
                "Nobody outside can see the newest entries, or no longer with enough witnesses: what happens now could \
                 still be denied later."
            }
            Self::Closed => {
                "The broker signed entries that cannot be read or followed. Something stands in its log, or is missing \
                 from what it hands out, that an auditor cannot check."
            }
            Self::UnexplainedRelease => {
                "A header was released that the log does not justify: without a grant that allowed it, or decided from \
                 other facts than those logged."
            }
            Self::Lost => {
                "The broker lost its newest data and was rolled forward over entries that this folder opens. Nothing in \
                 its log contradicts what you hold, but it no longer knows what happened in them."
            }
            Self::Clock => {
                "Windows, waiting times and revocations are judged by the broker's clock. Either it runs ahead, or ours \
                 is behind."
            }
            Self::OtherBroker => {
                "Whoever answers is not the broker of the card, or signs with other keys. Nothing it says counts."
            }
            Self::Unreachable => "What the broker does meanwhile is not seen by this watch.",
        }
    }

    /// What to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Rollback | Self::Fork => {
                "Keep this folder and the evidence. Do not call it an accident before you have asked: show both \
                 checkpoints to the other auditors, the institutions and the witnesses, and ask the operator in writing."
            }
            Self::Stale => {
                "Ask the operator whether it publishes (`serve --publish-every`), and the witnesses whether they are \
                 asked and answer."
            }
            Self::Closed => {
                "Keep the evidence and ask the operator to run `amana doctor` on its folder: damage and tampering look \
                 alike from here. Other auditors should export and verify on their own."
            }
            Self::UnexplainedRelease => {
                "Keep the evidence. Tell the advocate whose grant it names to revoke it, then the council and the \
                 institution that collected."
            }
            Self::Lost => {
                "Keep this folder: nobody else may have these entries. Give them to the council and to the people they are \
                 about, above all what was withdrawn or suspended in them. When administrators and council have confirmed \
                 the loss, go on in a new folder: --state NEW --after THIS."
            }
            Self::Clock => "Compare your own clock with a source you trust first. If it is right, tell the operator.",
            Self::OtherBroker => {
                "Check the address and the certificate; sign nothing. Compare the card with the person who gave it to \
                 you."
            }
            Self::Unreachable => {
                "Check your own connection, then ask the operator. A broker that answers others and not its auditors \
                 hides something."
            }
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something was found, with what proves it.
#[derive(Debug)]
pub struct Finding {
    /// What kind.
    pub word: Word,
    /// What was seen, in words.
    pub seen: String,
    /// Names and contents of files that show it.
    pub(super) proof: Vec<(String, Vec<u8>)>,
}

impl Finding {
    pub(super) fn new(word: Word, seen: impl Into<String>) -> Self {
        Self { word, seen: seen.into(), proof: Vec::new() }
    }
    /// Adds a file.
    pub(super) fn with(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.proof.push((name.into(), content.into()));
        self
    }
    /// Adds a file if there is something to put into it.
    pub(super) fn with_some(self, name: &str, content: Option<&str>) -> Self {
        match content {
            Some(content) => self.with(name, content),
            None => self,
        }
    }
}

/// The word for what does not hold while entries are folded that the broker itself signed; `entry` reads one of them.
pub(super) fn word_of(error: &AuditError, entry: impl FnOnce(EntryRef) -> Option<Shared>) -> Word {
    let (at, what) = match error {
        AuditError::Genesis(_) | AuditError::Checkpoint { .. } | AuditError::Policies(_) => return Word::OtherBroker,
        AuditError::Root { .. } => return Word::Fork,
        AuditError::Facts(_) | AuditError::Fold(_) | AuditError::File { .. } => return Word::Closed,
        AuditError::Entry { entry, what } => (*entry, what),
    };
    if matches!(what, EntryFault::HeldThough(_)) {
        return Word::Lost;
    }
    if matches!(what, EntryFault::Decision(_) | EntryFault::Facts | EntryFault::Replay(_)) {
        return Word::UnexplainedRelease;
    }
    let event = entry(at).map(|shared| shared.event);
    let reveals = matches!(event, Some(Happening::Released | Happening::OwnerHeaderFetched { .. }));
    match what {
        EntryFault::Rule(_) | EntryFault::Statement(_) if reveals => Word::UnexplainedRelease,
        EntryFault::Seen => Word::Fork,
        // Enough witnesses cosigned a tree that is no state of the log handed to us.
        EntryFault::Order(_) if event == Some(Happening::Cosigned) => Word::Fork,
        _ => Word::Closed,
    }
}

/// A log in words.
pub(super) const fn log_word(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case log",
    }
}
