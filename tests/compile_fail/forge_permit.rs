//! A permit is made by the policies alone.
use amana::policy::{Permit, Release};

fn forge(action: Release) -> Permit<Release> {
    Permit { action }
}

fn main() {}
