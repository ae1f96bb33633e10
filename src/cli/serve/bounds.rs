//! `serve --quota-…` and how a client's network is known.

use crate::{
    broker::{Quotas, Rates},
    model::bucket::Rate,
};
use clap::Args;

/// What one party may use, and how often somebody may ask.
#[derive(Args)]
pub(super) struct Bounds {
    /// Bytes of payload one party may declare in all its reports together: a number, with KiB, MiB, GiB or TiB.
    #[arg(long, env = "AMANA_QUOTA_BYTES", default_value = "256GiB", value_parser = bytes)]
    quota_bytes: u64,
    /// Statements and requests one party may send in an hour; a quarter of them at once. Revocations are not counted.
    #[arg(long, env = "AMANA_QUOTA_ENTRIES", default_value_t = Quotas::default().entries.per_hour,
          value_parser = clap::value_parser!(u32).range(1..))]
    quota_entries: u32,
    /// Requests one key may make in an hour after signing in; a sixtieth of them at once.
    #[arg(long, env = "AMANA_RATE", default_value_t = Rates::default().signed_in.per_hour,
          value_parser = clap::value_parser!(u32).range(60..))]
    rate: u32,
    /// Behind a proxy: the header in which it names its client, such as X-Forwarded-For; the last element counts. The
    /// proxy must set it itself. Used in memory only, to limit requests before signing in.
    #[arg(long, env = "AMANA_CLIENT_ADDRESS_HEADER", value_parser = header_name)]
    client_address_header: Option<String>,
}

impl Bounds {
    pub(super) fn quotas(&self) -> Quotas {
        let usual = Quotas::default();
        let share = usual.entries.per_hour / usual.entries.burst;
        let entries = Rate { per_hour: self.quota_entries, burst: self.quota_entries.div_ceil(share) };
        Quotas { bytes: self.quota_bytes, entries, ..usual }
    }

    pub(super) fn rates(&self) -> Rates {
        let signed_in = Rate { per_hour: self.rate, burst: self.rate / 60 };
        Rates { signed_in, address_header: self.client_address_header.clone(), ..Rates::default() }
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let unit = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let number: u64 =
        number.trim().parse().map_err(|_| "a number, with KiB, MiB, GiB or TiB if you like".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "more bytes than can be counted".to_owned())
}

fn header_name(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if good { Ok(text.to_ascii_lowercase()) } else { Err("a header's name has letters, digits and hyphens".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        assert_eq!(bytes("17"), Ok(17));
        assert_eq!(bytes("256GiB"), Ok(crate::model::limits::QUOTA_BYTES));
        assert_eq!(bytes("2 TiB"), Ok(2 << 40));
        for bad in ["", "GiB", "-1", "1GB", "1.5GiB", "99999999999TiB"] {
            assert!(bytes(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn header_is_compared_in_lower_case() {
        assert_eq!(header_name("X-Forwarded-For"), Ok("x-forwarded-for".to_owned()));
        assert!(header_name("").is_err() && header_name("X Forwarded").is_err() && header_name("x:y").is_err());
    }
}
