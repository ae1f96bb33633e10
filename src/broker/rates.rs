//! How often somebody may ask: by key after signing in, by network before it.
//!
//! A network is known by an HMAC under a salt that lives in memory and is thrown away each day with everything counted
//! under it: neither disk nor log, nor memory after that day, says who asked. Nothing here may derive `Debug`.

use super::{Broker, BrokerError};
use crate::model::{
    ambient::{Entropy, random},
    bucket::{Buckets, Rate, TooOften},
    ids::KeyId,
    limits,
    time::Duration,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroizing;

const LABEL: &[u8] = b"amana/network/v1\0";

/// How often somebody may ask, and how their address is learned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rates {
    /// Requests of one network that is not signed in.
    pub before_login: Rate,
    /// Requests of one key that is signed in.
    pub signed_in: Rate,
    /// The header in which the proxy in front names its client, lower-case. Without it the peer is the client, and
    /// peers on this machine are not limited.
    pub address_header: Option<String>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { before_login: limits::RATE_BEFORE_LOGIN, signed_in: limits::RATE_SIGNED_IN, address_header: None }
    }
}

/// What was asked lately.
pub(super) struct Gate {
    address_header: Option<String>,
    networks: Mutex<Networks>,
    keys: Mutex<Buckets<KeyId>>,
}

struct Networks {
    salt: Zeroizing<[u8; 32]>,
    since: Duration,
    buckets: Buckets<[u8; 16]>,
}

impl Gate {
    pub(super) fn new(rates: Rates, now: Duration, entropy: &dyn Entropy) -> Self {
        Self {
            address_header: rates.address_header,
            networks: Mutex::new(Networks::new(rates.before_login, now, entropy)),
            keys: Mutex::new(Buckets::new(rates.signed_in, limits::RATE_KEYS)),
        }
    }
}

impl Networks {
    fn new(rate: Rate, now: Duration, entropy: &dyn Entropy) -> Self {
        let buckets = Buckets::new(rate, limits::RATE_NETWORKS);
        Self { salt: Zeroizing::new(random(entropy)), since: now, buckets }
    }

    fn take(&mut self, address: IpAddr, now: Duration, entropy: &dyn Entropy) -> Result<(), TooOften> {
        self.forget_yesterday(now, entropy);
        let name = self.name(address);
        self.buckets.take(name, now)
    }

    fn forget_yesterday(&mut self, now: Duration, entropy: &dyn Entropy) {
        let age = now.as_seconds().saturating_sub(self.since.as_seconds());
        if age >= limits::RATE_SALT_LIFE.as_seconds() {
            self.salt = Zeroizing::new(random(entropy));
            self.since = now;
            self.buckets.clear();
        }
    }

    /// The first half of an HMAC over the network.
    fn name(&self, address: IpAddr) -> [u8; 16] {
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (place, byte) in key.iter_mut().zip(self.salt.iter()) {
            *place = *byte;
        }
        let mut mac = <Hmac<Sha256> as Mac>::new(&key);
        mac.update(LABEL);
        match network(address) {
            IpAddr::V4(network) => mac.update(&[&[4], network.octets().as_slice()].concat()),
            IpAddr::V6(network) => mac.update(&[&[6], network.octets().as_slice()].concat()),
        }
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        tag.first_chunk().copied().unwrap_or_default()
    }
}

/// One household: the whole IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits())),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

impl Broker {
    /// Lets somebody who is not signed in ask once more.
    ///
    /// # Errors
    /// [`BrokerError::OverQuota`] with the time to wait.
    pub fn admit_stranger(&self, address: IpAddr) -> Result<(), BrokerError> {
        let now = self.clock.monotonic();
        let mut networks = self.gate.networks.lock().unwrap_or_else(PoisonError::into_inner);
        networks.take(address, now, &*self.entropy).map_err(too_often)
    }

    /// Lets somebody who is signed in ask once more.
    ///
    /// # Errors
    /// [`BrokerError::OverQuota`] with the time to wait.
    pub fn admit_key(&self, key: KeyId) -> Result<(), BrokerError> {
        let now = self.clock.monotonic();
        let mut keys = self.gate.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.take(key, now).map_err(too_often)
    }

    /// The header in which the proxy names its client.
    pub fn address_header(&self) -> Option<&str> {
        self.gate.address_header.as_deref()
    }

    /// Throws the salt away when its day is over, also when nobody asks.
    pub(super) fn forget_networks(&self) {
        let now = self.clock.monotonic();
        let mut networks = self.gate.networks.lock().unwrap_or_else(PoisonError::into_inner);
        networks.forget_yesterday(now, &*self.entropy);
    }
}

fn too_often(often: TooOften) -> BrokerError {
    BrokerError::OverQuota {
        what: "too many requests at once; revocations are always taken".to_owned(),
        retry_after_seconds: Some(often.retry_after_seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// Different bytes each time.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    const RATE: Rate = Rate { per_hour: 1, burst: 1 };
    const DAY: u64 = 24 * 3600;

    fn at(seconds: u64) -> Duration {
        Duration::from_seconds(seconds)
    }
    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_network_is_one_ipv4_address_or_64_bits_of_ipv6() {
        let entropy = Counting::default();
        let mut networks = Networks::new(RATE, at(0), &entropy);
        let mut take = |text: &str| networks.take(from(text), at(0), &entropy).is_ok();
        assert!(take("192.0.2.1") && !take("192.0.2.1"));
        assert!(take("192.0.2.2"), "the next address is another network");
        assert!(!take("::ffff:192.0.2.2"), "the same address written for IPv6");
        assert!(take("2001:db8:1:2::1") && !take("2001:db8:1:2:ffff::9"));
        assert!(take("2001:db8:1:3::1"));
    }

    #[test]
    fn day_that_is_over_is_forgotten_with_its_salt() {
        let entropy = Counting::default();
        // A day is not enough to fill this bucket again.
        let rate = Rate { per_hour: 1, burst: 100 };
        let mut networks = Networks::new(rate, at(0), &entropy);
        let address = from("192.0.2.1");
        let mut asked = 0;
        while networks.take(address, at(0), &entropy).is_ok() {
            asked += 1;
        }
        assert_eq!(asked, 100);
        let name = networks.name(address);
        networks.forget_yesterday(at(DAY - 1), &entropy);
        assert_eq!(networks.name(address), name);
        networks.forget_yesterday(at(DAY), &entropy);
        assert_ne!(networks.name(address), name);
        for _ in 0..100 {
            networks.take(address, at(DAY), &entropy).unwrap();
        }
    }

    #[test]
    fn two_brokers_name_one_network_differently() {
        let entropy = Counting::default();
        let [one, other] = [(); 2].map(|()| Networks::new(RATE, at(0), &entropy));
        assert_ne!(one.name(from("192.0.2.1")), other.name(from("192.0.2.1")));
    }
}
