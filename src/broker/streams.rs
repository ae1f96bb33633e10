//! Running streams: which connections carry bytes of which grant, and how they are cut.
//!
//! A connection is registered before its release is committed and stays registered until it closes. After a normal
//! close the kernel would still send megabytes from its buffers, so a cut is a reset (`SO_LINGER` 0), and the cutter
//! waits until the socket is gone.

use crate::model::{
    ids::{GrantId, PartyId, ReportId},
    view::ReleaseView,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;

/// One connection's handle, made by the accept loop.
#[derive(Clone)]
pub struct Connection {
    state: Arc<watch::Sender<State>>,
    carries: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum State {
    Open,
    Resetting,
    Closed,
}

impl Default for Connection {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::Open)), carries: Arc::default() }
    }
}

impl Connection {
    /// Asks the accept loop to reset the socket.
    pub fn reset(&self) {
        self.state.send_if_modified(|state| {
            let open = *state == State::Open;
            if open {
                *state = State::Resetting;
            }
            open
        });
    }
    /// Waits until somebody asks for a reset.
    pub async fn reset_asked(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        drop(self.state.subscribe().wait_for(|state| *state >= State::Resetting).await);
    }
    /// Says that the socket is gone.
    pub fn closed(&self) {
        self.state.send_replace(State::Closed);
    }
    /// Whether a reset was asked for.
    pub fn is_reset(&self) -> bool {
        *self.state.borrow() == State::Resetting
    }
    /// Whether it carries, or may have carried, bytes of a grant.
    pub fn carries(&self) -> bool {
        self.carries.load(Ordering::SeqCst)
    }
    /// Waits until the socket is gone.
    pub async fn gone(&self) {
        drop(self.state.subscribe().wait_for(|state| *state == State::Closed).await);
    }
    fn is_closed(&self) -> bool {
        *self.state.borrow() == State::Closed
    }
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }
}

/// Connections by the grant whose bytes they carry.
#[derive(Default)]
pub(super) struct Streams {
    running: Mutex<HashMap<GrantId, Running>>,
}

struct Running {
    institution: PartyId,
    owners: BTreeSet<PartyId>,
    report: ReportId,
    connections: Vec<Connection>,
}

impl Streams {
    /// Notes that a connection carries bytes of a grant.
    pub(super) fn register(&self, grant: GrantId, view: &ReleaseView, connection: &Connection) {
        connection.carries.store(true, Ordering::SeqCst);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() > GRANTS_BEFORE_TIDYING {
            running.retain(|_, stream| !stream.connections.iter().all(Connection::is_closed));
        }
        let stream = running.entry(grant).or_insert(Running {
            institution: view.grant().grant.institution,
            owners: BTreeSet::new(),
            report: view.grant().grant.report,
            connections: Vec::new(),
        });
        stream.owners.extend([view.grant().owner, view.report().owner]);
        stream.connections.retain(|open| !open.is_closed());
        if !stream.connections.iter().any(|open| open.is(connection)) {
            stream.connections.push(connection.clone());
        }
    }

    /// Resets every connection that carries bytes of a grant; returns when they are gone, with their number.
    pub(super) async fn reset_grant(&self, grant: GrantId) -> u32 {
        self.reset(|of, _| *of == grant).await
    }

    /// Resets every connection that carries bytes to an institution.
    pub(super) async fn reset_institution(&self, institution: PartyId) -> u32 {
        self.reset(|_, stream| stream.institution == institution).await
    }

    /// Resets every connection that carries bytes of a party's reports, or under a grant of theirs. `inherited` are reports
    /// that have become theirs, maybe since a delivery began.
    pub(super) async fn reset_owner(&self, owner: PartyId, inherited: &BTreeSet<ReportId>) -> u32 {
        self.reset(|_, stream| stream.owners.contains(&owner) || inherited.contains(&stream.report)).await
    }

    /// Reports of which bytes may be on their way.
    pub(super) fn reports(&self) -> BTreeSet<ReportId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let open = running.values().filter(|stream| !stream.connections.iter().all(Connection::is_closed));
        open.map(|stream| stream.report).collect()
    }

    /// Resets every connection that carries bytes of a report.
    pub(super) async fn reset_report(&self, report: ReportId) -> u32 {
        self.reset(|_, stream| stream.report == report).await
    }

    async fn reset(&self, which: impl Fn(&GrantId, &Running) -> bool) -> u32 {
        let hit: Vec<Connection> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let streams = running.iter().filter(|(grant, stream)| which(grant, stream));
            streams.flat_map(|(_, stream)| &stream.connections).filter(|c| !c.is_closed()).cloned().collect()
        };
        for connection in &hit {
            connection.reset();
        }
        for connection in &hit {
            connection.gone().await;
        }
        u32::try_from(hit.len()).unwrap_or(u32::MAX)
    }
}

/// Grants remembered before those without an open connection are forgotten.
const GRANTS_BEFORE_TIDYING: usize = 4096;
