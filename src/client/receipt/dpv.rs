//! A consent receipt in the structure of ISO/IEC TS 27560:2023, as the guide of the Data Privacy Vocabularies and Controls
//! Community Group writes it: JSON-LD in terms of the Data Privacy Vocabulary 2 (<https://w3id.org/dpv>).
//!
//! What the vocabulary has no term for is a `dpv:ProcessingCondition` with the term's name in the statement as
//! `dct:identifier`, its words as labels and its value as `rdf:value`: no vocabulary of ours is needed to read it. Where
//! the standard asks for what a grant does not say (where information is stored), nothing is made up.

use super::{
    date_time,
    line::{Section, limits, line, signature},
    page::command,
    record::{Record, Term},
    shipped_taxonomy, tagged, urn,
    words::Words,
};
use crate::model::{
    grant::{Ask, UseMode},
    purpose::{Purpose, Taxonomy},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// The receipt. Its context stands inside: reading it needs no network.
pub(super) fn receipt(record: &Record, words: &Words) -> Value {
    let t = &words.texts;
    let limits: Vec<Value> = limits(record, words).iter().map(|text| tagged(text, words)).collect();
    json!({
        "@context": context(),
        "@id": urn("grant", record.grant),
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": { "@id": "dpv-27560:receipt" },
        "dpv:hasIdentifier": record.grant,
        "dct:title": tagged(&t.title, words),
        "dct:description": limits,
        "dct:created": date_time(record.given_at),
        "dct:creator": { "@id": urn("key", record.given_by), "dpv:hasIdentifier": record.given_by },
        "dct:language": words.language.code(),
        "dpv:hasDataSubject": {
            "@type": "dpv:DataSubject",
            "dpv:hasIdentifier": record.report,
            "dct:description": tagged(&t.persons, words),
        },
        "dpv:hasEntity": recipient(record),
        "dpv:hasNotice": notice(record, words),
        "dpv:hasProcess": process(record, words),
        "dct:references": references(record, words),
    })
}

fn context() -> Value {
    json!({
        "@version": 1.1,
        "dct": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}

fn recipient(record: &Record) -> Value {
    let mut entity = json!({
        "@id": urn("institution", record.recipient.id),
        "@type": ["dpv:DataController", "dpv:Recipient"],
        "dpv:hasIdentifier": record.recipient.id,
    });
    if let (Some((name, jurisdiction)), Some(members)) = (&record.recipient.named, entity.as_object_mut()) {
        members.insert("dpv:hasName".to_owned(), name.as_str().into());
        members.insert("dpv:hasJurisdiction".to_owned(), jurisdiction.as_str().into());
    }
    entity
}

/// What the giver was told: the words of the taxonomy the statement names.
fn notice(record: &Record, words: &Words) -> Value {
    let taxonomy = record.terms.iter().find(|term| matches!(term, Term::Taxonomy(_)));
    let taxonomy = taxonomy.map(|term| line(term, words));
    json!({
        "@type": "dpv:ConsentNotice",
        "dpv:hasIdentifier": taxonomy.as_ref().map(|line| line.value.clone()),
        "skos:prefLabel": taxonomy.map(|line| tagged(line.label, words)),
    })
}

/// What all purposes have in common, with a process for each inside.
fn process(record: &Record, words: &Words) -> Value {
    let (recipient, given_by) = (urn("institution", record.recipient.id), urn("key", record.given_by));
    let withdrawing = [&words.texts.withdraw, &words.texts.withdraw_limit].map(|text| tagged(text, words));
    let mut process = Map::new();
    let mut put = |name: &str, value: Value| {
        process.insert(name.to_owned(), value);
    };
    put("@type", json!("dpv:Process"));
    put(
        "dpv:hasPersonalData",
        json!({
            "@id": urn("report", record.report),
            "@type": "dpv:SensitivePersonalData",
            "skos:prefLabel": tagged(&words.texts.report, words),
        }),
    );
    put("dpv:hasDataController", json!({ "@id": recipient }));
    put("dpv:hasRecipient", json!({ "@id": recipient }));
    put("dpv:hasDataSource", json!([{ "@id": "dpv:ThirdPartyDataSource" }, { "@id": "dpv:NonPublicDataSource" }]));
    put("dpv:hasLegalBasis", json!({ "@id": "dpv:Consent" }));
    put(
        "dpv:hasConsentControl",
        json!({
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": command(record),
            "dct:description": withdrawing,
        }),
    );
    let status = json!({
        "@type": "dpv:ConsentGiven",
        "dpv:isIndicatedBy": { "@id": given_by },
        "dpv:isIndicatedAtTime": date_time(record.given_at),
    });
    let mut placed = Placed::default();
    for term in &record.terms {
        placed.place(term, &status, words);
    }
    for (name, values) in placed.0 {
        put(name, Value::Array(values));
    }
    Value::Object(process)
}

/// Members of the process that terms add to.
#[derive(Default)]
struct Placed(std::collections::BTreeMap<&'static str, Vec<Value>>);

impl Placed {
    fn put(&mut self, name: &'static str, value: Value) {
        self.0.entry(name).or_default().push(value);
    }

    /// Every term has its place; what only identifies stands in `references`.
    fn place(&mut self, term: &Term, status: &Value, words: &Words) {
        match term {
            Term::Purposes(purposes) => {
                let known = shipped_taxonomy();
                for purpose in purposes {
                    self.put("dpv:hasProcess", one_purpose(purpose, known.as_ref(), status, words));
                }
            }
            Term::UseMode(mode) => {
                self.put("dpv:hasProcessing", json!({ "@id": "dpv:Collect" }));
                self.put("dpv:hasProcessing", json!({ "@id": "dpv:Store" }));
                if *mode != UseMode::PreserveOnly {
                    self.put("dpv:hasProcessing", json!({ "@id": "dpv:Use" }));
                }
                self.put("dpv:hasProcessingCondition", condition(term, words));
            }
            Term::Keep(until) => self.put("dpv:hasStorageCondition", storage(term, *until, words)),
            Term::Onward(ask) => self.put("dpv:hasProhibition", prohibition("dpv:Share", *ask, term, words)),
            Term::Publication(ask) => self.put("dpv:hasProhibition", prohibition("dpv:Disseminate", *ask, term, words)),
            Term::ExternalProcessing(ask) => {
                self.put("dpv:hasProhibition", prohibition("dpv:Transfer", *ask, term, words));
            }
            Term::Identification(_)
            | Term::Contact(_)
            | Term::Collect(_)
            | Term::MaxReleases(_)
            | Term::CoolingOff(_)
            | Term::Officers(_)
            | Term::OfficerApprovals(_)
            | Term::Embargo(_)
            | Term::Review(_)
            | Term::Replaces(_)
            | Term::Answers(_) => self.put("dpv:hasProcessingCondition", condition(term, words)),
            Term::Urgent(_)
            | Term::RecipientKey(_)
            | Term::RecipientKeyStatement(_)
            | Term::Opens(_)
            | Term::RecipientTerms(_)
            | Term::Rules(_)
            | Term::Taxonomy(_) => {}
        }
    }
}

fn one_purpose(id: &Purpose, taxonomy: Option<&Taxonomy>, status: &Value, words: &Words) -> Value {
    let t = &words.texts;
    let leaf = taxonomy.and_then(|taxonomy| taxonomy.leaf(id));
    let mut purpose = json!({
        "@id": urn("purpose", id),
        "@type": "dpv:Purpose",
        "dct:identifier": id,
        "skos:broader": { "@id": leaf.map_or("dpv:Purpose", |leaf| leaf.dpv.as_str()) },
    });
    if let Some(members) = purpose.as_object_mut() {
        match words.purpose(id) {
            Some(said) => {
                members.insert("skos:prefLabel".to_owned(), tagged(&said.title, words));
                let definition = format!("{}: {}", t.who_learns, said.who_learns);
                members.insert("skos:definition".to_owned(), tagged(&definition, words));
                let notes = [(&t.publicity, &said.publicity), (&t.undo, &said.undo)];
                let notes = notes.map(|(label, text)| tagged(&format!("{label}: {text}"), words));
                members.insert("skos:note".to_owned(), json!(notes));
            }
            None => drop(members.insert("skos:note".to_owned(), tagged(&t.purpose_unknown, words))),
        }
    }
    json!({ "@type": "dpv:Process", "dpv:hasPurpose": purpose, "dpv:hasConsentStatus": status })
}

fn storage(term: &Term, until: Option<Timestamp>, words: &Words) -> Value {
    let said = line(term, words);
    let duration = match until {
        Some(until) => json!({ "@type": "dpv:UntilTimeDuration", "rdf:value": date_time(until) }),
        None => json!({ "@type": "dpv:IndeterminateDuration" }),
    };
    json!({
        "@type": "dpv:StorageDuration",
        "dct:identifier": said.id,
        "dpv:hasDuration": duration,
        "skos:prefLabel": tagged(said.label, words),
        "skos:definition": tagged(&said.shown.text(), words),
    })
}

/// What is not allowed: at all, before a new consent is obtained, or beyond what one request asked for.
fn prohibition(processing: &str, ask: Ask, term: &Term, words: &Words) -> Value {
    let obtained = match ask {
        Ask::No => None,
        // What goes beyond the request that was answered takes a new consent again.
        Ask::AskFirst | Ask::AsRequested => Some(json!({ "@id": "dpv:ObtainConsent" })),
    };
    let said = line(term, words);
    let mut rule = json!({
        "@type": "dpv:Prohibition",
        "dct:identifier": said.id,
        "dpv:hasProcessing": { "@id": processing },
        "skos:prefLabel": tagged(said.label, words),
        "skos:definition": tagged(&said.shown.text(), words),
        "rdf:value": said.value,
    });
    if let (Some(obtained), Some(members)) = (obtained, rule.as_object_mut()) {
        members.insert("dpv:hasConsentControl".to_owned(), obtained);
    }
    rule
}

/// A term the vocabulary has no word for.
fn condition(term: &Term, words: &Words) -> Value {
    let said = line(term, words);
    let value = match term {
        Term::Collect(window) => json!({ "@list": [date_time(window.from), date_time(window.until)] }),
        Term::Review(by) => date_time(*by),
        _ => said.value,
    };
    let mut condition = json!({
        "@type": "dpv:ProcessingCondition",
        "dct:identifier": said.id,
        "skos:prefLabel": tagged(said.label, words),
        "skos:definition": tagged(&said.shown.text(), words),
    });
    let says_something = !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty());
    if let (true, Some(members)) = (says_something, condition.as_object_mut()) {
        members.insert("rdf:value".to_owned(), value);
    }
    condition
}

/// Digests and keys: what a reader compares.
fn references(record: &Record, words: &Words) -> Vec<Value> {
    let t = &words.texts;
    let of = |id: &str, label: &str, value: Value| json!({ "dct:identifier": id, "skos:prefLabel": tagged(label, words), "rdf:value": value });
    let mut references = vec![
        of("statement", &t.statement, json!(record.grant)),
        of("broker", &t.broker, json!(record.broker)),
        of("signature", &t.signature, tagged(&signature(record, words), words)),
    ];
    let proofs = record.terms.iter().map(|term| line(term, words)).filter(|said| said.section == Section::Proof);
    // What there is none of has no value, and nothing is referred to.
    let there = proofs.filter(|said| !said.value.is_null());
    references.extend(there.map(|said| of(said.id, said.label, said.value)));
    references
}
