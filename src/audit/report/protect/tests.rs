//! Every way the published numbers of small reports could have come about, tried one by one.

use super::*;
use std::collections::HashSet;

/// A report over two institutions, two purposes and no month.
fn tally(counts: &[(By, usize, Measure, u64)]) -> Tally {
    let names = |n: usize| (0..n).map(|i| format!("row {i}")).collect::<Vec<_>>();
    let sizes = [
        (By::All, 1),
        (By::Institution, 2),
        (By::Purpose, 2),
        (By::Month, 0),
        (By::Condition, 2),
        (By::Reply, 3),
        (By::Wait, 4),
        (By::Cause, 3),
    ];
    let mut tally = Tally { rows: sizes.into_iter().map(|(by, n)| (by, names(n))).collect(), counts: BTreeMap::new() };
    for (by, row, measure, count) in counts {
        tally.counts.insert(Cell { by: *by, row: *row, measure: *measure }, *count);
    }
    for measure in Measure::TOLD {
        let sum = tally.column(By::Institution, measure).map(|(_, count)| count).sum();
        tally.counts.insert(Cell { by: By::All, row: 0, measure }, sum);
    }
    tally
}

/// Grants of `n` institutions against those of `m` purposes.
fn grants(institutions: &[u64], purposes: &[u64]) -> Tally {
    let mut counts: Vec<_> = Vec::new();
    counts.extend(institutions.iter().enumerate().map(|(row, n)| (By::Institution, row, Measure::Grants, *n)));
    counts.extend(purposes.iter().enumerate().map(|(row, n)| (By::Purpose, row, Measure::Grants, *n)));
    let mut tally = tally(&[]);
    for (by, row, measure, count) in counts {
        let rows = tally.rows.get_mut(&by).unwrap();
        while rows.len() <= row {
            rows.push("more".to_owned());
        }
        tally.counts.insert(Cell { by, row, measure }, count);
    }
    tally.counts.insert(Cell { by: By::All, row: 0, measure: Measure::Grants }, institutions.iter().sum());
    tally
}

/// Sums a breakdown can have as published, `fixed` standing for one of its cells; `None` when it is left out.
fn sums(published: &Published, tally: &Tally, by: By, measure: Measure, fixed: Option<(Cell, u64)>) -> HashSet<u64> {
    const MOST: u64 = 130;
    if published.is_left_out(by, measure) {
        return (0..=MOST).collect();
    }
    let mut sums = HashSet::from([0]);
    for (cell, _) in tally.column(by, measure) {
        let (least, most) = match fixed {
            Some((fixed, value)) if fixed == cell => (value, value),
            _ => published.band(cell).range(),
        };
        let next = sums.iter().flat_map(|sum| (least..=most.min(MOST)).map(move |more| sum + more));
        sums = next.filter(|sum| *sum <= MOST).collect();
    }
    sums
}

/// Tries every value of every withheld count of the grants.
fn assert_nothing_can_be_worked_out(tally: &Tally) {
    let published = protect(tally);
    let ways = [By::All, By::Institution, By::Purpose];
    for by in ways {
        for (cell, _) in tally.column(by, Measure::Grants) {
            if published.is_left_out(by, Measure::Grants) || published.band(cell) != Band::Withheld {
                continue;
            }
            let possible = |value: &u64| {
                let ways =
                    ways.into_iter().map(|way| sums(&published, tally, way, Measure::Grants, Some((cell, *value))));
                let common = ways.reduce(|a, b| a.intersection(&b).copied().collect()).unwrap();
                !common.is_empty()
            };
            assert!((1..=4).filter(possible).count() >= 3, "{cell:?} is too well known: {:?}", tally.counts);
        }
    }
}

#[test]
fn no_withheld_count_of_small_breakdowns_can_be_worked_out() {
    let values = [0, 1, 3, 4, 5, 9, 10, 20];
    for a in values {
        for b in values {
            for c in values {
                let sum = a + b + c;
                for p in [0, 1, 2, 4, 5, 9, 10, 19] {
                    if p <= sum {
                        assert_nothing_can_be_worked_out(&grants(&[a, b, c], &[p, sum - p]));
                    }
                }
            }
        }
    }
}

#[test]
fn five_fours_under_a_known_twenty_are_not_told() {
    let counted = grants(&[20], &[4, 4, 4, 4, 4]);
    let published = protect(&counted);
    assert_eq!(published.band(Cell { by: By::Institution, row: 0, measure: Measure::Grants }), Band::Range(20, 49));
    assert!(published.is_left_out(By::Purpose, Measure::Grants));
    assert_nothing_can_be_worked_out(&counted);
    // One more of anything, and every withheld count is open again.
    let counted = grants(&[20], &[4, 4, 4, 4, 1, 3]);
    assert!(!protect(&counted).is_left_out(By::Purpose, Measure::Grants));
    assert_nothing_can_be_worked_out(&counted);
}

#[test]
fn four_ones_under_a_withheld_purpose_are_not_told() {
    let counted = grants(&[1, 1, 1, 1], &[4]);
    let published = protect(&counted);
    assert!(published.is_left_out(By::Purpose, Measure::Grants));
    assert_eq!(published.band(Cell { by: By::All, row: 0, measure: Measure::Grants }), Band::NotGiven);
    assert_nothing_can_be_worked_out(&counted);
}

#[test]
fn what_an_institution_owes_does_not_give_away_what_it_acknowledged() {
    use Measure::{Defect, Opened, Owed, OwedBefore, Releases};
    // Twelve releases, four of each: no more than three numbers are left to any of them, and no fewer may be.
    let row = |measure, count| (By::Institution, 0, measure, count);
    let counted = tally(&[
        row(Releases, 12),
        row(Opened, 4),
        row(Defect, 4),
        row(Owed, 4),
        (By::Purpose, 0, Releases, 12),
        (By::Wait, 0, Measure::Answered, 8),
    ]);
    let published = protect(&counted);
    let band = |measure| published.band(Cell { by: By::Institution, row: 0, measure });
    let told = [Releases, Opened, Defect, Owed].map(band);
    // As a reader would: every way the four told numbers fit together, with nothing owed before.
    let range = |band: Band| (band.range().0)..=(band.range().1.min(40));
    for (index, _) in told.iter().enumerate().filter(|(_, band)| **band == Band::Withheld) {
        let mut values = HashSet::new();
        for opened in range(told[1]) {
            for defect in range(told[2]) {
                for owed in range(told[3]) {
                    let released = opened + defect + owed;
                    if range(told[0]).contains(&released) {
                        values.insert([released, opened, defect, owed][index]);
                    }
                }
            }
        }
        assert!(values.len() >= 3, "{told:?}: {index} can only be {values:?}");
    }
    assert_eq!(band(OwedBefore), Band::Zero);
}

#[test]
fn large_counts_are_all_told() {
    let published = protect(&grants(&[20, 7, 0], &[10, 17]));
    for (by, rows) in [(By::All, 1), (By::Institution, 3), (By::Purpose, 2)] {
        for row in 0..rows {
            assert_ne!(published.band(Cell { by, row, measure: Measure::Grants }), Band::NotGiven);
        }
    }
}
