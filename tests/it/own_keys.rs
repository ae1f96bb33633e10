//! Keys replaced, freezes lifted and reports taken over, from the side of whoever does it.

use crate::{life::Other, stage::Stage};
use amana::{
    cli::demo::cast::copy,
    client::{identity::RecoveryKey, own_keys::Heir},
    model::{freeze::Lift, institution::CaseMatter, limits, report::ReportState},
};

#[test]
fn freeze_that_its_guardian_lifted_is_not_lifted_again() {
    let mut stage = Stage::established();
    let guardian = Other::enrolled(&mut stage, "guardian");
    let (words, own) = (stage.recovery(), stage.cast.advocate.party_id());
    let lift = Lift::RecoveryAndGuardian { guardian: guardian.party() };
    let freeze = stage.as_advocate(|desk| desk.freeze(own, lift)).unwrap().accepted.id;
    let thaw = stage
        .as_advocate(|desk| {
            assert_eq!(desk.own_freezes(&words)?.len(), 1);
            desk.thaw(&words, freeze)
        })
        .unwrap();
    // It is proposed only, and holds.
    assert_eq!(stage.as_advocate(|desk| desk.own_freezes(&words)).unwrap().len(), 1);
    stage.as_somebody(&guardian.identity, |desk| desk.agree(thaw.id, CaseMatter::Thaw)).unwrap();
    assert_eq!(stage.as_advocate(|desk| desk.own_freezes(&words)).unwrap(), []);
    let later = stage.as_advocate(|desk| desk.freeze(own, Lift::Recovery {})).unwrap().accepted.id;
    let held = stage.as_advocate(|desk| desk.own_freezes(&words)).unwrap();
    assert_eq!(held.iter().map(|freeze| freeze.freeze).collect::<Vec<_>>(), [later]);
}

#[test]
fn freezes_the_broker_no_longer_knows_keep_nobody_from_lifting_the_rest() {
    let mut stage = Stage::established();
    let (words, own) = (stage.recovery(), stage.cast.advocate.party_id());
    let nobody = stage.somebody("nobody").party_id();
    stage
        .as_advocate(|desk| {
            for _ in 0..=limits::FREEZES {
                desk.freeze(own, Lift::Recovery {})?;
            }
            desk.freeze(own, Lift::RecoveryAndGuardian { guardian: nobody })
        })
        .unwrap();
    let sent = stage.as_advocate(|desk| desk.thaw_each(&words, None)).unwrap();
    assert_eq!(sent.len(), limits::FREEZES, "others took the place of two");
    assert!(stage.as_advocate(|desk| desk.reports()).is_ok());
    assert_eq!(stage.as_advocate(|desk| desk.thaw_each(&words, None)).unwrap(), []);
}

#[test]
fn rotation_to_another_recovery_key_is_confirmed_although_both_old_keys_sign_in_no_more() {
    let mut stage = Stage::established();
    let (words, new) = (stage.recovery(), stage.somebody("advocate-2"));
    let other = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    stage
        .as_advocate(|desk| {
            let proposed = desk.propose_rotation(&new, Some(other.clone()))?.id;
            desk.agree_to_rotation(&words, proposed, &new)
        })
        .unwrap();
    assert!(!stage.as_advocate(|desk| desk.is_in_force()).unwrap());
    let own = stage.cast.advocate.party_id();
    let in_force = stage.as_somebody(&new, |desk| {
        desk.memory_mut().party = Some(own);
        desk.is_in_force()
    });
    assert!(in_force.unwrap());
}

#[test]
fn report_that_was_taken_over_is_known_and_can_be_fetched() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let heir = Other::enrolled(&mut stage, "heir");
    let recovery = stage.recovery();
    let offer = stage.as_advocate(|desk| desk.hand_over(report, &heir.named(), &recovery)).unwrap().id;
    let back = stage.path("back.age");
    stage
        .as_somebody(&heir.identity, |desk| {
            // Nothing is theirs before they agree.
            assert_eq!((desk.remember_reports()?, desk.reports()?.len()), (0, 0));
            desk.agree(offer, CaseMatter::Handover)?;
            assert_eq!(desk.remember_reports()?, 1);
            assert_eq!(desk.remember_reports()?, 0);
            assert!(matches!(desk.reports()?[0].state, ReportState::Stored {}));
            desk.download(report, &back, &mut |_| {})
        })
        .unwrap();
    let again = stage.path("again.age");
    assert!(stage.as_advocate(|desk| desk.download(report, &again, &mut |_| {})).is_err());
}

#[test]
fn report_that_does_not_open_keeps_no_other_from_being_locked_for_new_keys() {
    let mut stage = Stage::established();
    let [spoilt, good] = ["spoilt.txt", "good.txt"].map(|name| stage.report(name, name.as_bytes()));
    let (other, recovery) = (Other::enrolled(&mut stage, "other"), stage.recovery());
    let offer = stage.as_advocate(|desk| desk.hand_over(spoilt, &other.named(), &recovery)).unwrap().id;
    let party = stage.cast.advocate.party_id();
    // It comes back locked for the advocate's device, and not for the words.
    let for_the_device = Heir { party, recipient: stage.cast.advocate.recipient(), ..other.named() };
    let back = stage
        .as_somebody(&other.identity, |desk| {
            desk.take_over(offer)?;
            desk.hand_over(spoilt, &for_the_device, &other.recovery)
        })
        .unwrap();
    stage.as_advocate(|desk| desk.take_over(back.id)).unwrap();
    let new = stage.somebody("advocate-again");
    let locked = stage
        .as_somebody(&new, |desk| {
            desk.find_party(&recovery)?;
            desk.recover(&recovery, &copy(&new), None)?;
            desk.wrap_all_anew(&recovery, &recovery)
        })
        .unwrap();
    assert_eq!((locked.now, locked.failed.iter().map(|(id, _)| *id).collect::<Vec<_>>()), (1, vec![spoilt]));
    let fetched = stage.path("good.age");
    stage.as_somebody(&new, |desk| desk.download(good, &fetched, &mut |_| {})).unwrap();
}

#[test]
fn words_that_cannot_sign_in_stop_everything_with_a_word_about_them() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let heir = Other::enrolled(&mut stage, "heir");
    let wrong = RecoveryKey::generate(&*stage.cast.entropy());
    let refused = stage.as_advocate(|desk| desk.hand_over(report, &heir.named(), &wrong)).err().unwrap().to_string();
    assert!(refused.contains("These 24 words"), "{refused}");
}
