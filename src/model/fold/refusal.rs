//! Why an event may not happen.

use crate::model::{
    ids::{Digest, PublicKey},
    roster::BadRoster,
    statement::Kind,
};

/// A rule of the fold that an event would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Genesis is entry 0 or nothing.
    #[error("genesis must be the first entry of the register")]
    NotFirst,
    /// Nothing is known under that id. Also what a stranger is told about what exists.
    #[error("this {0} is not known here")]
    Unknown(&'static str),
    /// The report or grant belongs to somebody else.
    #[error("the signer does not own it")]
    NotOwner,
    /// `kid` and `iss` do not belong together.
    #[error("the key does not sign for the party in iss")]
    WrongParty,
    /// The key's holder may not sign this kind.
    #[error("a key held as {role} cannot sign a statement of type {}", kind.typ())]
    WrongSigner {
        /// What was signed.
        kind: Kind,
        /// By whom.
        role: &'static str,
    },
    /// An officer's appointment is over.
    #[error("the officer's appointment has ended")]
    AppointmentEnded,
    /// Other bytes used this identifier before.
    #[error("this jti was used by another statement of the same issuer; sign again with a fresh one")]
    JtiUsed,
    /// Not the next statement of this issuer on this subject.
    #[error("prev is not the digest of your last accepted statement on this subject; sign again with the current one")]
    OutOfOrder {
        /// The digest to name in `prev`.
        current: Option<Digest>,
    },
    /// Too late.
    #[error("submit_by has passed; sign the statement again")]
    SubmittedLate,
    /// The signer's clock is wrong, or meant to be.
    #[error("iat lies more than 10 minutes ahead of the broker's clock; check the clock of your device")]
    IssuedAhead,
    /// Valid for longer than a statement may be.
    #[error("submit_by must lie after iat, at most 30 days")]
    SubmitByTooFar,
    /// `subject` is missing, superfluous or names something else.
    #[error("subject must {0}")]
    Subject(&'static str),
    /// `prev` on a statement that carries none.
    #[error("this kind of statement carries no prev")]
    UnexpectedPrev,
    /// The key is registered already; a key has one holder for ever.
    #[error("this key is already registered")]
    KeyTaken,
    /// The statement's own content does not hold together.
    #[error("the statement contradicts itself or a bound: {0}")]
    Malformed(&'static str),
    /// Another report statement names the same payload.
    #[error("a report with this payload exists; one payload has one statement")]
    PayloadTaken,
    /// The payload is there.
    #[error("the payload is already stored")]
    AlreadyStored,
    /// The payload is not there yet.
    #[error("the payload is not stored yet; upload it first")]
    NotStored,
    /// The institution may not receive.
    #[error("the institution is not admitted")]
    NotAdmitted,
    /// The institution is stopped.
    #[error("the institution is suspended")]
    Suspended,
    /// The recipient key is not the current one of its unit.
    #[error("the recipient key is unknown, superseded or differs from the grant; fetch the current one and check it")]
    RecipientKeyNotCurrent,
    /// Consented under other rules than today's.
    #[error("the grant names another {0} than the one in force")]
    OtherRules(&'static str),
    /// The end of the window lies behind.
    #[error("the {0} has already passed")]
    Past(&'static str),
    /// The mandate does not cover the purpose.
    #[error("a purpose lies outside the institution's mandate")]
    OutsideMandate,
    /// Answers a request it does not belong to.
    #[error("the request it answers is for another report or from another institution")]
    OtherRequest,
    /// The grant cannot make this step.
    #[error("the grant has ended, or does not wait for this")]
    WrongGrantState,
    /// Not over yet.
    #[error("the grant has not ended")]
    GrantStillRuns,
    /// A release outside the grant.
    #[error("the release lies outside the grant: {0}")]
    OutsideGrant(&'static str),
    /// The nonce belongs to another release.
    #[error("this nonce belongs to another release of the same officer")]
    NonceUsed,
    /// Answered before.
    #[error("this release is already acknowledged")]
    AlreadyAcknowledged,
    /// The acknowledgement says other digests than the report.
    #[error("the acknowledgement names other digests than the report statement; send a defect instead")]
    AcknowledgementMismatch,
    /// Nobody agrees with themselves.
    #[error("the same key has already signed this; somebody else must approve it")]
    ApprovesOwn,
    /// What needs no council.
    #[error("administrators alone approve this; the policy council approves changes of the roster and roll-forwards")]
    AdministratorsAlone,
    /// Not the next roster.
    #[error("this is no change of the roster in force: propose it again, numbered {next}")]
    OtherRoster {
        /// The number a change must have.
        next: u64,
    },
    /// The roster itself does not hold together.
    #[error("this roster cannot come into force: {0}")]
    Roster(BadRoster),
    /// A key that somebody has or had.
    #[error("the key {0} is or was somebody else's; every office, witness and log needs a key that was nobody's")]
    KeyIsAnothers(PublicKey),
    /// The broker could not sign its logs from then on.
    #[error(
        "this broker does not hold the log keys this roster names, so it cannot come into force. The operator prepares \
         them (amana log-key prepare) and starts the broker again; then approve once more"
    )]
    LogKeyNotHeld,
    /// The grant is older than the roll-forward: its end may be among what was lost.
    #[error("the grant was given before the log was rolled forward; give it anew")]
    RolledForward,
    /// The grant was signed by somebody who did not know of the roll-forward.
    #[error(
        "the grant was signed before the log was rolled forward, and may have been withdrawn in what was lost; sign it \
         anew"
    )]
    SignedBefore,
    /// Nothing leaves and nothing new is taken before enough of those who hold office have looked at a roll-forward.
    #[error(
        "the log was rolled forward. Until enough administrators and enough of the council have confirmed it, nothing is \
         released and no report, request or grant is taken; withdrawals are. Send it again then"
    )]
    UnconfirmedRollForward,
    /// Whoever confirms a roll-forward confirms the roster in force with it.
    #[error(
        "this confirms another roster than the one in force, which is number {in_force}: look at that one (amana roster \
         show), and propose the confirmation anew"
    )]
    ConfirmsOtherRoster {
        /// Number of the roster in force.
        in_force: u64,
    },
    /// No auditor has vouched for it yet.
    #[error("no auditor has vouched for this entry yet")]
    NotAudited,
    /// It is closed already, or facts depend on it.
    #[error("the body of this entry is gone already, or facts depend on it")]
    BodyNeeded,
    /// Everything of the signer's stands still.
    #[error(
        "your things are frozen: nothing is taken from you but withdrawals and freezes, until the freeze is lifted"
    )]
    Frozen,
    /// The report was withdrawn.
    #[error("the report was withdrawn; nothing is granted, released or asked of it any more")]
    ReportWithdrawn,
    /// Too late to keep it.
    #[error("the report is being erased; what is left of it cannot be kept any more")]
    BeingErased,
    /// What opens a sensitive report comes last.
    #[error("what opens this report may not come yet: {0}")]
    HeaderTooEarly(&'static str),
    /// A replacement that allows more than what it replaces.
    #[error(
        "the grant goes beyond the one it takes the place of: {0}. Only a grant that answers a request may do that"
    )]
    GoesBeyond(&'static str),
    /// The institution has said, or changed, what it does with information.
    #[error("the grant names other terms than the institution's; read the ones in force and grant under those")]
    OtherTerms,
    /// Answers are owed.
    #[error("the institution owes an answer that is overdue; it has to say what became of what it collected")]
    AnswerOverdue,
    /// Nobody collected.
    #[error("nothing was collected under this grant")]
    NothingCollected,
    /// A freeze works once.
    #[error(
        "this freeze was used before, and was lifted or has lapsed since: nothing is frozen now. A guardian file works once; \
         ask whoever gave it to you for another one"
    )]
    FreezeOver,
    /// Not whoever may lift it.
    #[error("this freeze is lifted by others; it says by whom")]
    NotYoursToLift,
    /// Not whoever has to agree.
    #[error("your agreement is not asked for here")]
    NotAsked,
    /// Done already.
    #[error("this has already taken effect")]
    AlreadyEffective,
}

/// A step of the fold did not happen.
#[derive(Debug, thiserror::Error)]
pub enum FoldError<E> {
    /// It may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Rows failed.
    #[error("the facts could not be read or written")]
    Rows(E),
}
