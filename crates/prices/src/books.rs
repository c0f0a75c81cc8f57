//! Several books together: every plan by its id, and the plans of a model.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Fault, Place};
use crate::plan::Fit;
use crate::{Book, BookError, Plan, PlanRef};

/// All plans of all books.
#[derive(Debug, Default)]
pub struct Books {
    plans: Vec<PlanRef>,
    by_id: HashMap<Arc<str>, PlanRef>,
}

impl Books {
    /// Puts books together, each with the name of its file.
    ///
    /// # Errors
    /// Two plans of one id.
    pub fn new(books: Vec<(String, Book)>) -> Result<Self, BookError> {
        let mut together = Self::default();
        let mut files: HashMap<Arc<str>, String> = HashMap::new();
        for (file, book) in books {
            for plan in book.into_plans() {
                let id = Arc::clone(plan.id());
                if let Some(other) = files.insert(Arc::clone(&id), file.clone()) {
                    let place = Place { plan: Some(id.to_string()), ..Place::default() };
                    return Err(place.error(Fault::PlanTwice(other)).in_file(&file));
                }
                together.by_id.insert(id, Arc::clone(&plan));
                together.plans.push(plan);
            }
        }
        Ok(together)
    }

    /// The plan of this id.
    pub fn plan(&self, id: &str) -> Option<PlanRef> {
        self.by_id.get(id).cloned()
    }

    /// Every plan, in the order of the books.
    pub fn plans(&self) -> &[PlanRef] {
        &self.plans
    }

    /// The version of the book that a plan is from.
    pub fn version_of(&self, plan: &str) -> Option<&str> {
        self.by_id.get(plan).map(|plan| &**plan.book_version())
    }

    /// The plans that fit a served model best: by its very name, else by the longest prefix. Among those, with a
    /// site said, plans that name the site go before plans for all sites; with none said, plans for all sites go
    /// before plans for some. Several are left where no provider was said, or two plans differ in currency only:
    /// the caller must then choose by id.
    pub fn find(&self, provider: Option<&str>, model: &str, site: Option<&str>) -> Vec<PlanRef> {
        let fit = |plan: &Plan| -> Option<(Fit, bool)> {
            let wanted = provider.is_none_or(|provider| &**plan.provider() == provider)
                && site.is_none_or(|site| plan.is_for_site(site));
            wanted.then(|| Some((plan.fit(model)?, site.is_some() == plan.sites().is_some())))?
        };
        let best = self.plans.iter().filter_map(|plan| fit(plan)).max();
        self.plans.iter().filter(|plan| best.is_some() && fit(plan) == best).cloned().collect()
    }
}
