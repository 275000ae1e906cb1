//! Which faults hit a request: those of its header, its prompt, its key, its task or image, and its session.

use http::HeaderMap;
use jiff::Timestamp;

use crate::engine::services::Services;
use crate::faults::fault_rules::Occasion;
use crate::faults::grammar::Fault;
use crate::faults::notation::{FaultError, parse};
use crate::faults::prompt_directive;
use crate::faults::rate_counters::RateKey;
use crate::faults::word_values::{BytePosition, FaultTarget};
use crate::headers;
use crate::state::session::Session;

/// Where the faults of a request are stated.
#[derive(Debug, Default)]
pub(crate) struct FaultSources<'a> {
    pub(crate) header: Option<&'a str>,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) key: Option<Fault>,
    /// What the request that made the task or the image has left for this one, and the name to count it by.
    pub(crate) carried: Vec<Fault>,
    pub(crate) name: &'a str,
    pub(crate) caller: RateKey<'a>,
}

impl FaultSources<'_> {
    /// Whether none of them states a fault.
    pub(crate) fn are_silent(&self) -> bool {
        self.header.is_none()
            && self.key.is_none()
            && self.carried.is_empty()
            && !self.prompt.is_some_and(prompt_directive::is_in)
    }
}

/// The faults of a request, and of later ones that it leads to.
#[derive(Debug, Clone, Default)]
pub(crate) struct SelectedFaults {
    pub(crate) now: Fault,
    pub(crate) later: Vec<Fault>,
    /// The name by which limits count what comes of it, where one does.
    pub(crate) counted: Option<String>,
}

/// The faults in the header of a request.
pub(crate) fn header(headers: &HeaderMap) -> Option<&str> {
    headers.get(headers::FAULT).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// The faults of a request; those of its headers come first, those of its session last.
pub(crate) fn choose(
    services: &Services,
    session: &str,
    now: Timestamp,
    target: FaultTarget,
    sources: FaultSources<'_>,
) -> Result<SelectedFaults, FaultError> {
    let caller = sources.caller;
    let said = said(target, sources)?;
    let of = Selection { session, seed: services.settings.initial().seed, target, caller };
    Ok(services.sessions.with(session, now, |open| {
        let chosen = decide(open, now, &of, said);
        admit(open, now, &chosen);
        chosen
    }))
}

/// The faults of a request whose body has not come yet, where they cut it off; otherwise nothing is chosen and nothing is
/// used up.
pub(crate) fn choose_early(
    services: &Services,
    session: &str,
    now: Timestamp,
    target: FaultTarget,
    sources: FaultSources<'_>,
) -> Option<(u64, SelectedFaults)> {
    let caller = sources.caller;
    let said = said(target, sources).ok()?;
    let of = Selection { session, seed: services.settings.initial().seed, target, caller };
    services.sessions.with(session, now, |open| {
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

/// A fault, where it was stated, and its target if it names none.
type StatedFault = (String, Fault, FaultTarget);

/// The faults that the parts of a request state.
fn said(target: FaultTarget, sources: FaultSources<'_>) -> Result<Vec<StatedFault>, FaultError> {
    let FaultSources { header, prompt, key, carried, name, .. } = sources;
    let mut said: Vec<StatedFault> = Vec::new();
    for fault in parse(header.unwrap_or_default())? {
        said.push((String::from("header"), fault, target));
    }
    let prompt = prompt.unwrap_or_default();
    for fault in parse(&prompt_directive::of(prompt))? {
        said.push((format!("prompt {prompt}"), fault, FaultTarget::Create));
    }
    said.extend(key.map(|fault| (String::from("key"), fault, FaultTarget::Create)));
    said.extend(carried.into_iter().map(|fault| (format!("carried {name}"), fault, FaultTarget::Create)));
    Ok(said)
}

/// The request that faults are selected for.
struct Selection<'a> {
    session: &'a str,
    /// The mock's seed.
    seed: u64,
    target: FaultTarget,
    caller: RateKey<'a>,
}

/// The faults that hit.
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
    let occasion = Occasion { target, session, seed, usage };
    for (place, fault, _) in here {
        if open.rules.applies(&place, &fault, &occasion) {
            chosen.now = chosen.now.over(&fault.effect(&usage));
        }
    }
    if let Some(effect) = open.rules.hit(&occasion) {
        chosen.now = chosen.now.over(&effect);
    }
    // What is refused uses nothing up.
    let passes = chosen.now.refuse.is_none() && chosen.now.status.is_none() && chosen.now.error.is_empty();
    chosen.counted = counted.filter(|_| passes);
    chosen
}

fn admit(open: &mut Session, now: Timestamp, chosen: &SelectedFaults) {
    if let Some(caller) = &chosen.counted {
        open.rates.admit(caller, now);
    }
}
