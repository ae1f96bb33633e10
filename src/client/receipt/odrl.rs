//! A grant as an agreement in the Open Digital Rights Language 2.2 (W3C Recommendations of 15 February 2018).
//!
//! The context stands inside and says of every term what the published one (<http://www.w3.org/ns/odrl.jsonld>) says, so
//! reading it needs no network. Two things have no term there and are those of a profile, [`PROFILE`]: how far persons may
//! be identified, and contact with them. The agreement states what was agreed; nobody is bound by a program that reads it.

use super::{
    date_time,
    line::{Section, limits, line, signature},
    page::command,
    record::{Record, Term},
    tagged, urn,
    words::Words,
};
use crate::model::{
    grant::{Ask, Contact, UseMode},
    time::Duration,
};
use serde_json::{Map, Value, json};

/// Names the profile; its terms begin with it and a colon.
pub(super) const PROFILE: &str = "urn:amana:odrl-profile:v1";

/// The agreement.
pub(super) fn agreement(record: &Record, words: &Words) -> Value {
    let t = &words.texts;
    let rules = Rules::of(record, words);
    let mut policy = Map::new();
    let mut put = |name: &str, value: Value| {
        policy.insert(name.to_owned(), value);
    };
    put("@context", context());
    put("uid", json!(urn("grant", record.grant)));
    put("type", json!("Agreement"));
    put("profile", json!(PROFILE));
    put("dct:created", date_time(record.given_at));
    put("dct:title", tagged(&t.title, words));
    let limits: Vec<Value> = limits(record, words).iter().map(|text| tagged(text, words)).collect();
    put("dct:description", json!(limits));
    put("assigner", json!({ "uid": urn("key", record.given_by), "type": "Party" }));
    put("assignee", assignee(record));
    put("target", json!({ "uid": urn("report", record.report), "type": "Asset" }));
    put("dct:references", json!(references(record, words)));
    for (name, rules) in
        [("permission", rules.permissions), ("prohibition", rules.prohibitions), ("obligation", rules.obligations)]
    {
        if !rules.is_empty() {
            put(name, Value::Array(rules));
        }
    }
    Value::Object(policy)
}

/// The terms that are used, each as the published context defines it.
fn context() -> Value {
    let mut context = json!({
        "dct": "http://purl.org/dc/terms/",
        "odrl": "http://www.w3.org/ns/odrl/2/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "uid": "@id",
        "type": "@type",
        "rightOperand": "odrl:rightOperand",
    });
    if let Some(members) = context.as_object_mut() {
        for term in NAMES {
            members.insert((*term).to_owned(), format!("odrl:{term}").into());
        }
        for term in LINKS {
            members.insert((*term).to_owned(), json!({ "@id": format!("odrl:{term}"), "@type": "@id" }));
        }
        for term in CHOICES {
            members.insert((*term).to_owned(), json!({ "@id": format!("odrl:{term}"), "@type": "@vocab" }));
        }
    }
    context
}

/// Classes, actions, left operands and operators.
const NAMES: &[&str] = &[
    "Agreement",
    "Asset",
    "Party",
    "archive",
    "count",
    "dateTime",
    "delayPeriod",
    "delete",
    "deliveryChannel",
    "display",
    "distribute",
    "eq",
    "grantUse",
    "gteq",
    "isAnyOf",
    "lt",
    "lteq",
    "obtainConsent",
    "present",
    "purpose",
    "read",
    "recipient",
    "reproduce",
    "reviewPolicy",
    "use",
];
/// Properties whose value is a node.
const LINKS: &[&str] =
    &["assignee", "assigner", "constraint", "duty", "obligation", "permission", "profile", "prohibition", "target"];
/// Properties whose value is a term.
const CHOICES: &[&str] = &["action", "leftOperand", "operator"];

fn assignee(record: &Record) -> Value {
    let mut party = json!({ "uid": urn("institution", record.recipient.id), "type": "Party" });
    if let (Some((name, jurisdiction)), Some(members)) = (&record.recipient.named, party.as_object_mut()) {
        members.insert("vcard:fn".to_owned(), name.as_str().into());
        members.insert("dct:coverage".to_owned(), jurisdiction.as_str().into());
    }
    party
}

/// Rules as terms add to them.
#[derive(Default)]
struct Rules {
    permissions: Vec<Value>,
    prohibitions: Vec<Value>,
    obligations: Vec<Value>,
    /// What collecting depends on.
    collecting: Vec<Value>,
    /// What using depends on.
    using: Vec<Value>,
    /// What it may be used as: an action of the language.
    used_as: Vec<(&'static str, Value)>,
}

impl Rules {
    fn of(record: &Record, words: &Words) -> Self {
        let mut rules = Self::default();
        for term in &record.terms {
            rules.place(term, record, words);
        }
        let collecting = std::mem::take(&mut rules.collecting);
        let (action, said) = ("reproduce", tagged(&words.texts.collect, words));
        rules.permissions.push(json!({ "action": action, "constraint": collecting, "dct:description": said }));
        for (action, said) in std::mem::take(&mut rules.used_as) {
            let using = &rules.using;
            rules.permissions.push(json!({ "action": action, "constraint": using, "dct:description": said }));
        }
        rules
    }

    /// Every term has its place; what only identifies stands in `references`.
    fn place(&mut self, term: &Term, record: &Record, words: &Words) {
        let said = described(term, words);
        match term {
            Term::Purposes(purposes) => {
                let ids: Vec<Value> = purposes.iter().map(|id| json!({ "@id": urn("purpose", id) })).collect();
                self.using.push(constraint("purpose", "isAnyOf", &json!(ids)));
            }
            Term::UseMode(mode) => self.use_mode(*mode, &said),
            Term::Identification(level) => {
                let level = serde_json::to_value(level).unwrap_or_default();
                let level = format!("{PROFILE}:{}", level.as_str().unwrap_or_default());
                self.using.push(constraint(&format!("{PROFILE}:identification"), "lteq", &json!({ "@id": level })));
            }
            Term::Collect(window) => {
                self.collecting.push(constraint("dateTime", "gteq", &date_time(window.from)));
                self.collecting.push(constraint("dateTime", "lt", &date_time(window.until)));
            }
            Term::Keep(None) => self.obligations.push(json!({ "action": "delete", "dct:description": said })),
            Term::Keep(Some(until)) => {
                self.using.push(constraint("dateTime", "lt", &date_time(*until)));
                let by = constraint("dateTime", "lteq", &date_time(*until));
                self.obligations.push(json!({ "action": "delete", "constraint": by, "dct:description": said }));
            }
            Term::MaxReleases(most) => self.collecting.push(constraint("count", "lteq", &json!(most))),
            Term::CoolingOff(length) => self.collecting.push(constraint("delayPeriod", "gteq", &duration(*length))),
            Term::Officers(named) if named.is_empty() => {}
            Term::Officers(named) => {
                let keys: Vec<Value> = named.iter().map(|key| json!({ "@id": urn("key", key) })).collect();
                self.collecting.push(constraint("recipient", "isAnyOf", &json!(keys)));
            }
            Term::Embargo(Some(until)) => self.collecting.push(constraint("dateTime", "gteq", &date_time(*until))),
            Term::Review(by) => {
                let by = constraint("dateTime", "lteq", &date_time(*by));
                self.obligations.push(json!({ "action": "reviewPolicy", "constraint": by, "dct:description": said }));
            }
            Term::Onward(ask) => self.ask("distribute", *ask, record, &said),
            Term::Publication(ask) => self.ask("present", *ask, record, &said),
            Term::ExternalProcessing(ask) => self.ask("grantUse", *ask, record, &said),
            Term::Contact(contact) => self.contact(*contact, record, &said),
            Term::Answers(_)
            | Term::Replaces(_)
            | Term::OfficerApprovals(_)
            | Term::Embargo(None)
            | Term::RecipientTerms(_)
            | Term::Urgent(_)
            | Term::RecipientKey(_)
            | Term::RecipientKeyStatement(_)
            | Term::Opens(_)
            | Term::Rules(_)
            | Term::Taxonomy(_) => {}
        }
    }

    fn use_mode(&mut self, mode: UseMode, said: &Value) {
        let (action, forbidden): (_, &[&str]) = match mode {
            UseMode::LeadOnly => ("read", &["display"]),
            UseMode::Evidence | UseMode::Information => ("use", &[]),
            UseMode::PreserveOnly => ("archive", &["read"]),
        };
        self.used_as.push((action, said.clone()));
        for action in forbidden {
            self.prohibitions.push(json!({ "action": action, "dct:description": said }));
        }
    }

    /// Forbidden, or allowed with the duty to obtain a new consent before.
    fn ask(&mut self, action: &str, ask: Ask, record: &Record, said: &Value) {
        match ask {
            Ask::No => self.prohibitions.push(json!({ "action": action, "dct:description": said })),
            // As far as one request asked for it; beyond that a new consent comes first.
            Ask::AskFirst | Ask::AsRequested => {
                let duty = json!({ "action": "obtainConsent", "assigner": { "uid": urn("key", record.given_by) } });
                self.permissions.push(json!({ "action": action, "duty": duty, "dct:description": said }));
            }
        }
    }

    fn contact(&mut self, contact: Contact, record: &Record, said: &Value) {
        let action = format!("{PROFILE}:contact");
        match contact {
            Contact::No => self.prohibitions.push(json!({ "action": action, "dct:description": said })),
            Contact::AsRequested => {
                let duty = json!({ "action": "obtainConsent", "assigner": { "uid": urn("key", record.given_by) } });
                self.permissions.push(json!({ "action": action, "duty": duty, "dct:description": said }));
            }
            Contact::ThroughProviderOnly => {
                let provider = json!({ "@id": urn("key", record.given_by) });
                let channel = constraint("deliveryChannel", "eq", &provider);
                self.permissions.push(json!({ "action": action, "constraint": channel, "dct:description": said }));
            }
        }
    }
}

fn constraint(left: &str, operator: &str, right: &Value) -> Value {
    json!({ "leftOperand": left, "operator": operator, "rightOperand": right })
}

fn duration(length: Duration) -> Value {
    json!({ "@value": format!("PT{}S", length.as_seconds()), "@type": "xsd:duration" })
}

/// A term in words.
fn described(term: &Term, words: &Words) -> Value {
    let said = line(term, words);
    tagged(&format!("{}: {}", said.label, said.shown.text()), words)
}

/// What identifies, and how to withdraw.
fn references(record: &Record, words: &Words) -> Vec<Value> {
    let t = &words.texts;
    let of = |id: &str, label: &str, value: Value| json!({ "dct:identifier": id, "dct:title": tagged(label, words), "rdf:value": value });
    let mut references = vec![
        of("broker", &t.broker, json!(record.broker)),
        of("signature", &t.signature, tagged(&signature(record, words), words)),
        of("withdraw", &t.section_withdraw, json!(command(record))),
    ];
    let named = record.terms.iter().map(|term| line(term, words));
    let named = named.filter(|line| {
        line.section == Section::Proof || ["answers", "replaces", "officer_approvals"].contains(&line.id)
    });
    references.extend(named.filter(|line| !line.value.is_null()).map(|line| of(line.id, line.label, line.value)));
    references
}
