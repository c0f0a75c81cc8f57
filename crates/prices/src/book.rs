//! A price book: one file of plans, read strictly and whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::{Calendar, day_number};
use crate::error::{Fault, Place};
use crate::json::Node;
use crate::read::fields::{Fields, calendar_date, object, text};
use crate::read::plan::read_plan;
use crate::{BookError, Plan, PlanRef};

/// The format read here.
const FORMAT: &str = "tollhouse-prices/1";

/// The calendars of a book by name.
pub(crate) type Calendars = BTreeMap<String, Arc<Calendar>>;

/// A parsed price book.
#[derive(Debug)]
pub struct Book {
    version: Arc<str>,
    plans: Vec<PlanRef>,
}

impl Book {
    /// Reads a book of format `tollhouse-prices/1`.
    ///
    /// # Errors
    /// The book is refused whole at the first thing wrong with it; [`BookError`] says where, what, and the fix.
    pub fn parse(json: &[u8]) -> Result<Self, BookError> {
        let root = Place::default();
        let node: Node =
            serde_json::from_slice(json).map_err(|error| root.error(Fault::Syntax(error.to_string())))?;
        let book = Fields::of(&node, &root, &["format", "version", "calendars", "plans"])?;
        // First of all, so that another format is not taken for a wrong book of this one.
        let format = book.text("format")?;
        if format != FORMAT {
            return Err(root.field("format").error(Fault::Format(format.to_owned())));
        }
        book.refuse_unknown()?;
        let version: Arc<str> = Arc::from(book.text("version")?);
        let calendars = read_calendars(&book, &root)?;
        let mut plans: Vec<PlanRef> = Vec::new();
        for node in book.list("plans")? {
            let plan = read_plan(node, plans.len(), &calendars, &version)?;
            if plans.iter().any(|other| other.id() == plan.id()) {
                return Err(root.field("plans").error(Fault::Twice(plan.id().to_string())));
            }
            plans.push(Arc::new(plan));
        }
        Ok(Self { version, plans })
    }

    /// The book's version.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The plan of this id.
    pub fn plan(&self, id: &str) -> Option<&PlanRef> {
        self.plans.iter().find(|plan| &**plan.id() == id)
    }

    /// Its plans, in the file's order.
    pub fn plans(&self) -> &[PlanRef] {
        &self.plans
    }

    pub(crate) fn into_plans(self) -> Vec<Arc<Plan>> {
        self.plans
    }
}

fn read_calendars(book: &Fields, root: &Place) -> Result<Calendars, BookError> {
    let mut calendars = Calendars::new();
    let Some(node) = book.optional("calendars") else { return Ok(calendars) };
    for (name, node) in object(node, &root.field("calendars"))? {
        let place = Place { calendar: Some(name.clone()), ..Place::default() };
        let fields = Fields::strict(node, &place, &["holidays", "workdays"])?;
        let holidays = read_dates(&fields, &place, "holidays")?;
        let workdays = read_dates(&fields, &place, "workdays")?;
        if let Some((_, date)) = workdays.iter().find(|(day, _)| holidays.iter().any(|(off, _)| off == day)) {
            return Err(place.error(Fault::HolidayAndWorkday(date.clone())));
        }
        let days = |dates: Vec<(i64, String)>| dates.into_iter().map(|(day, _)| day).collect();
        let calendar = Calendar { holidays: days(holidays), workdays: days(workdays) };
        calendars.insert(name.clone(), Arc::new(calendar));
    }
    Ok(calendars)
}

/// Days since 1970-01-01 with the date as written, sorted.
fn read_dates(fields: &Fields, place: &Place, name: &str) -> Result<Vec<(i64, String)>, BookError> {
    let place = place.field(name);
    let mut days = Vec::new();
    for node in fields.optional_list(name)?.unwrap_or_default() {
        let written = text(node, &place)?;
        let day = calendar_date(written).and_then(day_number);
        days.push((day.ok_or_else(|| place.error(Fault::Date(written.to_owned())))?, written.to_owned()));
    }
    days.sort_unstable();
    Ok(days)
}
