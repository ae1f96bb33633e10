//! What this person, or their institution, has to do something about: fetched whole, most urgent first, and waited for.

use super::{
    accounting::terms_of,
    desk::{Desk, DeskError},
};
use crate::{
    model::limits,
    wire::api::{InboxItem, InboxPage, InboxThing, NoticeSummary},
};

/// An inbox as it was at one moment.
pub struct Inbox {
    /// What is to be done, most urgent first.
    pub items: Vec<InboxItem>,
    /// What the broker calls this state of it, to wait for another one.
    pub tag: Option<String>,
    /// Whether there was more than is read at once.
    pub more: bool,
}

impl Desk {
    /// The inbox, as far as one reads it at once.
    ///
    /// # Errors
    /// [`DeskError::Forged`] when the broker shows a request nobody signed; [`DeskError`].
    pub fn inbox(&mut self) -> Result<Inbox, DeskError> {
        let first = self.remote.fetch_changed(PATH, None, 0, self.signed_in())?;
        let first =
            first.ok_or_else(|| DeskError::refused("the broker says that nothing is new, and was not asked that"))?;
        self.whole(first)
    }

    /// The inbox once it is another one than `tag`, or `None` when it still is that one after so many seconds; the broker
    /// waits no longer than it promises to.
    ///
    /// # Errors
    /// As [`Desk::inbox`].
    pub fn inbox_after(&mut self, tag: Option<&str>, seconds: u64) -> Result<Option<Inbox>, DeskError> {
        let seconds = seconds.min(limits::WAIT_SECONDS);
        let first = self.remote.fetch_changed(PATH, tag, seconds, self.signed_in())?;
        first.map(|first| self.whole(first)).transpose()
    }

    /// Notices to this institution whose time is not over.
    ///
    /// # Errors
    /// As [`Desk::inbox`].
    pub fn notices(&mut self) -> Result<Vec<NoticeSummary>, DeskError> {
        let notice = |item: InboxItem| match item.thing {
            InboxThing::Notice(notice) => Some(*notice),
            InboxThing::Request(_) | InboxThing::Grant(_) => None,
        };
        Ok(self.inbox()?.items.into_iter().filter_map(notice).collect())
    }

    fn whole(&mut self, (first, tag): (InboxPage, Option<String>)) -> Result<Inbox, DeskError> {
        let InboxPage { mut items, mut next } = first;
        for _ in 1..limits::INBOX_PAGES {
            let Some(after) = next.take() else { break };
            let page: InboxPage = self.remote.fetch(&format!("{PATH}?after={after}"), self.signed_in())?;
            items.extend(page.items);
            next = page.next;
        }
        for item in &items {
            match &item.thing {
                InboxThing::Request(request) => self.is_asked(request)?,
                InboxThing::Grant(grant) => drop(terms_of(grant)?),
                InboxThing::Notice(_) => {}
            }
        }
        Ok(Inbox { items, tag, more: next.is_some() })
    }
}

const PATH: &str = "/v1/inbox";
