//! Only a store that has committed the entry says so.
use amana::{model::event::EntryRef, policy::Release, store::Logged};

fn forge(entry: EntryRef, header: Vec<u8>) -> Logged<Release> {
    Logged::new(entry, header, String::new())
}

fn main() {}
