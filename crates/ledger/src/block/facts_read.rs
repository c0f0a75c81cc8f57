//! Columns to entries. The twin of `facts_write`.

use std::sync::Arc;

use prices::{Charge, Currency, Nano};
use tokens::{Kind, Provenance, Tokens};

use super::BlockError;
use super::column_read::{ColumnReader, Numbers, Texts};
use super::columns::{admin, attempt, budget, refused, settled};
use crate::{
    AdminAction, AttemptId, AttemptStatus, BudgetAmount, BudgetSet, CallId, Foreseen, Labels, OfferLabels,
    Opened, Refused, Settled, UnixMicros,
};

/// Most items of all lists of one column of a block.
pub const ITEMS_MAX: usize = 1 << 20;

/// What was opened, one for each instant of `at`.
pub fn attempts(from: &mut ColumnReader<'_>, at: &[i64]) -> Result<Vec<Arc<Opened>>, BlockError> {
    let n = at.len();
    let call_id = from.wide(attempt::CALL_ID, n)?;
    let attempt_id = from.wide(attempt::ATTEMPT_ID, n)?;
    let request_hash = from.wide(attempt::REQUEST_HASH, n)?;
    let number = from.numbers(attempt::ATTEMPT, n)?;
    let opened_at = from.numbers(attempt::OPENED_AT, n)?;
    let mut labels = LabelColumns::read(from, attempt::LABELS, n)?;
    let requested_model = from.texts(attempt::REQUESTED_MODEL, n)?;
    let mut offer = OfferColumns::read(from, n)?;
    let streamed = from.numbers(attempt::STREAMED, n)?;
    let input_estimate = from.numbers(attempt::INPUT_ESTIMATE, n)?;
    let output_bound = from.numbers(attempt::OUTPUT_BOUND, n)?;
    let p50 = from.numbers(attempt::FORESEEN_P50, n)?;
    let p90 = from.numbers(attempt::FORESEEN_P90, n)?;
    let p99 = from.numbers(attempt::FORESEEN_P99, n)?;
    let hold = from.numbers(attempt::HOLD, n)?;
    let currency = from.texts(attempt::HOLD_CURRENCY, n)?;
    let mut held = AmountColumns::read(from, attempt::HELD, n)?;
    let route_reason = from.texts(attempt::ROUTE_REASON, n)?;

    at.iter()
        .enumerate()
        .map(|(row, at)| {
            Ok(Arc::new(Opened {
                call_id: CallId(call_id.at(row)),
                attempt_id: AttemptId(attempt_id.at(row)),
                attempt: number.narrow(row)?,
                opened_at: UnixMicros(opened_at.signed(row).wrapping_add(*at)),
                labels: labels.at(row),
                requested_model: requested_model.at(row),
                offer: offer.at(row),
                streamed: streamed.flag(row)?,
                input_estimate: input_estimate.at(row),
                output_bound: output_bound.at(row),
                foreseen: Foreseen { p50: p50.at(row), p90: p90.at(row), p99: p99.at(row) },
                hold: Charge { amount: Nano(hold.signed(row)), currency: money(&currency, row)? },
                held: held.next(row)?,
                route_reason: route_reason.at(row),
                request_hash: request_hash.at(row),
            }))
        })
        .collect()
}

/// How attempts ended; `at` and `opened` are of the settled entries only.
pub fn settled(
    from: &mut ColumnReader<'_>,
    at: &[i64],
    opened: Vec<Arc<Opened>>,
) -> Result<Vec<Settled>, BlockError> {
    let n = at.len();
    let first_known = from.numbers(settled::FIRST_TOKEN_KNOWN, n)?;
    let first = from.numbers(settled::FIRST_TOKEN_AT, n)?;
    let ended_at = from.numbers(settled::ENDED_AT, n)?;
    let status = from.numbers(settled::STATUS, n)?;
    let http_status = from.numbers(settled::HTTP_STATUS, n)?;
    let error_class = from.texts(settled::ERROR_CLASS, n)?;
    let finish_reason = from.texts(settled::FINISH_REASON, n)?;
    let provider_response_id = from.texts(settled::PROVIDER_RESPONSE_ID, n)?;
    let served_model = from.texts(settled::SERVED_MODEL, n)?;
    let priced_model = from.texts(settled::PRICED_MODEL, n)?;
    let service_tier = from.texts(settled::SERVICE_TIER, n)?;
    let provenance = from.numbers(settled::PROVENANCE, n)?;
    let recounted_known = from.numbers(settled::RECOUNTED_KNOWN, n)?;
    let recounted = from.numbers(settled::RECOUNTED, n)?;
    let charge_known = from.numbers(settled::CHARGE_KNOWN, n)?;
    let charge = from.numbers(settled::CHARGE, n)?;
    let currency = from.texts(settled::CURRENCY, n)?;
    let book_version = from.texts(settled::BOOK_VERSION, n)?;
    let rate_ids = from.texts(settled::RATE_IDS, n)?;
    let mut spent = AmountColumns::read(from, settled::SPENT, n)?;
    let flags = from.texts(settled::FLAGS, n)?;
    let raw_usage = from.texts(settled::RAW_USAGE, n)?;
    let mut counts = Vec::with_capacity(Kind::COUNT);
    for kind in Kind::ALL {
        counts.push((*kind, from.numbers(settled::TOKENS + kind.index() as u64, n)?));
    }

    at.iter()
        .zip(opened)
        .enumerate()
        .map(|(row, (at, opened))| {
            let opened_at = opened.opened_at.0;
            let mut tokens = Tokens::default();
            for (kind, column) in &counts {
                tokens.set(*kind, column.at(row));
            }
            Ok(Settled {
                first_token_at: first_known
                    .flag(row)?
                    .then(|| UnixMicros(first.signed(row).wrapping_add(opened_at))),
                opened,
                ended_at: UnixMicros(ended_at.signed(row).wrapping_add(*at)),
                status: coded(AttemptStatus::ALL, &status, row)?,
                http_status: http_status.narrow(row)?,
                error_class: error_class.at(row),
                finish_reason: finish_reason.at(row),
                provider_response_id: provider_response_id.at(row),
                served_model: served_model.at(row),
                priced_model: priced_model.at(row),
                service_tier: service_tier.at(row),
                tokens,
                provenance: coded(Provenance::ALL, &provenance, row)?,
                recounted: recounted_known.flag(row)?.then(|| recounted.at(row)),
                charge: charge_known.flag(row)?.then(|| Nano(charge.signed(row))),
                currency: money(&currency, row)?,
                book_version: book_version.at(row),
                rate_ids: rate_ids.at(row),
                spent: spent.next(row)?,
                flags: flags.at(row),
                raw_usage: raw_usage.at(row),
            })
        })
        .collect()
}

/// Refusals.
pub fn refused(from: &mut ColumnReader<'_>, n: usize) -> Result<Vec<Refused>, BlockError> {
    let call_id = from.wide(refused::CALL_ID, n)?;
    let mut labels = LabelColumns::read(from, refused::LABELS, n)?;
    let requested_model = from.texts(refused::REQUESTED_MODEL, n)?;
    let code = from.texts(refused::CODE, n)?;
    let http_status = from.numbers(refused::HTTP_STATUS, n)?;
    let reason = from.texts(refused::REASON, n)?;
    (0..n)
        .map(|row| {
            Ok(Refused {
                call_id: CallId(call_id.at(row)),
                labels: labels.at(row),
                requested_model: requested_model.at(row),
                code: code.at(row),
                http_status: http_status.narrow(row)?,
                reason: reason.at(row),
            })
        })
        .collect()
}

/// Limits of budgets.
pub fn budgets(from: &mut ColumnReader<'_>, n: usize) -> Result<Vec<BudgetSet>, BlockError> {
    let budget = from.texts(budget::BUDGET, n)?;
    let definition = from.texts(budget::DEFINITION, n)?;
    let actor = from.texts(budget::ACTOR, n)?;
    let read =
        |row| BudgetSet { budget: budget.at(row), definition: definition.at(row), actor: actor.at(row) };
    Ok((0..n).map(read).collect())
}

/// Changes of account objects.
pub fn admins(from: &mut ColumnReader<'_>, n: usize) -> Result<Vec<AdminAction>, BlockError> {
    let action = from.texts(admin::ACTION, n)?;
    let object = from.texts(admin::OBJECT, n)?;
    let state = from.texts(admin::STATE, n)?;
    let actor = from.texts(admin::ACTOR, n)?;
    let read = |row| AdminAction {
        action: action.at(row),
        object: object.at(row),
        state: state.at(row),
        actor: actor.at(row),
    };
    Ok((0..n).map(read).collect())
}

/// A value of a closed list by its place; one past the list is of a newer release.
fn coded<T: Copy>(all: &[T], column: &Numbers, row: usize) -> Result<T, BlockError> {
    let place: usize = column.narrow(row)?;
    all.get(place).copied().ok_or(BlockError::NewerContent)
}

fn money(column: &Texts, row: usize) -> Result<Currency, BlockError> {
    column.at(row).parse().map_err(|_| BlockError::Content)
}

/// Labels by row; equal neighbours share one value.
struct LabelColumns {
    columns: [Texts; 6],
    last: Arc<Labels>,
}

impl LabelColumns {
    fn read(from: &mut ColumnReader<'_>, ids: [u64; 6], n: usize) -> Result<Self, BlockError> {
        let mut column = |id| from.texts(id, n);
        let [org, project, key, app, domain, user] = ids;
        let columns =
            [column(org)?, column(project)?, column(key)?, column(app)?, column(domain)?, column(user)?];
        Ok(Self { columns, last: Arc::default() })
    }

    fn at(&mut self, row: usize) -> Arc<Labels> {
        let [org, project, key, app, domain, user] = self.columns.each_ref().map(|column| column.at(row));
        let labels = Labels { org, project, key, app, domain, user };
        if *self.last != labels {
            self.last = Arc::new(labels);
        }
        self.last.clone()
    }
}

/// Offers by row; equal neighbours share one value.
struct OfferColumns {
    columns: [Texts; 7],
    last: Arc<OfferLabels>,
}

impl OfferColumns {
    fn read(from: &mut ColumnReader<'_>, n: usize) -> Result<Self, BlockError> {
        let mut column = |id| from.texts(id, n);
        let columns = [
            column(attempt::OFFER)?,
            column(attempt::PROVIDER)?,
            column(attempt::MODEL)?,
            column(attempt::SITE)?,
            column(attempt::JURISDICTION)?,
            column(attempt::DIALECT)?,
            column(attempt::PRICE_PLAN)?,
        ];
        Ok(Self { columns, last: Arc::default() })
    }

    fn at(&mut self, row: usize) -> Arc<OfferLabels> {
        let [offer, provider, model, site, jurisdiction, dialect, price_plan] =
            self.columns.each_ref().map(|column| column.at(row));
        let labels = OfferLabels { offer, provider, model, site, jurisdiction, dialect, price_plan };
        if *self.last != labels {
            self.last = Arc::new(labels);
        }
        self.last.clone()
    }
}

/// Lists of amounts, handed out row by row from the front.
struct AmountColumns {
    lengths: Numbers,
    budgets: Texts,
    amounts: Numbers,
    used: usize,
}

impl AmountColumns {
    fn read(from: &mut ColumnReader<'_>, ids: [u64; 3], n: usize) -> Result<Self, BlockError> {
        let [length, budget, amount] = ids;
        let lengths = from.numbers(length, n)?;
        let items = lengths.sum(n, ITEMS_MAX)?;
        let budgets = from.texts(budget, items)?;
        let amounts = from.numbers(amount, items)?;
        Ok(Self { lengths, budgets, amounts, used: 0 })
    }

    /// The list of a row; rows come in order.
    fn next(&mut self, row: usize) -> Result<Vec<BudgetAmount>, BlockError> {
        let length: usize = self.lengths.narrow(row)?;
        let items = self.used..self.used + length;
        self.used = items.end;
        let item =
            |place| BudgetAmount { budget: self.budgets.at(place), amount: Nano(self.amounts.signed(place)) };
        Ok(items.map(item).collect())
    }
}
