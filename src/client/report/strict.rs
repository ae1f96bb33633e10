//! Strict JSON: one spelling per value, no key twice.
//!
//! Derived structs already refuse a repeated field. Maps and free objects silently keep the last one, which
//! lets two readers see two different consents; the helpers here refuse it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Reads a map and refuses a key that stands twice. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// The key that is repeated.
pub fn unique_map<'de, D, V>(from: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    from.deserialize_map(UniqueMap(PhantomData))
}

/// Reads the format version and refuses any but 1. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// The version found.
pub fn version_one<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        1 => Ok(1),
        other => Err(D::Error::custom(format_args!("version {other} is not known; only 1 is"))),
    }
}

/// A JSON object kept byte for byte, in which no key stands twice at any depth.
#[derive(Clone, Debug)]
pub struct FreeObject(
    // INVARIANT: an object without repeated keys; the only maker is `Deserialize`.
    Box<RawValue>,
);

impl FreeObject {
    /// The object's text, exactly as written.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for FreeObject {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Serialize for FreeObject {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for FreeObject {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        if !raw.get().trim_start().starts_with('{') {
            return Err(D::Error::custom("expected a JSON object"));
        }
        serde_json::from_str::<NoRepeats>(raw.get()).map_err(D::Error::custom)?;
        Ok(Self(raw))
    }
}

/// Values written as text with exactly one spelling. For `#[serde(with)]`.
pub mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    /// Writes the value's text.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn serialize<S: Serializer, T: Display>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    /// Reads the text and refuses any spelling we would not write.
    ///
    /// # Errors
    /// The text is not such a value, or is spelt another way.
    pub fn deserialize<'de, D, T>(from: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr + Display,
        T::Err: Display,
    {
        let text = String::deserialize(from)?;
        let value: T = text.parse().map_err(|why| D::Error::custom(format_args!("\u{201c}{text}\u{201d}: {why}")))?;
        if value.to_string() == text {
            Ok(value)
        } else {
            Err(D::Error::custom(format_args!("\u{201c}{text}\u{201d} must be written {value}")))
        }
    }
}

/// [`text`] for a field that may be absent. Needs `#[serde(default)]` beside it.
pub mod optional_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Deserializer;
    use serde::ser::Serializer;

    /// Writes the value's text, or null.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn serialize<S: Serializer, T: Display>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    /// Reads the text; null is refused, absence is the only way to say nothing.
    ///
    /// # Errors
    /// As for the field's text.
    pub fn deserialize<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr + Display,
        T::Err: Display,
    {
        super::text::deserialize(from).map(Some)
    }
}

struct UniqueMap<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueMap<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object in which no key stands twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value()?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key \u{201c}{key}\u{201d} stands twice")));
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Any JSON value; reading it fails if an object anywhere in it repeats a key.
struct NoRepeats;

impl<'de> Deserialize<'de> for NoRepeats {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NoRepeatsVisitor)
    }
}

struct NoRepeatsVisitor;

impl<'de> Visitor<'de> for NoRepeatsVisitor {
    type Value = NoRepeats;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_i64<E>(self, _: i64) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_u64<E>(self, _: u64) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_f64<E>(self, _: f64) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_str<E>(self, _: &str) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_unit<E>(self) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<NoRepeats, A::Error> {
        while values.next_element::<NoRepeats>()?.is_some() {}
        Ok(NoRepeats)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<NoRepeats, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value::<NoRepeats>()?;
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("the key \u{201c}{key}\u{201d} stands twice")));
            }
        }
        Ok(NoRepeats)
    }
}
