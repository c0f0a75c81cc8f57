//! Which records are meant: `provider=openai,status=timeout,status=upstream_cut`.

use std::str::FromStr;

use ledger::{AttemptId, AttemptStatus, CallId};
use prices::Currency;
use tokens::Provenance;

use crate::QueryError;
use crate::record::{CallRecord, RecordKind};

/// Conditions on records. Values of one field are alternatives; different fields must all hold. A record without
/// the field (a refusal has no provider) meets no condition on it. Values are compared whole: there are no patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: Field,
    any_of: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Call(CallId),
    Attempt(AttemptId),
    Kind(RecordKind),
    Status(AttemptStatus),
    Provenance(Provenance),
    Currency(Currency),
}

macro_rules! fields {
    ($($variant:ident = $name:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Field { $($variant,)* }

        impl Field {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

fields! {
    Kind = "kind";
    Call = "call_id";
    Attempt = "attempt_id";
    Org = "org";
    Project = "project";
    Key = "key";
    App = "app";
    Domain = "domain";
    User = "user";
    RequestedModel = "requested_model";
    Offer = "offer";
    Provider = "provider";
    Model = "model";
    Site = "site";
    Jurisdiction = "jurisdiction";
    Dialect = "dialect";
    Status = "status";
    Provenance = "provenance";
    Currency = "currency";
    ErrorClass = "error_class";
    Flag = "flag";
    Code = "code";
}

pub(crate) fn field_names() -> String {
    Field::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

impl Filter {
    /// Everything passes.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The record meets every condition.
    pub fn admits(&self, record: &CallRecord<'_>) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.any_of.iter().any(|value| holds(condition.field, value, record)))
    }
}

impl FromStr for Filter {
    type Err = QueryError;

    /// `field=value`, several parted by commas; empty text: everything.
    fn from_str(text: &str) -> Result<Self, QueryError> {
        let mut conditions: Vec<Condition> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| QueryError::Condition(part.to_owned()))?;
            let (name, value) = (name.trim(), value.trim());
            let field = Field::ALL.iter().copied().find(|field| field.name() == name);
            let field = field.ok_or_else(|| QueryError::Field(name.to_owned()))?;
            let value = read(field, value)?;
            match conditions.iter_mut().find(|condition| condition.field == field) {
                Some(condition) => condition.any_of.push(value),
                None => conditions.push(Condition { field, any_of: vec![value] }),
            }
        }
        Ok(Self { conditions })
    }
}

fn read(field: Field, text: &str) -> Result<Value, QueryError> {
    let bad = |allowed: String| QueryError::Value { field: field.name(), value: text.to_owned(), allowed };
    let kinds = [RecordKind::Settled, RecordKind::Opened, RecordKind::Refused];
    match field {
        Field::Kind => kinds
            .into_iter()
            .find(|kind| kind.name() == text)
            .map(Value::Kind)
            .ok_or_else(|| bad("settled, opened, refused".to_owned())),
        Field::Call => text.parse().map(Value::Call).map_err(|_| bad("the UUID of a call".to_owned())),
        Field::Attempt => {
            text.parse().map(Value::Attempt).map_err(|_| bad("the UUID of an attempt".to_owned()))
        }
        Field::Status => AttemptStatus::ALL
            .iter()
            .find(|status| status.name() == text)
            .map(|status| Value::Status(*status))
            .ok_or_else(|| bad(names(AttemptStatus::ALL.iter().map(|it| it.name())))),
        Field::Provenance => text
            .parse()
            .map(Value::Provenance)
            .map_err(|_| bad(names(Provenance::ALL.iter().map(|it| it.name())))),
        Field::Currency => {
            text.parse().map(Value::Currency).map_err(|_| bad("a code such as CNY or USD".to_owned()))
        }
        Field::Org
        | Field::Project
        | Field::Key
        | Field::App
        | Field::Domain
        | Field::User
        | Field::RequestedModel
        | Field::Offer
        | Field::Provider
        | Field::Model
        | Field::Site
        | Field::Jurisdiction
        | Field::Dialect
        | Field::ErrorClass
        | Field::Flag
        | Field::Code => Ok(Value::Text(text.to_owned())),
    }
}

fn names(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn holds(field: Field, value: &Value, record: &CallRecord<'_>) -> bool {
    let (attempt, ended) = (record.attempt.as_ref(), record.ended.as_ref());
    match value {
        Value::Kind(kind) => record.kind == *kind,
        Value::Call(id) => record.call_id == *id,
        Value::Attempt(id) => attempt.is_some_and(|it| it.attempt_id == *id),
        Value::Status(status) => ended.is_some_and(|it| it.status == *status),
        Value::Provenance(provenance) => ended.is_some_and(|it| it.provenance == *provenance),
        Value::Currency(currency) => attempt.is_some_and(|it| it.currency == *currency),
        Value::Text(text) if field == Field::Flag => {
            ended.is_some_and(|it| it.flags.contains(&text.as_str()))
        }
        Value::Text(text) => text_of(field, record) == Some(text.as_str()),
    }
}

fn text_of<'a>(field: Field, record: &CallRecord<'a>) -> Option<&'a str> {
    let (attempt, ended) = (record.attempt.as_ref(), record.ended.as_ref());
    match field {
        Field::Org => Some(&record.labels.org),
        Field::Project => Some(&record.labels.project),
        Field::Key => Some(&record.labels.key),
        Field::App => Some(&record.labels.app),
        Field::Domain => Some(&record.labels.domain),
        Field::User => Some(&record.labels.user),
        Field::RequestedModel => Some(record.requested_model),
        Field::Offer => attempt.map(|it| it.offer),
        Field::Provider => attempt.map(|it| it.provider),
        Field::Model => attempt.map(|it| it.model),
        Field::Site => attempt.map(|it| it.site),
        Field::Jurisdiction => attempt.map(|it| it.jurisdiction),
        Field::Dialect => attempt.map(|it| it.dialect),
        Field::ErrorClass => ended.map(|it| it.error_class),
        Field::Code => record.refusal.as_ref().map(|it| it.code),
        // Typed fields and lists: compared in `holds`.
        Field::Kind
        | Field::Call
        | Field::Attempt
        | Field::Status
        | Field::Provenance
        | Field::Currency
        | Field::Flag => None,
    }
}
