//! The consent check is written twice, here and in the page (`web/src/report/consent.ts`). Both judge the same cases:
//! `tests/golden/consent.jsonl` says what this program finds, and the page's own tests read it.
//!
//! `UPDATE=1` writes the file anew; it is reviewed like code.

use amana::client::report::{ConsentRegister, IdentificationLevel, Item, Proposed, Why, check};
use serde_json::{Value, json};
use std::{fs, path::Path};

const LEVELS: [&str; 8] = [
    "none",
    "statistics",
    "anonymous-summary",
    "redacted",
    "initials",
    "identified-to-recipient",
    "identified-to-state",
    "public",
];
const CASES: u32 = 400;

/// Always the same chance (Numerical Recipes' linear congruential generator).
struct Chance(u32);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(self.0 >> 8).unwrap() % most
    }
    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
    fn likely(&mut self) -> bool {
        self.below(4) > 0
    }
}

/// A person who as a rule answered, and widely: else nearly everything would be refused.
fn person(chance: &mut Chance, code: &str) -> Value {
    let status = if chance.likely() { "given" } else { chance.of(&["refused", "withdrawn", "not-obtainable"]) };
    let mut person = json!({ "code": code, "roles": ["person"], "status": status });
    if status == "not-obtainable" && chance.likely() {
        person["by"] = json!("a relative");
    }
    if chance.below(3) == 0 {
        person["valid_review_by"] = json!(chance.of(&["2026-03-16", "2026-03-17", "2026-03-18", "2031-01-01"]));
    }
    let answers = ["public", "public", "identified-to-state", "redacted", "initials-only", "ask-first", "none"];
    let uses = ["commission-of-inquiry", "court-of-law"].into_iter().filter(|_| chance.likely()).collect::<Vec<_>>();
    person["uses"] = uses.into_iter().map(|purpose| (purpose.to_owned(), json!(chance.of(&answers)))).collect();
    if chance.likely() {
        let answer = chance.of(&["yes", "yes", "yes", "redacted", "no", "ask-first"]);
        person["recipients"] = json!({ "un-mechanism": answer });
    }
    person
}

fn case(chance: &mut Chance) -> (Value, Value, Value) {
    let persons: Vec<Value> = ["P-01", "P-02"][..1 + chance.below(2)].iter().map(|code| person(chance, code)).collect();
    let shown: Vec<Value> = ["P-01", "P-02", "P-03"][..chance.below(3)]
        .iter()
        .map(|code| json!({ "code": code, "level": LEVELS[chance.below(5)] }))
        .collect();
    let item = json!({
        "path": "a.txt", "member": "files/0001-a.txt", "bytes": 1, "sha256": "0".repeat(64),
        "mtime": "2026-03-17T00:00:00Z", "role": "photo", "persons": shown,
    });
    let purposes: &[&str] =
        if chance.likely() { &["commission-of-inquiry"] } else { &["commission-of-inquiry", "court-of-law"] };
    let ask = json!({
        "purposes": purposes, "recipientClass": chance.of(&["un-mechanism", "un-mechanism", "un-mechanism", "media"]),
        "identification": LEVELS[chance.below(LEVELS.len())], "today": "2026-03-17",
    });
    (json!({ "v": 1, "persons": persons }), json!([item]), ask)
}

/// The page's name of a reason.
const fn word(why: &Why) -> &'static str {
    match why {
        Why::NoPurpose | Why::NotAnswered { .. } => "consent-unanswered",
        Why::NotRegistered { .. } => "consent-not-registered",
        Why::Withdrawn { .. } => "consent-withdrawn",
        Why::Refused => "consent-refused",
        Why::NobodyAnswered => "consent-nobody-answered",
        Why::ReviewOverdue { .. } => "consent-overdue",
        Why::AskFirst { .. } => "consent-ask",
        Why::TooWide { .. } => "consent-too-wide",
        Why::ItemShowsMore { .. } => "consent-item-shows-more",
        Why::ItemAboveGrant { .. } => "consent-item-above-grant",
    }
}

fn judged(register: &Value, items: &Value, ask: &Value) -> (Vec<String>, Option<String>) {
    let parsed: ConsentRegister = serde_json::from_value(register.clone()).unwrap();
    let sealed: Vec<Item> = serde_json::from_value(items.clone()).unwrap();
    let purposes: Vec<&str> =
        ask["purposes"].as_array().unwrap().iter().map(|purpose| purpose.as_str().unwrap()).collect();
    let identification: IdentificationLevel = serde_json::from_value(ask["identification"].clone()).unwrap();
    let proposed = Proposed {
        purposes: &purposes,
        recipient_class: ask["recipientClass"].as_str().unwrap(),
        identification,
        today: ask["today"].as_str().unwrap().parse().unwrap(),
    };
    match check(&parsed, &sealed, &proposed) {
        Ok(review) => (Vec::new(), review.0.map(|day| day.to_string())),
        Err(refusals) => {
            let mut beyond: Vec<String> = refusals.iter().map(|r| format!("{} {}", r.code, word(&r.why))).collect();
            beyond.sort();
            (beyond, None)
        }
    }
}

#[test]
fn persons_consent_is_judged_alike_here_and_in_the_page() {
    let mut chance = Chance(12);
    let mut lines = String::new();
    let mut allowed = 0;
    for _ in 0..CASES {
        let (register, items, ask) = case(&mut chance);
        let (beyond, review_by) = judged(&register, &items, &ask);
        allowed += usize::from(beyond.is_empty());
        let mut line = json!({ "register": register, "items": items, "ask": ask, "beyond": beyond });
        if let Some(day) = review_by {
            line["review_by"] = json!(day);
        }
        lines.push_str(&format!("{line}\n"));
    }
    assert!((30..370).contains(&allowed), "{allowed} of {CASES} allowed: the cases say little");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/consent.jsonl");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &lines).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == lines, "look at it with UPDATE=1 and git diff");
}
