//! What an institution holds in its hands: a released file that is whole, for it, and the report that was declared.

use crate::{
    stage::{Stage, inquiry, problem},
    two_faced::two_faced,
    uploads::Uploader,
};
use amana::{
    cli::demo::cast::copy,
    client::{
        fetched::{Collected, open_collected},
        identity::{Identity, to_age},
        reporting::report_of,
        rewrap::{self, FileKey},
    },
    model::{
        grant::Grant,
        ids::{Digest, GrantId, ReportId},
        report::{Report, ReportKind, Tier},
        time::Duration,
    },
    wire::{
        api::{Accepted, Bytes, SubmitGrant, SubmitReport},
        header::{Header, Stanza, Unsigned},
        problem::ProblemType,
    },
};
use std::{fs, path::PathBuf};

/// A collected report and where it lies.
fn collected(stage: &mut Stage, grant: GrantId, who: &Identity, name: &str) -> (Collected, PathBuf) {
    let age = stage.path(name);
    let collected = stage
        .as_somebody(who, |desk| {
            let released = desk.request_release(grant, &inquiry())?;
            desk.collect(&released, &age, &mut |_| {})
        })
        .unwrap();
    (collected, age)
}

#[test]
fn released_file_opens_for_its_unit_alone_and_only_unchanged() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let officer = copy(&stage.cast.officer);
    let (collected, age) = collected(&mut stage, grant, &officer, "report.age");
    let whole = fs::read(&age).unwrap();
    let header = Header::parse(&whole).unwrap().0;
    let header_bytes = header.as_bytes().len();

    let mut tampered = whole.clone();
    tampered[header_bytes - 5] ^= 1;
    let mut swapped = whole.clone();
    // A letter of the stanza's body: the wrapped key no longer opens.
    swapped[header_bytes - 80] = if swapped[header_bytes - 80] == b'A' { b'B' } else { b'A' };
    let mut changed = whole.clone();
    changed[header_bytes + 40] ^= 1;
    let filler = Stanza::new("filler".to_owned(), vec!["x".repeat(60_000)], vec![7; 6_000]).unwrap();
    let oversized = [b"age-encryption.org/v1\n-> filler ".as_slice(), &vec![b'x'; 70_000], &whole[22..]].concat();
    assert!(Unsigned::new(vec![filler]).is_err(), "our own writer makes no such header");
    let into = stage.path("opened");
    for (what, bytes) in [
        ("truncated in the payload", &whole[..whole.len() - 1]),
        ("truncated in the header", &whole[..header_bytes - 10]),
        ("longer", &[whole.as_slice(), b"x"].concat()),
        ("MAC changed", &tampered),
        ("stanza changed", &swapped),
        ("payload changed", &changed),
        ("oversized header", &oversized),
        ("empty", b""),
    ] {
        fs::write(&age, bytes).unwrap();
        let refused = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {});
        assert!(refused.is_err(), "{what} was opened");
        let left: Vec<_> = fs::read_dir(stage.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("opened")), "{what} left {left:?}");
    }
    fs::write(&age, &whole).unwrap();
    assert!(open_collected(&collected, &age, &stage.cast.officer, &into, &mut |_| {}).is_err());
    open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
}

#[test]
fn names_in_any_script_come_through_the_whole_way() {
    let mut stage = Stage::established();
    let long = |letters: &str, extension: &str| {
        let mut name: String = letters.chars().cycle().take(200).collect();
        while name.len() + extension.len() > 200 {
            name.pop();
        }
        name + extension
    };
    let names = [long("شهادة", ".txt"), long("সাক্ষ্য", ".txt")];
    assert!(names.iter().all(|name| (196..=200).contains(&name.len())));
    let folder = stage.path("names");
    fs::create_dir(&folder).unwrap();
    for name in &names {
        fs::write(folder.join(name), name).unwrap();
    }
    let plan = amana::client::report::Plan::of(&[folder], amana::client::report::ManifestDraft::default(), &mut |_| {});
    let (plan, sealed) = (plan.unwrap(), stage.path("names.age"));
    let report = stage.as_advocate(|desk| crate::stage::publish(desk, &plan, &sealed)).unwrap();
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let officer = copy(&stage.cast.officer);
    let (collected, age) = collected(&mut stage, grant, &officer, "report.age");
    let into = stage.path("opened");
    let (opened, _) = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
    let mut found: Vec<(String, String)> = opened
        .manifest
        .items
        .iter()
        .map(|item| (item.path.clone(), fs::read_to_string(into.join(&item.member)).unwrap()))
        .collect();
    found.sort();
    let mut expected = names.map(|name| (name.clone(), name));
    expected.sort();
    assert_eq!(found, expected);
}

/// What a forger declares as the commitment of a two-faced payload.
enum Commits {
    ToTheFirstFace,
    ToNeither,
}

/// Declares, uploads and grants the two-faced payload to two institutions, each with a face of its own, by a signed
/// account that no honest client would make; says which of the two opened it, and in which words they refused.
fn show_two_faces(commits: &Commits) -> [Result<(), String>; 2] {
    let mut stage = Stage::established();
    let far = stage.now().plus(Duration::from_days(300));
    let house = stage.another_institution(far, Some(far));
    let forged = two_faced();
    let keys = [forged.file_key_a, forged.file_key_b].map(|key| FileKey::new(Box::new(key)));
    let advocate = copy(&stage.cast.advocate);
    let wrap = |key: &FileKey, who: &Identity| {
        let recipient = to_age(&who.recipient()).unwrap();
        rewrap::wrap_file_key(key, &[&recipient]).unwrap().as_bytes().to_vec()
    };
    let owner_header = wrap(&keys[0], &advocate);
    let commitment = match commits {
        Commits::ToTheFirstFace => rewrap::key_commitment(&keys[0], forged.payload.first_chunk().unwrap()),
        Commits::ToNeither => [7; 32],
    };
    let statement = Report {
        payload_sha256: Digest::of(&forged.payload),
        payload_bytes: forged.payload.len() as u64,
        key_commitment: Digest::from_bytes(commitment),
        owner_header: Digest::of(&owner_header),
        owner_recipient: advocate.recipient(),
        tier: Tier::try_from(2).unwrap(),
        kind: ReportKind::Original,
        predecessor_commitment: None,
        consent_commitment: None,
        co_owners: None,
    };
    let declare = |stage: &mut Stage, statement: &Report| {
        let header = Bytes(owner_header.clone());
        stage.as_advocate(|desk| {
            desk.submit(statement, None, "/v1/reports", |statement| SubmitReport {
                statement,
                owner_header: header.clone(),
            })
        })
    };
    let report = ReportId::from(declare(&mut stage, &statement).unwrap().id);
    // A second statement for the same payload, with the other commitment, is what the broker itself refuses.
    let second = Report { key_commitment: Digest::from_bytes([8; 32]), ..statement.clone() };
    assert!(problem(declare(&mut stage, &second).map(|_| ())).is(ProblemType::StatementRefused));
    let up = Uploader::of(&stage, &advocate);
    let path = up.begin(report, forged.payload.len());
    assert_eq!(up.patch(&path, 0, "", &forged.payload).status, 204);

    // The terms of an honest grant, moved to the forged report.
    let honest = stage.report("honest.txt", b"honest");
    let (near, other) = (stage.terms(honest), stage.terms_for(&house, honest));
    let people =
        [(near, copy(&stage.cast.officer), copy(&stage.cast.unit)), (other, copy(&house.officer), copy(&house.unit))];
    let mut shown = Vec::new();
    for ((terms, officer, unit), (key, name)) in people.into_iter().zip(keys.iter().zip(["first", "second"])) {
        let header = wrap(key, &unit);
        let accepted: Accepted = stage
            .as_advocate(|desk| {
                let grant = desk.prepare_grant(&terms)?.grant;
                let grant = Grant { report, header: Digest::of(&header), ..grant };
                desk.submit(&grant, None, "/v1/grants", |statement| SubmitGrant {
                    statement,
                    header: Some(Bytes(header.clone())),
                })
            })
            .unwrap();
        let (collected, age) = collected(&mut stage, accepted.id.into(), &officer, &format!("{name}.age"));
        assert_eq!(report_of(&collected.report_statement).unwrap(), statement);
        let opened = open_collected(&collected, &age, &unit, &stage.path(name), &mut |_| {});
        assert!(opened.is_ok() || !stage.path(name).exists());
        shown.push(opened.map(|_| ()).map_err(|error| error.to_string()));
    }
    stage.audit("audit");
    shown.try_into().unwrap()
}

#[test]
fn two_faced_report_that_commits_to_neither_face_is_refused_by_both_institutions() {
    for refused in show_two_faces(&Commits::ToNeither) {
        let words = refused.unwrap_err();
        assert!(words.contains(TWO_FACES), "{words}");
    }
}

#[test]
fn two_faced_report_that_commits_to_one_face_shows_the_other_to_nobody() {
    let [first, second] = show_two_faces(&Commits::ToTheFirstFace);
    let (first, second) = (first.unwrap_err(), second.unwrap_err());
    // The first key is the committed one; what is refused there is that two sentences and noise are no report.
    assert!(!first.contains(TWO_FACES), "{first}");
    assert!(second.contains(TWO_FACES), "{second}");
}

const TWO_FACES: &str = "made to show different people different contents";
