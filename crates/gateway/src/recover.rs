//! Attempts that a crash left open, settled at the next start by the stated rule.
//!
//! The rule: nobody knows what the provider went on to do, so the attempt is charged what was held for it, its tokens
//! are those the hold was made for, and its provenance is `unknown`: an upper bound, labelled as such, which a
//! reconciliation may lower. A budget therefore never has more to spend after a crash than before it.

use std::sync::Arc;

use accounts::{Accounts, AccountsError};
use ledger::{AttemptStatus, EntryBody, Ledger, LedgerError, Opened, Settled, name};
use tokens::{Kind, Provenance, Tokens};

use crate::clock;

/// Why what was left open could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The accounts.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// Settles what was left open and makes it durable; gives how many attempts that were.
pub fn settle_left_open(accounts: &Accounts, ledger: &Ledger) -> Result<usize, RecoverError> {
    let open = accounts.open_attempts();
    let mut last = None;
    for opened in &open {
        let at = clock::now();
        let body = EntryBody::Settled(Box::new(by_the_rule(opened, at)));
        last = Some(ledger.append(at, body.clone())?);
        accounts.apply_body(&body)?;
    }
    if let Some(ticket) = last {
        ledger.durable_blocking(ticket)?;
    }
    Ok(open.len())
}

fn by_the_rule(opened: &Arc<Opened>, at: ledger::UnixMicros) -> Settled {
    let none = name("");
    let tokens: Tokens =
        [(Kind::Input, opened.input_estimate), (Kind::Output, opened.output_bound)].into_iter().collect();
    Settled {
        opened: Arc::clone(opened),
        first_token_at: None,
        ended_at: at,
        status: AttemptStatus::Recovered,
        http_status: 0,
        error_class: name("crash"),
        finish_reason: Arc::clone(&none),
        provider_response_id: Arc::clone(&none),
        served_model: Arc::clone(&none),
        priced_model: Arc::clone(&opened.offer.model),
        service_tier: Arc::clone(&none),
        tokens,
        provenance: Provenance::Unknown,
        recounted: None,
        charge: Some(opened.hold.amount),
        currency: opened.hold.currency,
        book_version: Arc::clone(&none),
        rate_ids: Arc::clone(&none),
        spent: opened.held.clone(),
        flags: name("charged_at_hold"),
        raw_usage: none,
    }
}
