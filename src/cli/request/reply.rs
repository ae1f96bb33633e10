//! Which request is answered, which of its items, and to whom words about it go.

use crate::{
    client::answering::Reply,
    model::{ids::RequestId, purpose::Purpose},
};
use clap::Args;

/// What a refusal and a question have in common.
#[derive(Args)]
pub(super) struct ReplyArguments {
    /// The request.
    pub(super) request: RequestId,
    /// Only this item of it; may be given several times. By default everything that can still be answered.
    #[arg(long = "purpose", value_name = "PURPOSE", value_delimiter = ',')]
    purposes: Vec<Purpose>,
    /// The unit that reads your message; needed only where the asking officer's unit cannot and there are several.
    #[arg(long)]
    unit: Option<String>,
}

impl ReplyArguments {
    /// With a message, if there is one.
    pub(super) fn reply(&self, message: Option<&str>) -> Reply {
        Reply { purposes: self.purposes.clone(), message: message.map(str::to_owned), unit: self.unit.clone() }
    }
}

/// Purposes in one line.
pub(super) fn listed(purposes: &[Purpose]) -> String {
    purposes.iter().map(Purpose::as_str).collect::<Vec<_>>().join(", ")
}
