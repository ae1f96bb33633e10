//! How much of the register the case log had seen: which of its trees a log key signed that was replaced since.
//!
//! The register says at which of its entries a key was replaced. Each case entry says how much of the register stood there
//! when it was made, never less than the one before it. An entry whose body is gone says nothing; those right before the
//! first that saw more count as made before.

use crate::wire::entry::Shared;

/// How many of `size` case entries were made while the register had no more than `register` entries. `first_open` finds the
/// first entry of a range whose body is here, with its index.
///
/// # Errors
/// What `first_open` answers.
pub fn case_until<E>(
    size: u64,
    register: u64,
    first_open: impl Fn(u64, u64) -> Result<Option<(u64, Shared)>, E>,
) -> Result<u64, E> {
    let (mut low, mut high, mut until) = (0, size, size);
    while low < high {
        let middle = low.midpoint(high);
        match first_open(middle, high)? {
            Some((index, shared)) if shared.register_size.is_some_and(|seen| seen <= register) => low = index + 1,
            Some((index, _)) => (high, until) = (middle, index),
            None => high = middle,
        }
    }
    Ok(until)
}
