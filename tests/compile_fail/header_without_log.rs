//! A permit alone yields no header, and a header is taken once.
use amana::{
    policy::{Permit, Release},
    store::Logged,
};

fn from_permit(permit: Permit<Release>) -> Vec<u8> {
    permit.into_header().0
}

fn twice(logged: Logged<Release>) {
    drop(logged.into_header());
    drop(logged.into_header());
}

fn main() {}
