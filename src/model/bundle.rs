//! Policy bundles: a set of named files and the digest that stands for them.

use super::ids::Digest;
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
            "profiles/fact-finding.json",
            "schema.cedarschema",
            "taxonomy.json",
            "tests/base.json",
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
