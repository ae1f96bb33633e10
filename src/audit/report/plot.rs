//! Bars as inline SVG. A bar is as long as its band stands high among the bands: the count itself is not told, so a bar
//! must not suggest one.

use super::{bands::Band, markup::Markup};
use crate::model::limits;

/// Bars, in groups.
pub struct Plot<'a> {
    /// What distinguishes it from the other plots of the page.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Groups of bars, each with its name; an empty name draws no line.
    pub groups: Vec<(&'a str, Vec<(&'a str, Band)>)>,
}

const WIDTH: u32 = 400;
const NAME: u32 = 22;
const BAR: u32 = 30;
const THICK: u32 = 9;

impl Plot<'_> {
    /// Draws it; nothing when there is no bar.
    pub fn draw(&self, page: &mut Markup) {
        let bars = || self.groups.iter().flat_map(|(_, bars)| bars);
        if bars().next().is_none() {
            return;
        }
        let longest = bars().map(|(_, band)| band.rank()).max().unwrap_or(0).max(6);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let names = self.groups.iter().filter(|(name, _)| !name.is_empty()).count();
        let height = count(bars().count()).saturating_mul(BAR).saturating_add(count(names).saturating_mul(NAME + 8));
        let view = format!("0 0 {WIDTH} {height}");
        let (title, desc) = (format!("{}-title", self.id), format!("{}-desc", self.id));
        let labelled = format!("{title} {desc}");
        page.element("svg", &[("viewBox", &view), ("role", "img"), ("aria-labelledby", &labelled)], |svg| {
            svg.element("title", &[("id", &title)], |t| t.text(self.title));
            svg.element("desc", &[("id", &desc)], |d| {
                d.text("Bars, longer for a higher band. The table beside it says the same.");
            });
            let mut y = 0;
            for (name, bars) in &self.groups {
                if !name.is_empty() {
                    y += NAME;
                    text(svg, "name", "0", y.saturating_sub(6), &shortened(name));
                }
                for (label, band) in bars {
                    bar(svg, y, longest, label, *band);
                    y = y.saturating_add(BAR);
                }
                y = y.saturating_add(if name.is_empty() { 0 } else { 8 });
            }
        });
    }
}

fn bar(svg: &mut Markup, y: u32, longest: u32, label: &str, band: Band) {
    text(svg, "label", "0", y + 13, &shortened(label));
    svg.element("text", &[("class", "band"), ("x", "400"), ("y", &(y + 13).to_string())], |t| {
        t.text(&band.to_string());
    });
    let top = (y + 17).to_string();
    rect(svg, "track", WIDTH, &top);
    let class = if band == Band::Withheld { "withheld" } else { "bar" };
    let length = WIDTH.saturating_mul(band.rank()) / longest;
    if length > 0 {
        rect(svg, class, length, &top);
    }
}

fn rect(svg: &mut Markup, class: &str, width: u32, top: &str) {
    let (width, thick) = (width.to_string(), THICK.to_string());
    svg.element(
        "rect",
        &[("class", class), ("x", "0"), ("y", top), ("width", &width), ("height", &thick), ("rx", "2")],
        |_| {},
    );
}

fn text(svg: &mut Markup, class: &str, x: &str, y: u32, words: &str) {
    svg.element("text", &[("class", class), ("x", x), ("y", &y.to_string())], |t| t.text(words));
}

/// As much of a name as fits; the table has it whole.
fn shortened(name: &str) -> String {
    if name.chars().count() <= limits::PLOT_LABEL_CHARS {
        return name.to_owned();
    }
    let kept: String = name.chars().take(limits::PLOT_LABEL_CHARS - 1).collect();
    format!("{}\u{2026}", kept.trim_end())
}
