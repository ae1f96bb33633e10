//! The report as a table for spreadsheets, one number a line (RFC 4180).

use super::cells::By;
use super::content::{Content, Table};

/// The file.
pub fn file(content: &Content) -> String {
    let mut lines = String::new();
    line(&mut lines, ["section", "institution", "purpose", "measure", "band"]);
    for table in &content.tables {
        for row in &table.rows {
            for (measure, band) in table.measures.iter().zip(&row.bands) {
                numbers(&mut lines, table, &row.name, measure, &band.to_string());
            }
        }
        for measure in &table.left_out {
            line(&mut lines, [table.id, "", "", measure, "left out"]);
        }
    }
    for standing in &content.institutions {
        let said = [
            ("Suspended", standing.suspended),
            ("Due diligence", standing.due_diligence),
            ("Mandate", standing.mandate),
        ];
        for (question, answer) in said {
            line(&mut lines, ["standing", &standing.name, "", question, answer]);
        }
    }
    lines
}

fn numbers(lines: &mut String, table: &Table, name: &str, measure: &str, band: &str) {
    match table.by {
        By::All => line(lines, [table.id, "", "", measure, band]),
        By::Institution => line(lines, [table.id, name, "", measure, band]),
        By::Purpose => line(lines, [table.id, "", name, measure, band]),
        _ => line(lines, [table.id, "", "", &format!("{measure}: {name}"), band]),
    }
}

fn line(lines: &mut String, fields: [&str; 5]) {
    let fields = fields.map(field);
    lines.push_str(&fields.join(","));
    lines.push_str("\r\n");
}

/// A field in quotes. What a spreadsheet would take for a formula begins with an apostrophe, which it takes for text.
fn field(text: &str) -> String {
    let first = text.trim_start().chars().next().or_else(|| text.chars().next());
    let formula = matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    let defused = if formula || text.starts_with(['\t', '\r', '\n']) { "'" } else { "" };
    format!("\"{defused}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_quotes_stay_inside() {
        for formula in ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"] {
            assert!(field(formula).starts_with("\"'"), "{formula}");
        }
        assert_eq!(field("Court \"of\" Lakes, East"), "\"Court \"\"of\"\" Lakes, East\"");
        assert_eq!(field("5–9"), "\"5–9\"");
    }
}
