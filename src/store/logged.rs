//! The proof that an entry is durable, and the only way to header bytes.

use crate::model::event::EntryRef;
use std::marker::PhantomData;

/// The entry of an act `A` is durable; inside are the header bytes it allows.
///
/// Neither `Clone` nor `Copy`; made by a store after its commit, never before.
#[must_use = "a logged act holds the header it allows"]
pub struct Logged<A> {
    // INVARIANT: `entry` is committed and durable, and `header` has the digest its statement names.
    entry: EntryRef,
    header: Vec<u8>,
    receipt: String,
    act: PhantomData<fn() -> A>,
}

impl<A> Logged<A> {
    pub(in crate::store) fn new(entry: EntryRef, header: Vec<u8>, receipt: String) -> Self {
        Self { entry, header, receipt, act: PhantomData }
    }
    /// The entry.
    pub fn entry(&self) -> EntryRef {
        self.entry
    }
    /// Header bytes and receipt; consumes the proof.
    pub fn into_header(self) -> (Vec<u8>, String) {
        (self.header, self.receipt)
    }
}
