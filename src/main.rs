//! Amana.
fn main() {}
