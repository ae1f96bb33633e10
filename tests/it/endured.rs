//! The long runs of [`crate::endurance`], small enough for every day.

use crate::endurance::{cuts, kills};

#[test]
fn promise_nothing_sent_is_lost_or_damaged_through_cuts() {
    let count = cuts(40, 4, 600_000, 51);
    println!("{count:?}");
    assert!(count.resumed >= 40 && count.broken >= 40 && count.reports >= 4);
    assert!(count.sent_bytes >= count.payload_bytes);
}

#[test]
fn promise_nothing_acknowledged_is_lost_through_kills() {
    let count = kills(12, 53);
    println!("{count:?}");
    count.must_hold();
    assert_eq!(count.kills, 12);
    // Both sides must have got somewhere, or nothing was shown.
    assert!(count.acknowledged > 10 && count.released > 0 && count.stored > 0 && count.interrupted > 0, "{count:?}");
}
