//! Asking a witness to cosign a checkpoint of ours: the conversation, without the line it is held over.
//!
//! [`ask`] never changes a log and stores nothing. What it returns was verified; whoever calls it puts the line under
//! the checkpoint. Two answers are alarms and not failures: [`Asked::KnowsMore`] and [`Asked::Refuses`] mean that this
//! witness was shown another log than the one we hold, so that ours was rolled back or forked. Nothing more may be
//! published until a person has looked.
//!
//! Source: c2sp.org/tlog-witness, "add-checkpoint".

use crate::{
    model::{limits, time::Timestamp},
    tlog::{
        AddCheckpoint, AddCheckpointError, Cosignature, CosignatureError, CosignatureVerifier, Hash, Note, NoteError,
        NoteSignature,
    },
};

/// Carries a request to a witness and brings the answer back. The real one is made in `cli`.
pub trait Courier: Send + Sync {
    /// Posts `body` as text; waits. Follows no redirect.
    ///
    /// # Errors
    /// [`CourierError`]; any status that was answered is no error.
    fn post(&self, url: &str, body: &str) -> Result<CourierAnswer, CourierError>;
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourierAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, verbatim.
    pub content_type: Option<String>,
    /// The whole body, at most [`limits::WITNESS_ANSWER_BYTES`].
    pub body: String,
}

/// Nothing usable came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CourierError {
    /// The address is not acceptable.
    #[error("{0} is not a witness's address: it must begin with https://, or http:// for this machine or .onion")]
    Address(String),
    /// Nobody answered.
    #[error("the witness cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is longer than [`limits::WITNESS_ANSWER_BYTES`], or is no text.
    #[error("the witness's answer is longer than 64 KiB, or no text")]
    Unreadable,
}

/// A witness and where it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAt {
    /// Its submission prefix, such as `https://witness.example/amana`.
    pub url: String,
    /// Its key.
    pub verifier: CosignatureVerifier,
}

/// What a witness is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Our signed checkpoint.
    pub note: &'a str,
    /// Size that this witness cosigned last, as far as we remember; 0 if it never did.
    pub last_known_size: u64,
    /// Our wall clock.
    pub now: Timestamp,
}

/// A verified cosignature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The signature line, without newline, for [`Note::with_signature`].
    pub line: String,
    /// When, by the witness's clock, in seconds since 1970-01-01.
    pub time: u64,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum Asked {
    /// Our own checkpoint is none, or the proof does not fit into a request. A fault of ours.
    #[error("our request to the witness cannot be made")]
    Ours(#[from] AddCheckpointError),
    /// Our own note cannot be read. A fault of ours.
    #[error("our checkpoint cannot be read")]
    OurNote(#[from] NoteError),
    /// We cannot prove consistency with the size the witness is at.
    #[error("there is no proof that our log of {size} entries begins with the {from} which the witness cosigned")]
    NoProof {
        /// Where the witness is.
        from: u64,
        /// Where we are.
        size: u64,
    },
    /// Nobody answered. Asking again is safe.
    #[error(transparent)]
    NotReached(#[from] CourierError),
    /// ALARM: it cosigned a larger tree of this log than the one we hold.
    #[error(
        "the witness cosigned {size} entries of this log, and we hold {ours}: our data is older than what was shown to \
         others. Publish nothing; find the later data"
    )]
    KnowsMore {
        /// What it cosigned.
        size: u64,
        /// What we hold.
        ours: u64,
    },
    /// ALARM: it does not accept that our tree begins with the one it cosigned.
    #[error(
        "the witness refuses (status {status}): the {from} entries it cosigned are not the beginning of our {size}. Our \
         log is not the one shown to others. Publish nothing; compare with the checkpoint the witness keeps"
    )]
    Refuses {
        /// 422, or 409 with the size we started from.
        status: u16,
        /// The size it cosigned, which the proof began at.
        from: u64,
        /// What we hold.
        size: u64,
    },
    /// It does not know this log (404), or not this key of it (403).
    #[error("the witness does not know our log's key (status {status}): its operator has to add it")]
    NotConfigured {
        /// 403 or 404.
        status: u16,
    },
    /// It named another size twice in a row: somebody else is feeding it. Asking later is safe.
    #[error("the witness moved on while it was asked; ask again later")]
    Moving,
    /// Any other status, such as 400, 429 or 503. Asking later is safe.
    #[error("the witness answered with status {status}; ask again later")]
    Status {
        /// The status.
        status: u16,
    },
    /// Not in the form the protocol has.
    #[error("the witness's answer is not as the protocol has it: {what}")]
    Answer {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The cosignature does not hold.
    #[error("the witness's cosignature does not hold")]
    Cosignature(#[from] CosignatureError),
    /// The witness's clock is more than ten minutes ahead of ours, or ours is behind.
    #[error("the witness's clock says {time}, more than ten minutes after ours: one of the two is wrong")]
    ClockAhead {
        /// Its time, in seconds since 1970-01-01.
        time: u64,
    },
}

impl Asked {
    /// Whether it means that our log is not the one that was shown to others.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::KnowsMore { .. } | Self::Refuses { .. })
    }
}

/// Asks one witness for its cosignature; waits for its answer, and asks a second time at most: from the size it names.
///
/// `proof_from` makes the consistency proof from a size to that of the note, or nothing if it cannot.
///
/// # Errors
/// [`Asked`]; see [`Asked::is_alarm`].
pub fn ask(
    courier: &dyn Courier,
    witness: &WitnessAt,
    question: &Question<'_>,
    proof_from: impl Fn(u64) -> Option<Vec<Hash>>,
) -> Result<Cosigned, Asked> {
    let note = Note::parse(question.note)?;
    let size = AddCheckpoint::new(0, Vec::new(), note.clone())?.checkpoint().size();
    let url = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
    let mut from = question.last_known_size.min(size);
    for _ in 0..ATTEMPTS {
        let proof = proof_from(from).ok_or(Asked::NoProof { from, size })?;
        let request = AddCheckpoint::new(from, proof, note.clone())?;
        let answer = courier.post(&url, &request.to_text())?;
        from = match answer.status {
            200 => return cosigned(&answer.body, &note, &witness.verifier, question.now),
            409 => conflict(&answer, from, size)?,
            status @ 422 => return Err(Asked::Refuses { status, from, size }),
            status @ (403 | 404) => return Err(Asked::NotConfigured { status }),
            status => return Err(Asked::Status { status }),
        };
    }
    Err(Asked::Moving)
}

/// From our memory, and from the size the witness names.
const ATTEMPTS: usize = 2;

/// The size the witness is at, if a proof from there can help.
fn conflict(answer: &CourierAnswer, from: u64, ours: u64) -> Result<u64, Asked> {
    let malformed = Asked::Answer { what: "a conflict names the size last cosigned as text/x.tlog.size" };
    if answer.content_type.as_deref() != Some(SIZE_TYPE) {
        return Err(malformed);
    }
    let size = answer.body.strip_suffix('\n').and_then(|line| line.parse::<u64>().ok());
    match size.filter(|size| format!("{size}\n") == answer.body) {
        Some(size) if size > ours => Err(Asked::KnowsMore { size, ours }),
        // An earlier text of the protocol refuses another root at the same size so.
        Some(size) if size == from => Err(Asked::Refuses { status: 409, from, size: ours }),
        Some(size) => Ok(size),
        None => Err(malformed),
    }
}

/// `Content-Type` of the size in a conflict (c2sp.org/tlog-witness).
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// The newest of the witness's cosignatures in an answer. Lines of other keys are ignored.
fn cosigned(body: &str, note: &Note, witness: &CosignatureVerifier, now: Timestamp) -> Result<Cosigned, Asked> {
    let malformed = Asked::Answer { what: "a cosignature is one or more signature lines" };
    let Some(lines) = body.strip_suffix('\n') else { return Err(malformed) };
    let mut newest: Option<(Cosignature, NoteSignature)> = None;
    let mut broken = None;
    for line in lines.split('\n') {
        let Ok(line) = line.parse::<NoteSignature>() else { return Err(malformed) };
        if !witness.claims(&line) {
            continue;
        }
        match witness.verify(note.text(), &line) {
            Ok(found) if newest.as_ref().is_none_or(|(newest, _)| found > *newest) => newest = Some((found, line)),
            Ok(_) => {}
            Err(error) => broken = Some(error),
        }
    }
    let Some((cosignature, line)) = newest else { return Err(broken.unwrap_or(CosignatureError::OtherKey).into()) };
    let time = cosignature.time();
    if time > now.plus(limits::CLOCK_AHEAD).as_seconds() {
        return Err(Asked::ClockAhead { time });
    }
    Ok(Cosigned { line: line.to_string(), time })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::{
        Checkpoint, CosignatureSigner, Ed25519NoteSigner, Last, MemoryTiles, NoteSigner as _, Verdict,
        consistency_proof, judge, leaf_hash, root_at,
    };
    use ed25519_dalek::SigningKey;
    use std::sync::Mutex;

    const NOW: u64 = 1_900_000_000;

    fn log() -> Ed25519NoteSigner {
        Ed25519NoteSigner::new("log.example".parse().unwrap(), SigningKey::from_bytes(&[1; 32])).unwrap()
    }
    fn signer() -> CosignatureSigner {
        CosignatureSigner::new("witness.example".parse().unwrap(), SigningKey::from_bytes(&[2; 32])).unwrap()
    }
    fn tree(size: u64, kind: u8) -> MemoryTiles {
        let mut tree = MemoryTiles::new();
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&[kind, n.to_be_bytes()[7]])).collect();
        tree.append_leaves(&leaves);
        tree
    }
    fn last(size: u64, kind: u8) -> Last {
        Last { size, root: root_at(&tree(size, kind), size).unwrap() }
    }

    /// A witness in memory, as the judgement says.
    struct Honest {
        last: Mutex<Last>,
        asked: Mutex<usize>,
        time: u64,
        /// What is done to its answer.
        twist: fn(&mut CourierAnswer),
    }

    impl Honest {
        fn at(last: Last) -> Self {
            Self { last: Mutex::new(last), asked: Mutex::new(0), time: NOW, twist: |_| {} }
        }
    }

    impl Courier for Honest {
        fn post(&self, url: &str, body: &str) -> Result<CourierAnswer, CourierError> {
            assert_eq!(url, "https://witness.example/w/add-checkpoint");
            *self.asked.lock().unwrap() += 1;
            let request = AddCheckpoint::parse(body).unwrap();
            let mut last = self.last.lock().unwrap();
            let answer = |status, content_type: Option<&str>, body| CourierAnswer {
                status,
                content_type: content_type.map(str::to_owned),
                body,
            };
            let mut answer = match judge(&request, &[log().verifier().clone()], &last) {
                Verdict::Cosign => {
                    let checkpoint = request.checkpoint();
                    *last = Last { size: checkpoint.size(), root: *checkpoint.root() };
                    answer(200, None, format!("{}\n", signer().cosign(checkpoint, self.time).unwrap()))
                }
                Verdict::Conflict { size, .. } => answer(409, Some(SIZE_TYPE), format!("{size}\n")),
                Verdict::Inconsistent { .. } => answer(422, None, String::new()),
                Verdict::NotConfigured => answer(404, None, String::new()),
                Verdict::BadSignature => answer(403, None, String::new()),
            };
            (self.twist)(&mut answer);
            Ok(answer)
        }
    }

    /// We hold `size` leaves of a log of one kind, and believe that the witness is at `last_known_size`.
    fn asking(courier: &dyn Courier, size: u64, kind: u8, last_known_size: u64) -> Result<Cosigned, Asked> {
        let witness = WitnessAt { url: "https://witness.example/w/".to_owned(), verifier: signer().verifier().clone() };
        let note = Checkpoint::new(log().name(), size, last(size, kind).root).unwrap().signed(&log()).unwrap();
        let question = Question { note: &note, last_known_size, now: Timestamp::from_seconds(NOW) };
        let cosigned = ask(courier, &witness, &question, |from| consistency_proof(&tree(size, kind), from, size).ok())?;
        let whole = Note::parse(&note).unwrap().with_signature(&cosigned.line).unwrap();
        let known = [witness.verifier];
        assert_eq!(crate::tlog::standings(&whole, &known)[0].1.time(), Some(cosigned.time));
        Ok(cosigned)
    }

    #[test]
    fn growing_log_is_cosigned_at_the_first_request() {
        let witness = Honest::at(Last::NONE);
        for (size, known) in [(0, 0), (3, 0), (3, 3), (9, 3)] {
            assert_eq!(asking(&witness, size, 0, known).unwrap().time, NOW);
        }
        assert_eq!(*witness.asked.lock().unwrap(), 4);
    }

    #[test]
    fn conversation_goes_on_once_from_the_size_the_witness_names() {
        for (theirs, remembered) in [(3, 0), (3, 7), (9, 3), (0, 9), (3, 200)] {
            let witness = Honest::at(last(theirs, 0));
            assert!(asking(&witness, 9, 0, remembered).is_ok(), "{theirs} and not {remembered}");
            assert_eq!(*witness.asked.lock().unwrap(), 2);
        }
    }

    #[test]
    fn witness_that_knows_more_raises_the_alarm() {
        let refused = asking(&Honest::at(last(9, 0)), 5, 0, 5).unwrap_err();
        assert!(matches!(refused, Asked::KnowsMore { size: 9, ours: 5 }), "{refused}");
        assert!(refused.is_alarm());
    }

    #[test]
    fn fork_raises_the_alarm_at_the_same_size_and_beyond_it() {
        for size in [5, 8] {
            for remembered in [0, 5] {
                let refused = asking(&Honest::at(last(5, 0)), size, 1, remembered).unwrap_err();
                assert!(matches!(refused, Asked::Refuses { status: 422, from: 5, .. }), "{refused}");
                assert!(refused.is_alarm());
            }
        }
    }

    #[test]
    fn older_witness_that_answers_a_fork_with_409_raises_the_alarm_too() {
        let mut witness = Honest::at(last(5, 0));
        witness.twist = |answer| {
            if answer.status == 422 {
                *answer =
                    CourierAnswer { status: 409, content_type: Some(SIZE_TYPE.to_owned()), body: "5\n".to_owned() };
            }
        };
        let refused = asking(&witness, 5, 1, 5).unwrap_err();
        assert!(matches!(refused, Asked::Refuses { status: 409, .. }), "{refused}");
    }

    #[test]
    fn wrong_cosignature_is_not_returned() {
        let mut witness = Honest::at(Last::NONE);
        witness.twist = |answer| answer.body = "yes\n".to_owned();
        assert!(matches!(asking(&witness, 3, 0, 0), Err(Asked::Answer { .. })));
        let mut witness = Honest::at(Last::NONE);
        witness.twist = |answer| {
            let other = Checkpoint::new(&"log.example".parse().unwrap(), 4, leaf_hash(b"")).unwrap();
            answer.body = format!("{}\n", signer().cosign(&other, NOW).unwrap());
        };
        let refused = asking(&witness, 3, 0, 0).unwrap_err();
        assert!(matches!(refused, Asked::Cosignature(CosignatureError::Wrong)), "{refused}");
        let mut witness = Honest::at(Last::NONE);
        witness.twist = |answer| answer.body = answer.body.replace("witness.example", "wittness.example");
        let refused = asking(&witness, 3, 0, 0).unwrap_err();
        assert!(matches!(refused, Asked::Cosignature(CosignatureError::OtherKey)), "{refused}");
    }

    #[test]
    fn lines_of_other_keys_are_ignored() {
        let mut witness = Honest::at(Last::NONE);
        witness.twist = |answer| answer.body = format!("\u{2014} other AAAAAAAA\n{}", answer.body);
        assert_eq!(asking(&witness, 3, 0, 0).unwrap().time, NOW);
    }

    #[test]
    fn clock_ten_minutes_ahead_is_accepted_and_one_second_more_refused() {
        let mut witness = Honest::at(Last::NONE);
        witness.time = NOW + 600;
        assert_eq!(asking(&witness, 3, 0, 0).unwrap().time, NOW + 600);
        witness.time = NOW + 601;
        let refused = asking(&witness, 3, 0, 3).unwrap_err();
        assert!(matches!(refused, Asked::ClockAhead { .. }), "{refused}");
    }

    #[test]
    fn conflict_in_another_form_is_no_conflict() {
        for (content_type, body) in
            [("text/plain", "3\n"), (SIZE_TYPE, "3"), (SIZE_TYPE, "03\n"), (SIZE_TYPE, "+3\n"), (SIZE_TYPE, "")]
        {
            let answer =
                CourierAnswer { status: 409, content_type: Some(content_type.to_owned()), body: body.to_owned() };
            assert!(matches!(conflict(&answer, 0, 9), Err(Asked::Answer { .. })), "{answer:?}");
        }
    }

    #[test]
    fn witness_that_keeps_moving_is_left_alone() {
        let mut witness = Honest::at(last(3, 0));
        witness.twist = |answer| {
            *answer = CourierAnswer { status: 409, content_type: Some(SIZE_TYPE.to_owned()), body: "4\n".to_owned() };
        };
        // Second answer: the size just asked from, which is a refusal; a third size would be moving.
        assert!(asking(&witness, 9, 0, 3).is_err());
        assert_eq!(*witness.asked.lock().unwrap(), 2);
    }
}
