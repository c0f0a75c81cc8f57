//! From a file to a [`Config`]: every section read, every reference resolved, every mistake reported at once.

mod accounts;
mod fx;
mod house;
mod names;
mod policies;
mod secrets;
mod supply;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prices::Books;

use crate::document::Document;
use crate::env::Env;
use crate::problem::{Problem, Severity};
use crate::read::Section;
use crate::types::Config;

/// A configuration and what its reading left to say.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration, whole.
    pub config: Config,
    /// Its price books, parsed: those of `config.prices`.
    pub books: Arc<Books>,
    /// What does not keep the gateway from starting.
    pub warnings: Vec<Problem>,
    /// The files it was read from: the configuration, its price books, its secrets. A change of one is a reason to
    /// load again.
    pub sources: Vec<PathBuf>,
}

impl Config {
    /// Reads and checks a configuration file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn load(path: &Path, env: &dyn Env) -> Result<Loaded, Vec<Problem>> {
        let file = path.display().to_string();
        let whole = |message: String, fix: &str| {
            vec![Problem {
                severity: Severity::Error,
                file: file.clone(),
                line: 0,
                column: 0,
                key: String::new(),
                message,
                fix: fix.to_owned(),
            }]
        };
        let bytes = env.read(path).map_err(|error| {
            whole(format!("cannot be read: {error}"), "name a file that this user may read: --config FILE")
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| whole("is no UTF-8".to_owned(), "save it as UTF-8, which TOML is"))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let loader = Loader { env, folder, sources: RefCell::new(vec![path.to_owned()]) };
        loader.load(&file, &text)
    }
}

/// What the sections need beside their text.
pub(crate) struct Loader<'e> {
    env: &'e dyn Env,
    folder: PathBuf,
    sources: RefCell<Vec<PathBuf>>,
}

impl<'e> Loader<'e> {
    /// A loader for a text that is no file's.
    pub fn without_file(env: &'e dyn Env) -> Self {
        Self { env, folder: PathBuf::new(), sources: RefCell::default() }
    }

    /// Reads and checks a text.
    pub fn load(self, file: &str, text: &str) -> Result<Loaded, Vec<Problem>> {
        let document = Document::new(file, text);
        let config = self.read(&document);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            document.problems().into_iter().partition(|problem| problem.severity == Severity::Error);
        match config {
            Some((config, books)) if errors.is_empty() => {
                Ok(Loaded { config, books: Arc::new(books), warnings, sources: self.sources.into_inner() })
            }
            _ => Err(errors.into_iter().chain(warnings).collect()),
        }
    }

    /// `None` only when a problem is noted.
    pub(crate) fn read(&self, document: &Document<'_>) -> Option<(Config, Books)> {
        let table = document.parse();
        let root = Section::root(document, table.get_ref());
        let sheet = Sheet::of(&root);
        let (prices, books) = self.prices(&root.table("prices"));

        // Read before they are asked for, so that the mistakes of all sections are seen, not only of the first.
        let server = self.server(&root.table("server"));
        let ledger = self.ledger(&root.table("ledger"));
        let foresight = house::foresight(&root.table("foresight"));
        let telemetry = house::telemetry(&root.table("telemetry"));
        house::not_yet(&root);

        let providers = self.providers(&sheet);
        let policies = policies::policies(&sheet);
        let offers = supply::offers(&sheet, &books);
        let sites = supply::sites(&sheet, offers.as_deref().unwrap_or(&[]));
        let models = policies::models(&sheet);
        let orgs = accounts::orgs(&sheet);
        let projects = accounts::projects(&sheet, policies.as_deref().unwrap_or(&[]));
        let keys = self.keys(&sheet);
        let budgets = accounts::budgets(&sheet, foresight.is_none_or(|it| it.enabled));
        let fx = self.rates(&root);
        fx::check(&sheet, &books, fx.as_deref().unwrap_or(&[]));

        let config = Config {
            server: server?,
            ledger: ledger?,
            orgs: orgs?,
            projects: projects?,
            keys: keys?,
            budgets: budgets?,
            fx: fx?,
            providers: providers?,
            sites: sites?,
            offers: offers?,
            models: models?,
            policies: policies?,
            prices: prices?,
            foresight: foresight?,
            telemetry: telemetry?,
        };
        Some((config, books))
    }

    /// A path as the configuration means it.
    fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// The sections that refer to each other, with the names that each declares.
pub(crate) struct Sheet<'d> {
    orgs: names::Named<'d>,
    projects: names::Named<'d>,
    keys: names::Named<'d>,
    budgets: names::Named<'d>,
    providers: names::Named<'d>,
    sites: names::Named<'d>,
    offers: names::Named<'d>,
    models: names::Named<'d>,
    policies: names::Named<'d>,
}

impl<'d> Sheet<'d> {
    fn of(root: &Section<'d>) -> Self {
        Self {
            orgs: names::Named::by_id("org", root.list("orgs")).required(),
            projects: names::Named::by_id("project", root.list("projects")).required(),
            keys: names::Named::by_id("key", root.list("keys")),
            budgets: names::Named::by_id("budget", root.list("budgets")),
            providers: names::Named::by_name("provider", root.named("providers")).required(),
            sites: names::Named::by_name("site", root.named("sites")),
            offers: names::Named::by_id("offer", root.list("offers")).required(),
            models: names::Named::by_name("model", root.named("models")),
            policies: names::Named::by_name("policy", root.named("policies")).required(),
        }
    }
}

/// The values, if every section gave one.
pub(crate) fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    // Not `collect::<Option<_>>`: that stops at the first that is wrong, and the others' mistakes go unseen.
    let values: Vec<Option<T>> = values.collect();
    values.into_iter().collect()
}
