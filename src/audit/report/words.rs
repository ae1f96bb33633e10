//! Words for what the log says in ids: purposes from the taxonomy, conditions from the rules a release must pass.

use super::purposes::Served;
use crate::{
    model::{bundle::Bundle, ids::Digest, purpose::Taxonomy},
    wire::taxonomy,
};
use std::collections::BTreeMap;

/// What ids are called.
pub struct Words {
    taxonomy: Taxonomy,
    conditions: BTreeMap<String, String>,
}

impl Words {
    /// From a policy bundle, given the digest of the one the log was decided under. Purposes keep their ids from one
    /// taxonomy to the next, so a title is better than an id; conditions may change their meaning with the rules, so
    /// another bundle's words are not used.
    pub fn of(bundle: &Bundle, in_force: Digest) -> Self {
        let taxonomy = bundle.file("taxonomy.json").and_then(|text| taxonomy::parse(text).ok());
        let known = bundle.digest() == in_force;
        let policies = bundle.paths().filter(|path| known && path.rsplit('.').next() == Some("cedar"));
        let conditions = policies.filter_map(|path| bundle.file(path)).flat_map(annotated).collect();
        Self { taxonomy: taxonomy.unwrap_or_else(|| Taxonomy::of(BTreeMap::new())), conditions }
    }

    /// Whether the rules the log was decided under are at hand.
    pub fn knows_conditions(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// A purpose.
    pub fn purpose(&self, served: &Served) -> String {
        served.words(&self.taxonomy)
    }

    /// The condition a release was denied for. Several at once are one case of their own: see [`Served::Several`].
    pub fn condition(&self, reasons: &[String]) -> String {
        match reasons {
            [id] if id == "no-permit" => "No rule allowed it (no-permit)".to_owned(),
            [id] => match self.conditions.get(id) {
                Some(words) => format!("{words} ({id})"),
                None if is_id(id) => format!("Condition {id}"),
                None => "Another condition".to_owned(),
            },
            _ => "Several conditions at once".to_owned(),
        }
    }
}

/// The broker wrote the ids; what does not look like one is not repeated.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// `@id` and `@reason` of each policy. Both stand on lines of their own, which a test of the shipped policies holds.
fn annotated(policies: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut id = None;
    for line in policies.lines() {
        if let Some(value) = annotation(line, "@id(\"") {
            id = Some(value);
        } else if let (Some(reason), Some(id)) = (annotation(line, "@reason(\""), &id) {
            found.push((id.clone(), reason));
        }
    }
    found
}

fn annotation(line: &str, begin: &str) -> Option<String> {
    line.trim().strip_prefix(begin)?.strip_suffix("\")").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_of_the_shipped_policies_has_words() {
        let bundle = Bundle::shipped();
        let words = Words::of(&bundle, bundle.digest());
        let forbids = bundle.file("forbids.cedar").unwrap();
        let ids = forbids.matches("@id(\"").count();
        assert!(ids > 20);
        assert!(words.conditions.len() >= ids, "{} of {ids}", words.conditions.len());
        let said = words.condition(&["window-closed".to_owned()]);
        assert_eq!(said, "The collect window is over. (window-closed)");
    }

    #[test]
    fn words_of_other_rules_are_not_used_and_what_is_no_id_is_not_repeated() {
        let words = Words::of(&Bundle::shipped(), Digest::of(b"other rules"));
        assert!(!words.knows_conditions());
        assert_eq!(words.condition(&["window-closed".to_owned()]), "Condition window-closed");
        assert_eq!(words.condition(&["=cmd()".to_owned()]), "Another condition");
        let several = ["cooling-off".to_owned(), "window-closed".to_owned()];
        assert_eq!(words.condition(&several), "Several conditions at once");
    }
}
