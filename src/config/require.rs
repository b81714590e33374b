//! `require` and `require_any` of a route: claims, and the values that they must have or hold. Pure.

use serde_json::Value;

/// A claim, and what it must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Required {
    /// The claim's name, or a path to it.
    pub claim: String,
    /// One of these values is enough.
    pub any_of: Vec<Value>,
}

/// Reads a table of claims; none where it is something else.
pub(super) fn read(table: &Value) -> Option<Vec<Required>> {
    table
        .as_object()?
        .iter()
        .map(|(claim, wanted)| Some(Required { claim: claim.clone(), any_of: values(wanted)? }))
        .collect()
}

/// Reads an array of such tables, none of them empty: an empty one would let everybody in.
pub(super) fn read_any(tables: &Value) -> Option<Vec<Vec<Required>>> {
    let tables = tables.as_array()?;
    tables.iter().map(|table| read(table).filter(|set| !set.is_empty())).collect()
}

/// The values that are enough. An empty array would let nobody in, and says that something was forgotten.
fn values(wanted: &Value) -> Option<Vec<Value>> {
    let values = match wanted {
        Value::Array(values) => values.clone(),
        value => vec![value.clone()],
    };
    let plain = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    (!values.is_empty() && values.iter().all(plain)).then_some(values)
}
