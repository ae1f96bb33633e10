//! `custody.html`: the account for people, one file to print. Nothing is loaded and nothing runs.

use super::{
    custody::{Act, Custody},
    words::utc,
};
use crate::{audit::markup::Markup, model::ids::Digest};
use std::collections::BTreeMap;

const SHEET: &str = include_str!("custody.css");
const TITLE: &str = "Account of custody";

/// The page.
pub(super) fn page(custody: &Custody) -> String {
    Markup::document(|html| {
        html.element("head", &[], |head| {
            head.void("meta", &[("charset", "utf-8")]);
            head.style(SHEET);
            head.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
            head.line("title", TITLE);
        });
        html.element("body", &[], |body| {
            body.element("main", &[], |main| {
                opening(main, custody);
                sealed(main, custody);
                before(main, custody);
                after(main, custody);
                proven(main, custody);
                not_proven(main);
            });
        });
    })
}

fn opening(main: &mut Markup, custody: &Custody) {
    main.line("h1", TITLE);
    main.element("p", &[("class", "lead")], |p| {
        p.text("Of sealed information, by the log of the broker ");
        p.name(custody.card.rsplit_once('#').map_or(custody.card.as_str(), |(origin, _)| origin));
        p.text(". Every line below stands in that log and can be checked offline; README.txt says how.");
    });
    main.element("p", &[("class", "key")], |p| p.text(&standing(custody)));
}

/// The shortest true answer to "what became of it".
fn standing(custody: &Custody) -> String {
    let count = |what: &str| custody.after.iter().filter(|act| act.what == what).count();
    let times = |number: usize| if number == 1 { "once".to_owned() } else { format!("{number} times") };
    let mut text = match count("released") {
        0 => "By this log nobody has collected the information.".to_owned(),
        number => {
            let proofs = match count("delivery-proved") {
                0 => "no proof of delivery was signed".to_owned(),
                1 => "one proof of delivery was signed".to_owned(),
                proofs => format!("{proofs} proofs of delivery were signed"),
            };
            format!("The information was collected {}; {proofs}.", times(number))
        }
    };
    if count("withdrawn") + count("handed-back") > 0 {
        text.push_str(" A permission was withdrawn or handed back; what was opened before cannot be taken back.");
    }
    let open = custody.after.iter().filter(|act| !act.witnessed).count();
    let witnessed = match (open, custody.witnessed.quorum) {
        (_, 0) => NO_WITNESSES.to_owned(),
        (0, _) => "Independent witnesses have cosigned a log that holds every line below.".to_owned(),
        (open, _) => format!(
            "{open} of the lines below are too new to be witnessed: they will be when the broker next publishes its log and \
             enough witnesses have cosigned it. Ask for a newer pack then."
        ),
    };
    text.push(' ');
    text.push_str(&witnessed);
    text
}

fn sealed(main: &mut Markup, custody: &Custody) {
    main.line("h2", "What was sealed");
    let sealed = &custody.sealed;
    main.element("table", &[], |table| {
        table.line("caption", "The sealed information, as the advocate signed it");
        table.element("tbody", &[], |body| {
            fact(body, "Report", &custody.report.to_string());
            fact(body, "Digest of the sealed content (SHA-256)", &sealed.payload_sha256.to_string());
            fact(body, "Length of the sealed content, padded, in bytes", &sealed.payload_bytes.to_string());
            fact(body, "Commitment to the key that opens it", &sealed.key_commitment.to_string());
            fact(body, "Key the advocate signed with (no name is known here)", &custody.advocate.to_string());
            fact(body, "Card of the broker", &custody.card);
        });
    });
}

fn fact(body: &mut Markup, name: &str, value: &str) {
    body.element("tr", &[], |tr| {
        tr.element("th", &[("scope", "row")], |th| th.text(name));
        tr.element("td", &[], |td| td.line("code", value));
    });
}

fn before(main: &mut Markup, custody: &Custody) {
    main.line("h2", "Before sealing");
    let (items, rows) = (custody.before.items(), custody.before.rows());
    main.line(
        "p",
        "The advocate alone speaks for this part. What is given here is taken from the advocate's own records.",
    );
    if rows.is_empty() {
        main.line(
            "p",
            "The hand-overs before sealing are not told here. If they were recorded, they stand in the manifest of the sealed \
             information, and whoever may open it can read them there.",
        );
    } else {
        let columns = ["No.", "Time, as written", "Item", "From", "To", "How", "Digest then", "Seal or medium"];
        grid(
            main,
            "Hand-overs, as written; persons are codes",
            &columns,
            rows.iter().map(|row| {
                [&row.seq, &row.utc, &row.item, &row.from, &row.to, &row.how, &row.sha256, &row.seal_or_medium]
                    .map(Clone::clone)
            }),
        );
    }
    if !items.is_empty() {
        let columns = ["File", "Digest as sealed (SHA-256)", "Digest when received", "Original or copy", "Received"];
        grid(
            main,
            "Sealed files, by number; their names stay sealed",
            &columns,
            items.iter().map(|item| {
                let received =
                    [&item.received_at, &item.how_received].into_iter().flatten().cloned().collect::<Vec<_>>();
                let at_receipt = match item.sha256_at_receipt {
                    Some(digest) if digest == item.sha256 => "the same".to_owned(),
                    Some(digest) => digest.to_string(),
                    None => "not noted".to_owned(),
                };
                let copy = item.original_or_copy.clone().unwrap_or_default();
                [item.number.to_string(), item.sha256.to_string(), at_receipt, copy, received.join(", ")]
            }),
        );
    }
}

fn grid<const N: usize>(
    into: &mut Markup,
    caption: &str,
    columns: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    into.element("table", &[], |table| {
        table.line("caption", caption);
        heads(table, columns);
        table.element("tbody", &[], |body| {
            for row in rows {
                body.element("tr", &[], |tr| {
                    for cell in &row {
                        tr.element("td", &[], |td| match cell.parse::<Digest>() {
                            Ok(_) => td.line("code", cell),
                            Err(_) => td.name(cell),
                        });
                    }
                });
            }
        });
    });
}

fn heads(table: &mut Markup, columns: &[&str]) {
    table.element("thead", &[], |head| {
        head.element("tr", &[], |tr| {
            for column in columns {
                tr.element("th", &[("scope", "col")], |th| th.text(column));
            }
        });
    });
}

fn after(main: &mut Markup, custody: &Custody) {
    main.line("h2", "Since sealing");
    main.element("table", &[], |table| {
        table.line("caption", "Everything the log records about this information, in its order");
        heads(table, &["Entry", "Time (UTC)", "What happened", "By whom", "Witnessed"]);
        table.element("tbody", &[], |body| {
            for act in &custody.after {
                line(body, act);
            }
        });
    });
    let signers = custody.after.iter().filter_map(|act| Some((act.actor.key?.to_string(), who(act))));
    let signers: BTreeMap<String, String> = signers.collect();
    let rows = signers.into_iter().map(|(key, who)| [who, key]);
    grid(main, "Keys in this account", &["Whose", "Key (RFC 7638 thumbprint)"], rows);
}

fn line(body: &mut Markup, act: &Act) {
    body.element("tr", &[], |tr| {
        tr.element("th", &[("scope", "row"), ("class", "number")], |th| th.text(&act.entry.to_string()));
        tr.element("td", &[("class", "number")], |td| td.text(&act.utc.replace('T', " ").replace('Z', "")));
        tr.element("td", &[], |td| {
            td.name(&act.words);
            if let Some(file) = &act.statement {
                td.element("span", &[("class", "small")], |span| span.text(file));
            }
        });
        tr.element("td", &[], |td| {
            td.name(&who(act));
            if let Some(key) = act.actor.key {
                let begin: String = key.to_string().chars().take(8).collect();
                td.element("span", &[("class", "small")], |span| span.text(&format!("key {begin}…")));
            }
        });
        tr.line("td", if act.witnessed { "yes" } else { "not yet" });
    });
}

fn who(act: &Act) -> String {
    match (act.actor.role.as_str(), &act.actor.institution) {
        ("officer", Some(institution)) => format!("An officer of {institution}"),
        ("advocate", _) => "The advocate".to_owned(),
        ("broker", _) => "The broker".to_owned(),
        (role, _) => role.to_owned(),
    }
}

fn proven(main: &mut Markup, custody: &Custody) {
    main.line("h2", "What is proven, and by whom");
    main.element("ul", &[], |ul| {
        for line in PROVEN {
            ul.line("li", line);
        }
        ul.element("li", &[], |li| witnesses(li, custody));
    });
}

fn witnesses(li: &mut Markup, custody: &Custody) {
    let seen = &custody.witnessed;
    if seen.quorum == 0 {
        return li.text("By witnesses: nothing. This broker's rules name none.");
    }
    if seen.published == 0 {
        return li.text("By witnesses: nothing yet. The broker had not published its log when this account was made.");
    }
    let last = seen.published.saturating_sub(1);
    li.text(&format!(
        "By witnesses ({} needed): entries 0 to {last} stood in the log, as they are, at these times: ",
        seen.quorum
    ));
    for (number, (name, at)) in seen.witnesses.iter().enumerate() {
        li.text(if number == 0 { "" } else { "; " });
        li.name(name);
        li.text(&format!(", {}", utc(*at)));
    }
    li.text(if seen.witnesses.is_empty() { "none has cosigned." } else { "." });
}

fn not_proven(main: &mut Markup) {
    main.line("h2", "What is not proven");
    main.element("ul", &[], |ul| {
        for line in NOT_PROVEN {
            ul.line("li", line);
        }
    });
}

const NO_WITNESSES: &str = "This broker has no witnesses: that everybody is shown the same log rests on its word.";

const PROVEN: [&str; 3] = [
    "By the advocate's signature: what was sealed (by its digest), every permission with its terms, every withdrawal.",
    "By the signature of an institution's officer: each request, each collection, each proof of delivery. The institution's \
     own key appointed the officer, and two administrators admitted the institution; both stand in the public register.",
    "By the log's signature: that all of this was recorded, in this order, before anything was handed over, and that nothing \
     about this information is left out here. If the log ever says otherwise, the two signatures convict it.",
];

const NOT_PROVEN: [&str; 8] = [
    "That the content is true. It is what somebody alleged, unchanged since it was sealed.",
    "That nobody else held a copy: before sealing, or after an institution had opened it. A recipient who opened it can keep \
     a copy, and a court may have to. Withdrawing stops new collection; it does not erase.",
    "What was before sealing. The advocate alone speaks for it.",
    "Who the person behind the advocate's key is. The broker never knew a name.",
    "The exact time. Times are by the broker's clock; it cannot set them back past an earlier entry, and a witness's time says \
     that an entry was there by then, not since when.",
    "That a locked key was destroyed wherever it was. The broker says so of its own copies.",
    "That the log was never skipped. A broker and an institution that act together can, once the locked key is at the broker. \
     And where no witness cosigned, a broker can show different people different logs.",
    "Safety against quantum computers. The encryption (X25519) is not made to withstand them.",
];
