//! The bootstrap card as text and as a QR code on the terminal.

use super::output::Failure;
use crate::{model::roster::Roster, wire::genesis::Card};
use qrcode::{QrCode, render::unicode::Dense1x2};
use std::fmt::Write as _;

/// The card as a QR code of half blocks: right on dark terminals; on light ones it is inverted, which readers accept.
pub(super) fn qr(card: &Card) -> Result<String, Failure> {
    let code = QrCode::new(card.to_string().as_bytes())
        .map_err(|e| Failure::refused(format!("the card does not fit into a QR code: {e}")))?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// The offices of a roster, a line each.
pub(super) fn offices(roster: &Roster) -> String {
    let mut text = String::new();
    for (office, holders, _) in roster.roles.offices() {
        let names: Vec<&str> = holders.keys.iter().map(|key| key.name.as_str()).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {office:<15} {} of {}: {}", holders.threshold, names.len(), names.join(", "));
    }
    match roster.witness_quorum {
        0 => text.push_str("  witnesses       none: this broker could show different people different logs"),
        quorum => {
            let names: Vec<&str> = roster.witnesses.iter().map(|witness| witness.name.as_str()).collect();
            let _ = write!(text, "  witnesses       {quorum} of {}: {}", names.len(), names.join(", "));
        }
    }
    text
}
