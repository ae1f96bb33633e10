//! One person at work: their identity, what their device remembers, and the broker they talk to.
//!
//! Everything a desk is told by the broker is checked before it is believed: genesis against the bootstrap card, the
//! register against its checkpoint, every receipt against the log it has seen before. Until a receipt verifies, a
//! statement is "sent, not confirmed".

use super::{
    identity::{Identity, RecoveryKey},
    memory::{Memory, StoredReceipt},
    mirror::{Mirror, MirrorError},
    remote::{As, Remote, RemoteError},
};
use crate::{
    model::{
        ambient::{Clock, Entropy, random},
        event::Log,
        ids::{Digest, Jti, PartyId},
        time::{Duration, Timestamp},
    },
    tlog::{Checkpoint, Hash, Note, empty_root, verify_consistency},
    wire::{
        api::{Accepted, CaseHead, RegisterPage, SubmitStatement},
        entry::Happening,
        genesis::{Card, GenesisError, SignedGenesis},
        jws::JwsError,
        problem::ProblemType,
        receipt::{self, Receipt, ReceiptError},
        statement::{self, Claims, Seen, SeenTree, StatementBody},
        trust::Trust,
    },
};
use ed25519_dalek::SigningKey;
use serde::Serialize;
use std::sync::Arc;

/// How long a statement may travel. Long enough for a bad link, short enough not to be forgotten.
const SUBMIT_WITHIN: Duration = Duration::from_days(1);
/// A withdrawal travels as long as it may: a device whose clock is days slow must still be able to stop things.
const WITHDRAW_WITHIN: Duration = Duration::from_days(29);

/// Something did not work; the words are for the person at the desk.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The broker.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The trust root.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The register.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// A receipt.
    #[error("sent, not confirmed: {0}. Keep the statement and ask an auditor")]
    Receipt(#[from] ReceiptError),
    /// The log is not the one seen before.
    #[error("the broker's log is not a continuation of the one seen before. Stop, keep this device, tell an auditor")]
    Fork,
    /// The broker shows as signed what nobody signed.
    #[error(
        "{what} is not to be believed: {why}. The broker shows what nobody signed; keep this device, tell an auditor"
    )]
    Forged {
        /// What was shown.
        what: String,
        /// Why it is not believed.
        why: String,
    },
    /// Signing.
    #[error("signing failed: {0}")]
    Signing(#[from] JwsError),
    /// Anything a verb has to say.
    #[error("{0}")]
    Refused(String),
}

impl DeskError {
    /// A refusal in words.
    pub fn refused(words: impl Into<String>) -> Self {
        Self::Refused(words.into())
    }
}

/// A person's desk.
pub struct Desk {
    pub(in crate::client) identity: Identity,
    /// Speaks instead, while another key of the party is needed.
    speaking: Option<SigningKey>,
    pub(in crate::client) memory: Memory,
    pub(in crate::client) remote: Remote,
    pub(in crate::client) genesis: SignedGenesis,
    pub(in crate::client) mirror: Mirror,
    /// Whose signatures under the logs count, by that mirror.
    pub(in crate::client) trust: Trust,
    pub(in crate::client) clock: Arc<dyn Clock>,
    pub(in crate::client) entropy: Arc<dyn Entropy>,
}

/// What a desk is opened with.
pub struct Opening {
    /// The person's identity.
    pub identity: Identity,
    /// What the device remembers.
    pub memory: Memory,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

impl Desk {
    /// Opens a desk at a broker. The first time, the card decides whether it is the right one.
    ///
    /// # Errors
    /// [`GenesisError::OtherBroker`] when it is not; [`DeskError`] when it cannot be reached or shows a broken register.
    pub fn open(opening: Opening, address: &str, card: &Card) -> Result<Self, DeskError> {
        let Opening { identity, mut memory, clock, entropy } = opening;
        let remote = Remote::new(address, clock.clone(), entropy.clone())?;
        let note = match &memory.genesis {
            Some(note) => note.clone(),
            None => remote.fetch_text("/v1/genesis")?,
        };
        let genesis = SignedGenesis::parse(&note)?.matching(card)?;
        let mirror = Mirror::remembered(&genesis, &memory.register)?;
        memory.genesis = Some(note);
        memory.url = Some(address.to_owned());
        let trust = mirror.trust(&genesis)?;
        let mut desk = Self { identity, speaking: None, memory, remote, genesis, mirror, trust, clock, entropy };
        desk.refresh()?;
        Ok(desk)
    }

    /// As [`Desk::open`], without asking the broker for anything but what is missing: enough to withdraw. A broker that
    /// shows a broken register must not be able to keep anybody from withdrawing.
    ///
    /// # Errors
    /// As [`Desk::open`], but for the register.
    pub fn open_to_withdraw(opening: Opening, address: &str, card: &Card) -> Result<Self, DeskError> {
        let Opening { identity, memory, clock, entropy } = opening;
        let remote = Remote::new(address, clock.clone(), entropy.clone())?;
        let note = match &memory.genesis {
            Some(note) => note.clone(),
            None => remote.fetch_text("/v1/genesis")?,
        };
        let genesis = SignedGenesis::parse(&note)?.matching(card)?;
        let mut mirror = Mirror::of_genesis(&genesis)?;
        for entry in &memory.register {
            // Only for the names in it; nothing is decided from it here.
            if mirror.append(entry.clone(), &genesis).is_err() {
                break;
            }
        }
        let trust = mirror.trust(&genesis)?;
        Ok(Self { identity, speaking: None, memory, remote, genesis, mirror, trust, clock, entropy })
    }

    /// Brings the register up to date and checks it whole.
    ///
    /// # Errors
    /// When the broker shows a register that does not continue the one known.
    pub fn refresh(&mut self) -> Result<(), DeskError> {
        self.read_register().map_err(|error| self.held_against(error))
    }

    fn read_register(&mut self) -> Result<(), DeskError> {
        // What does not hold in the end leaves no trace in what this desk believes.
        let mut mirror = self.mirror.clone();
        loop {
            let page: RegisterPage = self.remote.fetch(&format!("/v1/register?from={}", mirror.size()), As::Anybody)?;
            let more = !page.entries.is_empty();
            for entry in page.entries {
                mirror.append(entry, &self.genesis)?;
            }
            // Between two requests the register may have grown; it is complete when sizes meet. Until then it may be
            // signed by a key that only an entry still to come puts in force.
            if size_claimed(&page.checkpoint)? <= mirror.size() || !more {
                // Signed by the key that the entries themselves put in force: k of n signed for it.
                let trust = mirror.trust(&self.genesis)?;
                let checkpoint =
                    Checkpoint::open(&page.checkpoint, trust.log(Log::Register)).map_err(|_| MirrorError::Root)?;
                mirror.check(&checkpoint)?;
                self.memory.register = mirror.entries().to_vec();
                self.memory.register_checkpoint = Some(page.checkpoint);
                (self.mirror, self.trust) = (mirror, trust);
                return Ok(());
            }
        }
    }

    /// The person's identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    /// What has to be remembered.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }
    /// What has to be remembered, to add to it.
    pub fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }
    /// Leaves the desk; what has to be remembered stays.
    pub fn into_memory(self) -> Memory {
        self.memory
    }
    /// The verified register.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }
    /// The trust root.
    pub fn genesis(&self) -> &SignedGenesis {
        &self.genesis
    }
    /// The broker.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
    /// How this person signs in.
    pub(in crate::client) fn signed_in(&self) -> As<'_> {
        As::Key(self.key())
    }
    /// Now, by the device's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Signs and submits a statement to `/v1/statements`.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn state<B: StatementBody + Clone>(
        &mut self,
        body: &B,
        subject: Option<Digest>,
    ) -> Result<Accepted, DeskError> {
        self.submit(body, subject, "/v1/statements", |statement| SubmitStatement { statement })
    }

    /// Signs a statement, sends it inside `wrap`, and verifies its receipt. If another device of the same person was
    /// faster, the statement is signed again as its successor.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn submit<B: StatementBody + Clone, W: Serialize>(
        &mut self,
        body: &B,
        subject: Option<Digest>,
        path: &str,
        wrap: impl Fn(String) -> W,
    ) -> Result<Accepted, DeskError> {
        self.submit_by("POST", body, subject, path, wrap)
    }

    /// As [`Desk::submit`], by another method.
    pub(in crate::client) fn submit_by<B: StatementBody + Clone, W: Serialize>(
        &mut self,
        method: &'static str,
        body: &B,
        subject: Option<Digest>,
        path: &str,
        wrap: impl Fn(String) -> W,
    ) -> Result<Accepted, DeskError> {
        let mut prev = subject.and_then(|s| self.memory.chains.get(&s.to_string()).copied());
        for _ in 0..2 {
            let text = self.sign(body, subject, prev)?;
            let sent: Result<Accepted, RemoteError> =
                self.remote.submit(method, path, &wrap(text.clone()), self.signed_in());
            match sent {
                Ok(accepted) => {
                    self.confirm(&accepted, &text, subject)?;
                    return Ok(accepted);
                }
                Err(error) => match error.problem() {
                    Some(problem) if problem.is(ProblemType::OutOfOrder) && problem.current != prev => {
                        prev = problem.current;
                    }
                    _ => return Err(self.held_against(error)),
                },
            }
        }
        Err(DeskError::refused("another device of yours keeps sending statements about the same thing; try again"))
    }

    /// Signs a statement as it would be sent now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sign<B: StatementBody + Clone>(
        &self,
        body: &B,
        subject: Option<Digest>,
        prev: Option<Digest>,
    ) -> Result<String, DeskError> {
        let now = self.now();
        let ordered = B::KIND.is_ordered();
        let claims = Claims {
            iss: self.party_id(),
            aud: self.genesis.digest(),
            jti: Jti::from_bytes(random(&*self.entropy)),
            iat: now,
            submit_by: now.plus(if ordered { SUBMIT_WITHIN } else { WITHDRAW_WITHIN }),
            subject,
            prev: prev.filter(|_| ordered),
            seen: ordered.then(|| self.seen()),
            body: body.clone(),
        };
        Ok(statement::sign(&claims, self.key())?)
    }

    /// The party this person is: the thumbprint of their first key, whichever one they use today.
    pub fn party_id(&self) -> PartyId {
        self.memory.party.unwrap_or_else(|| self.identity.party_id())
    }

    /// The key that signs: the identity's, or another of the party's while it speaks.
    fn key(&self) -> &SigningKey {
        self.speaking.as_ref().unwrap_or_else(|| self.identity.signing_key())
    }

    /// Lets the recovery key speak for the party instead of the identity.
    ///
    /// # Errors
    /// What `act` says.
    pub fn as_recovery<T>(
        &mut self,
        recovery: &RecoveryKey,
        act: impl FnOnce(&mut Self) -> Result<T, DeskError>,
    ) -> Result<T, DeskError> {
        self.speaking_with(recovery.signing_key(), act).map_err(|error| match error {
            DeskError::Remote(RemoteError::SignIn(words)) => RemoteError::SignIn(format!(
                "{words}. These 24 words may be another identity's, or another recovery key took the place of theirs"
            ))
            .into(),
            other => other,
        })
    }

    /// Lets another key of the party speak instead of the identity's.
    pub(in crate::client) fn speaking_with<T>(
        &mut self,
        key: &SigningKey,
        act: impl FnOnce(&mut Self) -> Result<T, DeskError>,
    ) -> Result<T, DeskError> {
        self.speaking = Some(key.clone());
        let outcome = act(self);
        self.speaking = None;
        outcome
    }

    /// What this device last verified of both logs.
    pub fn seen(&self) -> Seen {
        let nothing = SeenTree { size: 0, root: Digest::from_bytes(*empty_root().as_bytes()) };
        Seen { register: self.mirror.seen(), case: self.memory.case.unwrap_or(nothing) }
    }

    /// Verifies an answer's receipt and remembers it.
    pub(in crate::client) fn confirm(
        &mut self,
        accepted: &Accepted,
        text: &str,
        subject: Option<Digest>,
    ) -> Result<(), DeskError> {
        if accepted.id != Digest::of(text.as_bytes()) {
            return Err(ReceiptError::OtherStatement.into());
        }
        let receipt = self.believed(|trust| {
            receipt::verify_statement(&accepted.receipt, accepted.log, trust, &Happening::Accepted, text)
        })?;
        self.keep_receipt(&receipt, &accepted.receipt, text)?;
        self.memory.chains.insert(subject.unwrap_or(accepted.id).to_string(), accepted.id);
        Ok(())
    }

    /// Verifies the receipt of something the broker did for this person, and follows the log to it.
    pub(in crate::client) fn confirm_event(&mut self, text: &str, happened: &Happening) -> Result<(), DeskError> {
        let receipt = self.believed(|trust| receipt::verify_event(text, Log::Case, trust, happened))?;
        self.follow_case(receipt.tree)
    }

    /// As [`Desk::confirm_event`], of something that is an entry of its own each time: one this device has already verified
    /// does not stand for another.
    pub(in crate::client) fn confirm_new_event(&mut self, text: &str, happened: &Happening) -> Result<(), DeskError> {
        let receipt = self.believed(|trust| receipt::verify_event(text, Log::Case, trust, happened))?;
        let known = self.seen().case.size;
        self.follow_case(receipt.tree)?;
        if receipt.entry.index < known { Err(ReceiptError::Earlier.into()) } else { Ok(()) }
    }

    /// Verifies something the broker signed. Under another key than the one known here, it may be that the roster has
    /// changed since the register was last read: then the register says so.
    pub(in crate::client) fn believed<T, E>(&mut self, verify: impl Fn(&Trust) -> Result<T, E>) -> Result<T, E> {
        verify(&self.trust).or_else(|error| {
            let before = self.trust.clone();
            if self.refresh().is_ok() && self.trust != before { verify(&self.trust) } else { Err(error) }
        })
    }

    /// Checks that a receipt's tree continues the one seen before, and remembers it.
    pub(in crate::client) fn keep_receipt(
        &mut self,
        receipt: &Receipt,
        text: &str,
        statement: &str,
    ) -> Result<(), DeskError> {
        match receipt.entry.log {
            Log::Case => self.follow_case(receipt.tree)?,
            Log::Register => {
                self.refresh()?;
                if self.mirror.root_at(receipt.tree.size) != Some(receipt.tree.root) {
                    return Err(DeskError::Fork);
                }
            }
        }
        let id = Digest::of(statement.as_bytes()).to_string();
        let stored = StoredReceipt { statement: statement.to_owned(), receipt: text.to_owned() };
        self.memory.receipts.insert(id, stored);
        Ok(())
    }

    /// Follows the case log to its newest checkpoint, which must extend both what was seen before and `tree`.
    pub(in crate::client) fn follow_case(&mut self, tree: SeenTree) -> Result<(), DeskError> {
        self.follow_case_to(tree).map_err(|error| self.held_against(error))
    }

    fn follow_case_to(&mut self, tree: SeenTree) -> Result<(), DeskError> {
        let before = self.seen().case;
        let Some((newest, note)) = self.case_head_after(before)? else {
            return if tree.size == 0 { Ok(()) } else { Err(DeskError::Fork) };
        };
        if newest.size < tree.size {
            return Err(DeskError::Fork);
        }
        if newest != tree {
            self.case_head_after(tree)?;
        }
        self.memory.case = Some(newest);
        self.memory.case_checkpoint = Some(note);
        Ok(())
    }

    /// The newest checkpoint, proved to extend `old`; `None` while the log is empty.
    fn case_head_after(&mut self, old: SeenTree) -> Result<Option<(SeenTree, String)>, DeskError> {
        let path = format!("/v1/case/checkpoint?from={}", old.size);
        let fetched: Result<CaseHead, RemoteError> = self.remote.fetch(&path, self.signed_in());
        let head = match fetched {
            Err(error) if error.is(ProblemType::NotFound) && old.size == 0 => return Ok(None),
            // The log was that large: the broker signed it.
            Err(error) if error.is(ProblemType::NotFound) => return Err(DeskError::Fork),
            fetched => fetched?,
        };
        let checkpoint = self.believed(|trust| Checkpoint::open(&head.checkpoint, trust.log(Log::Case)));
        let checkpoint = checkpoint.map_err(|_| DeskError::Fork)?;
        let proof: Result<Vec<Hash>, _> = head.consistency.iter().map(|hash| hash.parse::<Hash>()).collect();
        let proof = proof.map_err(|_| DeskError::Fork)?;
        let root = Hash::from_bytes(*old.root.as_bytes());
        verify_consistency(old.size, &root, checkpoint.size(), checkpoint.root(), &proof)
            .map_err(|_| DeskError::Fork)?;
        let root = Digest::from_bytes(*checkpoint.root().as_bytes());
        Ok(Some((SeenTree { size: checkpoint.size(), root }, head.checkpoint)))
    }
}

/// The size a checkpoint speaks of, before anybody's signature is looked at.
fn size_claimed(checkpoint: &str) -> Result<u64, MirrorError> {
    let note = Note::parse(checkpoint).map_err(|_| MirrorError::Root)?;
    Ok(Checkpoint::parse(note.text()).map_err(|_| MirrorError::Root)?.size())
}
