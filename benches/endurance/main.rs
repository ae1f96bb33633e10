//! The long runs of docs/performance.md. `cargo bench --bench endurance` runs all; `cargo bench --bench endurance -- NAME…`
//! some of: cuts kills throughput. Sizes: `AMANA_CUTS` (default 1000), `AMANA_KILLS` (200), `AMANA_THROUGHPUT_MIB` (1024),
//! `AMANA_ROUNDS` (5), `AMANA_SEED` (1); `AMANA_NGINX` names another nginx than the path's.

#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    dead_code,
    reason = "a measuring program, run by hand, that shares the tests' stage: it stops at the first surprise"
)]

#[path = "../../tests/it/endurance.rs"]
mod endurance;
#[path = "../../tests/it/process.rs"]
mod process;
#[path = "../../tests/it/proxy.rs"]
mod proxy;
#[path = "../../tests/it/socket.rs"]
mod socket;
#[path = "../../tests/it/stage.rs"]
mod stage;
mod throughput;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let seed = number("AMANA_SEED", 1);
    if wanted("cuts") {
        let (count, took) = throughput::timed(|| endurance::cuts(number("AMANA_CUTS", 1000), 8, 4 << 20, seed));
        let twice = 100.0 * (count.sent_bytes as f64 / count.payload_bytes as f64 - 1.0);
        println!("cuts: {count:?}, {twice:.1} % sent beyond the payloads, in {took:.0} s");
    }
    if wanted("kills") {
        let (count, took) = throughput::timed(|| endurance::kills(number("AMANA_KILLS", 200), seed));
        println!("kills: {count:?}, in {took:.0} s");
        count.must_hold();
    }
    if wanted("throughput") {
        throughput::measure(number("AMANA_THROUGHPUT_MIB", 1024), number("AMANA_ROUNDS", 5));
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
