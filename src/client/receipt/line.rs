//! One term as a line: a label and a value in somebody's language, and the value as it stands in the statement.

use super::{
    record::{Record, Signature, Term},
    words::Words,
};
use crate::model::bundle::Bundle;
use serde::Serialize;
use serde_json::Value;

/// Where a term stands on the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    /// Purposes, each with what it means; they have no line of their own.
    Why,
    /// How, and until when.
    Terms,
    /// What the recipient accepts.
    Conditions,
    /// What proves it.
    Proof,
}

/// A term as a line.
pub(super) struct Line<'a> {
    /// Where it stands.
    pub(super) section: Section,
    /// Its name in the statement.
    pub(super) id: &'static str,
    /// What it is, in words.
    pub(super) label: &'a str,
    /// What it says.
    pub(super) shown: Shown,
    /// What it says, as the statement has it.
    pub(super) value: Value,
}

/// How a value is shown.
pub(super) enum Shown {
    /// In words.
    Words(String),
    /// As ids or digests, one after another.
    Codes(Vec<String>),
}

impl Shown {
    /// As one text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Codes(codes) => codes.join(", "),
        }
    }
}

/// The line of a term: here every term of a grant gets its words.
pub(super) fn line<'a>(term: &Term, words: &'a Words) -> Line<'a> {
    use Section::{Conditions, Proof, Terms, Why};
    let t = &words.texts;
    let of = |section, id, label: &'a str, shown, value| Line { section, id, label, shown, value };
    let plain = |section, id, label, text: &str, value| of(section, id, label, Shown::Words(text.to_owned()), value);
    let code = |section, id, label, code: String, value| of(section, id, label, Shown::Codes(vec![code]), value);
    match term {
        Term::Purposes(all) => {
            let ids = all.iter().map(ToString::to_string).collect();
            of(Why, "purposes", &t.section_why, Shown::Codes(ids), json(all))
        }
        Term::UseMode(mode) => plain(Terms, "use_mode", &t.use_mode, words.use_mode(*mode), json(mode)),
        Term::Identification(level) => {
            plain(Terms, "identification", &t.identification, words.identification(*level), json(level))
        }
        Term::Collect(window) => {
            let from = t.from_until.replace("{from}", &words.moment(window.from));
            let both = from.replace("{until}", &words.moment(window.until));
            plain(Terms, "collect", &t.collect, &both, json(window))
        }
        Term::Keep(until) => {
            let shown = until.map(|until| t.until.replace("{until}", &words.moment(until)));
            plain(Terms, "keep_until", &t.keep, shown.as_deref().unwrap_or(&t.keep_as_terms), json(until))
        }
        Term::MaxReleases(most) => plain(Terms, "max_releases", &t.max_releases, &most.to_string(), json(most)),
        Term::CoolingOff(length) => {
            plain(Terms, "cooling_off_seconds", &t.cooling_off, &Words::hours(*length), json(length))
        }
        Term::Officers(none) if none.is_empty() => plain(Terms, "officers", &t.officers, &t.every_officer, json(none)),
        Term::Officers(named) => {
            let keys = named.iter().map(ToString::to_string).collect();
            of(Terms, "officers", &t.officers, Shown::Codes(keys), json(named))
        }
        Term::OfficerApprovals(count) => {
            plain(Terms, "officer_approvals", &t.officer_approvals, &count.to_string(), json(count))
        }
        Term::Embargo(until) => {
            let shown = until.map(|until| words.moment(until));
            plain(Terms, "embargo_until", &t.embargo, shown.as_deref().unwrap_or(&t.embargo_none), json(until))
        }
        Term::Review(by) => plain(Terms, "consent_review_by", &t.review, &words.moment(*by), json(by)),
        Term::Onward(ask) => plain(Conditions, "onward", &t.onward, words.ask(*ask), json(ask)),
        Term::Contact(contact) => plain(Conditions, "contact", &t.contact, words.contact(*contact), json(contact)),
        Term::Publication(ask) => plain(Conditions, "publication", &t.publication, words.ask(*ask), json(ask)),
        Term::ExternalProcessing(ask) => {
            plain(Conditions, "external_processing", &t.external_processing, words.ask(*ask), json(ask))
        }
        Term::Answers(None) => plain(Terms, "answers", &t.answers, &t.answers_nothing, Value::Null),
        Term::Answers(Some(request)) => code(Terms, "answers", &t.answers, request.to_string(), json(request)),
        Term::Replaces(None) => plain(Terms, "replaces", &t.replaces, &t.replaces_nothing, Value::Null),
        Term::Replaces(Some(older)) => code(Terms, "replaces", &t.replaces, older.to_string(), json(older)),
        Term::RecipientTerms(None) => plain(Proof, "terms", &t.recipient_terms, &t.recipient_terms_none, Value::Null),
        Term::RecipientTerms(Some(digest)) => {
            code(Proof, "terms", &t.recipient_terms, digest.to_string(), json(digest))
        }
        Term::Urgent(young) => {
            plain(Proof, "urgent", &t.urgent, if *young { &t.urgent_yes } else { &t.urgent_no }, json(young))
        }
        Term::RecipientKey(key) => code(Proof, "recipient", &t.recipient_key, key.to_string(), json(key)),
        Term::RecipientKeyStatement(digest) => {
            code(Proof, "recipient_key", &t.recipient_key_statement, digest.to_string(), json(digest))
        }
        Term::Opens(digest) => code(Proof, "header", &t.opens, digest.to_string(), json(digest)),
        Term::Rules(digest) => code(Proof, "bundle", &t.rules, digest.to_string(), json(digest)),
        Term::Taxonomy(digest) => code(Proof, "taxonomy", &t.taxonomy, digest.to_string(), json(digest)),
    }
}

/// What a reader has to know before anything else.
pub(super) fn limits(record: &Record, words: &Words) -> Vec<String> {
    let t = &words.texts;
    let mut limits = [&t.intro, &t.not_delivery, &t.withdraw_limit, &t.alleged, &t.persons].map(String::clone).to_vec();
    if record.signature == Signature::Unchecked {
        limits.push(format!("{}: {}", t.signature, t.signature_unchecked));
    }
    let own = Bundle::shipped().taxonomy_digest();
    if !own.is_some_and(|own| record.terms.contains(&Term::Taxonomy(own))) {
        limits.push(t.other_taxonomy.clone());
    }
    limits
}

/// What is known of the signature, as one sentence.
pub(super) fn signature(record: &Record, words: &Words) -> String {
    match record.signature {
        Signature::Unchecked => words.texts.signature_unchecked.clone(),
        Signature::Holds(key) => words.texts.signature_checked.replace("{key}", &key.to_string()),
    }
}

/// Terms are written as they stand in the statement; none can fail to be JSON.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
