//! What somebody has to do something about, most urgent first; and waiting until there is something new.

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        ids::Digest,
        limits,
        rows::{GrantRow, Held, NoticeRow, RequestRow, Row, Rows as _},
        time::Timestamp,
    },
    store::{Facts, WaitingKey},
    wire::api::{InboxItem, InboxPage, InboxThing, NoticeSummary},
};
use std::time::Duration;

impl Broker {
    /// One page of the caller's inbox, or of their institution's.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] when `after` is no place in an inbox.
    pub fn inbox(&self, caller: &Caller, after: Option<&str>) -> Result<InboxPage, BrokerError> {
        let after = after.map(|text| place(text).ok_or(BrokerError::NotFound)).transpose()?;
        let party = self.viewer(caller)?;
        let now = self.clocks()?.not_passed;
        let keys = self.store.waiting(party, after.as_ref(), now)?;
        let next = if keys.len() < limits::INBOX_ITEMS { None } else { keys.last().map(written) };
        let items: Result<Vec<Option<InboxItem>>, BrokerError> =
            keys.iter().map(|key| self.inbox_item(key, now)).collect();
        Ok(InboxPage { items: items?.into_iter().flatten().collect(), next })
    }

    /// As [`Broker::inbox`], but waits until the page is another one than the caller knows, or the time is over.
    ///
    /// # Errors
    /// As [`Broker::inbox`].
    pub async fn inbox_when_new(
        &self,
        caller: &Caller,
        after: Option<&str>,
        known: Option<Digest>,
        wait: Duration,
    ) -> Result<(InboxPage, Digest), BrokerError> {
        let until = self.clock.stopwatch().saturating_add(wait);
        loop {
            let heads = self.store.heads()?;
            let page = self.inbox(caller, after)?;
            let tag = Digest::of(serde_json::to_string(&page).unwrap_or_default().as_bytes());
            if known != Some(tag) || self.clock.stopwatch() >= until {
                return Ok((page, tag));
            }
            // Looking whether the log has grown costs a hundredth of making the page.
            while self.store.heads()? == heads && self.clock.stopwatch() < until {
                tokio::time::sleep(Duration::from_millis(limits::WAIT_LOOK_MILLISECONDS)).await;
            }
        }
    }

    /// `None` for what was settled between the two reads, and for a notice whose time is over.
    fn inbox_item(&self, key: &WaitingKey, now: Timestamp) -> Result<Option<InboxItem>, BrokerError> {
        let thing = match key.kind.as_str() {
            RequestRow::KIND => {
                let row: Option<Held<RequestRow>> = Facts(&*self.store).read(&key.key)?;
                let (Some(row), Ok(id)) = (row, key.key.parse()) else { return Ok(None) };
                InboxThing::Request(Box::new(self.request_summary(id, row.row)?))
            }
            GrantRow::KIND => {
                let row: Option<Held<GrantRow>> = Facts(&*self.store).read(&key.key)?;
                let (Some(row), Ok(id)) = (row, key.key.parse()) else { return Ok(None) };
                InboxThing::Grant(Box::new(self.grant_summary(id, row.row)?))
            }
            NoticeRow::KIND if now < key.by => {
                let row: Option<Held<NoticeRow>> = Facts(&*self.store).read(&key.key)?;
                let (Some(row), Ok(id)) = (row, key.key.parse::<Digest>()) else { return Ok(None) };
                let NoticeRow { owner, notice, at } = row.row;
                InboxThing::Notice(Box::new(NoticeSummary { id, owner, notice, at }))
            }
            _ => return Ok(None),
        };
        Ok(Some(InboxItem { by: key.by, overdue: key.by <= now, thing }))
    }
}

/// A place in an inbox, as text that says nothing to anybody else.
fn written(key: &WaitingKey) -> String {
    format!("{}.{}.{}", key.by.as_seconds(), key.kind, key.key)
}

fn place(text: &str) -> Option<WaitingKey> {
    let (by, rest) = text.split_once('.')?;
    let (kind, key) = rest.split_once('.')?;
    let by = Timestamp::try_from(by.parse::<u64>().ok()?).ok()?;
    let known = [RequestRow::KIND, GrantRow::KIND, NoticeRow::KIND].contains(&kind);
    let id: Digest = key.parse().ok()?;
    known.then(|| WaitingKey { by, kind: kind.to_owned(), key: id.to_string() })
}
