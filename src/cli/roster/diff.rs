//! What a roster changes, a line for each thing: this is what people agree to.

use crate::model::{genesis::NamedKey, party::OfficeName, roster::Roster};

/// Everything in which `after` differs from `before`.
pub(super) fn diff(before: &Roster, after: &Roster) -> Vec<String> {
    let mut lines = Vec::new();
    for office in OfficeName::ALL {
        let (old, new) = (before.roles.of(office), after.roles.of(office));
        keys(office.as_str(), &old.keys, &new.keys, &mut lines);
        number(&format!("{office}: how many must agree"), old.threshold, new.threshold, &mut lines);
    }
    keys("witnesses", &before.witnesses, &after.witnesses, &mut lines);
    number("witnesses: how many must cosign", before.witness_quorum, after.witness_quorum, &mut lines);
    let (old, new) = (&before.log_keys, &after.log_keys);
    for (log, old, new) in [("register", old.register, new.register), ("case log", old.case, new.case)] {
        if old != new {
            lines.push(format!("the {log} is signed by {new}, no longer by {old}"));
        }
    }
    lines
}

fn keys(what: &str, before: &[NamedKey], after: &[NamedKey], lines: &mut Vec<String>) {
    for gone in before.iter().filter(|named| !after.contains(named)) {
        lines.push(format!("{what}: - {}  {}", gone.name, gone.key));
    }
    for new in after.iter().filter(|named| !before.contains(named)) {
        lines.push(format!("{what}: + {}  {}", new.name, new.key));
    }
}

fn number(what: &str, before: u32, after: u32, lines: &mut Vec<String>) {
    if before != after {
        lines.push(format!("{what}: {after}, no longer {before}"));
    }
}

#[cfg(test)]
mod tests {
    use super::diff;
    use crate::model::{
        genesis::{LogKeys, NamedKey, Office, Roles},
        ids::PublicKey,
        roster::Roster,
    };

    fn named(name: &str, seed: u8) -> NamedKey {
        NamedKey { name: name.to_owned(), key: PublicKey::from_bytes([seed; 32]) }
    }

    fn roster() -> Roster {
        let office = |seed| Office { keys: vec![named("holder", seed)], threshold: 1 };
        Roster {
            log_keys: LogKeys { register: named("", 1).key, case: named("", 2).key },
            witnesses: Vec::new(),
            witness_quorum: 0,
            roles: Roles { administrators: office(3), accreditors: office(4), auditors: office(5), council: office(6) },
        }
    }

    type Change = fn(&mut Roster);

    #[test]
    fn every_part_of_a_roster_that_changes_is_a_line() {
        let before = roster();
        assert_eq!(diff(&before, &before), Vec::<String>::new());
        let changes: [(usize, Change); 6] = [
            (1, |r| r.roles.council.threshold = 2),
            (1, |r| r.witness_quorum = 1),
            (1, |r| r.log_keys.case = named("", 9).key),
            (1, |r| r.roles.auditors.keys.clear()),
            (1, |r| r.witnesses.push(named("w", 8))),
            // A key under another name is one that goes and one that comes.
            (2, |r| r.roles.accreditors.keys.iter_mut().for_each(|named| named.name.push('x'))),
        ];
        for (expected, change) in changes {
            let mut after = before.clone();
            change(&mut after);
            let lines = diff(&before, &after);
            assert_eq!(lines.len(), expected, "{lines:?}");
        }
    }
}
