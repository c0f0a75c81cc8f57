//! The usage object of OpenAI chat, with what other vendors add to it.

use tokens::{Kind, Tokens};

use crate::json::{Bad, Scan};
use crate::usage::{Flag, Flags, RawUsage, Slot, Usage};

/// What has been claimed so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claim {
    prompt: Slot,
    completion: Slot,
    total: Slot,
    cached: Slot,
    /// Moonshot's top-level `cached_tokens`.
    cached_beside: Slot,
    /// DeepSeek's `prompt_cache_hit_tokens` and `…_miss_tokens`: together the prompt.
    hit: Slot,
    miss: Slot,
    /// OpenAI's `cache_write_tokens`, or DashScope's `cache_creation_input_tokens`.
    written: Slot,
    prompt_audio: Slot,
    prompt_image: Slot,
    reasoning: Slot,
    completion_audio: Slot,
    completion_image: Slot,
    raw: RawUsage,
    pub(crate) flags: Flags,
}

impl Claim {
    /// Takes the value of a `usage` key. `null` says nothing. Returns whether it said something.
    pub(crate) fn take(&mut self, scan: &mut Scan<'_>) -> Result<bool, Bad> {
        let Some(raw) = scan.raw_unless_null()? else { return Ok(false) };
        self.raw.last(raw);
        let mut said = false;
        let object = Scan::new(raw).object(|key, scan| {
            said = true;
            let slot = match key {
                b"prompt_tokens" => &mut self.prompt,
                b"completion_tokens" => &mut self.completion,
                b"total_tokens" => &mut self.total,
                b"cached_tokens" => &mut self.cached_beside,
                b"prompt_cache_hit_tokens" => &mut self.hit,
                b"prompt_cache_miss_tokens" => &mut self.miss,
                b"cache_creation_input_tokens" => &mut self.written,
                b"prompt_tokens_details" => return self.prompt_details(scan),
                b"completion_tokens_details" => return self.completion_details(scan),
                _ => return scan.skip(),
            };
            slot.take(scan.raw()?, &mut self.flags);
            Ok(())
        })?;
        if !object {
            self.flags.raise(Flag::MalformedCount);
        }
        Ok(said)
    }

    fn prompt_details(&mut self, scan: &mut Scan<'_>) -> Result<(), Bad> {
        scan.object(|key, scan| {
            let slot = match key {
                b"cached_tokens" => &mut self.cached,
                b"cache_write_tokens" | b"cache_creation_input_tokens" => &mut self.written,
                b"audio_tokens" => &mut self.prompt_audio,
                b"image_tokens" => &mut self.prompt_image,
                _ => return scan.skip(),
            };
            slot.take(scan.raw()?, &mut self.flags);
            Ok(())
        })
        .map(drop)
    }

    /// `accepted_prediction_tokens` and `rejected_prediction_tokens` are inside the output and cost as it does.
    fn completion_details(&mut self, scan: &mut Scan<'_>) -> Result<(), Bad> {
        scan.object(|key, scan| {
            let slot = match key {
                b"reasoning_tokens" => &mut self.reasoning,
                b"audio_tokens" => &mut self.completion_audio,
                b"image_tokens" => &mut self.completion_image,
                _ => return scan.skip(),
            };
            slot.take(scan.raw()?, &mut self.flags);
            Ok(())
        })
        .map(drop)
    }

    /// Both sides have been said.
    pub(crate) const fn is_whole(&self) -> bool {
        self.prompt.get().is_some() && self.completion.get().is_some()
    }

    /// The vector. `last`: nothing can follow that would change it.
    pub(crate) fn usage(&self, cache_write: Kind, last: bool) -> Usage {
        let mut flags = self.flags;
        let known = self.prompt.get().is_some() || self.completion.get().is_some();
        let tokens = known.then(|| self.tokens(cache_write, &mut flags));
        Usage { tokens, complete: last && self.is_whole(), raw: self.raw.text(), flags }
    }

    fn tokens(&self, cache_write: Kind, flags: &mut Flags) -> Tokens {
        let (prompt, completion) = (self.prompt.or_zero(), self.completion.or_zero());
        if let Some(total) = self.total.get() {
            raise_unless(prompt.saturating_add(completion) == total, Flag::TotalMismatch, flags);
        }
        let cached = self.cached_count(flags);
        let mut tokens = Tokens::default();
        let input = [
            (Kind::InputCached, cached),
            (cache_write, self.written.or_zero()),
            (Kind::AudioInput, self.prompt_audio.or_zero()),
            (Kind::ImageInput, self.prompt_image.or_zero()),
        ];
        split(&mut tokens, Kind::Input, prompt, &input, flags);
        let output = [
            (Kind::Reasoning, self.reasoning.or_zero()),
            (Kind::AudioOutput, self.completion_audio.or_zero()),
            (Kind::ImageOutput, self.completion_image.or_zero()),
        ];
        split(&mut tokens, Kind::Output, completion, &output, flags);
        tokens
    }

    fn cached_count(&self, flags: &mut Flags) -> u64 {
        if let (Some(hit), Some(miss)) = (self.hit.get(), self.miss.get()) {
            let adds_up = hit.saturating_add(miss) == self.prompt.or_zero();
            raise_unless(adds_up, Flag::CacheDisagrees, flags);
        }
        let said = [self.cached.get(), self.hit.get(), self.cached_beside.get()];
        let mut said = said.into_iter().flatten();
        let Some(first) = said.next() else { return 0 };
        raise_unless(said.all(|other| other == first), Flag::CacheDisagrees, flags);
        first
    }
}

fn raise_unless(holds: bool, flag: Flag, flags: &mut Flags) {
    if !holds {
        flags.raise(flag);
    }
}

/// Takes details out of an inclusive count, in order. A detail that is larger than what is left contradicts the
/// count: it is flagged and left inside, so that the parts still add up to what the provider counted.
pub(crate) fn split(
    tokens: &mut Tokens,
    rest: Kind,
    inclusive: u64,
    details: &[(Kind, u64)],
    flags: &mut Flags,
) {
    let mut left = inclusive;
    for (kind, count) in details {
        if let Some(less) = left.checked_sub(*count) {
            left = less;
            tokens.add(*kind, *count);
        } else {
            flags.raise(Flag::DetailExceeds);
        }
    }
    tokens.add(rest, left);
}
