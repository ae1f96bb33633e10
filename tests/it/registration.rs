//! Registering by invitation or by a proof of work.

use crate::{
    raw::{Answer, Raw, b64},
    stage::Stage,
};
use amana::{
    broker::Registration,
    client::identity::{Identity, RecoveryKey},
    model::{ids::Digest, party::EnrolmentRole},
    wire::{problem::Problem, work::Bits},
};
use base64::Engine as _;
use serde_json::json;

const BITS: u8 = 10;
const INVITATION: &str = "come in";

fn bits(count: u8) -> Bits {
    count.try_into().unwrap()
}

fn stage() -> Stage {
    let mut stage = Stage::founded();
    stage.restart_with(|settings| {
        settings.registration = Registration::Work { bits: bits(BITS), invitation: INVITATION.to_owned() };
    });
    stage
}

fn enrolment(stage: &mut Stage, who: &Identity) -> String {
    let recovery = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let body = json!({
        "signing_key": who.public_key(), "recipient": who.recipient(), "recovery": recovery, "role": { "advocate": {} },
    });
    stage.statement(who, "amana-party-v1+jwt", None, None, &body)
}

/// Leading zero bits of the hash, reckoned here once more.
fn zero_bits(stage: &Stage, statement: &str, nonce: &[u8]) -> u32 {
    let (genesis, statement) = (stage.cast.card().digest, Digest::of(statement.as_bytes()));
    let parts: [&[u8]; 4] = [b"amana/registration-work/v1\0", genesis.as_bytes(), statement.as_bytes(), nonce];
    let hash = Digest::of(&parts.concat());
    u128::from_be_bytes(hash.as_bytes()[..16].try_into().unwrap()).leading_zeros()
}

/// A nonce that shows so many bits and no bit more.
fn nonce(stage: &Stage, statement: &str, bits_shown: u8) -> String {
    let exactly = |nonce: &[u8; 4]| zero_bits(stage, statement, nonce) == u32::from(bits_shown);
    b64((0_u32..).map(u32::to_be_bytes).find(exactly).unwrap())
}

fn send(raw: &Raw, statement: &str, header: Option<(&'static str, &str)>) -> Answer {
    let mut headers = vec![crate::raw::json_type()];
    headers.extend(header.map(|(name, value)| (name, value.to_owned())));
    raw.send("POST", "/v1/parties", &headers, json!({ "statement": statement }).to_string().as_bytes())
}

fn work_needed() -> (u16, String) {
    (403, "work-needed".to_owned())
}

#[test]
fn work_with_one_bit_too_few_is_refused_and_the_next_bit_is_enough() {
    let mut stage = stage();
    let who = stage.somebody("worker");
    let statement = enrolment(&mut stage, &who);
    let raw = stage.raw();
    let none = send(&raw, &statement, None);
    assert_eq!(none.refused(), work_needed());
    assert_eq!(none.json::<Problem>().bits, Some(BITS));
    let short = nonce(&stage, &statement, BITS - 1);
    assert_eq!(send(&raw, &statement, Some(("amana-work", &short))).refused(), work_needed());
    let enough = nonce(&stage, &statement, BITS);
    for bad in [format!("{enough}="), format!("{enough}{enough}{enough}"), String::new()] {
        assert_eq!(send(&raw, &statement, Some(("amana-work", &bad))).refused(), work_needed(), "{bad:?}");
    }
    let first = send(&raw, &statement, Some(("amana-work", &enough))).accepted();
    let again = send(&raw, &statement, Some(("amana-work", &enough))).accepted();
    assert_eq!(first.index, again.index, "the same statement again is its first entry");
}

#[test]
fn work_for_another_statement_is_no_work() {
    let mut stage = stage();
    let who = stage.somebody("worker");
    let (one, other) = (enrolment(&mut stage, &who), enrolment(&mut stage, &who));
    let raw = stage.raw();
    let spent = nonce(&stage, &one, BITS);
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&spent).unwrap();
    assert!(zero_bits(&stage, &other, &bytes) < u32::from(BITS), "by chance it is good for both");
    assert_eq!(send(&raw, &other, Some(("amana-work", &spent))).refused(), work_needed());
    send(&raw, &one, Some(("amana-work", &spent))).accepted();
}

#[test]
fn invitation_is_enough_beside_the_work() {
    let mut stage = stage();
    let who = stage.somebody("guest");
    let statement = enrolment(&mut stage, &who);
    let raw = stage.raw();
    let wrong = send(&raw, &statement, Some(("amana-invitation", "come in please")));
    assert_eq!(wrong.refused(), work_needed());
    send(&raw, &statement, Some(("amana-invitation", INVITATION))).accepted();
}

#[test]
fn client_does_the_work_by_itself() {
    let mut stage = stage();
    let who = stage.somebody("worker");
    let keys = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let mut told = Vec::new();
    stage
        .as_somebody(&who, |desk| {
            desk.enrol_telling(EnrolmentRole::Advocate {}, keys, Some("wrong"), &mut |working| told.push(working))
        })
        .unwrap();
    assert_eq!(told.first(), Some(&amana::client::work::Working::Asked(bits(BITS))));
    assert_eq!(stage.as_somebody(&who, |desk| desk.reports()).unwrap().len(), 0, "known, and able to sign in");
}
