//! Which faults hit a request: those of its headers, of its prompt, of its key, of what it asks about, of its session.

use std::borrow::Cow;
use std::collections::HashMap;

use http::HeaderName;
use jiff::Timestamp;

use crate::engine::Engine;
use crate::faults::fault::Fault;
use crate::faults::rate::{RateKey, RateUsage};
use crate::faults::text::{FaultError, parse};
use crate::faults::words::{BytePosition, FaultTarget};
use crate::hash;
use crate::state::session::Session;

/// The request header that holds faults.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-mock-fault");

/// What a directive in a prompt begins and ends with.
const DIRECTIVE: (&str, &str) = ("[[mock:", "]]");

/// The most counters a session keeps before it starts anew.
const COUNTERS: usize = 10_000;

/// The faults of one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultRules {
    rules: Vec<FaultRule>,
    /// How often a fault that counts was met, by where it stood and what it said.
    counters: HashMap<String, RuleCounter>,
}

/// A fault that was set over the admin API.
#[derive(Debug, Clone)]
pub(crate) struct FaultRule {
    pub(crate) fault: Fault,
    /// How many requests it has hit.
    pub(crate) hits: u32,
    met: Encounters,
}

/// How often a fault was met, apart for each target: polls must not shift what happens to creates.
type Encounters = [u64; FaultTarget::ALL.len()];

#[derive(Debug, Clone, Default)]
struct RuleCounter {
    hits: u32,
    met: Encounters,
}

/// One request, as far as faults have to know it.
struct Occasion<'a> {
    target: FaultTarget,
    session: &'a str,
    /// The mock's seed.
    seed: u64,
    usage: RateUsage,
}

impl Occasion<'_> {
    /// Whether a fault hits: it is not used up, its limits are exceeded, and chance has it.
    fn strikes(&self, fault: &Fault, place: &str, hits: &mut u32, met: &mut Encounters) -> bool {
        if fault.times.is_some_and(|times| *hits >= times) {
            return false;
        }
        if fault.is_limit() && fault.exceeded(&self.usage).is_none() {
            return false;
        }
        if let Some(chance) = fault.chance {
            let met = &mut met[self.target as usize];
            let seed = fault.seed.unwrap_or(self.seed).to_be_bytes();
            let text = format!("{place} {fault}");
            let target = self.target.as_str().as_bytes();
            let parts: [&[u8]; 6] =
                [b"chance", &seed, self.session.as_bytes(), text.as_bytes(), target, &met.to_be_bytes()];
            *met += 1;
            if !chance.takes(hash::number(&parts)) {
                return false;
            }
        }
        *hits = hits.saturating_add(1);
        true
    }
}

impl FaultRules {
    pub(crate) fn with(faults: Vec<Fault>) -> Self {
        let mut rules = Self::default();
        rules.add(faults);
        rules
    }

    pub(crate) fn add(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.rules.extend(faults.into_iter().map(|fault| FaultRule { fault, hits: 0, met: Encounters::default() }));
    }

    pub(crate) fn list(&self) -> &[FaultRule] {
        &self.rules
    }

    /// Forgets all faults and all counts.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Those that mean such a request, with their places.
    fn about(&mut self, target: FaultTarget) -> impl Iterator<Item = (usize, &mut FaultRule)> {
        self.rules.iter_mut().enumerate().filter(move |(_, rule)| {
            let aim = rule.fault.aim(FaultTarget::Create);
            aim == target || aim == FaultTarget::Any
        })
    }

    /// The first rule that hits such a request: rules with `times` follow one another.
    fn hit(&mut self, moment: &Occasion<'_>) -> Option<Fault> {
        self.about(moment.target).find_map(|(place, FaultRule { fault, hits, met })| {
            moment.strikes(fault, &format!("rule {place}"), hits, met).then(|| fault.effect(&moment.usage))
        })
    }

    /// Whether a fault that stands in a request is to be obeyed.
    fn obeys(&mut self, place: &str, fault: &Fault, moment: &Occasion<'_>) -> bool {
        if fault.times.is_none() && fault.chance.is_none() {
            return moment.strikes(fault, place, &mut 0, &mut Encounters::default());
        }
        if self.counters.len() >= COUNTERS {
            self.counters.clear();
        }
        let RuleCounter { hits, met } = self.counters.entry(format!("{place} {fault}")).or_default();
        moment.strikes(fault, place, hits, met)
    }
}

/// Where a request says what shall go wrong with it.
#[derive(Debug, Default)]
pub(crate) struct FaultSources<'a> {
    pub(crate) header: Option<&'a str>,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) key: Option<Fault>,
    /// What the request that made the task or the picture has left for this one, and the name to count it by.
    pub(crate) carried: Vec<Fault>,
    pub(crate) name: &'a str,
    pub(crate) caller: RateKey<'a>,
}

impl FaultSources<'_> {
    /// Whether none of them says anything.
    pub(crate) fn are_silent(&self) -> bool {
        let says = |prompt: &str| prompt.contains(DIRECTIVE.0);
        self.header.is_none() && self.key.is_none() && self.carried.is_empty() && !self.prompt.is_some_and(says)
    }
}

/// What goes wrong with a request, and with later ones because of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SelectedFaults {
    pub(crate) now: Fault,
    pub(crate) later: Vec<Fault>,
    /// The name by which limits count what comes of it, where one does.
    pub(crate) counted: Option<String>,
}

/// The faults of a request; those of its headers come first, those of its session last.
pub(crate) fn choose(
    engine: &Engine,
    session: &str,
    now: Timestamp,
    target: FaultTarget,
    sources: FaultSources<'_>,
) -> Result<SelectedFaults, FaultError> {
    let caller = sources.caller;
    let said = said(target, sources)?;
    let of = Selection { session, seed: engine.settings().seed, target, caller };
    Ok(engine.sessions().with(session, now, |open| {
        let chosen = decide(open, now, &of, said);
        admit(open, now, &chosen);
        chosen
    }))
}

/// The faults of a request whose body has not come yet, where they cut it off; otherwise nothing is chosen and nothing is
/// used up.
pub(crate) fn choose_early(
    engine: &Engine,
    session: &str,
    now: Timestamp,
    target: FaultTarget,
    sources: FaultSources<'_>,
) -> Option<(u64, SelectedFaults)> {
    let caller = sources.caller;
    let said = said(target, sources).ok()?;
    let of = Selection { session, seed: engine.settings().seed, target, caller };
    engine.sessions().with(session, now, |open| {
        let before = open.rules.clone();
        let chosen = decide(open, now, &of, said);
        match chosen.now.end {
            Some((_, BytePosition::Request(byte))) => {
                admit(open, now, &chosen);
                Some((byte, chosen))
            }
            _ => {
                open.rules = before;
                None
            }
        }
    })
}

/// A fault, where it stood, and what it means if it does not say.
type StatedFault = (String, Fault, FaultTarget);

/// What the places of a request say.
fn said(target: FaultTarget, sources: FaultSources<'_>) -> Result<Vec<StatedFault>, FaultError> {
    let FaultSources { header, prompt, key, carried, name, .. } = sources;
    let mut said: Vec<StatedFault> = Vec::new();
    for fault in parse(header.unwrap_or_default())? {
        said.push((String::from("header"), fault, target));
    }
    let prompt = prompt.unwrap_or_default();
    for fault in parse(&directive(prompt))? {
        said.push((format!("prompt {prompt}"), fault, FaultTarget::Create));
    }
    said.extend(key.map(|fault| (String::from("key"), fault, FaultTarget::Create)));
    said.extend(carried.into_iter().map(|fault| (format!("carried {name}"), fault, FaultTarget::Create)));
    Ok(said)
}

/// Whose request it is.
struct Selection<'a> {
    session: &'a str,
    /// The mock's seed.
    seed: u64,
    target: FaultTarget,
    caller: RateKey<'a>,
}

/// What of all that hits.
fn decide(open: &mut Session, now: Timestamp, of: &Selection<'_>, said: Vec<StatedFault>) -> SelectedFaults {
    let Selection { session, seed, target, caller } = *of;
    let mut chosen = SelectedFaults::default();
    let (here, later): (Vec<_>, Vec<_>) = said.into_iter().partition(|(_, fault, default)| {
        let aim = fault.aim(*default);
        aim == target || aim == FaultTarget::Any
    });
    chosen.later = later.into_iter().map(|(_, fault, _)| fault).collect();
    let limited = here.iter().any(|(_, fault, _)| fault.is_limit())
        || open.rules.about(target).any(|(_, rule)| rule.fault.is_limit());
    let counted = limited.then(|| caller.name(target));
    let usage = counted.as_deref().map(|caller| open.usage(caller, now)).unwrap_or_default();
    let moment = Occasion { target, session, seed, usage };
    for (place, fault, _) in here {
        if open.rules.obeys(&place, &fault, &moment) {
            chosen.now = chosen.now.over(&fault.effect(&usage));
        }
    }
    if let Some(effect) = open.rules.hit(&moment) {
        chosen.now = chosen.now.over(&effect);
    }
    // What is refused uses nothing up.
    let passes = chosen.now.refuse.is_none() && chosen.now.status.is_none() && chosen.now.error.is_empty();
    chosen.counted = counted.filter(|_| passes);
    chosen
}

fn admit(open: &mut Session, now: Timestamp, chosen: &SelectedFaults) {
    if let Some(caller) = &chosen.counted {
        open.traffic.admit(caller, now);
    }
}

/// The faults that stand in a prompt as `[[mock: …]]`.
fn directive(prompt: &str) -> String {
    let inside = |text: &str| text.split_once(DIRECTIVE.1).map(|(inside, _)| inside.to_owned());
    let found: Vec<String> = prompt.split(DIRECTIVE.0).skip(1).filter_map(inside).collect();
    found.join(";")
}

/// A prompt without what is meant for the mock.
pub(crate) fn without_directive(prompt: &str) -> Cow<'_, str> {
    if !prompt.contains(DIRECTIVE.0) {
        return prompt.trim_start().into();
    }
    let mut kept = String::new();
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once(DIRECTIVE.0) {
        let Some((_, after)) = after.split_once(DIRECTIVE.1) else { break };
        kept.push_str(before.trim_end());
        rest = after;
    }
    kept.push_str(rest);
    kept.trim_start().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m18_directives_leave_the_prompt() {
        let prompt = "a kite [[mock: status=503 times=1]] at dawn[[mock:empty]]";
        assert_eq!(directive(prompt), " status=503 times=1;empty");
        assert_eq!(without_directive(prompt), "a kite at dawn");
        assert_eq!(without_directive("[[mock: empty]] a kite"), "a kite");
        assert_eq!(without_directive("a [[mock: kite"), "a [[mock: kite");
        assert_eq!(directive("a [[kite]]"), "");
    }

    #[test]
    fn m18_rules_follow_one_another() {
        let mut rules = FaultRules::default();
        rules.add(parse("status=503 times=1; status=429 times=1; on=poll empty; picture=html").unwrap());
        let moment = |target| Occasion { target, session: "", seed: 0, usage: RateUsage::default() };
        let mut next = |target| rules.hit(&moment(target)).map(|fault| fault.to_string());
        assert_eq!(next(FaultTarget::Create).as_deref(), Some("status=503"));
        assert_eq!(next(FaultTarget::Create).as_deref(), Some("status=429"));
        assert_eq!(next(FaultTarget::Create), None);
        assert_eq!(next(FaultTarget::Poll).as_deref(), Some("empty"));
        assert_eq!(next(FaultTarget::Image).as_deref(), Some("picture=html"));
        assert_eq!(next(FaultTarget::Models), None);
    }
}
