//! Publication: from time to time both logs are shown to everybody as they stand, and witnesses are asked to cosign.
//!
//! Between two publications the public sees nothing move. Whoever takes part sees more at once: their receipts carry a
//! checkpoint of their own.

use super::{
    Broker, BrokerError,
    witnesses::{self, Asked, Courier, Question, WitnessAt},
};
use crate::{
    model::{
        event::{Event, Log},
        rows::{Held, ONLY, RosterRow, Rows},
        time::{Duration, Timestamp},
    },
    store::{Facts, Published},
    tlog::{self, Note},
    wire::trust::{Trust, Witnessed},
};
use std::sync::Arc;

/// Who is asked to cosign, and how they are reached.
#[derive(Clone)]
pub struct Witnesses {
    /// Carries requests.
    pub courier: Arc<dyn Courier>,
    /// Each witness's name and submission prefix.
    pub places: Vec<(String, String)>,
}

/// When and for whom the logs are published.
#[derive(Clone, Default)]
pub struct Publishing {
    /// Time between two publications; none by itself if absent.
    pub every: Option<Duration>,
    /// The witnesses asked; none if absent.
    pub witnesses: Option<Witnesses>,
}

/// What one publication of one log came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Which log.
    pub log: Log,
    /// Number of entries published.
    pub size: u64,
    /// Witnesses that cosigned, by name, and when.
    pub cosigned: Vec<(String, Timestamp)>,
    /// How many the roster asks for.
    pub quorum: usize,
}

impl Broker {
    /// Publishes for ever; at once for the first time.
    pub async fn publish_forever(self: Arc<Self>) {
        let Some(every) = self.publishing.every else { return };
        let mut tick = tokio::time::interval(std::time::Duration::from_secs(every.as_seconds().max(1)));
        loop {
            tick.tick().await;
            match self.publish().await {
                Ok(published) => published.iter().for_each(tell),
                Err(error) => tracing::warn!(error = error.log_text(), "the logs could not be published"),
            }
        }
    }

    /// Covers the case log's growth and publishes both logs, with the cosignatures that witnesses give.
    ///
    /// # Errors
    /// When nothing can be written. A witness that does not answer is no error.
    pub async fn publish(self: &Arc<Self>) -> Result<Vec<Publication>, BrokerError> {
        self.store.cover().await?;
        // Trouble with one log is none of the other's.
        let (register, case) = (self.publish_log(Log::Register).await, self.publish_log(Log::Case).await);
        Ok(register?.into_iter().chain(case?).collect())
    }

    async fn publish_log(self: &Arc<Self>, log: Log) -> Result<Option<Publication>, BrokerError> {
        let Some((note, _)) = self.store.checkpoint(log, 0)? else { return Ok(None) };
        let trust = self.trust()?;
        let note = self.collect(log, note, &trust).await?;
        let witnessed = trust.read(log, &note).map_err(|e| BrokerError::Internal(e.to_string()))?;
        let size = witnessed.checkpoint.size();
        self.store.publish(log, Published { size, note: note.clone() }).await?;
        if let Some(Event::Cosigned(cosigned)) = witnessed.event(log, trust.quorum())
            && self.is_news(log, &witnessed)?
        {
            self.store.record_cosigned(cosigned, note).await?;
        }
        Ok(Some(Publication { log, size, cosigned: witnessed.times, quorum: trust.quorum() }))
    }

    /// The register holds no entry about cosignatures of nothing but such entries: everybody mirrors it whole.
    fn is_news(&self, log: Log, witnessed: &Witnessed) -> Result<bool, BrokerError> {
        if log == Log::Case {
            return Ok(true);
        }
        let before = self.cosigned(log)?.map_or(0, |row| row.row.size);
        let about_itself = self.cosigned(log)?.is_some_and(|row| row.version.index + 1 == witnessed.checkpoint.size());
        Ok(witnessed.checkpoint.size() > before && !about_itself)
    }

    fn cosigned(&self, log: Log) -> Result<Option<Held<crate::model::rows::CosignedRow>>, BrokerError> {
        Ok(Facts(&*self.store).read(crate::model::rows::of_log(log))?)
    }

    /// The checkpoint with every cosignature that could be had.
    async fn collect(self: &Arc<Self>, log: Log, note: String, trust: &Trust) -> Result<String, BrokerError> {
        let Some(witnesses) = self.publishing.witnesses.clone() else { return Ok(note) };
        let mut asked = Vec::new();
        for (name, url) in witnesses.places {
            let Some(verifier) = trust.witnesses().iter().find(|known| known.name().as_str() == name) else { continue };
            let witness = WitnessAt { url, verifier: verifier.clone() };
            let (broker, note, courier) = (self.clone(), note.clone(), witnesses.courier.clone());
            let ask = move || broker.ask_one(log, &note, &witness, &*courier);
            asked.push((name, tokio::task::spawn_blocking(ask)));
        }
        let mut note = Note::parse(&note).map_err(|e| BrokerError::Internal(e.to_string()))?;
        for (name, answer) in asked {
            match answer.await.map_err(|e| BrokerError::Internal(e.to_string()))? {
                Ok(cosigned) => {
                    note = note.with_signature(&cosigned.line).map_err(|e| BrokerError::Internal(e.to_string()))?;
                }
                Err(error) => self.not_cosigned(&name, &error)?,
            }
        }
        Ok(note.to_string())
    }

    fn ask_one(
        &self,
        log: Log,
        note: &str,
        witness: &WitnessAt,
        courier: &dyn Courier,
    ) -> Result<witnesses::Cosigned, Asked> {
        // What was published last is what a witness that answered then has cosigned; it corrects us if not.
        let last_known_size = self.store.published(log).ok().flatten().map_or(0, |published| published.size);
        let question = Question { note, last_known_size, now: self.clock.wall() };
        let to = Note::parse(note)?.text().lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        let proof_from = |from| self.store.consistency(log, from, to).ok().flatten();
        witnesses::ask(courier, witness, &question, proof_from)
    }

    /// A witness that does not answer is waited for. One that was shown another log is believed: nothing goes on.
    fn not_cosigned(&self, name: &str, error: &Asked) -> Result<(), BrokerError> {
        if error.is_alarm() {
            tracing::error!(witness = name, %error, "a witness knows another log than this one");
            self.store.only_revoke("a witness cosigned a log of this broker that is not an earlier state of this one");
            return Err(BrokerError::RevokeOnly("a witness knows another log"));
        }
        tracing::warn!(witness = name, %error, "a witness did not cosign");
        Ok(())
    }

    /// Whose signatures under the logs count now.
    ///
    /// # Errors
    /// When storage fails.
    pub fn trust(&self) -> Result<Trust, BrokerError> {
        let trust = Trust::in_force(&self.genesis.genesis().origin, &self.roster()?);
        trust.map_err(|e| BrokerError::Internal(e.to_string()))
    }

    /// The roster in force.
    ///
    /// # Errors
    /// When storage fails.
    pub fn roster(&self) -> Result<RosterRow, BrokerError> {
        let held: Option<Held<RosterRow>> = Facts(&*self.store).read(ONLY)?;
        held.map(|held| held.row).ok_or_else(|| BrokerError::Internal("there is no roster".to_owned()))
    }

    /// The checkpoint as last published, with its cosignatures.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] before the first publication.
    pub fn published_checkpoint(&self, log: Log) -> Result<String, BrokerError> {
        Ok(self.store.published(log)?.ok_or(BrokerError::NotFound)?.note)
    }

    /// A hash tile or an entry bundle by its path (`tile/0/000.p/5`, `tile/entries/000`), as far as it is published.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] beyond what is published, and for every other path.
    pub fn published_tile(&self, log: Log, path: &str) -> Result<Vec<u8>, BrokerError> {
        let found = if let Ok((index, width)) = tlog::parse_bundle_path(path) {
            self.store.entry_bundle(log, index, width)?
        } else {
            let (id, width) = tlog::parse_tile_path(path).map_err(|_| BrokerError::NotFound)?;
            self.store.tile(log, id, width)?
        };
        found.ok_or(BrokerError::NotFound)
    }
}

fn tell(published: &Publication) {
    let Publication { log, size, cosigned, quorum } = published;
    let witnesses = cosigned.len();
    if witnesses < *quorum {
        tracing::warn!(?log, size, witnesses, quorum, "published with fewer cosignatures than the quorum");
    } else {
        tracing::info!(?log, size, witnesses, "published");
    }
}
