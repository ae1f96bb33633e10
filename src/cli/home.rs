//! Where a person's things live, and sitting down at their desk.
//!
//! Every label has a folder only its owner can enter: the identity under its passphrase, and what the device remembers,
//! sealed to that identity. Whatever a command did, what it learned is kept, also when it failed afterwards. Must never
//! take a bootstrap card from the broker it is to check. Start at [`Access::at_desk`].

mod kept;
mod place;
mod unlock;

pub(super) use kept::{Kept, copy as copied};
pub(super) use place::{Place, replace_private, write_private_new};
pub(super) use unlock::{ask, decide, new_passphrase, on_terminal, read_secret};

use super::{
    ambient::{SystemClock, SystemEntropy},
    output::{Failure, chain},
};
use crate::{
    client::{
        desk::{Desk, DeskError, Opening},
        identity::Identity,
        memory::Memory,
        remote::RemoteError,
    },
    model::{ambient::Clock as _, time::Timestamp},
    wire::genesis::{Card, GenesisError, SignedGenesis},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Whose things a command uses, and which broker.
#[derive(Args, Clone)]
#[command(next_help_heading = "Whose desk")]
pub(super) struct Access {
    /// Folder of your identities and what this device remembers [default: ~/.local/share/amana].
    #[arg(long, env = "AMANA_HOME", value_name = "DIR", global = true)]
    pub(super) home: Option<PathBuf>,
    /// Which of your identities; needed when there are several.
    #[arg(id = "as", long, env = "AMANA_AS", value_name = "LABEL", global = true)]
    pub(super) label: Option<String>,
    /// An identity file from elsewhere, such as those `serve` writes into roles/.
    #[arg(long, env = "AMANA_IDENTITY", value_name = "FILE", global = true)]
    pub(super) identity: Option<PathBuf>,
    /// File holding the passphrase; otherwise `AMANA_PASSPHRASE` is used, or you are asked.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Address of the broker; remembered after the first time.
    #[arg(long, env = "AMANA_BROKER", value_name = "URL", global = true)]
    pub(super) broker: Option<String>,
    /// Bootstrap card of the broker, given to you by another channel; remembered after the first time.
    #[arg(long, env = "AMANA_CARD", value_name = "CARD", global = true)]
    pub(super) card: Option<Card>,
}

/// An unlocked identity with its folder, not connected to anything.
pub(super) struct Unlocked {
    /// The identity.
    pub(super) identity: Identity,
    /// Its folder.
    pub(super) place: Place,
}

impl Unlocked {
    /// What the device remembers.
    pub(super) fn kept(&self) -> Result<Kept, Failure> {
        Kept::read(&self.place, &self.identity)
    }
}

/// A desk whose memory can be put down at any time.
pub(super) struct Sitting {
    /// The desk.
    pub(super) desk: Desk,
    kept: Kept,
}

impl Sitting {
    /// Keeps what the device remembers so far: before something is sent that must not be sent twice.
    pub(super) fn keep(&mut self) -> Result<(), Failure> {
        self.kept.write(self.desk.memory(), self.desk.identity())
    }
}

/// Where a command that must not wait for the broker sits.
pub(super) enum Seat<'a> {
    /// At the desk.
    AtDesk(&'a mut Sitting),
    /// With what the device remembers, and why there is no more.
    Alone {
        /// What the device remembers.
        memory: &'a Memory,
        /// Why the broker could not be asked.
        why: Failure,
    },
}

impl Access {
    /// Unlocks the identity.
    pub(super) fn unlock(&self) -> Result<Unlocked, Failure> {
        unlock::unlock(self)
    }

    /// Unlocks an identity in a file, to open something with it. Nothing is remembered for it.
    pub(super) fn unlock_file(&self, path: &Path) -> Result<Identity, Failure> {
        unlock::read(self, path)
    }

    /// Sits down at the desk, does something, and keeps what the device remembers whatever came of it.
    pub(super) fn at_desk<T>(&self, act: impl FnOnce(&mut Sitting) -> Result<T, Failure>) -> Result<T, Failure> {
        self.sit(Desk::open, act)
    }

    /// As [`Access::at_desk`], asking the broker for nothing but the withdrawal itself.
    pub(super) fn at_desk_to_withdraw<T>(
        &self,
        act: impl FnOnce(&mut Sitting) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.sit(Desk::open_to_withdraw, act)
    }

    /// Whose key, which broker and which card, without asking the broker for anything. `otherwise` is the card when this
    /// device remembers none.
    pub(super) fn without_desk(&self, otherwise: Option<Card>) -> Result<(Identity, String, Card), Failure> {
        let unlocked = self.unlock()?;
        let memory = unlocked.kept()?.take();
        let card = self.known_card(&memory).or_else(|none| otherwise.ok_or(none))?;
        Ok((unlocked.identity, self.known_broker(&memory)?, card))
    }

    /// Changes what the device remembers and keeps that before anything else; then sits down, or goes on with what the
    /// device knows by itself where the broker cannot be asked.
    pub(super) fn change_then_sit<C, T>(
        &self,
        change: impl FnOnce(&mut Memory) -> Result<C, Failure>,
        act: impl FnOnce(Seat<'_>, C) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let unlocked = self.unlock()?;
        let mut kept = unlocked.kept()?;
        let mut memory = kept.take();
        let changed = change(&mut memory)?;
        kept.write(&memory, &unlocked.identity)?;
        let known = kept::copy(&memory)?;
        let opening =
            Opening { identity: unlocked.identity, memory, clock: SystemClock::new(), entropy: SystemEntropy::new() };
        let desk = match (self.known_card(&known), self.known_broker(&known)) {
            (Ok(card), Ok(url)) => Desk::open(opening, &url, &card).map_err(Failure::from),
            (Err(why), _) | (_, Err(why)) => Err(why),
        };
        match desk {
            Err(why) => act(Seat::Alone { memory: &known, why }, changed),
            Ok(desk) => {
                let mut sitting = Sitting { desk, kept };
                let outcome = act(Seat::AtDesk(&mut sitting), changed);
                kept_after(outcome, sitting.keep())
            }
        }
    }

    fn sit<T>(
        &self,
        open: impl FnOnce(Opening, &str, &Card) -> Result<Desk, DeskError>,
        act: impl FnOnce(&mut Sitting) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut sitting = self.sit_down(open)?;
        let outcome = act(&mut sitting);
        kept_after(outcome, sitting.keep())
    }

    fn sit_down(&self, open: impl FnOnce(Opening, &str, &Card) -> Result<Desk, DeskError>) -> Result<Sitting, Failure> {
        let unlocked = self.unlock()?;
        let mut kept = unlocked.kept()?;
        let memory = kept.take();
        let card = self.known_card(&memory)?;
        let url = self.known_broker(&memory)?;
        let opening =
            Opening { identity: unlocked.identity, memory, clock: SystemClock::new(), entropy: SystemEntropy::new() };
        let desk = open(opening, &url, &card)?;
        Ok(Sitting { desk, kept })
    }

    /// The card given, or that of the genesis pinned before. A genesis is never pinned without one.
    fn known_card(&self, memory: &Memory) -> Result<Card, Failure> {
        match (&self.card, &memory.genesis) {
            (Some(card), _) => Ok(card.clone()),
            (None, Some(note)) => Ok(SignedGenesis::parse(note).map_err(|e| Failure::from_error(&e))?.card()),
            (None, None) => Err(Failure::usage(NO_CARD)),
        }
    }

    fn known_broker(&self, memory: &Memory) -> Result<String, Failure> {
        self.broker.clone().or_else(|| memory.url.clone()).ok_or_else(|| {
            Failure::usage("no broker is known yet; give its address once with --broker https://… (or AMANA_BROKER)")
        })
    }
}

fn kept_after<T>(outcome: Result<T, Failure>, kept: Result<(), Failure>) -> Result<T, Failure> {
    match (outcome, kept) {
        (outcome, Ok(())) => outcome,
        (Ok(_), Err(failure)) => Err(failure.and("The command itself was carried out.")),
        (Err(first), Err(_)) => Err(first.and("What the device learned could not be kept either.")),
    }
}

/// Now, by the device's clock.
pub(super) fn now() -> Timestamp {
    SystemClock::new().wall()
}

const NO_CARD: &str = "this device does not know the broker's bootstrap card yet, and goes no further without it.\n\
     The card (NAME#64 characters) says which broker is the right one. It must reach you by another channel than the\n\
     broker itself: on paper, as a QR code, or read out by somebody you know. Whoever stands between you and the broker\n\
     could otherwise show you keys of their own, and every check after that would succeed.\n\
     Give it once with --card 'NAME#…' (or AMANA_CARD); it is remembered.";

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match &error {
            DeskError::Remote(RemoteError::Unreachable(_)) => Self::unanswered(chain(&error))
                .and("Whether it arrived is not known; the same command may be given again."),
            DeskError::Genesis(GenesisError::OtherBroker { .. })
            | DeskError::Mirror(_)
            | DeskError::Receipt(_)
            | DeskError::Forged { .. }
            | DeskError::Fork => Self::does_not_hold(chain(&error)),
            _ => Self::from_error(&error),
        }
    }
}
