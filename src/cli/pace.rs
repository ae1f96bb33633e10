//! `--limit-rate` and `--give-up-after`: how fast and how patiently something is sent or fetched.

use crate::client::uploading::Pace;
use clap::Args;
use std::{num::NonZeroU64, time::Duration};

/// How an upload or a download goes about it.
#[derive(Args)]
pub(super) struct PaceArguments {
    /// Use at most this many bytes a second; k, M and G stand for 1,024 and its powers.
    #[arg(long, value_name = "RATE", value_parser = read_rate)]
    limit_rate: Option<NonZeroU64>,
    /// Stop trying after this long without a single further byte: seconds, or with m, h, d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = read_time)]
    give_up_after: Duration,
}

impl PaceArguments {
    pub(super) fn pace(&self) -> Pace {
        Pace { limit: self.limit_rate, patience: self.give_up_after, part_bytes: None }
    }
}

fn read_rate(text: &str) -> Result<NonZeroU64, String> {
    let factors = [('k', 1 << 10), ('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];
    let rate = read(text, &factors).and_then(NonZeroU64::new);
    rate.ok_or_else(|| "say a number of bytes a second, such as 8000, 64k or 1M".to_owned())
}

fn read_time(text: &str) -> Result<Duration, String> {
    let seconds = read(text, &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)]);
    seconds.map(Duration::from_secs).ok_or_else(|| "say a time such as 90, 30m, 12h or 2d".to_owned())
}

fn read(text: &str, factors: &[(char, u64)]) -> Option<u64> {
    let suffix = factors.iter().find(|(letter, _)| text.ends_with(*letter));
    let (number, factor) = match suffix {
        Some((letter, factor)) => (text.strip_suffix(*letter)?, *factor),
        None => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times_are_read_as_people_write_them() {
        assert_eq!(read_rate("64k").map(NonZeroU64::get), Ok(65_536));
        assert_eq!(read_rate("8000").map(NonZeroU64::get), Ok(8000));
        assert!(read_rate("0").is_err() && read_rate("fast").is_err() && read_rate("1m").is_err());
        assert_eq!(read_time("2d"), Ok(Duration::from_hours(48)));
        assert!(read_time("soon").is_err() && read_time("-1").is_err());
    }
}
