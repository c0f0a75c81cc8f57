//! When a rate applies: service tiers, length bands, dates, hours and days.

use jiff::Timestamp;

use crate::Tier;
use crate::clock::{Reading, WallClock, Zone};

/// All of it must hold.
#[derive(Clone, Debug)]
pub(crate) struct When {
    /// A set of [`Tier::bit`]s.
    pub tiers: u8,
    pub prompt: Band,
    pub output: Band,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
    pub clock: Option<Box<WallClock>>,
}

/// Counts from `least` to `most`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    pub least: u64,
    pub most: u64,
}

impl Band {
    /// Any count.
    pub const ALL: Self = Self { least: 0, most: u64::MAX };

    pub const fn holds(self, count: u64) -> bool {
        self.least <= count && count <= self.most
    }

    /// What is in both; `None`: nothing.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { least: self.least.max(other.least), most: self.most.min(other.most) };
        (both.least <= both.most).then_some(both)
    }
}

/// What the conditions are held against: one request at one instant. Reads each zone's clock at most once in a row.
pub(crate) struct Facts<'p> {
    pub at: Timestamp,
    pub tier: Tier,
    pub prompt: u64,
    pub output: u64,
    read: Option<(&'p Zone, Reading)>,
}

impl<'p> Facts<'p> {
    pub const fn new(at: Timestamp, tier: Tier, prompt: u64, output: u64) -> Self {
        Self { at, tier, prompt, output, read: None }
    }

    fn reading(&mut self, zone: &'p Zone) -> Reading {
        match self.read {
            Some((read, reading)) if std::ptr::eq(read, zone) || read == zone => reading,
            _ => {
                let reading = zone.read(self.at);
                self.read = Some((zone, reading));
                reading
            }
        }
    }
}

impl When {
    /// The cheap questions first: the clock is read only if all else holds.
    pub fn holds<'p>(&'p self, facts: &mut Facts<'p>) -> bool {
        self.tiers & facts.tier.bit() != 0
            && self.prompt.holds(facts.prompt)
            && self.output.holds(facts.output)
            && self.from.is_none_or(|from| from <= facts.at)
            && self.to.is_none_or(|to| facts.at < to)
            && self.clock_holds(facts)
    }

    /// The hours and days hold.
    pub fn clock_holds<'p>(&'p self, facts: &mut Facts<'p>) -> bool {
        self.clock.as_ref().is_none_or(|clock| clock.hold(facts.reading(&clock.zone)))
    }

    /// Could hold for some request of at most this size at some instant of the span. Hours and days are not
    /// looked at: the answer may be yes too often, never no.
    pub fn may_hold(&self, tier: Tier, span: (Timestamp, Timestamp), prompt: u64, output: u64) -> bool {
        self.tiers & tier.bit() != 0
            && self.prompt.least <= prompt
            && self.output.least <= output
            && self.from.is_none_or(|from| from <= span.1)
            && self.to.is_none_or(|to| span.0 < to)
    }
}
