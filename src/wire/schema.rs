//! How values that are text or a number on the wire are described to other people's programs (JSON Schema 2020-12).
//!
//! What is an object describes itself by a derive at its type. Here stands what is parsed by hand there: the patterns
//! below say the same as those parsers, and the tests of the OpenAPI document hold real answers against them.

use super::api::Bytes;
use crate::model::{
    ids::{AgeRecipient, Digest, GrantId, KeyId, PartyId, PublicKey, ReleaseId, ReportId, RequestId, UploadId},
    limits,
    purpose::Purpose,
    report::Tier,
    statement::Text,
    time::{MAX_SECONDS, Timestamp},
};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Type,
        schema::{Object, ObjectBuilder, Schema},
    },
};

/// Lower-case hexadecimal, 32 bytes.
const HEX_32: &str = "^[0-9a-f]{64}$";
/// Unpadded base64url, 32 bytes: the last character has two unused bits, which are zero.
const BASE64URL_32: &str = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";

/// A type, the pattern of its text, and what it is.
macro_rules! texts {
    ($($name:ident, $pattern:expr, $description:expr;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($description).pattern(Some($pattern)).build().into()
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

texts! {
    Digest, HEX_32, "A SHA-256 digest, 64 lower-case hexadecimal characters.";
    ReportId, HEX_32, "A report: the digest of its report statement.";
    GrantId, HEX_32, "A grant: the digest of its statement.";
    ReleaseId, HEX_32, "A release: the digest of the release-request it answers.";
    RequestId, HEX_32, "An access request: the digest of its statement.";
    KeyId, BASE64URL_32, "The RFC 7638 thumbprint of an Ed25519 signing key.";
    PartyId, BASE64URL_32, "A party: the thumbprint of its first signing key.";
    PublicKey, BASE64URL_32, "An Ed25519 public key, 32 bytes in unpadded base64url.";
    UploadId, "^[A-Za-z0-9_-]{21}[AQgw]$", "An upload on its way: 16 bytes in unpadded base64url.";
    Bytes, "^[A-Za-z0-9_-]*$", "Bytes as unpadded base64url.";
    AgeRecipient, "^age1[02-9ac-hj-np-z]{58}$", "An X25519 age recipient.";
    Purpose, "^[a-z-]{3,64}$", "The id of a purpose in the broker's taxonomy.";
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn whole_number(least: u64, most: u64, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
        .description(Some(description))
        .build()
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        whole_number(0, MAX_SECONDS, "Seconds since 1970-01-01T00:00:00Z.").into()
    }
}
impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Timestamp")
    }
}

impl PartialSchema for Tier {
    fn schema() -> RefOr<Schema> {
        whole_number(1, 4, "Sensitivity of a report: 1 low to 4 highest.").into()
    }
}
impl ToSchema for Tier {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Tier")
    }
}

impl PartialSchema for Text {
    fn schema() -> RefOr<Schema> {
        let words = "A short text for people, without control or direction-changing characters.";
        text(words).min_length(Some(1)).max_length(Some(limits::TEXT_CHARS)).build().into()
    }
}
impl ToSchema for Text {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Text")
    }
}
