//! Cosignatures: a witness says that, at a time, this was the largest tree of the log it had seen,
//! and that every earlier tree it had seen is its beginning.
//!
//! A cosignature is one more signature line under a checkpoint, by a key of type 0x04, with its
//! time before the signature. Start with [`standings`] to read them and [`CosignatureSigner`] to
//! make one. Whether a tree may be cosigned at all is decided in `witness`, never here.
//!
//! The signed message does not name the witness: one key under two names would count twice.
//! Whoever makes the list of known witnesses takes care that every key stands in it once.
//!
//! Source: c2sp.org/tlog-cosignature, "Format" and "Ed25519 signed message".

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use super::checkpoint::Checkpoint;
use super::key::{ALG_COSIGNATURE_V1, KeyError, KeyName, KeyText, key_id, verifies};
use super::note::{Note, NoteSignature};

/// The latest time a cosignature can carry, in seconds since 1970-01-01: 2^63 - 1.
pub const MAX_COSIGNATURE_TIME: u64 = i64::MAX.unsigned_abs();

/// A known witness.
///
/// As text: `name+key id in 8 hexadecimal digits+base64(0x04 ‖ public key)`; `Display` writes it,
/// `FromStr` reads exactly what `Display` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignatureVerifier {
    name: KeyName,
    key: VerifyingKey,
    key_id: u32,
}

impl CosignatureVerifier {
    /// Knows this Ed25519 key by this name.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`] if the key is weak (of small order).
    pub fn new(name: KeyName, key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() {
            return Err(KeyError::PublicKey);
        }
        let key_id = key_id(&name, ALG_COSIGNATURE_V1, key.as_bytes());
        Ok(Self { name, key, key_id })
    }

    /// The witness's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The key id in signature lines.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Whether the line claims to be this witness's, by name and key id.
    pub fn claims(&self, line: &NoteSignature) -> bool {
        (line.name(), line.key_id()) == (&self.name, self.key_id)
    }

    /// The time of this witness's cosignature of a note's text.
    ///
    /// # Errors
    /// [`CosignatureError`] if the line is not this witness's, or does not hold.
    pub fn verify(&self, text: &str, line: &NoteSignature) -> Result<Cosignature, CosignatureError> {
        if !self.claims(line) {
            return Err(CosignatureError::OtherKey);
        }
        let (time, signature) = line.signature().split_first_chunk::<8>().ok_or(CosignatureError::Length)?;
        if signature.len() != ed25519_dalek::SIGNATURE_LENGTH {
            return Err(CosignatureError::Length);
        }
        let time = u64::from_be_bytes(*time);
        if time > MAX_COSIGNATURE_TIME {
            return Err(CosignatureError::Time);
        }
        if !verifies(&self.key, message(text, time).as_bytes(), signature) {
            return Err(CosignatureError::Wrong);
        }
        Ok(Cosignature { time })
    }
}

impl fmt::Display for CosignatureVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KeyText::new(&self.name, ALG_COSIGNATURE_V1, self.key.as_bytes()).fmt(f)
    }
}

impl FromStr for CosignatureVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        KeyText::read_ed25519(text, ALG_COSIGNATURE_V1, Self::new)
    }
}

/// A cosignature that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cosignature {
    time: u64,
}

impl Cosignature {
    /// When it was made by the witness's clock, in seconds since 1970-01-01; at most [`MAX_COSIGNATURE_TIME`].
    pub fn time(&self) -> u64 {
        self.time
    }
}

/// Why a line is not a cosignature that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// The line has another name or key id.
    #[error("the line is not by this witness's key")]
    OtherKey,
    /// Not eight bytes of time and 64 of signature.
    #[error("a cosignature has eight bytes of time and 64 of signature")]
    Length,
    /// Later than [`MAX_COSIGNATURE_TIME`].
    #[error("the time of the cosignature is beyond 2^63 - 1 seconds")]
    Time,
    /// The signature is not this key's over this text at this time.
    #[error("the cosignature is wrong")]
    Wrong,
}

/// What a note says of one known witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No line claims to be this witness's.
    Absent,
    /// The newest of its lines that hold.
    Cosigned(Cosignature),
    /// Lines claim to be this witness's, and none holds.
    Broken(CosignatureError),
}

impl Standing {
    /// The time, if a cosignature holds.
    pub fn time(&self) -> Option<u64> {
        match self {
            Self::Cosigned(cosignature) => Some(cosignature.time()),
            Self::Absent | Self::Broken(_) => None,
        }
    }
}

/// What a note says of each known witness, in the order of the witnesses.
///
/// Lines of unknown keys are ignored. A known witness's line that does not hold is *not counted, but
/// reported* as [`Standing::Broken`]: anybody on the way can add such a line, and it must not make a
/// good log unreadable. Whoever needs a quorum counts [`Standing::Cosigned`] alone. The log's own
/// signature is not looked at here; see [`Checkpoint::open`].
pub fn standings<'w>(note: &Note, witnesses: &'w [CosignatureVerifier]) -> Vec<(&'w CosignatureVerifier, Standing)> {
    witnesses.iter().map(|witness| (witness, standing(note, witness))).collect()
}

fn standing(note: &Note, witness: &CosignatureVerifier) -> Standing {
    let lines = note.signatures().iter().filter(|line| witness.claims(line));
    let mut found = Standing::Absent;
    for line in lines {
        match (witness.verify(note.text(), line), found) {
            (Ok(new), Standing::Cosigned(old)) => found = Standing::Cosigned(new.max(old)),
            (Ok(new), _) => found = Standing::Cosigned(new),
            (Err(_), Standing::Cosigned(_)) => {}
            (Err(error), _) => found = Standing::Broken(error),
        }
    }
    found
}

/// A witness's key in memory; wiped when dropped.
pub struct CosignatureSigner {
    verifier: CosignatureVerifier,
    key: SigningKey,
}

impl CosignatureSigner {
    /// Cosigns with this key by this name. The key must not sign anything else.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`] if the public key is weak, which no seed is known to yield.
    pub fn new(name: KeyName, key: SigningKey) -> Result<Self, KeyError> {
        let verifier = CosignatureVerifier::new(name, key.verifying_key())?;
        Ok(Self { verifier, key })
    }

    /// What readers of this witness's cosignatures are configured with.
    pub fn verifier(&self) -> &CosignatureVerifier {
        &self.verifier
    }

    /// Cosigns a checkpoint at a time in seconds since 1970-01-01. It takes nothing but checkpoints, so that the key
    /// can sign nothing else.
    ///
    /// Says that the tree contains every tree of this log cosigned before, and that none was larger: the caller has
    /// judged that, and has stored it durably.
    ///
    /// # Errors
    /// [`CosignatureError::Time`] beyond [`MAX_COSIGNATURE_TIME`].
    pub fn cosign(&self, checkpoint: &Checkpoint, time: u64) -> Result<NoteSignature, CosignatureError> {
        if time > MAX_COSIGNATURE_TIME {
            return Err(CosignatureError::Time);
        }
        let signature = self.key.sign(message(&checkpoint.to_text(), time).as_bytes());
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend_from_slice(&signature.to_bytes());
        Ok(NoteSignature::new(self.verifier.name.clone(), self.verifier.key_id, bytes))
    }
}

/// What is signed: two lines that keep it apart from notes, then the whole text of the note.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::{Ed25519NoteSigner, Hash, NoteSigner as _, leaf_hash, sign_note};

    fn witness(name: &str, seed: u8) -> CosignatureSigner {
        CosignatureSigner::new(name.parse().unwrap(), SigningKey::from_bytes(&[seed; 32])).unwrap()
    }

    fn log() -> Ed25519NoteSigner {
        Ed25519NoteSigner::new("log.example".parse().unwrap(), SigningKey::from_bytes(&[1; 32])).unwrap()
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint::new(log().name(), size, leaf_hash(b"root")).unwrap()
    }

    fn note(lines: &[NoteSignature]) -> Note {
        let mut text = sign_note(&checkpoint(7).to_text(), &[&log()]).unwrap();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        Note::parse(&text).unwrap()
    }

    #[test]
    fn cosignature_of_the_specification_has_its_form() {
        // The example of the specification: its key is not published, its form is.
        let line = "\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2\
                    oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
        let line: NoteSignature = line.parse().unwrap();
        assert_eq!(line.signature().len(), 72);
        assert_eq!(u64::from_be_bytes(line.signature()[..8].try_into().unwrap()), 1_679_315_147);
        let (root, origin) = ("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "example.com/behind-the-sofa");
        let root: Hash = root.parse().unwrap();
        let text = Checkpoint::new(&origin.parse().unwrap(), 20_852_163, root).unwrap().to_text();
        assert_eq!(
            message(&text, 1_679_315_147),
            format!("cosignature/v1\ntime 1679315147\n{origin}\n20852163\n{root}\n")
        );
    }

    #[test]
    fn key_text_has_one_spelling_and_one_type() {
        let verifier = witness("witness.example", 2).verifier().clone();
        let text = verifier.to_string();
        assert_eq!(text.parse::<CosignatureVerifier>().unwrap(), verifier);
        assert_eq!(format!("{text}=").parse::<CosignatureVerifier>(), Err(KeyError::Form));
        assert_eq!(log().verifier().to_string().parse::<CosignatureVerifier>(), Err(KeyError::Algorithm));
        assert_eq!(text.parse::<crate::tlog::NoteVerifier>(), Err(KeyError::Algorithm));
        let other_name = text.replacen("witness", "wittness", 1);
        assert_eq!(other_name.parse::<CosignatureVerifier>(), Err(KeyError::KeyId));
    }

    #[test]
    fn cosignature_holds_for_its_text_time_and_key_alone() {
        let witness = witness("witness.example", 2);
        let line = witness.cosign(&checkpoint(7), 1000).unwrap();
        assert_eq!(witness.verifier().verify(&checkpoint(7).to_text(), &line).unwrap().time(), 1000);
        let other_text = witness.verifier().verify(&checkpoint(8).to_text(), &line);
        assert_eq!(other_text, Err(CosignatureError::Wrong));
        for bit in 0..72 * 8 {
            let mut bytes = line.signature().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = NoteSignature::new(line.name().clone(), line.key_id(), bytes);
            assert!(witness.verifier().verify(&checkpoint(7).to_text(), &changed).is_err(), "bit {bit}");
        }
        let short = NoteSignature::new(line.name().clone(), line.key_id(), line.signature()[..71].to_vec());
        let short = witness.verifier().verify(&checkpoint(7).to_text(), &short);
        assert_eq!(short, Err(CosignatureError::Length));
        assert!(witness.cosign(&checkpoint(7), MAX_COSIGNATURE_TIME).is_ok());
        assert_eq!(witness.cosign(&checkpoint(7), MAX_COSIGNATURE_TIME + 1), Err(CosignatureError::Time));
    }

    #[test]
    fn log_signature_is_no_cosignature_even_of_the_same_key() {
        let (name, key) = ("both.example", SigningKey::from_bytes(&[3; 32]));
        let plain = Ed25519NoteSigner::new(name.parse().unwrap(), key.clone()).unwrap();
        let cosigner = CosignatureSigner::new(name.parse().unwrap(), key).unwrap();
        let signed = Note::parse(&sign_note(&checkpoint(7).to_text(), &[&plain]).unwrap()).unwrap();
        let witnesses = [cosigner.verifier().clone()];
        assert_eq!(standings(&signed, &witnesses)[0].1, Standing::Absent);
    }

    #[test]
    fn broken_line_is_reported_and_counts_for_nobody() {
        let (good, bad, absent) = (witness("good", 2), witness("bad", 3), witness("absent", 4));
        let wrong = bad.cosign(&checkpoint(8), 5).unwrap();
        let stranger = witness("stranger", 9).cosign(&checkpoint(7), 5).unwrap();
        let lines = [stranger, good.cosign(&checkpoint(7), 1000).unwrap(), wrong];
        let witnesses = [&good, &bad, &absent].map(|w| w.verifier().clone());
        let note = note(&lines);
        let found: Vec<Standing> = standings(&note, &witnesses).into_iter().map(|(_, s)| s).collect();
        let cosigned = Standing::Cosigned(Cosignature { time: 1000 });
        assert_eq!(found, [cosigned, Standing::Broken(CosignatureError::Wrong), Standing::Absent]);
        assert_eq!(Checkpoint::open(&note.to_string(), log().verifier()).unwrap().size(), 7);
    }

    #[test]
    fn newest_of_several_lines_counts_whatever_broken_ones_stand_around_it() {
        let w = witness("w", 2);
        let wrong = w.cosign(&checkpoint(8), 5000).unwrap();
        let line = |time| w.cosign(&checkpoint(7), time).unwrap();
        let note = note(&[wrong.clone(), line(10), line(30), line(20), wrong]);
        assert_eq!(standings(&note, &[w.verifier().clone()])[0].1.time(), Some(30));
    }
}
