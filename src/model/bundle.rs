//! Policy bundles: a set of named files and the digest that stands for them.

use super::{ids::Digest, limits};
use std::collections::BTreeMap;

/// Policies, schema, taxonomy, profiles and golden cases, by their path under `policies/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bundle {
    files: BTreeMap<String, String>,
}

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../policies/", $path)))),*]
    };
}

impl Bundle {
    /// The bundle this program ships with.
    pub fn shipped() -> Self {
        let files = shipped![
            "forbids.cedar",
            "permits.cedar",
            "profiles/criminal-accountability.json",
            "profiles/deposit.json",
            "profiles/fact-finding.json",
            "profiles/missing-persons.json",
            "profiles/protection-referral.json",
            "profiles/publication.json",
            "profiles/regional-court.json",
            "profiles/reparation.json",
            "profiles/research.json",
            "profiles/special-procedures.json",
            "profiles/treaty-bodies.json",
            "profiles/truth-commission.json",
            "schema.cedarschema",
            "taxonomy.json",
            "tests/base.json",
            "tests/matrix.json",
            "tests/owner-fetch.json",
            "tests/release.json",
        ];
        Self { files: files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }
    /// From files read elsewhere, by their path with forward slashes.
    pub fn of(files: BTreeMap<String, String>) -> Self {
        Self { files }
    }
    /// One file.
    pub fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
    /// Paths of all files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
    /// All files by their path.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }
    /// Whether a file may be called this: names of letters, digits, `-`, `_` and `.` with slashes between them, none
    /// beginning with a dot. Whoever writes a bundle below a folder stays in it.
    pub fn is_path(path: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = |name: &str| !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
        path.len() <= limits::POLICY_PATH_BYTES && path.split('/').all(name)
    }
    /// The manifest: one line `sha256  path` a file, sorted by path, as `sha256sum` writes it.
    pub fn manifest(&self) -> String {
        let line = |(path, text): (&String, &String)| format!("{}  {path}", Digest::of(text.as_bytes()));
        let mut lines: Vec<String> = self.files.iter().map(line).collect();
        lines.push(String::new());
        lines.join("\n")
    }
    /// SHA-256 of the manifest.
    pub fn digest(&self) -> Digest {
        Digest::of(self.manifest().as_bytes())
    }
    /// SHA-256 of the purpose taxonomy's file.
    pub fn taxonomy_digest(&self) -> Option<Digest> {
        self.file("taxonomy.json").map(|text| Digest::of(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_paths_are_plain_and_others_leave_no_folder() {
        assert!(Bundle::shipped().paths().all(Bundle::is_path));
        for path in ["", "/etc/passwd", "..", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\\b", "c:x", "a b"] {
            assert!(!Bundle::is_path(path), "{path}");
        }
        assert!(!Bundle::is_path(&"a".repeat(limits::POLICY_PATH_BYTES + 1)));
    }
}
