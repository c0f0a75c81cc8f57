//! Entries to columns. The twin of `facts_read`: a field is written here and read there, under one number.

use prices::Currency;
use tokens::Kind;

use super::column_write::ColumnWriter;
use super::columns::{admin, attempt, budget, common, kind, refused, settled};
use crate::{
    AdminAction, BudgetAmount, BudgetSet, Entry, EntryBody, Labels, Name, Opened, Refused, Settled, name,
};

/// An attempt's facts, and the instant of the entry that carries them.
pub struct AttemptRow<'a> {
    pub at: i64,
    pub opened: &'a Opened,
}

/// A settled entry, and its instant.
pub struct SettledRow<'a> {
    pub at: i64,
    pub settled: &'a Settled,
}

/// The code of an entry's kind.
pub fn kind_code(body: &EntryBody) -> u64 {
    match body {
        EntryBody::Opened(_) => kind::OPENED,
        EntryBody::Settled(_) => kind::SETTLED,
        EntryBody::Refused(_) => kind::REFUSED,
        EntryBody::Budget(_) => kind::BUDGET,
        EntryBody::Admin(_) => kind::ADMIN,
    }
}

/// Kind and instant of every entry.
pub fn common(to: &mut ColumnWriter, entries: &[Entry]) {
    to.critical_numbers(common::KIND, entries.iter().map(|entry| kind_code(&entry.body)));
    to.signed(common::AT, entries.iter().map(|entry| entry.at.0));
}

/// What was opened.
pub fn attempts(to: &mut ColumnWriter, rows: &[AttemptRow<'_>]) {
    let all = || rows.iter().map(|row| row.opened);
    to.wide(attempt::CALL_ID, all().map(|o| o.call_id.0));
    to.wide(attempt::ATTEMPT_ID, all().map(|o| o.attempt_id.0));
    to.wide(attempt::REQUEST_HASH, all().map(|o| o.request_hash));
    to.numbers(attempt::ATTEMPT, all().map(|o| u64::from(o.attempt)));
    to.signed(attempt::OPENED_AT, rows.iter().map(|row| row.opened.opened_at.0.wrapping_sub(row.at)));
    labels(to, attempt::LABELS, all().map(|o| &*o.labels));
    to.texts(attempt::REQUESTED_MODEL, all().map(|o| &o.requested_model));
    to.texts(attempt::OFFER, all().map(|o| &o.offer.offer));
    to.texts(attempt::PROVIDER, all().map(|o| &o.offer.provider));
    to.texts(attempt::MODEL, all().map(|o| &o.offer.model));
    to.texts(attempt::SITE, all().map(|o| &o.offer.site));
    to.texts(attempt::JURISDICTION, all().map(|o| &o.offer.jurisdiction));
    to.texts(attempt::DIALECT, all().map(|o| &o.offer.dialect));
    to.texts(attempt::PRICE_PLAN, all().map(|o| &o.offer.price_plan));
    to.numbers(attempt::STREAMED, all().map(|o| u64::from(o.streamed)));
    to.numbers(attempt::INPUT_ESTIMATE, all().map(|o| o.input_estimate));
    to.numbers(attempt::OUTPUT_BOUND, all().map(|o| o.output_bound));
    to.numbers(attempt::FORESEEN_P50, all().map(|o| o.foreseen.p50));
    to.numbers(attempt::FORESEEN_P90, all().map(|o| o.foreseen.p90));
    to.numbers(attempt::FORESEEN_P99, all().map(|o| o.foreseen.p99));
    to.signed(attempt::HOLD, all().map(|o| o.hold.amount.0));
    currencies(to, attempt::HOLD_CURRENCY, all().map(|o| o.hold.currency));
    amounts(to, attempt::HELD, all().map(|o| &*o.held));
    to.texts(attempt::ROUTE_REASON, all().map(|o| &o.route_reason));
}

/// How attempts ended.
pub fn settled(to: &mut ColumnWriter, rows: &[SettledRow<'_>]) {
    let all = || rows.iter().map(|row| row.settled);
    to.numbers(settled::FIRST_TOKEN_KNOWN, all().map(|s| u64::from(s.first_token_at.is_some())));
    to.signed(
        settled::FIRST_TOKEN_AT,
        all().map(|s| s.first_token_at.map_or(0, |first| first.0.wrapping_sub(s.opened.opened_at.0))),
    );
    to.signed(settled::ENDED_AT, rows.iter().map(|row| row.settled.ended_at.0.wrapping_sub(row.at)));
    to.numbers(settled::STATUS, all().map(|s| s.status as u64));
    to.numbers(settled::HTTP_STATUS, all().map(|s| u64::from(s.http_status)));
    to.texts(settled::ERROR_CLASS, all().map(|s| &s.error_class));
    to.texts(settled::FINISH_REASON, all().map(|s| &s.finish_reason));
    to.texts(settled::PROVIDER_RESPONSE_ID, all().map(|s| &s.provider_response_id));
    to.texts(settled::SERVED_MODEL, all().map(|s| &s.served_model));
    to.texts(settled::PRICED_MODEL, all().map(|s| &s.priced_model));
    to.texts(settled::SERVICE_TIER, all().map(|s| &s.service_tier));
    to.numbers(settled::PROVENANCE, all().map(|s| s.provenance as u64));
    to.numbers(settled::RECOUNTED_KNOWN, all().map(|s| u64::from(s.recounted.is_some())));
    to.numbers(settled::RECOUNTED, all().map(|s| s.recounted.unwrap_or_default()));
    to.numbers(settled::CHARGE_KNOWN, all().map(|s| u64::from(s.charge.is_some())));
    to.signed(settled::CHARGE, all().map(|s| s.charge.unwrap_or_default().0));
    currencies(to, settled::CURRENCY, all().map(|s| s.currency));
    to.texts(settled::BOOK_VERSION, all().map(|s| &s.book_version));
    to.texts(settled::RATE_IDS, all().map(|s| &s.rate_ids));
    amounts(to, settled::SPENT, all().map(|s| &*s.spent));
    to.texts(settled::FLAGS, all().map(|s| &s.flags));
    to.texts(settled::RAW_USAGE, all().map(|s| &s.raw_usage));
    for kind in Kind::ALL {
        let column = settled::TOKENS + kind.index() as u64;
        to.critical_numbers(column, all().map(|s| s.tokens.get(*kind)));
    }
}

/// Refusals.
pub fn refused(to: &mut ColumnWriter, rows: &[&Refused]) {
    let all = || rows.iter().copied();
    to.wide(refused::CALL_ID, all().map(|r| r.call_id.0));
    labels(to, refused::LABELS, all().map(|r| &*r.labels));
    to.texts(refused::REQUESTED_MODEL, all().map(|r| &r.requested_model));
    to.texts(refused::CODE, all().map(|r| &r.code));
    to.numbers(refused::HTTP_STATUS, all().map(|r| u64::from(r.http_status)));
    to.texts(refused::REASON, all().map(|r| &r.reason));
}

/// Limits of budgets.
pub fn budgets(to: &mut ColumnWriter, rows: &[&BudgetSet]) {
    let all = || rows.iter().copied();
    to.texts(budget::BUDGET, all().map(|b| &b.budget));
    to.texts(budget::DEFINITION, all().map(|b| &b.definition));
    to.texts(budget::ACTOR, all().map(|b| &b.actor));
}

/// Changes of account objects.
pub fn admins(to: &mut ColumnWriter, rows: &[&AdminAction]) {
    let all = || rows.iter().copied();
    to.texts(admin::ACTION, all().map(|a| &a.action));
    to.texts(admin::OBJECT, all().map(|a| &a.object));
    to.texts(admin::STATE, all().map(|a| &a.state));
    to.texts(admin::ACTOR, all().map(|a| &a.actor));
}

fn labels<'a>(to: &mut ColumnWriter, ids: [u64; 6], rows: impl Iterator<Item = &'a Labels> + Clone) {
    let [org, project, key, app, domain, user] = ids;
    to.texts(org, rows.clone().map(|l| &l.org));
    to.texts(project, rows.clone().map(|l| &l.project));
    to.texts(key, rows.clone().map(|l| &l.key));
    to.texts(app, rows.clone().map(|l| &l.app));
    to.texts(domain, rows.clone().map(|l| &l.domain));
    to.texts(user, rows.map(|l| &l.user));
}

fn amounts<'a>(to: &mut ColumnWriter, ids: [u64; 3], rows: impl Iterator<Item = &'a [BudgetAmount]> + Clone) {
    let [length, budget, amount] = ids;
    to.numbers(length, rows.clone().map(|list| list.len() as u64));
    to.texts(budget, rows.clone().flatten().map(|item| &item.budget));
    to.signed(amount, rows.flatten().map(|item| item.amount.0));
}

fn currencies(to: &mut ColumnWriter, id: u64, rows: impl Iterator<Item = Currency>) {
    // Few currencies meet in one block: a text is made only where the currency changes.
    let mut last: Option<(Currency, Name)> = None;
    let names: Vec<Name> = rows
        .map(|currency| match &last {
            Some((known, text)) if *known == currency => text.clone(),
            _ => last.insert((currency, name(currency.code()))).1.clone(),
        })
        .collect();
    to.texts(id, names.iter());
}
