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
