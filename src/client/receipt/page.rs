//! The page people read. It loads nothing and runs nothing; whatever came from outside is text, in its own direction.

use super::{
    line::{Section, Shown, limits, line},
    record::{Record, Signature, Term},
    shipped_taxonomy,
    words::Words,
};
use crate::{
    audit::markup::Markup,
    model::purpose::{Purpose, PurposeLeaf},
};

/// The whole page, in the language of `words`.
pub(super) fn page(record: &Record, words: &Words) -> String {
    let t = &words.texts;
    Markup::document_in(words.language.code(), words.language.direction(), |html| {
        html.element("head", &[], |head| {
            head.void("meta", &[("charset", "utf-8")]);
            head.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.style(STYLE);
            head.line("title", &t.title);
        });
        html.element("body", &[], |body| {
            body.element("main", &[], |main| {
                main.line("h1", &t.title);
                main.element("section", &[("class", "limits")], |section| {
                    for sentence in &limits(record, words) {
                        section.line("p", sentence);
                    }
                });
                who(main, record, words);
                why(main, record, words);
                section(main, Section::Terms, &t.section_terms, record, words);
                section(main, Section::Conditions, &t.section_conditions, record, words);
                withdraw(main, record, words);
                proof(main, record, words);
            });
        });
    })
}

fn who(main: &mut Markup, record: &Record, words: &Words) {
    let t = &words.texts;
    headed(main, &t.section_who, |list| {
        row(list, &t.given_to, |cell| {
            match &record.recipient.named {
                Some((name, _)) => cell.element("p", &[], |p| p.name(name.as_str())),
                None => cell.line("p", &t.name_unknown),
            }
            cell.code(&record.recipient.id.to_string());
        });
        if let Some((_, jurisdiction)) = &record.recipient.named {
            row(list, &t.jurisdiction, |cell| cell.name(jurisdiction.as_str()));
        }
        row(list, &t.given_by, |cell| cell.code(&record.given_by.to_string()));
        row(list, &t.signed_on, |cell| cell.text(&words.moment(record.given_at)));
        row(list, &t.report, |cell| cell.code(&record.report.to_string()));
    });
}

fn why(main: &mut Markup, record: &Record, words: &Words) {
    let t = &words.texts;
    let known = shipped_taxonomy();
    main.element("section", &[], |section| {
        section.line("h2", &t.section_why);
        for term in &record.terms {
            let Term::Purposes(purposes) = term else { continue };
            for id in purposes {
                let leaf = known.as_ref().and_then(|taxonomy| taxonomy.leaf(id));
                purpose(section, id, leaf, words);
            }
        }
    });
}

fn purpose(section: &mut Markup, id: &Purpose, leaf: Option<&PurposeLeaf>, words: &Words) {
    let t = &words.texts;
    let (Some(said), Some(leaf)) = (words.purpose(id), leaf) else {
        section.element("h3", &[], |title| title.code(id.as_str()));
        section.line("p", &t.purpose_unknown);
        return;
    };
    section.line("h3", &said.title);
    section.element("dl", &[], |list| {
        row(list, &t.who_learns, |cell| cell.text(&said.who_learns));
        row(list, &t.names, |cell| cell.text(words.names(leaf.identity_required)));
        row(list, &t.publicity, |cell| cell.text(&said.publicity));
        row(list, &t.undo, |cell| cell.text(&said.undo));
    });
}

fn withdraw(main: &mut Markup, record: &Record, words: &Words) {
    let t = &words.texts;
    main.element("section", &[], |section| {
        section.line("h2", &t.section_withdraw);
        section.line("p", &t.withdraw);
        section.element("p", &[], |p| p.code(&command(record)));
        section.line("p", &t.withdraw_limit);
    });
}

/// What the giver types to withdraw.
pub(super) fn command(record: &Record) -> String {
    format!("amana grant revoke {}", record.grant)
}

fn proof(main: &mut Markup, record: &Record, words: &Words) {
    let t = &words.texts;
    headed(main, &t.section_proof, |list| {
        row(list, &t.statement, |cell| cell.code(&record.grant.to_string()));
        row(list, &t.signature, |cell| match record.signature {
            Signature::Unchecked => cell.text(&t.signature_unchecked),
            Signature::Holds(key) => {
                let (before, after) = t.signature_checked.split_once("{key}").unwrap_or((&t.signature_checked, ""));
                cell.text(before);
                cell.code(&key.to_string());
                cell.text(after);
            }
        });
        row(list, &t.broker, |cell| cell.code(&record.broker.to_string()));
        rows(list, Section::Proof, record, words);
    });
}

fn section(main: &mut Markup, section: Section, title: &str, record: &Record, words: &Words) {
    headed(main, title, |list| rows(list, section, record, words));
}

fn headed(main: &mut Markup, title: &str, inside: impl FnOnce(&mut Markup)) {
    main.element("section", &[], |section| {
        section.line("h2", title);
        section.element("dl", &[], inside);
    });
}

fn rows(list: &mut Markup, section: Section, record: &Record, words: &Words) {
    for term in &record.terms {
        let line = line(term, words);
        if line.section != section {
            continue;
        }
        row(list, line.label, |cell| match &line.shown {
            Shown::Words(text) => cell.text(text),
            Shown::Codes(codes) => {
                for code in codes {
                    cell.element("div", &[], |div| div.code(code));
                }
            }
        });
    }
}

fn row(list: &mut Markup, label: &str, inside: impl FnOnce(&mut Markup)) {
    list.line("dt", label);
    list.element("dd", &[], inside);
}

const STYLE: &str = include_str!("page.css");
