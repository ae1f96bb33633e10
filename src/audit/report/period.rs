//! The time a transparency report speaks of: whole days in UTC, long enough and long enough ago.

use crate::model::{
    limits,
    time::{Duration, Timestamp},
};
use jiff::{
    ToSpan as _,
    civil::{Date, date},
    tz::TimeZone,
};

/// Which time is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The last whole quarter the delay allows.
    LastQuarter,
    /// From the first day to the day before the second.
    Days(Date, Date),
}

/// No report can be made about this time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongPeriod {
    /// Too short, too long or backwards.
    #[error(
        "the period must last {} to {} days: over fewer, counts point at single cases. Choose --from and --until anew",
        limits::REPORT_LEAST_DAYS,
        limits::REPORT_MOST_DAYS
    )]
    Length,
    /// Too young.
    #[error(
        "the period ends too late: nothing younger than {days} days before the bundle's last entry is published. Choose \
         a period that ends by {0} (--until {0}), or export a newer bundle",
        days = limits::REPORT_DELAY.as_seconds() / 86_400
    )]
    TooYoung(Date),
    /// A time beyond the calendar.
    #[error("the bundle's last entry lies outside the calendar; no period can be laid beside it")]
    Calendar,
    /// Not a quarter.
    #[error("say the quarter as 2026Q2")]
    Quarter,
}

/// Whole days, half open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    // INVARIANT: from < until <= allowed, all of them dates of the calendar; made by `of` alone.
    from: Date,
    until: Date,
    allowed: Date,
}

impl Period {
    /// Settles a period, given the time of the bundle's last entry.
    ///
    /// # Errors
    /// When it is too young, too short or too long.
    pub fn of(asked: Asked, last_entry: Timestamp) -> Result<Self, WrongPeriod> {
        let delay = limits::REPORT_DELAY.as_seconds();
        let seconds = last_entry.as_seconds().checked_sub(delay).ok_or(WrongPeriod::Calendar)?;
        let allowed = day(Timestamp::from_seconds(seconds))?;
        let (from, until) = match asked {
            Asked::Days(from, until) => (from, until),
            Asked::LastQuarter => last_quarter(allowed)?,
        };
        let days = (until - from).get_days();
        if !(limits::REPORT_LEAST_DAYS..=limits::REPORT_MOST_DAYS).contains(&days) {
            return Err(WrongPeriod::Length);
        }
        if until > allowed {
            return Err(WrongPeriod::TooYoung(allowed));
        }
        Ok(Self { from, until, allowed })
    }

    /// First day.
    pub fn from(&self) -> Date {
        self.from
    }
    /// The day after the last.
    pub fn until(&self) -> Date {
        self.until
    }
    /// The latest day a period may end on.
    pub fn allowed(&self) -> Date {
        self.allowed
    }
    /// First second.
    pub fn begin(&self) -> Timestamp {
        begin(self.from)
    }
    /// First second after it.
    pub fn end(&self) -> Timestamp {
        begin(self.until)
    }
    /// Whether a moment lies inside.
    pub fn contains(&self, moment: Timestamp) -> bool {
        (begin(self.from)..self.end()).contains(&moment)
    }
    /// Its months by their first days, cut at its ends.
    pub fn months(&self) -> Vec<(Date, Date)> {
        let mut months = Vec::new();
        let mut from = self.from;
        while from < self.until {
            let next = from.last_of_month().saturating_add(1.day());
            months.push((from, next.min(self.until)));
            from = next;
        }
        months
    }
    /// The month a moment lies in, counted from the first.
    pub fn month_of(&self, moment: Timestamp) -> Option<usize> {
        self.months().iter().position(|(from, until)| (begin(*from)..begin(*until)).contains(&moment))
    }
}

/// A quarter as `2026Q2`.
///
/// # Errors
/// When it is written otherwise.
pub fn quarter(text: &str) -> Result<Asked, WrongPeriod> {
    let (year, number) = text.split_once('Q').ok_or(WrongPeriod::Quarter)?;
    let year: i16 = year.parse().map_err(|_| WrongPeriod::Quarter)?;
    let number: i8 = number.parse().map_err(|_| WrongPeriod::Quarter)?;
    if !(1970..=9998).contains(&year) || !(1..=4).contains(&number) {
        return Err(WrongPeriod::Quarter);
    }
    let from = date(year, number * 3 - 2, 1);
    Ok(Asked::Days(from, from.saturating_add(3.months())))
}

/// The day a moment lies in, in UTC.
///
/// # Errors
/// [`WrongPeriod::Calendar`].
pub fn day(moment: Timestamp) -> Result<Date, WrongPeriod> {
    let seconds = i64::try_from(moment.as_seconds()).map_err(|_| WrongPeriod::Calendar)?;
    let stamp = jiff::Timestamp::from_second(seconds).map_err(|_| WrongPeriod::Calendar)?;
    Ok(TimeZone::UTC.to_datetime(stamp).date())
}

fn begin(day: Date) -> Timestamp {
    let days = u64::try_from((day - date(1970, 1, 1)).get_days()).unwrap_or(0);
    Timestamp::from_seconds(Duration::from_days(days).as_seconds())
}

fn last_quarter(allowed: Date) -> Result<(Date, Date), WrongPeriod> {
    let first = (allowed.month() - 1) / 3 * 3 + 1;
    let until = Date::new(allowed.year(), first, 1).map_err(|_| WrongPeriod::Calendar)?;
    Ok((until.saturating_sub(3.months()), until))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i16, month: i8, dayed: i8) -> Timestamp {
        begin(date(year, month, dayed))
    }

    #[test]
    fn last_quarter_ends_ninety_days_before_the_last_entry_or_earlier() {
        // 29 September is 90 days after 1 July: one second less, and the second quarter is too young.
        let just = Period::of(Asked::LastQuarter, at(2026, 9, 29)).unwrap();
        assert_eq!((just.from(), just.until()), (date(2026, 4, 1), date(2026, 7, 1)));
        let early = Timestamp::from_seconds(at(2026, 9, 29).as_seconds() - 1);
        let early = Period::of(Asked::LastQuarter, early).unwrap();
        assert_eq!((early.from(), early.until()), (date(2026, 1, 1), date(2026, 4, 1)));
    }

    #[test]
    fn a_period_that_ends_within_the_delay_is_refused_and_the_words_name_the_day_that_is_not() {
        let asked = Asked::Days(date(2026, 1, 1), date(2026, 7, 2));
        let error = Period::of(asked, at(2026, 9, 29)).unwrap_err();
        assert_eq!(error, WrongPeriod::TooYoung(date(2026, 7, 1)));
        assert!(error.to_string().contains("2026-07-01"), "{error}");
    }

    #[test]
    fn four_weeks_are_enough_and_a_day_less_is_not() {
        let asked = |until| Asked::Days(date(2026, 2, 1), until);
        assert!(Period::of(asked(date(2026, 3, 1)), at(2026, 9, 1)).is_ok());
        assert_eq!(Period::of(asked(date(2026, 2, 28)), at(2026, 9, 1)), Err(WrongPeriod::Length));
        assert_eq!(Period::of(asked(date(2026, 1, 1)), at(2026, 9, 1)), Err(WrongPeriod::Length));
    }

    #[test]
    fn quarters_are_read_and_months_cut_at_the_ends() {
        assert_eq!(quarter("2026Q4"), Ok(Asked::Days(date(2026, 10, 1), date(2027, 1, 1))));
        for wrong in ["2026q1", "2026Q5", "2026Q0", "Q1", "2026", "12345Q1"] {
            assert_eq!(quarter(wrong), Err(WrongPeriod::Quarter), "{wrong}");
        }
        let period = Period::of(Asked::Days(date(2026, 1, 15), date(2026, 3, 10)), at(2026, 9, 1)).unwrap();
        assert_eq!(period.months().len(), 3);
        assert_eq!(period.month_of(at(2026, 2, 28)), Some(1));
        assert_eq!(period.month_of(at(2026, 3, 10)), None);
        assert!(!period.contains(at(2026, 1, 14)) && period.contains(at(2026, 1, 15)));
    }
}
