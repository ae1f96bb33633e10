//! The page: which version of it administrators vouch for.

use super::{ids::Digest, statement::Text};
use serde::{Deserialize, Serialize};

/// The body of a `web-release` statement, signed by an administrator: this version of the page was built from its source and
/// is what a broker may serve. Needs k of n administrators.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebRelease {
    /// SHA-256 over the list of its files, `/assets.txt`.
    pub assets: Digest,
    /// The version it was built from, as people name it.
    pub version: Text,
}
