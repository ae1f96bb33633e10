//! Making counts fit to be published.
//!
//! Counts below five are withheld. That alone does not hide them: whoever knows that five withheld counts make up 20 or
//! more knows each of them. So the numbers of a report are laid out as a network in which every count is a flow: what
//! flows into a sum flows out of it again, broken down in another way. What a reader can know is the least and the most
//! that can flow through a count while every other stays within its band; that is found exactly, by looking for ways
//! around. Where a withheld count could be fewer than three of the numbers from one to four, a breakdown is left out or a
//! count is not given until it could be three. `docs/decisions/0028-…` says why it is done this way and not by hiding a second count in each row.

use super::{
    bands::Band,
    cells::{By, Cell, Measure},
    tally::{GRANTED_ROW, Tally},
};
use crate::model::limits;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

/// What may be told.
pub struct Published {
    bands: BTreeMap<Cell, Band>,
    left_out: BTreeSet<(By, Measure)>,
}

impl Published {
    /// The band of a count; nothing is known of what was never counted.
    pub fn band(&self, cell: Cell) -> Band {
        self.bands.get(&cell).copied().unwrap_or(Band::NotGiven)
    }
    /// Whether a whole breakdown is left out.
    pub fn is_left_out(&self, by: By, measure: Measure) -> bool {
        self.left_out.contains(&(by, measure))
    }
}

/// Decides what may be told.
pub fn protect(tally: &Tally) -> Published {
    let mut net = Net::of(tally);
    for measure in Measure::TOLD {
        let cell = Cell { by: By::All, row: 0, measure };
        if !whole_may_be_told(tally, measure) {
            net.open(|edge| edge == cell);
        }
    }
    let withheld: Vec<usize> = (0..net.edges.len()).filter(|index| net.is_withheld(*index)).collect();
    let mut left_out = BTreeSet::new();
    for index in withheld {
        while let Some((cell, cut)) = net.bound(index) {
            give_way(&mut net, &mut left_out, cell, &cut);
        }
    }
    let band = |edge: &Edge| edge.cell.map(|cell| (cell, if edge.open { Band::NotGiven } else { Band::of(edge.flow) }));
    Published { bands: net.edges.iter().filter_map(band).collect(), left_out }
}

/// How far from each other the least and the greatest number are that a withheld count has to be able to be.
const ROOM: u64 = limits::WITHHELD_NUMBERS - 1;

/// Whether telling the whole, whichever of its possible bands it is, leaves every withheld count beneath its room. It
/// is decided from what is published alone, so that leaving it out says nothing either.
fn whole_may_be_told(tally: &Tally, measure: Measure) -> bool {
    let bands: Vec<Band> = tally.column(By::Institution, measure).map(|(_, count)| Band::of(count)).collect();
    if !bands.contains(&Band::Withheld) {
        return true;
    }
    let sum = |end: fn((u64, u64)) -> u64| bands.iter().fold(0_u64, |sum, band| sum.saturating_add(end(band.range())));
    let (least, most) = (sum(|range| range.0), sum(|range| range.1));
    let (below, above) = (Band::of(least).range().1, Band::of(most).range().0);
    below >= least.saturating_add(ROOM) && above <= most.saturating_sub(ROOM)
}

/// Gives up something so that the count at the bounds gets more room. A breakdown that shows too much itself is left out;
/// an institution's count makes others give way: numbers before zeros, sums and breakdowns before what institutions did.
fn give_way(net: &mut Net, left_out: &mut BTreeSet<(By, Measure)>, cell: Cell, cut: &[(Cell, u64)]) {
    let mut gives = cell;
    if cell.by == By::Institution {
        let near = |(other, _): &&(Cell, u64)| {
            other.measure.family() == cell.measure.family() && other.measure != Measure::OwedBefore
        };
        let order = |(other, count): &&(Cell, u64)| {
            (*count == 0, other.by, other.row != cell.row, Reverse(other.measure), other.row)
        };
        gives = cut.iter().filter(near).min_by_key(order).map_or(cell, |(other, _)| *other);
    }
    if matches!(gives.by, By::All | By::Institution) {
        net.open(|edge| edge == gives);
    } else {
        left_out.insert((gives.by, gives.measure));
        net.open(|edge| (edge.by, edge.measure) == (gives.by, gives.measure));
    }
}

/// One count, or one sum that is nowhere told.
#[derive(Clone)]
struct Edge {
    from: usize,
    to: usize,
    flow: u64,
    cell: Option<Cell>,
    /// Nothing is told of it.
    open: bool,
}

impl Edge {
    /// What a reader knows of it.
    fn range(&self) -> (u64, u64) {
        if self.open { Band::NotGiven.range() } else { Band::of(self.flow).range() }
    }
}

/// Where cases come from and go to.
const OUTSIDE: usize = 0;

/// Every count of a report, and how they hang together.
struct Net {
    // INVARIANT: at every node but OUTSIDE as much flows in as out; each flow lies within what is told of it.
    edges: Vec<Edge>,
    /// Edges at each node.
    at: Vec<Vec<usize>>,
}

impl Net {
    fn of(tally: &Tally) -> Self {
        let mut net = Self { edges: Vec::new(), at: vec![Vec::new()] };
        for measure in [Measure::Denials, Measure::Withdrawn, Measure::HandedBack, Measure::Ended, Measure::Overdue] {
            let end = net.chain(tally, measure, OUTSIDE, &[By::All, By::Institution]);
            net.close(tally, measure, end);
        }
        net.requests_and_grants(tally);
        net.releases_and_acknowledgements(tally);
        net
    }

    fn node(&mut self) -> usize {
        self.at.push(Vec::new());
        self.at.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, flow: u64, cell: Option<Cell>) {
        let index = self.edges.len();
        for node in [from, to] {
            if let Some(at) = self.at.get_mut(node) {
                at.push(index);
            }
        }
        self.edges.push(Edge { from, to, flow, cell, open: cell.is_none() });
    }

    /// The same cases broken down in one way: side by side from one node to another.
    fn breakdown(&mut self, tally: &Tally, by: By, measure: Measure, from: usize, to: usize) {
        let column: Vec<_> = tally.column(by, measure).collect();
        for (cell, count) in column {
            self.edge(from, to, count, Some(cell));
        }
    }

    /// The same cases broken down in several ways, one after the other; answers the node behind them.
    fn chain(&mut self, tally: &Tally, measure: Measure, from: usize, ways: &[By]) -> usize {
        ways.iter().filter(|by| tally.len(**by) > 0).fold(from, |from, by| {
            let to = self.node();
            self.breakdown(tally, *by, measure, from, to);
            to
        })
    }

    /// The breakdowns of a measure from `from` to the outside.
    fn close(&mut self, tally: &Tally, measure: Measure, from: usize) {
        let end = self.chain(tally, measure, from, measure.breakdowns());
        let sum = tally.column(By::Institution, measure).map(|(_, count)| count).sum();
        self.edge(end, OUTSIDE, sum, None);
    }

    /// A request that was answered by a grant is one of the grants.
    fn requests_and_grants(&mut self, tally: &Tally) {
        let asked = self.chain(tally, Measure::Requests, OUTSIDE, &[By::All, By::Institution, By::Purpose, By::Month]);
        let granting = self.node();
        let replies: Vec<_> = tally.column(By::Reply, Measure::Requests).collect();
        for (cell, count) in replies {
            let to = if cell.row == GRANTED_ROW { granting } else { OUTSIDE };
            self.edge(asked, to, count, Some(cell));
        }
        let answered = tally.count(By::Reply, GRANTED_ROW, Measure::Requests);
        let grants = tally.count(By::All, 0, Measure::Grants);
        self.edge(OUTSIDE, granting, grants.saturating_sub(answered), None);
        let end = self.chain(tally, Measure::Grants, granting, &[By::All, By::Institution]);
        self.close(tally, Measure::Grants, end);
    }

    /// At each institution, what was owed before and what was released is acknowledged or still owed.
    fn releases_and_acknowledgements(&mut self, tally: &Tally) {
        let released = self.chain(tally, Measure::Releases, OUTSIDE, &[By::All, By::Month, By::Purpose]);
        let answers = [Measure::Opened, Measure::Defect, Measure::Owed].map(|measure| (measure, self.node()));
        for row in 0..tally.len(By::Institution) {
            let cell =
                |measure| (Cell { by: By::Institution, row, measure }, tally.count(By::Institution, row, measure));
            let desk = self.node();
            for (measure, from) in [(Measure::Releases, released), (Measure::OwedBefore, OUTSIDE)] {
                let (cell, count) = cell(measure);
                self.edge(from, desk, count, Some(cell));
            }
            for (measure, to) in answers {
                let (cell, count) = cell(measure);
                self.edge(desk, to, count, Some(cell));
            }
        }
        let acknowledged = self.node();
        for (measure, from) in answers {
            let to = if measure == Measure::Owed { OUTSIDE } else { acknowledged };
            self.breakdown(tally, By::All, measure, from, to);
        }
        self.breakdown(tally, By::Wait, Measure::Answered, acknowledged, OUTSIDE);
    }

    fn is_withheld(&self, index: usize) -> bool {
        self.edges.get(index).is_some_and(|edge| edge.range() == Band::Withheld.range())
    }

    /// Stops telling some of the counts.
    fn open(&mut self, which: impl Fn(Cell) -> bool) {
        for edge in &mut self.edges {
            edge.open |= edge.cell.is_some_and(&which);
        }
    }

    /// Whether a reader can know too much of a withheld count: then the counts that tell.
    fn bound(&self, index: usize) -> Option<(Cell, Vec<(Cell, u64)>)> {
        let edge = self.edges.get(index)?;
        let cell = edge.cell?;
        if !self.is_withheld(index) {
            return None;
        }
        let (least, most) = edge.range();
        // More through the edge has to come back some other way from its end to its begin; less has to go around it.
        let (up, mut cut) = self.around(index, edge.to, edge.from, most.saturating_sub(edge.flow));
        let (down, more) = self.around(index, edge.from, edge.to, edge.flow.saturating_sub(least));
        cut.extend(more);
        (up.saturating_add(down) < ROOM).then_some((cell, cut))
    }

    /// How many of `wanted` cases can be sent from one node to another without the edge `without`, and the counts in the
    /// way of the rest. (Ford and Fulkerson: while more can be sent there is a way on which one more can.)
    fn around(&self, without: usize, from: usize, to: usize, wanted: u64) -> (u64, Vec<(Cell, u64)>) {
        let mut edges = self.edges.clone();
        for sent in 0..wanted {
            let ways = self.ways(&edges, without, from);
            if !ways.contains_key(&to) {
                let reached = |node: usize| node == from || ways.contains_key(&node);
                let crosses = |edge: &&Edge| reached(edge.from) != reached(edge.to) && !edge.open;
                let between =
                    self.edges.iter().enumerate().filter(|(index, _)| *index != without).map(|(_, edge)| edge);
                let cut = between.filter(crosses).filter_map(|edge| edge.cell.map(|cell| (cell, edge.flow)));
                return (sent, cut.collect());
            }
            let mut node = to;
            while let Some((index, before)) = ways.get(&node).copied().filter(|_| node != from) {
                if let Some(edge) = edges.get_mut(index) {
                    edge.flow = if edge.to == node { edge.flow.saturating_add(1) } else { edge.flow.saturating_sub(1) };
                }
                node = before;
            }
        }
        (wanted, Vec::new())
    }

    /// Every node one more case can be sent to, with the edge and the node it comes by.
    fn ways(&self, edges: &[Edge], without: usize, from: usize) -> BTreeMap<usize, (usize, usize)> {
        let mut ways = BTreeMap::new();
        let mut next = VecDeque::from([from]);
        while let Some(node) = next.pop_front() {
            for index in self.at.get(node).into_iter().flatten().copied().filter(|index| *index != without) {
                // What is told of an edge is told of what it truly carries, not of what is tried here.
                let (Some(edge), Some(told)) = (edges.get(index), self.edges.get(index)) else { continue };
                let (least, most) = told.range();
                let to = if edge.from == node && edge.flow < most {
                    edge.to
                } else if edge.to == node && edge.flow > least {
                    edge.from
                } else {
                    continue;
                };
                if to != from && !ways.contains_key(&to) {
                    ways.insert(to, (index, node));
                    next.push_back(to);
                }
            }
        }
        ways
    }
}

#[cfg(test)]
mod tests;
