//! What waits for the writer: two lanes, each with its own bound.
//!
//! What stops things (revocation, ending, shredding) never waits behind, and is never kept out by, anything else. Order
//! within a lane is the order of arrival. The writer takes all that queued while it was busy, without a timer.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Which lane a job waits in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    /// Taken first.
    Stop,
    /// Taken when nothing waits in the other.
    Ordinary,
}

/// Most jobs in each lane.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) stop: usize,
    pub(super) ordinary: usize,
}

/// Makes both ends.
pub(super) fn lanes<T>(bounds: Bounds) -> (Sender<T>, Receiver<T>) {
    let waiting = Waiting { stop: VecDeque::new(), ordinary: VecDeque::new(), open: true };
    let lanes = Arc::new(Lanes { waiting: Mutex::new(waiting), arrived: Condvar::new(), bounds });
    (Sender(lanes.clone()), Receiver(lanes))
}

/// Where jobs come in. Dropping it lets the writer finish what waits and then end.
pub(super) struct Sender<T>(Arc<Lanes<T>>);

/// Where the writer takes them out. Dropping it drops what waits, and refuses what comes.
pub(super) struct Receiver<T>(Arc<Lanes<T>>);

/// The lane is full, or nobody takes jobs any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

struct Lanes<T> {
    waiting: Mutex<Waiting<T>>,
    arrived: Condvar,
    bounds: Bounds,
}

struct Waiting<T> {
    stop: VecDeque<T>,
    ordinary: VecDeque<T>,
    open: bool,
}

impl<T> Lanes<T> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn close(&self) -> MutexGuard<'_, Waiting<T>> {
        let mut waiting = self.waiting();
        waiting.open = false;
        self.arrived.notify_all();
        waiting
    }
}

impl<T> Sender<T> {
    /// Puts a job at the end of its lane.
    pub(super) fn send(&self, lane: Lane, job: T) -> Result<(), NoRoom> {
        let mut waiting = self.0.waiting();
        if !waiting.open {
            return Err(NoRoom);
        }
        let (jobs, bound) = match lane {
            Lane::Stop => (&mut waiting.stop, self.0.bounds.stop),
            Lane::Ordinary => (&mut waiting.ordinary, self.0.bounds.ordinary),
        };
        if jobs.len() >= bound {
            return Err(NoRoom);
        }
        jobs.push_back(job);
        self.0.arrived.notify_one();
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// Waits for work, then takes at most `most` jobs of one lane in its order: those that stop first. `None` when
    /// nothing waits and the sender is gone.
    pub(super) fn take(&self, most: usize) -> Option<Vec<T>> {
        let mut waiting = self.0.waiting();
        while waiting.stop.is_empty() && waiting.ordinary.is_empty() {
            if !waiting.open {
                return None;
            }
            waiting = self.0.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let stops = waiting.stop.len().min(most);
        // What stops has a transaction of its own: nothing a neighbour does can undo it, or make it wait.
        let others = if stops > 0 { 0 } else { waiting.ordinary.len().min(most) };
        let mut taken: Vec<T> = waiting.stop.drain(..stops).collect();
        taken.extend(waiting.ordinary.drain(..others));
        Some(taken)
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        drop(self.0.close());
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Also when the writer dies: whoever waits for an answer learns that none comes.
        let (stops, others) = {
            let mut waiting = self.0.close();
            (std::mem::take(&mut waiting.stop), std::mem::take(&mut waiting.ordinary))
        };
        drop((stops, others));
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Lane, NoRoom, lanes};

    const SMALL: Bounds = Bounds { stop: 2, ordinary: 3 };

    #[test]
    fn what_stops_is_taken_first_and_each_lane_keeps_its_order() {
        let (sender, receiver) = lanes(SMALL);
        for (lane, job) in [(Lane::Ordinary, 1), (Lane::Stop, 2), (Lane::Ordinary, 3), (Lane::Stop, 4)] {
            sender.send(lane, job).unwrap();
        }
        assert_eq!(receiver.take(3), Some(vec![2, 4]));
        assert_eq!(receiver.take(3), Some(vec![1, 3]));
    }

    #[test]
    fn a_full_lane_leaves_the_other_its_room() {
        let (sender, receiver) = lanes(SMALL);
        for job in 0..3 {
            sender.send(Lane::Ordinary, job).unwrap();
        }
        assert_eq!(sender.send(Lane::Ordinary, 3), Err(NoRoom));
        sender.send(Lane::Stop, 4).unwrap();
        sender.send(Lane::Stop, 5).unwrap();
        assert_eq!(sender.send(Lane::Stop, 6), Err(NoRoom));
        assert_eq!(receiver.take(9), Some(vec![4, 5]));
        assert_eq!(receiver.take(9), Some(vec![0, 1, 2]));
        sender.send(Lane::Ordinary, 7).unwrap();
    }

    #[test]
    fn what_waits_is_still_taken_when_the_sender_is_gone() {
        let (sender, receiver) = lanes(SMALL);
        sender.send(Lane::Ordinary, 1).unwrap();
        drop(sender);
        assert_eq!(receiver.take(9), Some(vec![1]));
        assert_eq!(receiver.take(9), None);
    }

    #[test]
    fn what_waits_is_dropped_when_the_receiver_is_gone_and_nothing_more_is_taken() {
        let (sender, receiver) = lanes(SMALL);
        let (job, witness) = std::sync::mpsc::channel::<()>();
        sender.send(Lane::Stop, job).unwrap();
        drop(receiver);
        assert!(witness.recv().is_err());
        assert_eq!(sender.send(Lane::Stop, std::sync::mpsc::channel().0), Err(NoRoom));
    }
}
