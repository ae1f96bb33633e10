//! What for: one purpose, or several together, so that every case is counted once.

use crate::model::purpose::{Purpose, Taxonomy};

/// What a grant, request, release or denial was for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Served {
    /// One purpose.
    One(Purpose),
    /// Several at once. Counted under each they would make sums from which a small count can be worked out.
    Several,
}

impl Served {
    /// Of what a statement names.
    pub fn of(purposes: &[Purpose]) -> Self {
        match purposes {
            [one] => Self::One(one.clone()),
            _ => Self::Several,
        }
    }
    /// In words: the taxonomy's title where it has one.
    pub fn words(&self, taxonomy: &Taxonomy) -> String {
        match self {
            Self::One(purpose) => {
                taxonomy.leaf(purpose).map_or_else(|| purpose.as_str().replace('-', " "), |leaf| leaf.title.clone())
            }
            Self::Several => "Several purposes at once".to_owned(),
        }
    }
}
