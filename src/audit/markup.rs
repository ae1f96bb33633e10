//! HTML that cannot forget to escape: names and texts go through one door each, and there is no other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// A document being written. Elements close themselves; text and attributes are always escaped; a tag, an attribute's
/// name or a style sheet can only be a part of the program.
#[derive(Default)]
pub struct Markup {
    written: String,
}

impl Markup {
    /// An HTML document in English, opened by its declaration.
    pub fn document(inside: impl FnOnce(&mut Self)) -> String {
        Self::document_in("en", "ltr", inside)
    }

    /// An HTML document in a language with its direction of writing, opened by its declaration.
    pub fn document_in(language: &str, direction: &str, inside: impl FnOnce(&mut Self)) -> String {
        let mut markup = Self { written: "<!doctype html>\n".to_owned() };
        markup.element("html", &[("lang", language), ("dir", direction)], inside);
        markup.written
    }

    /// An element with what is inside.
    pub fn element(&mut self, tag: &'static str, attributes: &[(&'static str, &str)], inside: impl FnOnce(&mut Self)) {
        self.open(tag, attributes);
        inside(self);
        self.written.push_str("</");
        self.written.push_str(tag);
        self.written.push('>');
        if BLOCKS.contains(&tag) {
            self.written.push('\n');
        }
    }

    /// An element that holds a text and nothing else.
    pub fn line(&mut self, tag: &'static str, text: &str) {
        self.element(tag, &[], |inside| inside.text(text));
    }

    /// An element that holds nothing: `meta` and its like.
    pub fn void(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) {
        self.open(tag, attributes);
        self.written.push('\n');
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.written.push_str("&amp;"),
                '<' => self.written.push_str("&lt;"),
                '>' => self.written.push_str("&gt;"),
                '"' => self.written.push_str("&quot;"),
                '\'' => self.written.push_str("&#39;"),
                c => self.written.push(c),
            }
        }
    }

    /// A name somebody gave: its direction of writing ends with it.
    pub fn name(&mut self, name: &str) {
        self.element("bdi", &[], |inside| inside.text(name));
    }

    /// An id, a digest or a command: written from left to right whatever is around it.
    pub fn code(&mut self, code: &str) {
        self.element("bdi", &[("dir", "ltr")], |bdi| bdi.line("code", code));
    }

    /// The head's security policy and style sheet: nothing is loaded and nothing runs; this sheet alone is applied.
    pub fn style(&mut self, sheet: &'static str) {
        let hash = STANDARD.encode(Sha256::digest(sheet.as_bytes()));
        let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
        self.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
        self.open("style", &[]);
        self.written.push_str(sheet);
        self.written.push_str("</style>\n");
    }

    fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) {
        self.written.push('<');
        self.written.push_str(tag);
        for (name, value) in attributes {
            self.written.push(' ');
            self.written.push_str(name);
            self.written.push_str("=\"");
            self.text(value);
            self.written.push('"');
        }
        self.written.push('>');
    }
}

/// Elements after which a line ends, so that the file can be read and compared.
const BLOCKS: &[&str] = &[
    "body", "caption", "dd", "div", "dl", "dt", "figure", "g", "h1", "h2", "h3", "head", "html", "li", "main", "p",
    "section", "svg", "table", "tbody", "thead", "title", "tr", "ul",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_cannot_leave_their_place() {
        let hostile = "\"'><script>alert(1)</script>&amp;";
        let page = Markup::document(|page| {
            page.element("p", &[("title", hostile)], |p| p.text(hostile));
            page.name(hostile);
        });
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("<p ").count(), 1);
        assert_eq!(page.matches('"').count(), 6, "{page}");
        assert!(page.contains("&amp;amp;"));
    }
}
