//! Names: the real ones (any script) and the plain ones inside the archive.
//!
//! Real names are only ever shown and listed, never used to write a file; even so they must not be able to
//! climb out of a folder or to show themselves as something else on a screen.

use super::limits::{MAX_COMPONENT_BYTES, MAX_EXTENSION_CHARS, MAX_FILES, MAX_PATH_BYTES, MAX_SLUG_CHARS};

/// Why a real name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left to call the file by.
    #[error("a name is empty")]
    Empty,
    /// Longer than file systems take.
    #[error("the name is {0} bytes long, more than a file system takes")]
    TooLong(usize),
    /// It starts at the root of a disk.
    #[error("the name is absolute")]
    Absolute,
    /// `.` or `..` stands between slashes.
    #[error("the name climbs through folders (. or ..)")]
    Climbs,
    /// A control character, a backslash, or a character that turns the direction of writing.
    #[error("the name contains U+{:04X}, an invisible or misleading character; rename a copy without it", u32::from(*.0))]
    Character(char),
}

/// Accepts a real name: relative, `/` between folders, nothing that climbs, hides or misleads.
///
/// # Errors
/// The first thing wrong with it.
pub fn check_path(path: &str) -> Result<(), NameError> {
    if path.len() > MAX_PATH_BYTES {
        return Err(NameError::TooLong(path.len()));
    }
    if path.starts_with('/') {
        return Err(NameError::Absolute);
    }
    if let Some(character) = path.chars().find(|character| is_misleading(*character)) {
        return Err(NameError::Character(character));
    }
    path.split('/').try_for_each(check_component)
}

/// The name of the archive member for the file at `position` (from 0): `files/0001-ascii-slug.ext`.
///
/// The slug keeps the ASCII letters and digits of the real name in lower case, or is `item`.
/// `None` past [`MAX_FILES`].
pub fn member(position: usize, path: &str) -> Option<String> {
    if position >= MAX_FILES {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let slug = slug(stem);
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).take(MAX_EXTENSION_CHARS).collect();
    let number = position + 1;
    Some(if extension.is_empty() {
        format!("files/{number:04}-{slug}")
    } else {
        format!("files/{number:04}-{slug}.{}", extension.to_ascii_lowercase())
    })
}

/// Whether `member` is a name that [`member`] could have given the file at `position`.
pub fn is_member_at(position: usize, member: &str) -> bool {
    let prefix = format!("files/{:04}-", position.saturating_add(1));
    let Some(rest) = member.strip_prefix(prefix.as_str()) else { return false };
    let (slug, extension) = match rest.split_once('.') {
        Some((slug, extension)) => (slug, Some(extension)),
        None => (rest, None),
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    position < MAX_FILES
        && slug.len() <= MAX_SLUG_CHARS
        && slug.split('-').all(|word| !word.is_empty() && plain(word))
        && extension.is_none_or(|ext| (1..=MAX_EXTENSION_CHARS).contains(&ext.len()) && plain(ext))
}

/// The form in which two names are the same file on a case-insensitive disk.
pub fn folded(name: &str) -> String {
    // Upper then lower case: also joins letters such as final sigma that have two lower-case forms.
    name.to_uppercase().to_lowercase()
}

/// Whether a character controls a terminal, changes the direction of writing, or is a path separator elsewhere.
pub fn is_misleading(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\\' | '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn check_component(component: &str) -> Result<(), NameError> {
    match component {
        "" => Err(NameError::Empty),
        "." | ".." => Err(NameError::Climbs),
        long if long.len() > MAX_COMPONENT_BYTES => Err(NameError::TooLong(long.len())),
        _ => Ok(()),
    }
}

fn slug(stem: &str) -> String {
    let mut slug = String::new();
    for character in stem.chars() {
        if slug.len() >= MAX_SLUG_CHARS {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "item".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_name_is_plain_in_any_script() {
        assert_eq!(member(0, "media/P-01_gate.PNG").as_deref(), Some("files/0001-p-01-gate.png"));
        assert_eq!(member(1, "تسجيل.wav").as_deref(), Some("files/0002-item.wav"));
        assert_eq!(member(2, "README").as_deref(), Some("files/0003-readme"));
        assert_eq!(member(3, ".hidden").as_deref(), Some("files/0004-item.hidden"));
        assert_eq!(member(9_998, "a").as_deref(), Some("files/9999-a"));
        assert_eq!(member(9_999, "a"), None);
    }

    #[test]
    fn only_given_member_names_are_members() {
        assert!(is_member_at(0, "files/0001-p-01-gate.png"));
        for wrong in [
            "files/0002-a",
            "files/1-a",
            "files/0001-",
            "files/0001-A",
            "files/0001-a--b",
            "files/0001-a.",
            "files/0001-a.b.c",
            "files/0001-../a",
            "files/0001-a/b",
            "x/0001-a",
            "files/0001-a.toolongext",
        ] {
            assert!(!is_member_at(0, wrong), "{wrong}");
        }
    }

    #[test]
    fn a_real_name_may_be_in_any_script_but_not_climb_or_mislead() {
        for good in ["a", "media/صورة.png", "ছবি/ক.png", "..a", "a b"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in ["", "/a", "a//b", "../a", "a/./b", "a/..", "a\nb", "a\u{202E}gnp.exe", "\u{200F}a", "a\\b"] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_path(&"a".repeat(256)), Err(NameError::TooLong(256)));
    }
}
