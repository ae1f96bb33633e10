//! Padmé: sizes rounded up so that at most a few bits of a length are told.
//!
//! Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs"
//! (`PoPETs` 2019), section 4. The overhead is below 12 % and shrinks as files grow.

use super::limits::PADDING_FLOOR_BYTES;

/// The bucket of `bytes`: the smallest Padmé length that is not shorter, and at least
/// [`PADDING_FLOOR_BYTES`]. Every bucket is a multiple of 512 bytes. `None` above 2⁶³ bytes.
pub fn bucket(bytes: u64) -> Option<u64> {
    let bytes = bytes.max(PADDING_FLOOR_BYTES);
    let exponent = bytes.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1_u64 << (exponent - kept_bits)) - 1;
    // From the floor on the mask covers at least ten bits, so the result is a multiple of 1024.
    Some(bytes.checked_add(mask)? & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_lengths_share_the_floor() {
        assert_eq!(bucket(0), Some(16_384));
        assert_eq!(bucket(16_384), Some(16_384));
        assert_eq!(bucket(16_385), Some(17_408));
    }

    #[test]
    fn lengths_of_the_paper_fall_into_its_buckets() {
        assert_eq!(bucket(1_000_000), Some(1_015_808));
        assert_eq!(bucket(1 << 38), Some(1 << 38));
        assert_eq!(bucket(u64::MAX), None);
    }
}
