//! What institutions say to the draft: printed word for word, so it must be harmless as it is.

use crate::model::{limits, statement::is_bidi_control};

/// A reply that can be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(String);

/// A reply that is not printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// Empty or too long.
    #[error("it must have 1 to {} characters", limits::REPLY_CHARS)]
    Length,
    /// Characters nobody sees.
    #[error("line {0} holds a control character or one that changes the direction of writing; ask for plain text")]
    Unseen(usize),
    /// Something that looks like an id of the log.
    #[error(
        "line {0} holds what looks like an id or a key from the log; ask the institution for a text without it, because \
         with it a case can be found"
    )]
    Id(usize),
}

/// Lengths of the ids of the log: base64url and hexadecimal.
const ID_CHARS: [usize; 2] = [43, 64];

impl Reply {
    /// Reads a reply. A mark at the beginning and line ends of other systems are not part of it.
    ///
    /// # Errors
    /// When it cannot be printed as it is.
    pub fn parse(text: &str) -> Result<Self, BadReply> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        let text = text.trim_end_matches('\n');
        if text.trim().is_empty() || text.chars().count() > limits::REPLY_CHARS {
            return Err(BadReply::Length);
        }
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.chars().any(|c| c.is_control() || is_bidi_control(c)) {
                return Err(BadReply::Unseen(number));
            }
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            if words.into_iter().any(|word| ID_CHARS.contains(&word.len())) {
                return Err(BadReply::Id(number));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_in_any_script_is_taken_and_nothing_unseen_is() {
        assert_eq!(Reply::parse("\u{feff}We opened it.\r\nنعم\r\n").unwrap().as_str(), "We opened it.\nنعم");
        assert_eq!(Reply::parse("one\ntwo\u{202e}"), Err(BadReply::Unseen(2)));
        assert_eq!(Reply::parse("a\tb"), Err(BadReply::Unseen(1)));
        assert_eq!(Reply::parse("a\rb"), Err(BadReply::Unseen(1)));
        assert_eq!(Reply::parse(" \n"), Err(BadReply::Length));
    }

    #[test]
    fn a_reply_may_have_as_many_characters_as_it_says_and_no_more() {
        assert!(Reply::parse(&"ü ".repeat(limits::REPLY_CHARS / 2)).is_ok());
        assert_eq!(Reply::parse(&"ü".repeat(limits::REPLY_CHARS + 1)), Err(BadReply::Length));
    }

    #[test]
    fn ids_of_the_log_are_not_printed() {
        assert_eq!(Reply::parse(&format!("see\ngrant {}.", "ab".repeat(32))), Err(BadReply::Id(2)));
        assert_eq!(Reply::parse(&"x".repeat(43)), Err(BadReply::Id(1)));
        assert!(Reply::parse(&"x".repeat(42)).is_ok());
    }
}
