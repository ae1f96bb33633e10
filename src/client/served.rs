//! The page a broker serves, looked at from outside: whether every file is what its list says, and whether administrators
//! vouch for the list. What a browser is shown is not looked at here: a broker can serve somebody else something else.

use super::{
    mirror::Mirror,
    published::Published,
    remote::{As, Remote, RemoteError},
};
use crate::model::{ids::Digest, limits, web::WebRelease};
use std::io::Read as _;

/// Why what is served is not a page, or not the one its list names.
#[derive(Debug, thiserror::Error)]
pub enum ServedError {
    /// Asking failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The list.
    #[error("/assets.txt is not a list of files with their digests")]
    List,
    /// A file.
    #[error("{path} is not the file its list names: it should be {expected} and is {found}")]
    Other {
        /// Where it is served.
        path: String,
        /// As the list says.
        expected: Digest,
        /// As it came.
        found: Digest,
    },
    /// More than a page needs.
    #[error("{0} is longer than a file of the page may be")]
    TooLong(String),
}

/// A page that was fetched whole and is what its list says.
#[derive(Debug)]
pub struct Served {
    /// SHA-256 over the list, which names this version of the page.
    pub assets: Digest,
    /// How many files it has.
    pub files: usize,
}

/// Fetches the page and holds every file against the list.
///
/// # Errors
/// [`ServedError`].
pub fn fetch(remote: &Remote) -> Result<Served, ServedError> {
    let list = body(remote, "/assets.txt")?;
    let text = str::from_utf8(&list).map_err(|_| ServedError::List)?;
    let files = files(text).ok_or(ServedError::List)?;
    for (path, expected) in &files {
        let address = if path == "index.html" { "/".to_owned() } else { format!("/{path}") };
        let found = Digest::of(&body(remote, &address)?);
        if found != *expected {
            return Err(ServedError::Other { path: address, expected: *expected, found });
        }
    }
    Ok(Served { assets: Digest::of(&list), files: files.len() })
}

/// The lines of `sha256sum`, `index.html` among them.
fn files(list: &str) -> Option<Vec<(String, Digest)>> {
    let line = |line: &str| {
        let (digest, path) = line.split_once("  ")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
        path.chars().all(plain).then_some((path.to_owned(), digest.parse().ok()?))
    };
    let files: Option<Vec<_>> = list.lines().take(limits::PAGE_FILES + 1).map(line).collect();
    files.filter(|files| files.len() <= limits::PAGE_FILES && files.iter().any(|(path, _)| path == "index.html"))
}

fn body(remote: &Remote, path: &str) -> Result<Vec<u8>, ServedError> {
    let response = remote.stream(path, &[], As::Anybody)?;
    let mut body = Vec::new();
    let mut reader = response.into_body().into_reader().take(limits::PAGE_FILE_BYTES + 1);
    reader.read_to_end(&mut body).map_err(|e| RemoteError::Answer(e.to_string()))?;
    if body.len() as u64 > limits::PAGE_FILE_BYTES { Err(ServedError::TooLong(path.to_owned())) } else { Ok(body) }
}

impl Mirror {
    /// The statement with which enough administrators vouch for a page.
    pub fn vouched_page(&self, assets: Digest) -> Option<Published<WebRelease>> {
        let effective = |found: &Published<WebRelease>| self.proposal(found.statement).is_some_and(|row| row.effective);
        self.web_releases().find(|found| found.body.assets == assets && effective(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_the_page_itself_or_with_a_path_that_leads_elsewhere_is_none() {
        let digest = Digest::of(b"");
        assert!(files(&format!("{digest}  assets/a.js\n{digest}  index.html\n")).is_some());
        for list in
            [String::new(), format!("{digest}  assets/a.js\n"), format!("{digest}  index.html\n{digest}  ?x=1\n")]
        {
            assert!(files(&list).is_none(), "{list}");
        }
    }
}
