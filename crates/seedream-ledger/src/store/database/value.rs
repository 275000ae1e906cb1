//! What statements are given and give back, and how they fail.

use std::fmt;

/// A value of a column. Whether is stored as 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

/// The values of a statement's parameters, from the first.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::database::Value::from(&$value)),*] };
}
pub(crate) use values;

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Self {
        Self::Integer(is.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Clone + Into<Self>> From<&T> for Value {
    fn from(value: &T) -> Self {
        value.clone().into()
    }
}

/// A row of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The value of a column, from 0.
    ///
    /// # Errors
    /// The column has a value of another type.
    pub(crate) fn get<'a, T: FromValue<'a>>(&'a self, column: usize) -> Result<T> {
        self.0.get(column).and_then(T::from_value).ok_or_else(|| {
            DatabaseError::other(format!("column {column} of a row is no {}", std::any::type_name::<T>()))
        })
    }
}

/// A type that a column can be read as.
pub(crate) trait FromValue<'a>: Sized {
    fn from_value(value: &'a Value) -> Option<Self>;
}

impl<'a> FromValue<'a> for i64 {
    fn from_value(value: &'a Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(*number) } else { None }
    }
}

impl<'a> FromValue<'a> for u32 {
    fn from_value(value: &'a Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl<'a> FromValue<'a> for u64 {
    fn from_value(value: &'a Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl<'a> FromValue<'a> for bool {
    fn from_value(value: &'a Value) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl<'a> FromValue<'a> for &'a str {
    fn from_value(value: &'a Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl<'a> FromValue<'a> for String {
    fn from_value(value: &'a Value) -> Option<Self> {
        <&str>::from_value(value).map(str::to_owned)
    }
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    fn from_value(value: &'a Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// Why a database did not do something. It is copied to each request that waits.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseError {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

/// What a person or the store does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The row that was looked for is not there.
    NoRow,
    /// What is stored cannot be read.
    Damaged,
    /// Others have been writing for too long.
    Busy,
    /// The disk is full.
    Full,
    /// It cannot be written.
    ReadOnly,
    /// The message names the ledger and what to do.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "a file is opened once"))]
    Complete,
    /// Everything else.
    Other,
}

impl DatabaseError {
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Other, message: message.into() }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DatabaseError {}

/// The result of a statement.
pub(crate) type Result<T, E = DatabaseError> = std::result::Result<T, E>;
