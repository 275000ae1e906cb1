//! JSON that keeps the order of its members and the spelling of its numbers.
//!
//! `serde_json` sorts members unless a feature of the whole build says otherwise; a recorded response must keep its order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

/// A JSON value whose objects keep their order.
#[derive(Debug, Clone)]
pub(crate) enum OrderedValue {
    Object(Vec<(String, OrderedValue)>),
    Array(Vec<OrderedValue>),
    /// Anything else, as its text.
    Leaf(Box<RawValue>),
}

impl OrderedValue {
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)?;
        match raw.get().as_bytes().first() {
            Some(b'{') => serde_json::from_str::<OrderedMembers>(raw.get()).map(|members| Self::Object(members.0)),
            Some(b'[') => serde_json::from_str::<OrderedItems>(raw.get()).map(|items| Self::Array(items.0)),
            _ => Ok(Self::Leaf(raw.to_owned())),
        }
    }

    pub(crate) fn write(&self) -> String {
        // Trees of texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The member of an object.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(known, _)| known == name).map(|(_, node)| node),
            _ => None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The items of a list; none where this is not one.
    pub(crate) fn items_mut(&mut self) -> &mut [Self] {
        match self {
            Self::Array(items) => items,
            _ => &mut [],
        }
    }

    /// The text, if this is one.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Leaf(raw) => serde_json::from_str(raw.get()).ok(),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Leaf(raw) => serde_json::from_str(raw.get()).ok(),
            _ => None,
        }
    }

    /// The value at a JSON pointer.
    pub(crate) fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        pointer.split('/').skip(1).try_fold(self, |node, step| match node {
            Self::Object(_) => node.get_mut(&step.replace("~1", "/").replace("~0", "~")),
            Self::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
            Self::Leaf(_) => None,
        })
    }

    /// Replaces this by another value.
    pub(crate) fn set(&mut self, value: &(impl Serialize + ?Sized)) {
        // Texts and numbers always serialise.
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            *self = Self::Leaf(raw);
        }
    }

    /// Replaces a member that is there.
    pub(crate) fn replace(&mut self, name: &str, value: &impl Serialize) -> bool {
        match (self.get_mut(name), serde_json::value::to_raw_value(value)) {
            (Some(node), Ok(raw)) => {
                *node = Self::Leaf(raw);
                true
            }
            _ => false,
        }
    }
}

impl Serialize for OrderedValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, node) in members {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
            Self::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Leaf(raw) => raw.serialize(serializer),
        }
    }
}

struct OrderedMembers(Vec<(String, OrderedValue)>);

impl<'de> Deserialize<'de> for OrderedMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = OrderedMembers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrderedMembers, A::Error> {
                let mut members = Vec::new();
                while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, OrderedValue::parse(raw.get()).map_err(Error::custom)?));
                }
                Ok(OrderedMembers(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

struct OrderedItems(Vec<OrderedValue>);

impl<'de> Deserialize<'de> for OrderedItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = OrderedItems;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OrderedItems, A::Error> {
                let mut items = Vec::new();
                while let Some(raw) = list.next_element::<Box<RawValue>>()? {
                    items.push(OrderedValue::parse(raw.get()).map_err(Error::custom)?);
                }
                Ok(OrderedItems(items))
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::OrderedValue;

    #[test]
    fn order_and_numbers_survive() {
        let text = r#"{"z":1.80,"a":[{"y":null,"b":"\u00e9"}],"m":{}}"#;
        let mut node = OrderedValue::parse(text).unwrap();
        assert_eq!(node.write(), text);
        assert!(node.replace("a", &7));
        assert!(!node.replace("absent", &7));
        assert_eq!(node.write(), r#"{"z":1.80,"a":7,"m":{}}"#);
    }

    #[test]
    fn pointers_lead_inside() {
        let mut node = OrderedValue::parse(r#"{"a/b":[{"c":1}]}"#).unwrap();
        node.pointer_mut("/a~1b/0/c").unwrap().set("x");
        for nothing in ["/a~1b/1", "/a~1b/0/c/d", "/a", "/a~1b/x"] {
            assert!(node.pointer_mut(nothing).is_none(), "{nothing}");
        }
        node.pointer_mut("").unwrap();
        assert_eq!(node.write(), r#"{"a/b":[{"c":"x"}]}"#);
    }
}
