//! A permit is spent by value, once, and cannot be copied first.
use amana::{
    model::release::ReleaseRequest,
    policy::{Permit, Release},
    store::Store,
    wire::statement::Verified,
};

fn twice(store: &dyn Store, permit: Permit<Release>, request: Verified<ReleaseRequest>) {
    drop(store.commit_release(permit, request.clone()));
    drop(store.commit_release(permit, request));
}

fn copied(permit: &Permit<Release>) -> Permit<Release> {
    permit.clone()
}

fn main() {}
