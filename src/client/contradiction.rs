//! A broker that contradicts what it signed is shown its own checkpoints. From then on it can only revoke.

use super::{
    desk::{Desk, DeskError},
    remote::{As, RemoteError},
};
use crate::wire::problem::ProblemType;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Evidence<'a> {
    checkpoint: &'a str,
}

#[derive(Deserialize)]
struct Judged {
    consistent: bool,
}

impl Desk {
    /// Takes trouble for what it is. Where a log that was set back or forked can be behind it, the broker is shown both
    /// checkpoints this device keeps; if it has to admit that one is none of its log's, that is what the person is told.
    pub(in crate::client) fn held_against(&self, error: impl Into<DeskError>) -> DeskError {
        let error = error.into();
        if !may_contradict(&error) {
            return error;
        }
        let kept = [&self.memory.register_checkpoint, &self.memory.case_checkpoint];
        let contradicted = kept.into_iter().flatten().filter(|note| self.contradicts(note)).count() > 0;
        if contradicted { DeskError::Fork } else { error }
    }

    fn contradicts(&self, checkpoint: &str) -> bool {
        let shown: Result<Judged, RemoteError> =
            self.remote.submit("POST", "/v1/evidence", &Evidence { checkpoint }, As::Anybody);
        shown.is_ok_and(|judged| !judged.consistent)
    }
}

fn may_contradict(error: &DeskError) -> bool {
    match error {
        DeskError::Fork | DeskError::Mirror(_) => true,
        DeskError::Remote(error) => error.problem().is_some_and(|problem| problem.is(ProblemType::Conflict)),
        _ => false,
    }
}
