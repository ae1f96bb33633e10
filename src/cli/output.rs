//! What a command prints: text for people on standard output, or JSON; failures on standard error.

use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    words: String,
    code: u8,
    /// What programs are told besides.
    details: Option<Box<serde_json::Value>>,
}

impl Failure {
    /// It was refused or did not work.
    pub(super) fn refused(words: impl Display) -> Self {
        Self { words: words.to_string(), code: 1, details: None }
    }
    /// It was checked, and does not hold.
    pub(super) fn does_not_hold(words: impl Display) -> Self {
        Self { words: words.to_string(), code: 3, details: None }
    }
    /// The command line does not say enough.
    #[cfg(feature = "client")]
    pub(super) fn usage(words: impl Display) -> Self {
        Self { words: words.to_string(), code: 2, details: None }
    }
    /// Nobody answered: what was asked for may have happened or not.
    #[cfg(feature = "client")]
    pub(super) fn unanswered(words: impl Display) -> Self {
        Self { words: words.to_string(), code: 4, details: None }
    }
    /// The same, with something to add.
    #[cfg(feature = "client")]
    pub(super) fn and(mut self, more: impl Display) -> Self {
        self.words.push('\n');
        self.words.push_str(&more.to_string());
        self
    }
    /// The same, with what programs are told besides the words.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(super) fn with(mut self, details: serde_json::Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }
    /// What went wrong, in words.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(super) fn words(&self) -> &str {
        &self.words
    }
    /// With everything underneath.
    pub(super) fn from_error(error: &dyn std::error::Error) -> Self {
        Self::refused(chain(error))
    }
}

/// An error and its causes in one sentence.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.ends_with(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        source = error.source();
    }
    words
}

/// Where a command speaks.
pub(super) struct Out {
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

impl Out {
    pub(super) fn new(json: bool) -> Self {
        Self { form: if json { Form::Json } else { Form::Text } }
    }

    /// Prints `text` for people or `value` for programs.
    pub(super) fn show(&self, text: impl Display, value: &impl Serialize) {
        match self.form {
            Form::Text => self.line(text),
            Form::Json => line(&serde_json::to_string(value).unwrap_or_default()),
        }
    }

    /// Whether people read it, not programs.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(super) fn is_for_people(&self) -> bool {
        self.form == Form::Text
    }

    /// A line for people; programs do not see it.
    pub(super) fn line(&self, text: impl Display) {
        if self.form == Form::Text {
            line(&text.to_string());
        }
    }

    /// A remark for people on standard error.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(super) fn note(&self, text: impl Display) {
        if self.form == Form::Text {
            drop(writeln!(io::stderr(), "{text}"));
        }
    }

    /// Says what went wrong and returns the exit code.
    pub(super) fn fail(&self, failure: &Failure) -> ExitCode {
        match self.form {
            Form::Text => drop(writeln!(io::stderr(), "amana: {}", failure.words)),
            Form::Json => {
                let mut value = serde_json::json!({ "error": failure.words, "code": failure.code });
                if let (Some(details), Some(members)) = (&failure.details, value.as_object_mut()) {
                    members.insert("details".to_owned(), (**details).clone());
                }
                line(&value.to_string());
            }
        }
        ExitCode::from(failure.code)
    }
}

/// A reader that has gone away is no failure of ours.
fn line(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}
