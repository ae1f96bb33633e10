//! Consent receipts: what a signed grant agreed to, for people and for programs, made from the statement alone.
//!
//! A receipt adds nothing to the statement and proves nothing by itself; it says so. Nothing is asked of a broker, and
//! no person is named: the giver is a key, persons' consent stays sealed in the report. Start at [`Record`], which holds
//! every term of a grant; [`Record::write`] turns it into one of three forms.

mod dpv;
mod line;
mod odrl;
mod page;
mod record;
mod words;

pub use record::{Recipient, Record, Signature, Term};
pub use words::{Language, Words};

use crate::{
    model::{bundle::Bundle, purpose::Taxonomy, time::Timestamp},
    wire::taxonomy,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The forms of a receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Consent receipt in the structure of ISO/IEC TS 27560:2023, as JSON-LD in terms of the Data Privacy Vocabulary.
    JsonLd,
    /// ODRL 2.2 agreement, as JSON-LD.
    Odrl,
    /// One page for people. Loads nothing, runs nothing.
    Html,
}

impl Record {
    /// The receipt in one of its forms, ending in a newline.
    pub fn write(&self, format: Format, words: &Words) -> String {
        match format {
            Format::JsonLd => written(dpv::receipt(self, words)),
            Format::Odrl => written(odrl::agreement(self, words)),
            Format::Html => page::page(self, words),
        }
    }
}

/// Members are sorted, so that every build writes the same bytes.
fn written(mut document: Value) -> String {
    document.sort_all_objects();
    format!("{document:#}\n")
}

/// Every id in a receipt is a name of ours in the `urn` scheme: nothing can be fetched from it.
fn urn(kind: &str, id: impl std::fmt::Display) -> String {
    format!("urn:amana:{kind}:{id}")
}

/// The purposes there are words for.
fn shipped_taxonomy() -> Option<Taxonomy> {
    taxonomy::parse(Bundle::shipped().file("taxonomy.json")?).ok()
}

/// Words for people, marked with their language (JSON-LD 1.1, section 4.2.4).
fn tagged(text: &str, words: &Words) -> Value {
    json!({ "@value": text, "@language": words.language.code() })
}

/// A moment as `xsd:dateTime`.
fn date_time(moment: Timestamp) -> Value {
    let seconds = i64::try_from(moment.as_seconds()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_second(seconds) {
        Ok(stamp) => json!({ "@value": stamp.to_string(), "@type": "xsd:dateTime" }),
        Err(_) => json!({ "@value": moment.as_seconds().to_string(), "@type": "xsd:integer" }),
    }
}
