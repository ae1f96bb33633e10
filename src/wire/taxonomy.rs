//! The purpose taxonomy's file format: a JSON object from purpose id to what the purpose means.

use crate::model::purpose::{Purpose, PurposeLeaf, Taxonomy};
use serde::{Deserialize, Deserializer, de};
use std::{collections::BTreeMap, fmt};

/// The taxonomy file is not as documented.
#[derive(Debug, thiserror::Error)]
#[error("the purpose taxonomy is not as documented: {0}")]
pub struct BadTaxonomy(#[from] serde_json::Error);

/// Reads a taxonomy file.
///
/// # Errors
/// On unknown members, repeated ids or ill-formed ids.
pub fn parse(text: &str) -> Result<Taxonomy, BadTaxonomy> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(rename = "v")]
        _version: u8,
        purposes: Leaves,
    }
    let file: File = serde_json::from_str(text)?;
    Ok(Taxonomy::of(file.purposes.0))
}

struct Leaves(BTreeMap<Purpose, PurposeLeaf>);

impl<'de> Deserialize<'de> for Leaves {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct NoRepeats;
        impl<'de> de::Visitor<'de> for NoRepeats {
            type Value = Leaves;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("purposes by id")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Leaves, A::Error> {
                let mut leaves = BTreeMap::new();
                while let Some((id, leaf)) = map.next_entry::<Purpose, PurposeLeaf>()? {
                    if leaves.insert(id, leaf).is_some() {
                        return Err(de::Error::custom("a purpose is defined twice"));
                    }
                }
                Ok(Leaves(leaves))
            }
        }
        d.deserialize_map(NoRepeats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::Bundle;

    /// Purposes of the Data Privacy Vocabulary 2.2 that leaves are narrower cases of.
    const BROADER: [&str; 6] = [
        "LegalCompliance",
        "PublicBenefit",
        "RecordManagement",
        "ResearchAndDevelopment",
        "RightsFulfilment",
        "ServiceProvision",
    ];

    #[test]
    fn every_shipped_purpose_is_complete() {
        let taxonomy = parse(Bundle::shipped().file("taxonomy.json").unwrap()).unwrap();
        assert!(taxonomy.leaves().count() >= 21);
        for (id, leaf) in taxonomy.leaves() {
            for text in [&leaf.group, &leaf.title, &leaf.who_learns, &leaf.publicity, &leaf.undo] {
                assert!(!text.trim().is_empty() && text.trim() == text, "{id} says nothing or stray spaces");
            }
            for sentence in [&leaf.who_learns, &leaf.publicity, &leaf.undo] {
                assert!(sentence.ends_with('.'), "{id}: {sentence}");
            }
            let broader = leaf.dpv.strip_prefix("https://w3id.org/dpv#").unwrap();
            assert!(BROADER.contains(&broader), "{id}: {broader}");
        }
    }

    #[test]
    fn every_shipped_purpose_says_what_the_state_concerned_learns() {
        let taxonomy = parse(Bundle::shipped().file("taxonomy.json").unwrap()).unwrap();
        for (id, leaf) in taxonomy.leaves() {
            let says = ["State", "Government"].iter().any(|word| leaf.who_learns.contains(word));
            assert!(says, "{id} is silent on the State concerned");
        }
    }

    #[test]
    fn a_purpose_defined_twice_is_refused() {
        let leaf = r#"{"group":"g","title":"t","who_learns":"w","identity_required":"helpful","publicity":"p","undo":"u","dpv":"d"}"#;
        assert!(parse(&format!(r#"{{"v":1,"purposes":{{"one":{leaf}}}}}"#)).is_ok());
        assert!(parse(&format!(r#"{{"v":1,"purposes":{{"one":{leaf},"one":{leaf}}}}}"#)).is_err());
    }
}
