//! The page: one file, nothing loaded, nothing run, made from [`Content`] alone.

use super::{
    cells::By,
    content::{Content, Right, Row, Standing, Table},
    explained,
    markup::Markup,
    plot::Plot,
};

const SHEET: &str = include_str!("report.css");

/// The page.
pub fn page(content: &Content) -> String {
    Markup::document(|html| {
        html.element("head", &[], |head| {
            head.void("meta", &[("charset", "utf-8")]);
            head.style(SHEET);
            head.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
            head.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            head.line("title", &format!("{}: {}", explained::TITLE, explained::span(content)));
        });
        html.element("body", &[], |body| {
            draft_mark(body, content);
            body.element("main", &[], |main| {
                opening(main, content);
                for table in &content.tables {
                    match table.by {
                        By::Institution => institutions(main, content, table),
                        _ => breakdown(main, table),
                    }
                }
                closing(main, content);
            });
            draft_mark(body, content);
        });
    })
}

fn draft_mark(body: &mut Markup, content: &Content) {
    if let Some(until) = &content.draft_replies_until {
        body.element("p", &[("class", "draft"), ("role", "note")], |p| p.text(&explained::draft(until)));
    }
}

fn opening(main: &mut Markup, content: &Content) {
    main.line("h1", explained::TITLE);
    main.element("p", &[("class", "lead")], |p| {
        p.text("Broker ");
        p.name(&content.bundle.broker);
        p.text(&format!(", {}.", explained::span(content)));
    });
    main.line("p", explained::WHAT);
    main.element("p", &[("class", "key")], |p| p.text(explained::BANDS));
}

fn breakdown(main: &mut Markup, table: &Table) {
    main.element("section", &[], |section| {
        section.line("h2", table.by.title());
        if let Some(words) = explained::about(table.by) {
            section.line("p", words);
        }
        let id = format!("plot-{}", table.id);
        let groups = groups(table);
        section.element("div", &[("class", "beside")], |beside| {
            figure(beside, &Plot { id: &id, title: table.by.title(), groups });
            numbers(beside, table);
        });
        left_out(section, table);
    });
}

/// A group of bars a row; with one column or one row only, one group without a name.
fn groups(table: &Table) -> Vec<(&str, Vec<(&str, super::bands::Band)>)> {
    let row = |row: &Row| table.measures.iter().copied().zip(row.bands.iter().copied()).collect::<Vec<_>>();
    match table.measures.as_slice() {
        [_] => {
            let bars = table.rows.iter().filter_map(|row| Some((row.name.as_str(), *row.bands.first()?)));
            vec![("", bars.collect())]
        }
        _ if table.by == By::All => table.rows.iter().map(|content| ("", row(content))).collect(),
        _ => table.rows.iter().map(|content| (content.name.as_str(), row(content))).collect(),
    }
}

fn figure(into: &mut Markup, plot: &Plot<'_>) {
    into.element("figure", &[], |figure| plot.draw(figure));
}

/// A table with its caption: columns are measures, or, for a single row, rows are.
fn numbers(into: &mut Markup, table: &Table) {
    if table.measures.is_empty() {
        return;
    }
    if let (By::All, [row]) = (table.by, table.rows.as_slice()) {
        return upright(into, table.by.title(), table, row);
    }
    let region = [("class", "wide"), ("role", "region"), ("tabindex", "0"), ("aria-label", table.by.title())];
    into.element("div", &region, |region| {
        region.element("table", &[], |t| {
            t.line("caption", table.by.title());
            t.element("thead", &[], |head| {
                head.element("tr", &[], |tr| {
                    tr.element("td", &[], |_| {});
                    for measure in &table.measures {
                        tr.element("th", &[("scope", "col")], |th| th.text(measure));
                    }
                });
            });
            t.element("tbody", &[], |body| {
                for row in &table.rows {
                    body.element("tr", &[], |tr| {
                        tr.element("th", &[("scope", "row")], |th| th.name(&row.name));
                        for band in &row.bands {
                            tr.line("td", &band.to_string());
                        }
                    });
                }
            });
        });
    });
}

/// One row of a table, told from top to bottom.
fn upright(into: &mut Markup, caption: &str, table: &Table, row: &Row) {
    into.element("table", &[], |t| {
        t.element("caption", &[], |c| c.name(caption));
        t.element("tbody", &[], |body| {
            for (measure, band) in table.measures.iter().zip(&row.bands) {
                body.element("tr", &[], |tr| {
                    tr.element("th", &[("scope", "row")], |th| th.text(measure));
                    tr.line("td", &band.to_string());
                });
            }
        });
    });
}

fn left_out(section: &mut Markup, table: &Table) {
    if !table.left_out.is_empty() {
        section.line("p", &format!("{} {}.", explained::LEFT_OUT, table.left_out.join(", ").to_lowercase()));
    }
}

fn institutions(main: &mut Markup, content: &Content, table: &Table) {
    main.element("section", &[], |section| {
        section.line("h2", table.by.title());
        for (index, (row, standing)) in table.rows.iter().zip(&content.institutions).enumerate() {
            section
                .element("section", &[("class", "institution")], |own| institution(own, table, index, row, standing));
        }
        left_out(section, table);
    });
}

fn institution(own: &mut Markup, table: &Table, index: usize, row: &Row, standing: &Standing) {
    own.element("h3", &[], |h| h.name(&row.name));
    let id = format!("plot-institution-{index}");
    let bars = table.measures.iter().copied().zip(row.bands.iter().copied()).collect();
    own.element("div", &[("class", "beside")], |beside| {
        figure(beside, &Plot { id: &id, title: &row.name, groups: vec![("", bars)] });
        upright(beside, &row.name, table, row);
    });
    own.element("ul", &[], |ul| {
        ul.line("li", &format!("Suspended by the administrators: {}.", standing.suspended));
        ul.line("li", &format!("Due diligence: {}.", standing.due_diligence));
        ul.line("li", &format!("Mandate: {}.", standing.mandate));
    });
    match &standing.reply {
        Right::Replied(text) => own.element("div", &[("class", "reply")], |reply| {
            reply.line("p", explained::REPLIED);
            reply.element("blockquote", &[("dir", "auto")], |quote| quote.text(text));
        }),
        Right::GaveNone => own.line("p", explained::GAVE_NONE),
        Right::NotAsked => own.line("p", explained::NOT_ASKED),
        Right::Running => {}
    }
}

fn closing(main: &mut Markup, content: &Content) {
    for (title, sentences) in explained::closing(content) {
        main.element("section", &[], |section| {
            section.line("h2", title);
            section.element("ul", &[], |ul| {
                for sentence in sentences {
                    ul.line("li", &sentence);
                }
            });
        });
    }
}
