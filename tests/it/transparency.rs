//! The public report made from an audit bundle: what it tells, and what it must not.

use crate::stage::{Stage, all_met, as_opened, inquiry, preservation};
use amana::{
    cli::demo::cast::text,
    client::{
        desk::{Desk, DeskError},
        fetched::Asking,
        granting::Terms,
        identity::{Identity, RecoveryKey},
        report::{ManifestDraft, Plan},
    },
    model::{
        grant::{Scope, WithdrawnBy},
        ids::{GrantId, PartyId, ReportId},
        institution::InstitutionRecord,
        purpose::RecipientClass,
        report::{ReportKind, Tier},
        time::{Duration, Timestamp},
    },
};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A name that would run in a browser, in a spreadsheet and over the edge of a page.
const HOSTILE: &str =
    "=HYPERLINK(\"http://evil.invalid\",\"x\")<script>alert(1)</script></title><img src=x onerror=alert(2)>";
const ARABIC: &str = " محكمة البحيرات ";

/// A bundle of the following story, told once for all tests. The mission gets six grants of a report of tier 4, and on
/// the first day four of another; it is released one of each. The court gets six grants, of which it collects three, acknowledges
/// one and has one withdrawn. A hundred and forty days later there are seven more grants to the court.
struct Story {
    _dir: tempfile::TempDir,
    bundle: PathBuf,
    card: String,
    from: Date,
    until: Date,
    court: PartyId,
    first_day: Timestamp,
}

/// The story as long as a test needs it; its folder goes with the last.
fn story() -> Arc<Story> {
    static TOLD: Mutex<Weak<Story>> = Mutex::new(Weak::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.upgrade().unwrap_or_else(|| {
        let story = Arc::new(tell());
        *told = Arc::downgrade(&story);
        story
    })
}

struct House {
    officer: Identity,
    root: Identity,
    unit: Identity,
}

fn tell() -> Story {
    // Nothing of tier 4 is released where there are no witnesses.
    let mut stage = crate::witnessed::watched_stage();
    stage.clock.stand_still();
    let secret = report(&mut stage, "secret", 4);
    let hidden = hidden_grants(&mut stage, secret);
    let first_day = stage.now();
    let court = house(&mut stage, "court", "Court of the Other Shore (fictional)");
    let long = format!("{HOSTILE}{}", ARABIC.repeat(16));
    house(&mut stage, "hostile", &long);
    let plain = report(&mut stage, "plain", 2);
    let mission = stage.terms(plain);
    for _ in 0..3 {
        stage.grant(&mission);
    }
    let both = stage.grant(&Terms { purposes: vec![inquiry(), preservation()], ..mission });
    release(&mut stage, both, None);
    for grant in &hidden {
        release(&mut stage, *grant, None);
        assert!(stage.release(*grant).is_err(), "a second release is denied");
    }
    ask(&mut stage, plain);
    ask(&mut stage, secret);
    let terms = terms_for(&mut stage, &court, plain);
    let granted: Vec<GrantId> = (0..5).map(|_| stage.grant(&terms)).collect();
    for grant in &granted[..2] {
        release(&mut stage, *grant, Some(&court));
    }
    acknowledge_first(&mut stage, &court, &terms);
    withdraw(&mut stage, granted[0]);
    for grant in &granted[..2] {
        let refused = stage.as_somebody(&court.officer, |desk| desk.request_release(*grant, &inquiry()));
        assert!(refused.is_err());
    }
    stage.clock.pass(Duration::from_days(140));
    let terms = Terms { collect: later(&stage), ..terms_for(&mut stage, &court, plain) };
    for _ in 0..7 {
        stage.grant(&terms);
    }
    let bundle = stage.path("audit");
    stage.audit("audit");
    let day = day(first_day);
    let (from, until) = (day.checked_sub(5.days()).unwrap(), day.checked_add(40.days()).unwrap());
    let (card, court) = (stage.cast.card().to_string(), court.root.party_id());
    Story { _dir: stage.dir, bundle, card, from, until, court, first_day }
}

/// Six grants of a report of tier 4, each with two officers who agree, cooled off and with its header.
fn hidden_grants(stage: &mut Stage, secret: ReportId) -> Vec<GrantId> {
    let terms = Terms { cooling_off: Duration::from_seconds(3_600), ..stage.terms(secret) };
    let given: Vec<(GrantId, Vec<u8>)> = (0..6).map(|_| stage.give_and_keep_back(&terms)).collect();
    let until = stage.now().plus(Duration::from_days(360));
    let others = ["second-officer", "third-officer"].map(|label| stage.officer_named(label, until));
    for (grant, _) in &given {
        for officer in &others {
            stage.officer_agrees(officer, *grant).unwrap();
        }
    }
    stage.clock.pass(Duration::from_seconds(3_600));
    for (grant, header) in &given {
        stage.send_header(*grant, header.clone()).unwrap();
    }
    stage.broker.as_ref().unwrap().publish().unwrap();
    given.into_iter().map(|(grant, _)| grant).collect()
}

fn day(moment: Timestamp) -> Date {
    let stamp = jiff::Timestamp::from_second(i64::try_from(moment.as_seconds()).unwrap()).unwrap();
    TimeZone::UTC.to_datetime(stamp).date()
}

fn later(stage: &Stage) -> amana::model::time::Window {
    let from = stage.now();
    amana::model::time::Window { from, until: from.plus(Duration::from_days(7)) }
}

fn house(stage: &mut Stage, label: &str, name: &str) -> House {
    let [root, officer, unit] = ["root", "officer", "unit"].map(|part| stage.somebody(&format!("{label}-{part}")));
    let recovery = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let until = stage.now().plus(Duration::from_days(360));
    let record = InstitutionRecord {
        name: text(name).unwrap(),
        jurisdiction: text("Assembly of the Union of Lakes (fictional)").unwrap(),
        class: RecipientClass::UnMechanism,
        mandate: vec![inquiry(), preservation()],
        mandate_until: until,
    };
    let (appointed, recipient) = (officer.public_key(), unit.recipient());
    stage
        .as_somebody(&root, |desk| {
            desk.enrol_institution(record, recovery, None)?;
            desk.appoint(appointed, text("registry")?, until)?;
            desk.publish_recipient_key(text("registry")?, recipient)
        })
        .unwrap();
    let id = root.party_id();
    let proposal = stage.as_administrator(0, |desk| desk.admit(id)).unwrap().id;
    stage.as_administrator(1, |desk| desk.approve(proposal)).unwrap();
    stage.as_accreditor(|desk| desk.attest(id, all_met(), until)).unwrap();
    House { officer, root, unit }
}

fn terms_for(stage: &mut Stage, house: &House, report: ReportId) -> Terms {
    let (id, recipient) = (house.root.party_id(), house.unit.recipient());
    let words = stage.as_advocate(|desk| desk.institution_fingerprint(id, &recipient)).unwrap();
    Terms { institution: id, confirmed_fingerprint: Some(words), ..stage.terms(report) }
}

fn report(stage: &mut Stage, name: &str, tier: u8) -> ReportId {
    let (source, sealed_at) = (stage.path(name), stage.path(&format!("{name}.age")));
    fs::write(&source, name).unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let publish = |desk: &mut Desk| -> Result<ReportId, DeskError> {
        let tier = Tier::try_from(tier).unwrap();
        let sealed = desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})?;
        let report = ReportId::from(desk.declare(sealed)?.id);
        desk.upload(report, &sealed_at, &mut |_| {})?;
        Ok(report)
    };
    stage.as_advocate(publish).unwrap()
}

fn release(stage: &mut Stage, grant: GrantId, to: Option<&House>) {
    match to {
        Some(house) => stage.as_somebody(&house.officer, |desk| desk.request_release(grant, &inquiry())),
        None => stage.release(grant),
    }
    .unwrap();
}

fn acknowledge_first(stage: &mut Stage, house: &House, terms: &Terms) {
    let grant = stage.grant(terms);
    let released = stage.as_somebody(&house.officer, |desk| desk.request_release(grant, &inquiry())).unwrap();
    let (collected, outcome) = as_opened(grant, &released);
    stage.clock.pass(Duration::from_days(2));
    stage.as_somebody(&house.officer, |desk| desk.acknowledge(&collected, outcome)).unwrap();
}

fn withdraw(stage: &mut Stage, grant: GrantId) {
    let withdraw = |desk: &mut Desk| {
        let due = desk.now().plus(Duration::from_days(10));
        desk.revoke(grant, vec![Scope::All], WithdrawnBy::Person, due)
    };
    stage.as_advocate(withdraw).unwrap();
}

fn ask(stage: &mut Stage, report: ReportId) {
    let deadline = stage.now().plus(Duration::from_days(20));
    let owner = stage.cast.advocate.recipient();
    let asking = Asking::for_access(report, owner, vec![inquiry()], text("mandate").unwrap(), deadline);
    stage.as_officer(|desk| desk.ask_for_access(&asking)).unwrap();
}

/// Runs `audit report` on a bundle.
fn run(bundle: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
    command.args(["audit", "report"]).arg(bundle).arg("--out").arg(out).args(more).output().unwrap()
}

/// The story's report in a folder of its own.
fn made(story: &Story, name: &str, more: &[&str]) -> PathBuf {
    let out = story.bundle.parent().unwrap().join(name);
    let (from, until) = (story.from.to_string(), story.until.to_string());
    let mut arguments = vec!["--from", &from, "--until", &until, "--card", &story.card];
    arguments.extend(more);
    let output = run(&story.bundle, &out, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

fn read(out: &Path, name: &str) -> String {
    fs::read_to_string(out.join(name)).unwrap()
}

const FILES: [&str; 4] = ["report.html", "report.csv", "report.json", "method.txt"];

/// The lines of the CSV file, undone as a spreadsheet would.
fn lines(out: &Path) -> Vec<[String; 5]> {
    let text = read(out, "report.csv");
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let fields = |line: csv::StringRecord| std::array::from_fn(|field| line[field].to_owned());
    reader.records().map(|line| fields(line.unwrap())).collect()
}

fn band(lines: &[[String; 5]], section: &str, row: &str, measure: &str) -> String {
    let found = lines.iter().find(|line| line[0] == section && line[1..3].concat().contains(row) && line[3] == measure);
    found.unwrap_or_else(|| panic!("no line {section} {row} {measure}"))[4].clone()
}

#[test]
fn four_are_withheld_five_are_a_band_and_tier_four_and_the_last_ninety_days_are_not_counted() {
    let story = story();
    let lines = lines(&made(&story, "counts", &["--no-replies-asked"]));
    // Six grants, releases and denials more are of tier 4; seven more grants to the court are too young.
    assert_eq!(band(&lines, "institution", "Mission", "Grants given"), "withheld");
    assert_eq!(band(&lines, "institution", "Mission", "Releases"), "withheld");
    assert_eq!(band(&lines, "institution", "Mission", "Releases denied"), "0");
    assert_eq!(band(&lines, "institution", "Mission", "Requests for access"), "withheld");
    assert_eq!(band(&lines, "institution", "Court", "Grants given"), "5\u{2013}9");
    assert_eq!(band(&lines, "institution", "Court", "Acknowledged as opened"), "withheld");
    assert_eq!(band(&lines, "institution", "Court", "Grants withdrawn"), "withheld");
    assert_eq!(band(&lines, "institution", "Court", "Answers to withdrawals overdue at the end"), "withheld");
    assert_eq!(band(&lines, "institution", "HYPERLINK", "Grants given"), "0");
    let purposes: BTreeSet<&str> =
        lines.iter().filter(|l| l[0] == "purpose" && l[4] != "left out").map(|l| l[2].as_str()).collect();
    assert!(purposes.iter().all(|words| words.contains(' ')), "a bare id: {purposes:?}");
}

/// The bounds a published word leaves.
fn bounds(band: &str) -> (u64, u64) {
    match band {
        "withheld" => (1, 4),
        "not given" => (0, 60),
        "0" => (0, 0),
        range => {
            let (least, most) = range.split_once('\u{2013}').unwrap();
            (least.parse().unwrap(), most.parse().unwrap())
        }
    }
}

/// Every sum some numbers can have, one of them fixed.
fn sums(cells: &[(u64, u64)], fixed: Option<(usize, u64)>) -> HashSet<u64> {
    let mut sums = HashSet::from([0]);
    for (index, (least, most)) in cells.iter().enumerate() {
        let (least, most) = fixed.filter(|(at, _)| *at == index).map_or((*least, *most), |(_, value)| (value, value));
        sums = sums.iter().flat_map(|sum| (least..=most).map(move |more| sum + more)).filter(|s| *s < 200).collect();
    }
    sums
}

#[test]
fn no_withheld_number_of_the_file_can_be_worked_out_from_the_others() {
    let story = story();
    let lines = lines(&made(&story, "brute", &["--no-replies-asked"]));
    let mut ways: BTreeMap<(String, String), Vec<(u64, u64)>> = BTreeMap::new();
    for [section, _, _, measure, band] in lines.iter().filter(|l| l[0] != "standing" && l[4] != "left out") {
        let measure = measure.split(": ").next().unwrap().to_owned();
        ways.entry((measure, section.clone())).or_default().push(bounds(band));
    }
    let mut tried = 0;
    for ((measure, section), cells) in &ways {
        let others: Vec<_> = ways.iter().filter(|((m, s), _)| m == measure && s != section).collect();
        for at in (0..cells.len()).filter(|at| cells[*at] == (1, 4)) {
            let possible = |value: &u64| {
                let mut possible = sums(cells, Some((at, *value)));
                for (_, other) in &others {
                    let other = sums(other, None);
                    possible.retain(|sum| other.contains(sum));
                }
                !possible.is_empty()
            };
            let values: Vec<u64> = (1..=4).filter(possible).collect();
            assert!(values.len() >= 3, "{measure} by {section}, number {at} can only be {values:?}");
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} were tried");
}

#[test]
fn hostile_name_is_harmless_on_the_page_and_in_the_table() {
    let story = story();
    let out = made(&story, "hostile", &["--no-replies-asked"]);
    let page = read(&out, "report.html");
    let tags: BTreeSet<&str> = page.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap()).collect();
    let harmful = ["script", "img", "a", "link", "iframe", "form", "object", "use", "image", "base"];
    assert!(tags.contains("svg") && harmful.iter().all(|tag| !tags.contains(tag)), "{tags:?}");
    let attributes = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    for inside in attributes.filter(|inside| inside.contains('=')) {
        let written = [" src=", " href=", " onerror=", " onclick=", " style="].map(|name| inside.contains(name));
        assert!(!written.contains(&true), "{inside}");
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
    assert!(page.contains("&lt;script&gt;") && page.contains("<bdi>=HYPERLINK"));
    assert!(page.contains("default-src 'none'; style-src 'sha256-") || page.contains("default-src &#39;none&#39;"));
    let table = read(&out, "report.csv");
    for line in table.lines() {
        for begin in ["\"=", "\"+", "\"-", "\"@"] {
            let formula = line.starts_with(begin) || line.contains(&format!(",{begin}"));
            assert!(!formula, "{line}");
        }
    }
    assert!(table.contains("\"'=HYPERLINK(\"\"http"));
}

/// What is in the bundle, but for the policies, which say nothing of anybody.
fn bundle_files(bundle: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(bundle).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

#[test]
fn no_id_key_person_or_moment_of_the_bundle_is_in_any_file() {
    let story = story();
    let out = made(&story, "ids", &["--no-replies-asked"]);
    let draft = made(&story, "ids-draft", &["--draft"]);
    let mut ids = BTreeSet::new();
    for path in bundle_files(&story.bundle) {
        let text = fs::read_to_string(path).unwrap();
        let tokens = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        ids.extend(tokens.filter(|token| [43, 64].contains(&token.len())).map(str::to_owned));
    }
    // The trust root is public and named on purpose.
    let genesis = story.card.split('#').nth(1).unwrap();
    assert!(ids.remove(genesis) && ids.len() > 100, "{}", ids.len());
    // So are the logs' sizes and roots; a root without '+' and '/' looks like an id here.
    for log in ["checkpoint.register", "checkpoint.case"] {
        let root = read(&story.bundle, log).lines().nth(2).unwrap().to_owned();
        ids.remove(root.trim_end_matches('='));
    }
    let seconds = story.first_day.as_seconds().to_string();
    for file in [&out, &draft].into_iter().flat_map(|out| FILES.map(|name| (out, name))) {
        let text = read(file.0, file.1);
        let told = ids.iter().find(|id| text.contains(id.as_str()));
        assert_eq!(told, None, "{}", file.1);
        assert!(!text.contains(&seconds[..7]) && !text.contains("age1"), "{}", file.1);
    }
}

#[test]
fn words_are_those_for_people() {
    let story = story();
    let out = made(&story, "words", &["--no-replies-asked"]);
    for name in FILES {
        let text = read(&out, name).to_lowercase();
        for word in ["party", "header", "shred", "policy engine", "evidence"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
    let page = read(&out, "report.html");
    assert!(page.contains("Enough of the witnesses") && page.contains("was not asked for a reply"));
    assert!(page.contains("alleged"));
}

#[test]
fn same_bundle_and_options_give_the_same_bytes() {
    let story = story();
    let [one, two] = ["first", "second"].map(|name| made(&story, name, &["--draft"]));
    for name in FILES {
        assert_eq!(read(&one, name), read(&two, name), "{name}");
    }
}

#[test]
fn bundle_that_does_not_hold_makes_no_report_and_leaves_nothing() {
    let story = story();
    let folder = story.bundle.parent().unwrap();
    let damaged = folder.join("damaged");
    fs::create_dir(&damaged).unwrap();
    for path in bundle_files(&story.bundle) {
        fs::copy(&path, damaged.join(path.file_name().unwrap())).unwrap();
    }
    let case = read(&damaged, "case.jsonl");
    let shorter: Vec<&str> = case.lines().collect();
    fs::write(damaged.join("case.jsonl"), format!("{}\n", shorter[..shorter.len() - 1].join("\n"))).unwrap();
    let out = folder.join("from-damaged");
    let output = run(&damaged, &out, &["--no-replies-asked"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!out.exists());
}

#[test]
fn period_within_ninety_days_of_the_last_entry_is_refused() {
    let story = story();
    let out = story.bundle.parent().unwrap().join("young");
    // 142 days after the first: the fifty-second is the last that may end a period.
    let first = day(story.first_day);
    let until = |days: i64| first.checked_add(days.days()).unwrap().to_string();
    let from = story.from.to_string();
    let refused = run(&story.bundle, &out, &["--from", &from, "--until", &until(53), "--no-replies-asked"]);
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains(&until(52)) && !out.exists(), "{words}");
    let taken = run(&story.bundle, &out, &["--from", &from, "--until", &until(52), "--no-replies-asked"]);
    assert!(taken.status.success());
}

#[test]
fn institutions_are_heard_or_the_report_says_that_they_were_not() {
    let story = story();
    let folder = story.bundle.parent().unwrap();
    let (from, until) = (story.from.to_string(), story.until.to_string());
    let period = ["--from", &from, "--until", &until];
    let silent = run(&story.bundle, &folder.join("silent"), &period);
    assert_eq!(silent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&silent.stderr).contains("--no-replies-asked"));
    let draft = read(&made(&story, "draft", &["--draft", "--shown-on", "2090-01-01"]), "report.html");
    assert_eq!(draft.matches("Institutions may reply until 2090-01-15").count(), 2);
    let replies = folder.join("replies");
    fs::create_dir(&replies).unwrap();
    let own = replies.join(format!("{}.txt", story.court));
    fs::write(&own, "We opened <b>one</b>.\nنحن نرد.\n").unwrap();
    let heard = read(&made(&story, "heard", &["--replies", replies.to_str().unwrap()]), "report.html");
    assert!(heard.contains("We opened &lt;b&gt;one&lt;/b&gt;.\nنحن نرد.</blockquote>"));
    assert_eq!(heard.matches("was offered a reply and gave none").count(), 2);
    for (bad, why) in [("a\u{202e}b", "direction"), (&"x".repeat(4001), "4000"), (&"ab".repeat(32), "id")] {
        fs::write(&own, bad).unwrap();
        let more = [&period[..], &["--replies", replies.to_str().unwrap()]].concat();
        let refused = run(&story.bundle, &folder.join("bad-reply"), &more);
        assert!(String::from_utf8_lossy(&refused.stderr).contains(why), "{why}");
        assert!(!folder.join("bad-reply").exists());
    }
}
