//! Who is connected, and who is given up first when there is no room.
//!
//! A connection is given up in this order, the longest waiting first: those that wait for a request (also for the rest
//! of a head), those whose request is half sent, those whose reader is still taking the end of a finished release.
//! Connections at work are never given up. Their number is bounded by `capacity`, below the number of seats, so that a
//! newcomer always finds room: a revocation cannot be kept out by holding connections open.

use crate::model::limits;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};

/// What a connection does, in the order of being given up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Phase {
    /// Waits for a request or the rest of its head.
    Waiting = 0,
    /// A small body is on its way in.
    Receiving = 1,
    /// Everything was written under a grant; its reader has not taken it all.
    Taking = 2,
    /// At work, with a permit.
    Working = 3,
}

/// How far the end of the service has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Service {
    /// Requests are taken.
    Open,
    /// Requests that run are finished; nothing new is taken.
    Ending,
    /// Whoever is still there is cut.
    Over,
}

/// Everybody connected.
pub(super) struct Seats {
    most: usize,
    seated: Mutex<HashMap<u64, Arc<Place>>>,
    turns: AtomicU64,
    /// Sockets not closed yet, those just given up included.
    open: AtomicUsize,
    left: Notify,
    receiving: Semaphore,
    service: watch::Sender<Service>,
    cut: AtomicUsize,
}

/// What the table knows of one connection.
struct Place {
    /// Phase and turn in one number: the smallest is given up first.
    rank: AtomicU64,
    give_way: Notify,
}

const PHASE_SHIFT: u32 = 60;

impl Place {
    fn is_in(&self, phase: Phase) -> bool {
        self.rank.load(Ordering::SeqCst) >> PHASE_SHIFT == phase as u64
    }
}

/// One connection's place; given back when dropped.
pub(super) struct Seat {
    number: u64,
    place: Arc<Place>,
    seats: Arc<Seats>,
}

impl Seats {
    /// Room for `most` connections.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            seated: Mutex::default(),
            turns: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            left: Notify::new(),
            receiving: Semaphore::new(limits::RECEIVING),
            service: watch::Sender::new(Service::Open),
            cut: AtomicUsize::new(0),
        })
    }

    /// Seats a newcomer; somebody gives way when all seats are taken. `None` when everybody is at work.
    pub(super) async fn admit(self: &Arc<Self>) -> Option<Arc<Seat>> {
        // Who gave way closes within moments; until then descriptors are bounded as well.
        while self.open.load(Ordering::SeqCst) >= self.most + limits::LEAVING {
            self.left.notified().await;
        }
        let number = self.turns.fetch_add(1, Ordering::SeqCst);
        let place = Arc::new(Place { rank: AtomicU64::new(rank(Phase::Waiting, number)), give_way: Notify::new() });
        let mut seated = self.seated();
        if seated.len() >= self.most {
            give_up(&mut seated, Phase::Taking)?;
        }
        seated.insert(number, place.clone());
        self.open.fetch_add(1, Ordering::SeqCst);
        Some(Arc::new(Seat { number, place, seats: self.clone() }))
    }

    /// Gives up the connection that comes first, for want of something else than seats.
    pub(super) fn make_room(&self) {
        give_up(&mut self.seated(), Phase::Taking);
    }

    /// How far the end has come, to be watched.
    pub(super) fn service(&self) -> watch::Receiver<Service> {
        self.service.subscribe()
    }

    /// Lets requests finish until `within` is over, then cuts; returns how many were cut.
    pub(super) async fn end(&self, within: Duration) -> usize {
        self.service.send_replace(Service::Ending);
        if tokio::time::timeout(within, self.empty()).await.is_err() {
            self.service.send_replace(Service::Over);
            // A cut is a matter of moments; whatever does not even manage that ends with the process.
            drop(tokio::time::timeout(Duration::from_secs(1), self.empty()).await);
        }
        self.cut.load(Ordering::SeqCst)
    }

    async fn empty(&self) {
        while self.open.load(Ordering::SeqCst) > 0 {
            self.left.notified().await;
        }
    }

    fn seated(&self) -> MutexGuard<'_, HashMap<u64, Arc<Place>>> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rank(phase: Phase, turn: u64) -> u64 {
    (phase as u64) << PHASE_SHIFT | turn
}

/// Gives up who comes first, if they are in `latest` or a phase before it.
fn give_up(seated: &mut HashMap<u64, Arc<Place>>, latest: Phase) -> Option<()> {
    let ranks = seated.iter().map(|(number, place)| (place.rank.load(Ordering::SeqCst), *number));
    let (_, number) = ranks.min().filter(|(first, _)| *first < rank(latest, 0) + (1 << PHASE_SHIFT))?;
    seated.remove(&number)?.give_way.notify_one();
    Some(())
}

impl Seat {
    /// Waits for a request from now on.
    pub(super) fn waits(&self) {
        self.enter(Phase::Waiting);
    }
    /// Works from now on; a permit is held.
    pub(super) fn works(&self) {
        self.enter(Phase::Working);
    }
    /// Its reader takes the end of a release.
    pub(super) fn is_taken_from(&self) {
        self.enter(Phase::Taking);
    }
    /// A small body comes in while the permit is held. There is always one: the oldest half-sent request gives way.
    pub(super) async fn receives(&self) -> Option<SemaphorePermit<'_>> {
        self.enter(Phase::Receiving);
        if let Ok(permit) = self.seats.receiving.try_acquire() {
            return Some(permit);
        }
        self.seats.give_up_receiving();
        self.seats.receiving.acquire().await.ok()
    }
    /// Whether nothing runs on it.
    pub(super) fn is_waiting(&self) -> bool {
        self.place.is_in(Phase::Waiting)
    }
    /// Ends when somebody else needs the seat more.
    pub(super) async fn given_up(&self) {
        self.place.give_way.notified().await;
    }
    /// Says that it was cut at the end of the service.
    pub(super) fn was_cut(&self) {
        self.seats.cut.fetch_add(1, Ordering::SeqCst);
    }
    /// How far the end of the service has come.
    pub(super) fn service(&self) -> watch::Receiver<Service> {
        self.seats.service()
    }

    fn enter(&self, phase: Phase) {
        let turn = self.seats.turns.fetch_add(1, Ordering::SeqCst);
        self.place.rank.store(rank(phase, turn), Ordering::SeqCst);
    }
}

impl Seats {
    /// The oldest half-sent request gives way to a newer one.
    fn give_up_receiving(&self) {
        let mut seated = self.seated();
        let receiving = seated.iter().filter(|(_, place)| place.is_in(Phase::Receiving));
        let oldest = receiving.min_by_key(|(_, place)| place.rank.load(Ordering::SeqCst)).map(|(number, _)| *number);
        if let Some(place) = oldest.and_then(|number| seated.remove(&number)) {
            place.give_way.notify_one();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.seated().remove(&self.number);
        self.seats.open.fetch_sub(1, Ordering::SeqCst);
        self.seats.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::{Seat, Seats};
    use std::{pin::pin, sync::Arc, task};

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut task::Context::from_waker(task::Waker::noop())) {
            task::Poll::Ready(value) => Some(value),
            task::Poll::Pending => None,
        }
    }
    fn newcomer(seats: &Arc<Seats>) -> Option<Arc<Seat>> {
        now(seats.admit()).unwrap()
    }
    fn gave_way(seat: &Seat) -> bool {
        now(seat.given_up()).is_some()
    }

    #[test]
    fn the_longest_waiting_gives_way_and_nobody_at_work() {
        let seats = Seats::new(4);
        let [working, old, taking, young] = std::array::from_fn(|_| newcomer(&seats).unwrap());
        working.works();
        taking.is_taken_from();
        let fifth = newcomer(&seats).unwrap();
        assert!(gave_way(&old));
        young.works();
        fifth.works();
        let sixth = newcomer(&seats).unwrap();
        assert!(gave_way(&taking));
        sixth.works();
        assert!(newcomer(&seats).is_none());
        assert!(![&working, &young, &fifth, &sixth].into_iter().any(|seat| gave_way(seat)));
        working.waits();
        newcomer(&seats).unwrap();
        assert!(gave_way(&working));
    }

    #[test]
    fn who_waits_gives_way_before_who_sends_and_who_sends_before_who_takes() {
        let seats = Seats::new(3);
        let [taking, sending, waiting] = std::array::from_fn(|_| newcomer(&seats).unwrap());
        taking.is_taken_from();
        let _permit = now(sending.receives()).unwrap();
        let fourth = newcomer(&seats).unwrap();
        assert!(gave_way(&waiting) && !gave_way(&sending));
        fourth.works();
        newcomer(&seats).unwrap().works();
        assert!(gave_way(&sending) && !gave_way(&taking));
    }

    #[test]
    fn a_seat_that_is_left_is_free() {
        let seats = Seats::new(1);
        let first = newcomer(&seats).unwrap();
        first.works();
        assert!(newcomer(&seats).is_none());
        drop(first);
        assert!(newcomer(&seats).is_some());
    }
}
