//! What the console asks of the gateway.

use ledger::{CallId, UnixMicros};
use reports::{CallStory, Cursor, Filter, LiveView, Measure, Query, Report};

use crate::Problem;
use crate::views::{
    BudgetChange, BudgetView, CreatedKey, KeyView, LedgerView, NewKey, OfferView, OrgView, ProjectView,
    ProviderView,
};

/// The gateway, as the console sees it. Methods may block (they read the disk, or wait for it): the console calls
/// them on tokio's blocking threads, but for [`Backend::live`], [`Backend::now`], [`Backend::ready`] and
/// [`Backend::metrics`], which must answer at once. A change returns when it is durable.
pub trait Backend: Send + Sync + 'static {
    /// The clock.
    fn now(&self) -> UnixMicros;

    /// What is happening: everything, or what changed since a cursor.
    fn live(&self, since: Option<Cursor>) -> LiveView;

    /// A call's story, from the live view or from the ledger.
    fn call(&self, id: CallId) -> Result<Option<CallStory>, Problem>;

    /// The last records that pass, newest first, each a JSON object.
    fn calls(&self, filter: &Filter, limit: usize) -> Result<Vec<String>, Problem>;

    /// A report over the ledger.
    fn report(&self, measure: Measure, query: Query) -> Result<Report, Problem>;

    /// All budgets.
    fn budgets(&self) -> Result<Vec<BudgetView>, Problem>;

    /// Sets a budget: new, or a new limit for one that is.
    fn set_budget(&self, id: &str, change: BudgetChange) -> Result<BudgetView, Problem>;

    /// Removes a budget.
    fn remove_budget(&self, id: &str) -> Result<(), Problem>;

    /// All keys, revoked ones too.
    fn keys(&self) -> Result<Vec<KeyView>, Problem>;

    /// Makes a key.
    fn create_key(&self, key: NewKey) -> Result<CreatedKey, Problem>;

    /// Revokes a key: the next request with it is refused.
    fn revoke_key(&self, id: &str) -> Result<KeyView, Problem>;

    /// All orgs.
    fn orgs(&self) -> Result<Vec<OrgView>, Problem>;

    /// All projects.
    fn projects(&self) -> Result<Vec<ProjectView>, Problem>;

    /// All offers with their health.
    fn offers(&self) -> Result<Vec<OfferView>, Problem>;

    /// Lets routes choose an offer, or not.
    fn set_offer(&self, id: &str, enabled: bool) -> Result<OfferView, Problem>;

    /// All providers with the state of their circuits.
    fn providers(&self) -> Result<Vec<ProviderView>, Problem>;

    /// How the ledger is.
    fn ledger(&self) -> Result<LedgerView, Problem>;

    /// Ready for calls, or why not.
    fn ready(&self) -> Result<(), String>;

    /// Prometheus text.
    fn metrics(&self) -> String;
}
