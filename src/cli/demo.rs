//! `demo`: the whole story on one machine, over real HTTP with real keys. No threshold, clock or policy is relaxed; one
//! person plays everybody, and the account says so.

pub mod cast;
mod serving;
mod story;

use super::{
    embedded::{Places, Running},
    output::{Failure, Out},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Play the whole story on this machine: seal, grant, release, open, withdraw, audit.
#[derive(Args)]
#[command(after_help = "Examples:\n  amana demo\n  amana demo --dir /tmp/story photo.jpg statement.odt\n  amana demo --dir /tmp/story --serve")]
pub(super) struct Arguments {
    /// Folder for everything the demo makes; must not exist. By default a fresh temporary folder.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Leave the broker running afterwards, until interrupted.
    #[arg(long)]
    serve: bool,
    /// Files and folders to share; by default a fictional case.
    files: Vec<PathBuf>,
}

/// What the demo leaves in its folder.
pub(super) struct Stage {
    pub(super) dir: PathBuf,
}

impl Stage {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let stage = Stage { dir: folder(arguments.dir.as_deref())? };
    let words = |e: String| Failure::does_not_hold(format!("the demo failed: {e}"));
    let mut cast = cast::Cast::found(&stage.dir).map_err(words)?;
    let broker = Running::start_on("127.0.0.1:0", Places::under(&stage.path("broker")), None)?;
    story::play(&mut cast, &broker.url(), &stage, &arguments.files, out)?;
    if arguments.serve {
        serving::hold(&mut cast, &broker, &stage, out)?;
    }
    Ok(())
}

fn folder(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    use crate::model::ambient::Entropy as _;
    let path = asked.map_or_else(
        || {
            let name = hex::encode(super::ambient::SystemEntropy::new().bytes::<6>());
            std::env::temp_dir().join(format!("amana-demo-{name}"))
        },
        Path::to_owned,
    );
    if path.exists() {
        return Err(Failure::refused(format!(
            "{} is there already; name a folder that does not exist, or leave --dir out",
            path.display()
        )));
    }
    super::founding::make_folder(&path).map_err(Failure::refused)?;
    Ok(path)
}
