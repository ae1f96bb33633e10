//! Consent receipts: every term of a signed grant, in every language and form, from the statement alone.
//!
//! `UPDATE=1` writes the golden files in `tests/golden/receipts/` anew; they are reviewed like code.

use amana::{
    client::receipt::{Format, Language, Record, Words},
    model::{
        bundle::Bundle,
        grant::{Ask, Conditions, Contact, Grant, UseMode},
        ids::{Digest, Jti, PublicKey},
        institution::InstitutionRecord,
        purpose::{Identification, Purpose, RecipientClass},
        time::{Duration, Timestamp, Window},
    },
    wire::{
        statement::{Claims, Seen, SeenTree, sign},
        taxonomy,
    },
};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// 10 March 2026, 08:30 UTC.
const SIGNED_AT: Timestamp = Timestamp::from_seconds(1_773_131_400);
const HOSTILE: &str = "</dd><script>alert(1)</script><img src=x onerror='alert(2)'> & \"Co\"";

fn at(day: u64) -> Timestamp {
    SIGNED_AT.plus(Duration::from_days(day))
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from_bytes(key.verifying_key().to_bytes())
}

/// A grant in which no two terms have the same value.
fn grant() -> Grant {
    let digest = |name: &str| Digest::of(name.as_bytes());
    Grant {
        report: digest("report").into(),
        institution: public(&SigningKey::from_bytes(&[8; 32])).thumbprint().first_of_party(),
        recipient_key: digest("recipient-key"),
        recipient: "age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm".parse().unwrap(),
        header: digest("header"),
        purposes: vec!["commission-of-inquiry".parse().unwrap(), "working-group-case".parse().unwrap()],
        use_mode: UseMode::Information,
        identification: Identification::IdentifiedToRecipient,
        collect: Window { from: at(1), until: at(15) },
        keep_until: Some(at(730)),
        max_releases: 2,
        cooling_off_seconds: Duration::from_seconds(72 * 3600),
        officers: vec![public(&SigningKey::from_bytes(&[9; 32])).thumbprint()],
        conditions: Conditions {
            onward: Ask::AskFirst,
            contact: Contact::ThroughProviderOnly,
            publication: Ask::No,
            external_processing: Ask::No,
        },
        consent_review_by: at(365),
        bundle: digest("bundle"),
        taxonomy: Bundle::shipped().taxonomy_digest().unwrap(),
        answers: Some(digest("request").into()),
        urgent: true,
        officer_approvals: 2,
        embargo_until: Some(at(3)),
        terms: Some(digest("terms")),
        replaces: Some(digest("older").into()),
    }
}

/// The grant that says least.
fn bare() -> Grant {
    Grant {
        keep_until: None,
        officers: Vec::new(),
        answers: None,
        urgent: false,
        officer_approvals: 0,
        embargo_until: None,
        terms: None,
        replaces: None,
        use_mode: UseMode::LeadOnly,
        conditions: Conditions {
            onward: Ask::No,
            contact: Contact::No,
            publication: Ask::No,
            external_processing: Ask::AskFirst,
        },
        taxonomy: Digest::of(b"another edition"),
        ..grant()
    }
}

fn signed(body: Grant) -> String {
    let tree = SeenTree { size: 1, root: Digest::of(b"tree") };
    let claims = Claims {
        iss: public(&key()).thumbprint().first_of_party(),
        aud: Digest::of(b"genesis"),
        jti: Jti::from_bytes([3; 16]),
        iat: SIGNED_AT,
        submit_by: at(30),
        subject: None,
        prev: None,
        seen: Some(Seen { register: tree, case: tree }),
        body,
    };
    sign(&claims, &key()).unwrap()
}

fn recipient(name: &str) -> InstitutionRecord {
    InstitutionRecord {
        name: name.parse().unwrap(),
        jurisdiction: "Republic of Taranda (fictional)".parse().unwrap(),
        class: RecipientClass::UnMechanism,
        mandate: Vec::new(),
        mandate_until: at(1000),
    }
}

fn record() -> Record {
    let record = Record::checked(&signed(grant()), &public(&key())).unwrap();
    record.naming(&recipient("Commission of Inquiry on Taranda (fictional)"))
}

fn words(language: Language) -> Words {
    Words::of(language).unwrap()
}

fn json(record: &Record, format: Format) -> Value {
    serde_json::from_str(&record.write(format, &words(Language::English))).unwrap()
}

fn source(language: Language) -> Value {
    let path = format!("src/client/receipt/words/{}.json", language.code());
    serde_json::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text in a JSON value with the path to it.
fn texts(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        Value::Array(values) => values.iter().enumerate().for_each(|(i, v)| texts(v, &format!("{path}/{i}"), found)),
        Value::Object(members) => members.iter().for_each(|(k, v)| texts(v, &format!("{path}/{k}"), found)),
        _ => {}
    }
}

fn texts_of(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    texts(value, "", &mut found);
    found
}

#[test]
fn every_language_has_the_same_texts_and_none_is_empty() {
    let english = texts_of(&source(Language::English));
    let filled =
        |text: &str| text.split('{').skip(1).map(|t| t.split('}').next().unwrap().to_owned()).collect::<BTreeSet<_>>();
    for language in Language::ALL {
        let own = texts_of(&source(language));
        assert_eq!(own.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language:?}");
        for (id, text) in &own {
            assert!(!text.trim().is_empty() && text.trim() == text, "{language:?} {id}");
            assert_eq!(filled(text), filled(&english[id]), "{language:?} {id}");
        }
        // Every text of the others is a translation: nothing was left in English but what is no word.
        let same = own.iter().filter(|(id, text)| english[*id] == **text).map(|(id, _)| id.as_str());
        let same: Vec<&str> = same.filter(|_| language != Language::English).collect();
        assert!(same.iter().all(|id| SAME.contains(id)), "{language:?}: {same:?}");
    }
}

/// Texts that are the same word in two languages.
const SAME: &[&str] = &[
    "/texts/moment",
    "/texts/section_conditions",
    "/texts/publication",
    "/texts/signature",
    "/texts/ask_no",
    "/texts/contact_no",
    "/texts/identify_initials",
    "/purposes/publication/title",
];

#[test]
fn every_purpose_of_the_taxonomy_has_words_in_each_language_and_the_taxonomys_own_in_english() {
    let taxonomy = taxonomy::parse(Bundle::shipped().file("taxonomy.json").unwrap()).unwrap();
    let known: BTreeSet<String> = taxonomy.leaves().map(|(id, _)| id.to_string()).collect();
    for language in Language::ALL {
        words(language);
        let source = source(language);
        let said: BTreeSet<String> = source["purposes"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(said, known, "{language:?}");
    }
    let english = source(Language::English);
    for (id, leaf) in taxonomy.leaves() {
        let said = &english["purposes"][id.as_str()];
        let own = [&leaf.title, &leaf.who_learns, &leaf.publicity, &leaf.undo];
        assert_eq!(
            own.map(String::as_str),
            ["title", "who_learns", "publicity", "undo"].map(|m| said[m].as_str().unwrap())
        );
    }
}

/// The names of all terms of a grant, as its statement has them.
fn terms() -> BTreeSet<String> {
    let body = serde_json::to_value(grant()).unwrap();
    let conditions = body["conditions"].as_object().unwrap().keys();
    let own = body
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !["conditions", "report", "institution"].contains(&name.as_str()));
    conditions.chain(own).cloned().collect()
}

#[test]
fn consent_receipt_names_every_term_of_a_signed_grant() {
    let receipt = json(&record(), Format::JsonLd);
    let texts = texts_of(&receipt);
    let named: BTreeSet<&str> =
        texts.iter().filter(|(path, _)| path.ends_with("/dct:identifier")).map(|(_, name)| name.as_str()).collect();
    // Purposes are processes, each with its consent status.
    let missing: Vec<String> =
        terms().into_iter().filter(|term| term != "purposes" && !named.contains(term.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new());
    let purposes = &receipt["dpv:hasProcess"]["dpv:hasProcess"];
    assert_eq!(purposes[1]["dpv:hasPurpose"]["@id"], "urn:amana:purpose:working-group-case");
    assert_eq!(purposes[1]["dpv:hasConsentStatus"]["@type"], "dpv:ConsentGiven");
    let kept = &receipt["dpv:hasProcess"]["dpv:hasStorageCondition"][0]["dpv:hasDuration"];
    assert_eq!(kept["rdf:value"]["@value"], "2028-03-09T08:30:00Z");
}

#[test]
fn every_value_of_a_signed_grant_stands_in_both_receipts_for_programs() {
    for format in [Format::JsonLd, Format::Odrl] {
        let receipt = json(&record(), format).to_string();
        let body = serde_json::to_value(grant()).unwrap();
        for (path, value) in texts_of(&body) {
            // In the language of rights a use, a level or a condition is a rule with an action of its own.
            let rule = format == Format::Odrl && (path.starts_with("/conditions") || path == "/use_mode");
            assert!(rule || receipt.contains(&value), "{format:?} {path} {value}");
        }
        for moment in ["2026-03-11T08:30:00Z", "2026-03-25T08:30:00Z", "2027-03-10T08:30:00Z", "2028-03-09T08:30:00Z"] {
            assert!(receipt.contains(moment), "{format:?} {moment}");
        }
        assert!(receipt.contains("259200"), "{format:?} waiting time");
    }
}

#[test]
fn agreement_forbids_what_the_grant_forbids_and_asks_where_it_asks() {
    let actions = |agreement: &Value, rules: &str| -> BTreeSet<String> {
        agreement[rules].as_array().unwrap().iter().map(|rule| rule["action"].as_str().unwrap().to_owned()).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let agreement = json(&record(), Format::Odrl);
    let contact = "urn:amana:odrl-profile:v1:contact";
    assert_eq!(actions(&agreement, "permission"), set(&["reproduce", "use", "distribute", contact]));
    assert_eq!(actions(&agreement, "prohibition"), set(&["present", "grantUse"]));
    assert_eq!(actions(&agreement, "obligation"), set(&["delete", "reviewPolicy"]));
    let onward =
        agreement["permission"].as_array().unwrap().iter().find(|rule| rule["action"] == "distribute").unwrap();
    assert_eq!(onward["duty"]["action"], "obtainConsent");

    let bare = json(&Record::unchecked(&signed(bare())).unwrap(), Format::Odrl);
    assert_eq!(actions(&bare, "permission"), set(&["reproduce", "read", "grantUse"]));
    assert_eq!(actions(&bare, "prohibition"), set(&["display", "distribute", "present", contact]));
}

#[test]
fn page_names_every_term_in_each_language() {
    for language in Language::ALL {
        let page = record().write(Format::Html, &words(language));
        assert!(page.contains(&format!("lang=\"{}\" dir=\"{}\"", language.code(), language.direction())));
        let source = source(language);
        let said = |id: &str| source["texts"][id].as_str().unwrap().replace('\'', "&#39;");
        for id in [
            "who_learns",
            "use_mode",
            "use_information",
            "identification",
            "identify_to_recipient",
            "collect",
            "keep",
            "max_releases",
            "cooling_off",
            "officers",
            "review",
            "recipient_key",
            "recipient_key_statement",
            "opens",
            "answers",
            "urgent",
            "urgent_yes",
            "onward",
            "ask_first",
            "contact",
            "contact_provider",
            "publication",
            "external_processing",
            "ask_no",
            "withdraw",
            "withdraw_limit",
            "statement",
            "rules",
            "taxonomy",
            "broker",
            "signature",
            "not_delivery",
            "alleged",
            "persons",
        ] {
            assert!(page.contains(&said(id)), "{language:?} {id}");
        }
        for (path, value) in texts_of(&serde_json::to_value(grant()).unwrap()) {
            let code = !path.starts_with("/conditions") && !["/use_mode", "/identification"].contains(&path.as_str());
            assert!(!code || path.starts_with("/purposes") || page.contains(&value), "{language:?} {path}");
        }
        for id in ["commission-of-inquiry", "working-group-case"] {
            let purpose = source["purposes"][id].as_object().unwrap();
            assert!(purpose.values().all(|text| page.contains(&text.as_str().unwrap().replace('\'', "&#39;"))), "{id}");
        }
        assert!(page.contains("72:00") && page.contains("2028"), "{language:?}");
    }
}

#[test]
fn page_loads_nothing_and_hostile_texts_stay_text() {
    let record = Record::unchecked(&signed(grant())).unwrap().naming(&recipient(HOSTILE));
    for language in Language::ALL {
        let page = record.write(Format::Html, &words(language));
        for reference in
            ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<img", "<link", "<iframe"]
        {
            let allowed = reference == "src=" && page.matches("src=").count() == 1 && page.contains("&lt;img src=x");
            assert!(allowed || !page.contains(reference), "{language:?} {reference}");
        }
        assert!(page.contains("<bdi>&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{language:?}");
        assert!(page.contains("default-src &#39;none&#39;"), "{language:?}");
    }
    let quoted = json(&record, Format::JsonLd);
    assert_eq!(quoted["dpv:hasEntity"]["dpv:hasName"], HOSTILE);
}

#[test]
fn people_read_none_of_the_codes_words() {
    let english = texts_of(&source(Language::English));
    for (id, text) in english {
        let text = text.to_lowercase();
        for word in ["party", "parties", "header", "shred", "policy engine", "stanza", "payload"] {
            assert!(
                !text.split(|c: char| !c.is_alphabetic()).any(|w| w == word) && !text.contains("policy engine"),
                "{id}"
            );
        }
    }
}

#[test]
fn signature_is_called_checked_only_where_it_was() {
    let statement = signed(grant());
    let unchecked = Record::unchecked(&statement).unwrap().write(Format::Html, &words(Language::English));
    assert!(unchecked.contains("Not checked here"));
    let checked = Record::checked(&statement, &public(&key())).unwrap().write(Format::Html, &words(Language::English));
    assert!(checked.contains("It holds under the public key") && !checked.contains("Not checked here"));

    assert!(Record::checked(&statement, &public(&SigningKey::from_bytes(&[1; 32]))).is_err(), "another key");
    let mut changed = statement.clone();
    let last = if changed.pop() == Some('A') { 'Q' } else { 'A' };
    changed.push(last);
    assert!(Record::checked(&changed, &public(&key())).is_err(), "another signature");
    assert!(Record::unchecked("no.statement.at-all").is_err());
}

#[test]
fn receipt_says_when_its_words_are_of_another_edition_of_the_purposes() {
    let same = Record::unchecked(&signed(grant())).unwrap().write(Format::Html, &words(Language::English));
    let other = Record::unchecked(&signed(bare())).unwrap().write(Format::Html, &words(Language::English));
    assert!(!same.contains("another edition") && other.contains("another edition"));
    let unknown: Purpose = "a-purpose-to-come".parse().unwrap();
    let later = Record::unchecked(&signed(Grant { purposes: vec![unknown], ..grant() })).unwrap();
    let page = later.write(Format::Html, &words(Language::English));
    assert!(page.contains("a-purpose-to-come") && page.contains("no words for this purpose"));
    assert_eq!(
        json(&later, Format::JsonLd)["dpv:hasProcess"]["dpv:hasProcess"][0]["dpv:hasPurpose"]["skos:broader"]["@id"],
        "dpv:Purpose"
    );
}

#[test]
fn receipts_are_as_reviewed() {
    let golden = root().join("tests/golden/receipts");
    let check = |name: &str, made: &str| {
        let path = golden.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&golden).unwrap();
            fs::write(&path, made).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "{} is not what is made now; look at it with UPDATE=1 and git diff", path.display());
    };
    check("statement.jws", &format!("{}\n", signed(grant())));
    check("bare.jws", &format!("{}\n", signed(bare())));
    for language in Language::ALL {
        check(&format!("receipt.{}.html", language.code()), &record().write(Format::Html, &words(language)));
    }
    check("receipt.jsonld", &record().write(Format::JsonLd, &words(Language::English)));
    check("agreement.jsonld", &record().write(Format::Odrl, &words(Language::English)));
    let bare = Record::unchecked(&signed(bare())).unwrap();
    check("bare.receipt.jsonld", &bare.write(Format::JsonLd, &words(Language::Arabic)));
    check("bare.agreement.jsonld", &bare.write(Format::Odrl, &words(Language::Arabic)));
}

/// The program, with no home and nobody to ask.
fn program(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
    for name in ["HOME", "AS", "IDENTITY", "PASSPHRASE", "BROKER", "CARD"] {
        command.env_remove(format!("AMANA_{name}"));
    }
    let output = command.args(arguments).env("HOME", "/nowhere").stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn statement_file_alone_is_enough_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf { dir.path().join(name) };
    let (statement, page) = (place("statement.jws"), place("receipt.html"));
    fs::write(&statement, format!("{}\n", signed(grant()))).unwrap();
    let (statement, page) = (statement.to_str().unwrap(), page.to_str().unwrap());
    let made = ["grant", "consent-receipt", statement, "--language", "ar", "--out", page];
    assert_eq!(program(&made).0, 0);
    assert!(fs::read_to_string(page).unwrap().contains("dir=\"rtl\""));
    assert_eq!(program(&made).0, 1, "nothing is overwritten");

    let own = public(&key()).to_string();
    let (code, printed, _) = program(&["grant", "consent-receipt", statement, "--format", "jsonld", "--key", &own]);
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["@type"], "dpv:ConsentReceipt");
    let other = public(&SigningKey::from_bytes(&[1; 32])).to_string();
    assert_eq!(program(&["grant", "consent-receipt", statement, "--key", &other]).0, 3);
    let card = format!("broker.example#{}", Digest::of(b"another genesis"));
    assert_eq!(program(&["grant", "consent-receipt", statement, "--card", &card]).0, 3);
    let card = format!("broker.example#{}", Digest::of(b"genesis"));
    assert_eq!(program(&["grant", "consent-receipt", statement, "--card", &card]).0, 0);
    let (code, _, said) = program(&["grant", "consent-receipt", place("nothing").to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(said.contains("nothing"), "{said}");
    fs::write(place("report.txt"), "no statement").unwrap();
    assert_eq!(program(&["grant", "consent-receipt", place("report.txt").to_str().unwrap()]).0, 3);
}
