//! The faults that a session holds, and how often each was met.

use std::collections::HashMap;

use crate::faults::grammar::Fault;
use crate::faults::rate_counters::RateUsage;
use crate::faults::word_values::FaultTarget;
use crate::hash;

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
pub(crate) struct Occasion<'a> {
    pub(crate) target: FaultTarget,
    pub(crate) session: &'a str,
    /// The mock's seed.
    pub(crate) seed: u64,
    pub(crate) usage: RateUsage,
}

impl Occasion<'_> {
    /// Whether a fault hits: it is not used up, its limits are exceeded, and chance has it.
    fn is_hit_by(&self, fault: &Fault, place: &str, hits: &mut u32, met: &mut Encounters) -> bool {
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

    /// Removes the faults that are equal to this one.
    pub(crate) fn remove(&mut self, fault: &Fault) {
        self.rules.retain(|rule| rule.fault != *fault);
    }

    /// Removes all faults and all counts.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Those that mean such a request, with their places.
    pub(crate) fn about(&mut self, target: FaultTarget) -> impl Iterator<Item = (usize, &mut FaultRule)> {
        self.rules.iter_mut().enumerate().filter(move |(_, rule)| {
            let aim = rule.fault.aim(FaultTarget::Create);
            aim == target || aim == FaultTarget::Any
        })
    }

    /// The first rule that hits such a request: rules with `times` follow one another.
    pub(crate) fn hit(&mut self, occasion: &Occasion<'_>) -> Option<Fault> {
        self.about(occasion.target).find_map(|(place, FaultRule { fault, hits, met })| {
            occasion.is_hit_by(fault, &format!("rule {place}"), hits, met).then(|| fault.effect(&occasion.usage))
        })
    }

    /// Whether a fault that stands in a request is to be obeyed.
    pub(crate) fn applies(&mut self, place: &str, fault: &Fault, occasion: &Occasion<'_>) -> bool {
        if fault.times.is_none() && fault.chance.is_none() {
            return occasion.is_hit_by(fault, place, &mut 0, &mut Encounters::default());
        }
        if self.counters.len() >= COUNTERS {
            self.counters.clear();
        }
        let RuleCounter { hits, met } = self.counters.entry(format!("{place} {fault}")).or_default();
        occasion.is_hit_by(fault, place, hits, met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::notation::parse;

    #[test]
    fn rules_follow_one_another() {
        let mut rules = FaultRules::default();
        rules.add(parse("status=503 times=1; status=429 times=1; on=poll empty; image=html").unwrap());
        let occasion = |target| Occasion { target, session: "", seed: 0, usage: RateUsage::default() };
        let mut next = |target| rules.hit(&occasion(target)).map(|fault| fault.to_string());
        assert_eq!(next(FaultTarget::Create).as_deref(), Some("status=503"));
        assert_eq!(next(FaultTarget::Create).as_deref(), Some("status=429"));
        assert_eq!(next(FaultTarget::Create), None);
        assert_eq!(next(FaultTarget::Poll).as_deref(), Some("empty"));
        assert_eq!(next(FaultTarget::Image).as_deref(), Some("image=html"));
        assert_eq!(next(FaultTarget::Models), None);
    }
}
