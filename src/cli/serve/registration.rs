//! `serve --registration`: who may register, and the invitation kept in the broker's folder.

use super::Arguments;
use crate::{broker::Registration, cli::output::Failure, wire::work::Bits};
use std::{fs, io::Write as _, path::Path, str::FromStr};

/// What the operator chose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chosen {
    /// An invitation.
    Invitation,
    /// An invitation or a proof of work.
    Work(Bits),
}

impl FromStr for Chosen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || "choose invitation, work, or work:BITS".to_owned();
        match text.split_once(':') {
            None if text == "invitation" => Ok(Self::Invitation),
            None if text == "work" => Ok(Self::Work(Bits::USUAL)),
            Some(("work", bits)) => {
                let bits: u8 = bits.parse().map_err(|_| unknown())?;
                Ok(Self::Work(bits.try_into().map_err(|e: crate::wire::work::NoSuchBits| e.to_string())?))
            }
            _ => Err(unknown()),
        }
    }
}

/// Behind a public address every peer looks like the proxy: an invitation is needed then, unless chosen otherwise.
pub(super) fn registration(arguments: &Arguments, public_url: &str) -> Result<Registration, Failure> {
    let host = url::Url::parse(public_url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
    let local = matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]") && arguments.listen.ip().is_loopback();
    match arguments.registration {
        None if local => Ok(Registration::Loopback),
        None | Some(Chosen::Invitation) => Ok(Registration::Invitation(invitation(&arguments.dir)?)),
        Some(Chosen::Work(bits)) => Ok(Registration::Work { bits, invitation: invitation(&arguments.dir)? }),
    }
}

/// What the operator is told at start.
pub(super) fn words(registration: &Registration) -> String {
    match registration {
        Registration::Loopback => "Anybody on this machine may register.".to_owned(),
        Registration::Invitation(secret) => format!("Invitation for those who may register: {secret}"),
        Registration::Work { bits, invitation } => format!(
            "Anybody may register who does a proof of work of {} bits. Invitation for those who need not: {invitation}",
            bits.count()
        ),
    }
}

/// The invitation, made at the first start that needs one.
fn invitation(dir: &Path) -> Result<String, Failure> {
    let path = dir.join("invitation");
    let words = |e: &dyn std::fmt::Display| Failure::refused(format!("{}: {e}", path.display()));
    if !path.exists() {
        let mut bytes = [0; 16];
        crate::model::ambient::Entropy::fill(&*crate::cli::ambient::SystemEntropy::new(), &mut bytes);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|e| words(&e))?;
        file.write_all(hex::encode(bytes).as_bytes()).map_err(|e| words(&e))?;
    }
    let secret = fs::read_to_string(&path).map_err(|e| words(&e))?;
    Ok(secret.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_has_bits_within_its_bounds() {
        let read = |text: &str| text.parse::<Chosen>();
        let work = |bits: u8| Ok(Chosen::Work(bits.try_into().unwrap()));
        assert_eq!(read("invitation"), Ok(Chosen::Invitation));
        assert_eq!(read("work"), work(22));
        assert_eq!([read("work:8"), read("work:32")], [work(8), work(32)]);
        for bad in ["", "anybody", "work:", "work:7", "work:33", "work:300", "invitation:8", "work:8:8"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
