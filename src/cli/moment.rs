//! Moments for people.

use crate::model::time::Timestamp;

/// A moment in UTC, as RFC 3339.
pub(super) fn moment(moment: Timestamp) -> String {
    let seconds = i64::try_from(moment.as_seconds()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "a date beyond the calendar".to_owned(), |stamp| stamp.to_string())
}
