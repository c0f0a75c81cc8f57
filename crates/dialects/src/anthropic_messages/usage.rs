//! The usage objects of Anthropic: input in `message_start`, output in `message_delta`.

use tokens::{Kind, Tokens};

use crate::json::{Bad, Scan};
use crate::openai_chat::usage::split;
use crate::usage::{Flag, Flags, RawUsage, Slot, Usage};

/// What has been claimed so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claim {
    top: Part,
    compaction: Vec<Part>,
    searches: Slot,
    /// Output was said by a `message_delta` or a whole answer; in `message_start` it is a placeholder.
    final_output: bool,
    /// The tier used; `fast` when `speed` says so, which has a price of its own.
    pub(crate) tier: Option<String>,
    raw: RawUsage,
    pub(crate) flags: Flags,
}

/// The counts of one model's part. Input, reads and writes stand beside each other.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    input: Slot,
    read: Slot,
    created: Slot,
    created_5m: Slot,
    created_1h: Slot,
    output: Slot,
    thinking: Slot,
}

/// Where a usage object stood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `message_start`.
    Start,
    /// `message_delta`, or a whole answer.
    Final,
}

impl Claim {
    /// Takes the value of a `usage` key. Returns whether it said something.
    pub(crate) fn take(&mut self, scan: &mut Scan<'_>, stage: Stage) -> Result<bool, Bad> {
        let Some(raw) = scan.raw_unless_null()? else { return Ok(false) };
        match stage {
            Stage::Start => self.raw.first(raw),
            Stage::Final => self.raw.last(raw),
        }
        let mut said = false;
        let object = Scan::new(raw).object(|key, scan| {
            said = true;
            match key {
                b"iterations" => self.iterations(scan),
                b"server_tool_use" => self.server_tools(scan),
                b"service_tier" => self.tier(scan, false),
                b"speed" => self.tier(scan, true),
                b"inference_geo" => {
                    if scan.text()?.is_some_and(|geo| !matches!(geo.raw, b"" | b"global" | b"not_available"))
                    {
                        self.flags.raise(Flag::GeoPriced);
                    }
                    Ok(())
                }
                // A placeholder there (LiteLLM saw 4 where 199 were streamed): never the final count.
                b"output_tokens" if stage == Stage::Start => scan.skip(),
                b"output_tokens" => {
                    self.top.output.take(scan.raw()?, &mut self.flags);
                    self.final_output |= self.top.output.get().is_some();
                    Ok(())
                }
                _ => self.top.member(key, scan, &mut self.flags),
            }
        })?;
        if !object {
            self.flags.raise(Flag::MalformedCount);
        }
        Ok(said)
    }

    fn server_tools(&mut self, scan: &mut Scan<'_>) -> Result<(), Bad> {
        scan.object(|key, scan| match key {
            b"web_search_requests" => {
                self.searches.take(scan.raw()?, &mut self.flags);
                Ok(())
            }
            _ => scan.skip(),
        })
        .map(drop)
    }

    fn tier(&mut self, scan: &mut Scan<'_>, speed: bool) -> Result<(), Bad> {
        let said = scan.text()?.map(|text| text.value());
        if let Some(said) = said
            && (!speed || said == "fast")
            && self.tier.as_deref() != Some("fast")
        {
            self.tier = Some(said);
        }
        Ok(())
    }

    /// Beta: what the call's inner turns used. `message` is inside the top level, `compaction` beside it; any other
    /// kind names a model of its own, which this vector cannot hold.
    fn iterations(&mut self, scan: &mut Scan<'_>) -> Result<(), Bad> {
        self.compaction.clear();
        scan.array(|scan| {
            let (mut part, mut compaction, mut other) = (Part::default(), false, false);
            scan.object(|key, scan| match key {
                b"type" => scan.text().map(|kind| match kind.map(|kind| kind.raw) {
                    Some(b"compaction") => compaction = true,
                    Some(b"message") | None => {}
                    Some(_) => other = true,
                }),
                _ => part.member(key, scan, &mut self.flags),
            })?;
            if other {
                self.flags.raise(Flag::MultiModel);
            }
            if compaction {
                self.compaction.push(part);
            }
            Ok(())
        })
        .map(drop)
    }

    /// The vector. `last`: nothing can follow that would change it.
    pub(crate) fn usage(&self, cache_write: Kind, last: bool) -> Usage {
        let mut flags = self.flags;
        let known = self.top.input.get().is_some() || self.final_output;
        let tokens = known.then(|| {
            let mut tokens = Tokens::default();
            self.top.add_to(&mut tokens, cache_write, &mut flags);
            for part in &self.compaction {
                part.add_to(&mut tokens, cache_write, &mut flags);
            }
            tokens.add(Kind::WebSearches, self.searches.or_zero());
            tokens
        });
        let complete = last && self.final_output && self.top.input.get().is_some();
        Usage { tokens, complete, raw: self.raw.text(), flags }
    }
}

impl Part {
    fn member(&mut self, key: &[u8], scan: &mut Scan<'_>, flags: &mut Flags) -> Result<(), Bad> {
        let slot = match key {
            b"input_tokens" => &mut self.input,
            b"cache_read_input_tokens" => &mut self.read,
            b"cache_creation_input_tokens" => &mut self.created,
            b"output_tokens" => &mut self.output,
            b"cache_creation" => {
                return scan
                    .object(|key, scan| {
                        let slot = match key {
                            b"ephemeral_5m_input_tokens" => &mut self.created_5m,
                            b"ephemeral_1h_input_tokens" => &mut self.created_1h,
                            _ => return scan.skip(),
                        };
                        slot.take(scan.raw()?, flags);
                        Ok(())
                    })
                    .map(drop);
            }
            b"output_tokens_details" => {
                return scan
                    .object(|key, scan| match key {
                        b"thinking_tokens" => {
                            self.thinking.take(scan.raw()?, flags);
                            Ok(())
                        }
                        _ => scan.skip(),
                    })
                    .map(drop);
            }
            _ => return scan.skip(),
        };
        slot.take(scan.raw()?, flags);
        Ok(())
    }

    fn add_to(&self, tokens: &mut Tokens, cache_write: Kind, flags: &mut Flags) {
        tokens.add(Kind::Input, self.input.or_zero());
        tokens.add(Kind::InputCached, self.read.or_zero());
        // The split comes in `message_start` alone; what was written since has the request's lifetime.
        let halves = [
            (Kind::CacheWrite5m, self.created_5m.or_zero()),
            (Kind::CacheWrite1h, self.created_1h.or_zero()),
        ];
        let said = halves.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let created = self.created.get().unwrap_or(said);
        split(tokens, cache_write, created, &halves, flags);
        split(
            tokens,
            Kind::Output,
            self.output.or_zero(),
            &[(Kind::Reasoning, self.thinking.or_zero())],
            flags,
        );
    }
}
