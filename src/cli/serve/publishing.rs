//! `serve --publish-every`, `--witness`: when everybody sees the logs move, and who is asked to cosign.

use crate::{
    broker::{Publishing, Witnesses},
    cli::{courier::HttpCourier, output::Failure},
    model::{limits, time::Duration},
};
use clap::Args;
use std::sync::Arc;

/// When the logs are published, and who cosigns them.
#[derive(Args)]
pub(super) struct Published {
    /// Minutes between two publications of both logs. In between, the public sees nothing move; at each, the case log is
    /// padded so that its growth says little.
    #[arg(long, value_name = "MINUTES", default_value_t = limits::PUBLISH_EVERY.as_seconds() / 60, env = "AMANA_PUBLISH_EVERY",
          value_parser = clap::value_parser!(u64).range(1..=limits::PUBLISH_EVERY_MOST.as_seconds() / 60))]
    publish_every: u64,
    /// Where a witness named in genesis takes checkpoints, as NAME=URL; once for each.
    #[arg(long = "witness", value_name = "NAME=URL", value_parser = place)]
    witnesses: Vec<(String, String)>,
}

impl Published {
    /// Whether no witness is named.
    pub(super) fn asks_nobody(&self) -> bool {
        self.witnesses.is_empty()
    }

    pub(super) fn publishing(&self) -> Result<Publishing, Failure> {
        let mut names: Vec<&str> = self.witnesses.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.array_windows().find(|[a, b]| a == b) {
            let [name, _] = twice;
            return Err(Failure::refused(format!("--witness names {name} twice; one address each")));
        }
        let courier = Arc::new(HttpCourier::new());
        let asked = Witnesses { courier, places: self.witnesses.clone() };
        Ok(Publishing {
            every: Some(Duration::from_seconds(self.publish_every * 60)),
            witnesses: (!self.witnesses.is_empty()).then_some(asked),
        })
    }
}

fn place(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && url.contains("://") => Ok((name.to_owned(), url.to_owned())),
        _ => Err("NAME=URL, such as witness.example=https://witness.example/amana".to_owned()),
    }
}
