//! What will be answered: texts, tool calls, finish and the true token vector. The same request gets the same answer.
//! How it is written on the wire is in `openai` and `anthropic`; how it goes wrong in `usage` and `tamper`.

use tokens::{Kind, Tokenizer, Tokens};

use crate::fault::{Fault, FaultKind};
use crate::prompt;
use crate::request::{Ask, Dialect, Shape, ToolWish};
use crate::rng::Rng;
use crate::schema;
use crate::words::Text;

/// A model that is answered without any tokenizer: input is the prompt's bytes / 4, output 16 words.
pub(crate) const BENCH_MODEL: &str = "sim-bench";

/// An answer, not yet written in any dialect.
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) tier: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) tokens: Tokens,
    /// Seeds what is decoration: padding, signatures.
    pub(crate) rng: Rng,
}

/// One of the answers to a request (`n`).
pub(crate) struct Choice {
    /// Reasoning text shown.
    pub(crate) reasoning: Text,
    /// Reasoning tokens billed without text.
    pub(crate) hidden: u64,
    pub(crate) text: Text,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
}

/// A tool call.
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Text,
    /// Tokens of the name; those of the arguments are in their text.
    pub(crate) name_tokens: u64,
}

/// Why a choice ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    Calls,
    Sequence(String),
}

impl Choice {
    /// Visible output tokens.
    pub(crate) fn visible(&self) -> u64 {
        self.text.tokens()
            + self.calls.iter().map(|call| call.name_tokens + call.arguments.tokens()).sum::<u64>()
    }

    pub(crate) fn reasoned(&self) -> u64 {
        self.hidden + self.reasoning.tokens()
    }
}

/// Decides the answer. `chance` is the hash of seed and request; `created` in Unix seconds.
pub(crate) fn decide(ask: &Ask<'_>, fault: Option<&Fault>, chance: u64, created: u64) -> Answer {
    let mut rng = Rng(chance);
    let choices: Vec<Choice> = (0..ask.choices).map(|nth| choice(ask, nth, &mut rng)).collect();
    let mut tokens = input(ask);
    for choice in &choices {
        tokens.add(Kind::Output, choice.visible());
        tokens.add(Kind::Reasoning, choice.reasoned());
    }
    let id = match ask.dialect {
        Dialect::OpenAi => rng.id("chatcmpl-", 29),
        Dialect::Anthropic => rng.id("msg_01", 22),
    };
    let model = match fault {
        Some(fault) if fault.kind == FaultKind::ServedModel => fault.text("another-model").to_owned(),
        _ => ask.model.clone(),
    };
    let tier = match fault {
        Some(fault) if fault.kind == FaultKind::Tier => fault.text("other"),
        _ => tier(ask),
    };
    Answer { id, created, model, tier: tier.to_owned(), choices, tokens, rng }
}

/// The service tier that is served and echoed: what was asked for, in the words of the answer.
fn tier(ask: &Ask<'_>) -> &'static str {
    match (ask.dialect, ask.tier.as_deref()) {
        (Dialect::OpenAi, Some("flex")) => "flex",
        (Dialect::OpenAi, Some("scale")) => "scale",
        (Dialect::OpenAi, Some("priority" | "fast")) => "priority",
        (Dialect::OpenAi, _) => "default",
        (Dialect::Anthropic, _) => "standard",
    }
}

/// The input part of the vector. A directive says the whole prompt, cached and written tokens included.
fn input(ask: &Ask<'_>) -> Tokens {
    let directive = &ask.directive;
    let apart = directive.cached_and_written();
    let mut images = 0;
    let plain = match directive.input_tokens {
        Some(all) => all.saturating_sub(apart),
        None if is_bench(ask) => u64::try_from(ask.prompt.messages.len() / 4).unwrap_or(0).max(1),
        None => {
            let counted = prompt::count(ask);
            images = counted.images;
            counted.text.saturating_sub(apart)
        }
    };
    let mut tokens = Tokens::default();
    match ask.dialect {
        // OpenAI tells image tokens apart and all cache writes in one; Anthropic tells writes by their life only.
        Dialect::OpenAi => {
            tokens.set(Kind::Input, plain);
            tokens.set(Kind::ImageInput, images);
            tokens.set(
                Kind::CacheWrite,
                directive
                    .cache_write
                    .saturating_add(directive.cache_write_5m)
                    .saturating_add(directive.cache_write_1h),
            );
        }
        Dialect::Anthropic => {
            tokens.set(Kind::Input, plain.saturating_add(images));
            tokens.set(Kind::CacheWrite5m, directive.cache_write_5m.saturating_add(directive.cache_write));
            tokens.set(Kind::CacheWrite1h, directive.cache_write_1h);
        }
    }
    tokens.set(Kind::InputCached, directive.cached_tokens);
    tokens
}

fn is_bench(ask: &Ask<'_>) -> bool {
    ask.model == BENCH_MODEL
}

fn choice(ask: &Ask<'_>, nth: u64, rng: &mut Rng) -> Choice {
    let share = |all: u64| all / ask.choices + u64::from(nth < all % ask.choices);
    let cap = ask.max_output.unwrap_or(u64::MAX);
    let asked = ask.directive.output_tokens.map(share);
    let reasoned = match (ask.directive.reasoning_tokens.map(share), ask.reasoning) {
        (Some(said), _) => said.min(cap),
        // A derived answer leaves at least half of the limit to be read.
        (None, Some(budget)) => (16 + rng.below(64)).min(budget).min(cap / 2).min(asked.unwrap_or(u64::MAX)),
        (None, None) => 0,
    };
    let room = cap - reasoned;
    let asked = asked.map(|asked| asked.saturating_sub(reasoned));
    let (reasoning, hidden) = if ask.directive.hide_reasoning {
        (Text::default(), reasoned)
    } else {
        (Text::of_tokens(reasoned, rng), 0)
    };
    let calls = calls(ask, rng);
    let mut made = Choice { reasoning, hidden, text: Text::default(), calls, finish: Finish::Stop };
    if made.calls.is_empty() {
        (made.text, made.finish) = text(ask, asked, room, rng);
    } else {
        made.finish = Finish::Calls;
        if made.visible() > room {
            made.finish = Finish::Length;
            cut_calls(&mut made.calls, room);
        }
        if let Some(asked) = asked {
            // Words before the calls make up what the directive says beyond them; it wins where it says less.
            let called = made.visible();
            made.text = Text::of_tokens(asked.min(room).saturating_sub(called), rng);
            if asked < called {
                spread(&mut made.calls, asked);
            }
        }
    }
    made
}

fn calls(ask: &Ask<'_>, rng: &mut Rng) -> Vec<Call> {
    let wanted = match (&ask.tool_wish, ask.directive.tool_calls) {
        (ToolWish::Free | ToolWish::Any | ToolWish::Named(_), Some(said)) => said.min(128),
        (ToolWish::Any | ToolWish::Named(_), None) => 1,
        (ToolWish::Never, _) | (ToolWish::Free, None) => 0,
    };
    let named = |name: &str| match &ask.tool_wish {
        ToolWish::Named(only) => only == name,
        ToolWish::Free | ToolWish::Never | ToolWish::Any => true,
    };
    let usable = || ask.tools.iter().filter(|tool| named(&tool.name));
    if usable().next().is_none() {
        return Vec::new();
    }
    let made = usable().cycle().zip(0..wanted).map(|(tool, _)| {
        let arguments = schema::object(&tool.schema, rng).to_string();
        let (name_tokens, tokens) = if is_bench(ask) {
            (1, u64::try_from(arguments.len() / 4).unwrap_or(0).max(1))
        } else {
            (Tokenizer::O200k.count(&tool.name), Tokenizer::O200k.count(&arguments))
        };
        let id = match ask.dialect {
            Dialect::OpenAi => rng.id("call_", 24),
            Dialect::Anthropic => rng.id("toolu_01", 22),
        };
        Call { id, name: tool.name.clone(), arguments: Text::in_pieces(arguments, tokens), name_tokens }
    });
    made.collect()
}

/// Makes the calls count `asked` in all: the first as much as there is.
fn spread(calls: &mut [Call], mut asked: u64) {
    for call in calls {
        call.name_tokens = call.name_tokens.min(asked);
        asked -= call.name_tokens;
        let tokens = call.arguments.tokens().min(asked);
        call.arguments = Text::in_pieces(std::mem::take(&mut call.arguments.text), tokens);
        asked -= tokens;
    }
}

/// Leaves what fits into `room` tokens, as a model does that runs into its limit.
fn cut_calls(calls: &mut Vec<Call>, mut room: u64) {
    calls.retain_mut(|call| {
        if call.name_tokens > room {
            room = 0;
            return false;
        }
        room -= call.name_tokens;
        call.arguments = cut(std::mem::take(&mut call.arguments), room);
        room -= call.arguments.tokens();
        true
    });
}

/// The longest head of a text that counts at most `room`, recounted.
fn cut(text: Text, room: u64) -> Text {
    if text.tokens() <= room {
        return text;
    }
    let mut made = text.text;
    loop {
        let counted = Tokenizer::O200k.count(&made);
        if counted <= room {
            return Text::in_pieces(made, counted);
        }
        made.pop();
    }
}

fn text(ask: &Ask<'_>, asked: Option<u64>, room: u64, rng: &mut Rng) -> (Text, Finish) {
    let wanted = asked.unwrap_or_else(|| if is_bench(ask) { 16 } else { 16 + rng.below(113) });
    let finish = if wanted > room { Finish::Length } else { Finish::Stop };
    let count = wanted.min(room);
    match &ask.shape {
        Shape::Text if asked.is_some() || ask.stop.is_empty() => (Text::of_tokens(count, rng), finish),
        Shape::Text => stopped(Text::of_tokens(count, rng), &ask.stop, finish),
        Shape::Json => (json_of_tokens(count, rng), finish),
        Shape::Schema(schema) => {
            let made = schema::value(schema, rng).to_string();
            if asked.is_some() {
                return (Text::in_pieces(made, count), finish);
            }
            let counted = Tokenizer::O200k.count(&made);
            let finish = if counted > room { Finish::Length } else { Finish::Stop };
            (cut(Text::in_pieces(made, counted), room), finish)
        }
    }
}

/// Ends a text before the first of the stop sequences.
fn stopped(text: Text, stop: &[String], finish: Finish) -> (Text, Finish) {
    let found =
        stop.iter().filter(|word| !word.is_empty()).filter_map(|word| Some((text.text.find(word)?, word)));
    let Some((at, word)) = found.min_by_key(|(at, _)| *at) else { return (text, finish) };
    let head = text.text.get(..at).unwrap_or_default().to_owned();
    let counted = Tokenizer::O200k.count(&head);
    (Text::in_pieces(head, counted), Finish::Sequence(word.clone()))
}

/// `{"answer":"…"}` of exactly `count` tokens where that is possible (the frame alone is a few).
fn json_of_tokens(count: u64, rng: &mut Rng) -> Text {
    let mut words = count.saturating_sub(5);
    let mut last = Text::default();
    for _ in 0..6 {
        let made = format!("{{\"answer\":\"{}\"}}", Text::of_tokens(words, &mut rng.clone()).text);
        let counted = Tokenizer::O200k.count(&made);
        last = Text::in_pieces(made, counted);
        if counted == count || (counted > count && words == 0) {
            break;
        }
        words = (words + count).saturating_sub(counted);
    }
    if last.tokens() > count { cut(last, count) } else { last }
}
