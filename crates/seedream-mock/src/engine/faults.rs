//! Which faults hit a request: those of its headers, of its prompt, of its key, of what it asks about, of its session.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Engine;
use crate::fault::{Fault, FaultError, On, parse};

/// The request header that holds faults.
pub(crate) const HEADER: &str = "x-mock-fault";

/// What a directive in a prompt begins and ends with.
const DIRECTIVE: (&str, &str) = ("[[mock:", "]]");

/// The most counters a session keeps before it starts anew.
const COUNTERS: usize = 10_000;

/// The faults of one session.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    /// How often a fault with `times` was met, by where it stood and what it said.
    counters: HashMap<String, u32>,
}

/// A fault that was set over the admin API.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) fault: Fault,
    /// How many requests it has hit.
    pub(crate) hits: u32,
}

impl Rules {
    pub(crate) fn with(faults: Vec<Fault>) -> Self {
        let mut rules = Self::default();
        rules.add(faults);
        rules
    }

    pub(crate) fn add(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.rules.extend(faults.into_iter().map(|fault| Rule { fault, hits: 0 }));
    }

    pub(crate) fn list(&self) -> &[Rule] {
        &self.rules
    }

    /// Forgets all faults and all counts.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first rule that hits such a request and is not used up: rules with `times` follow one another.
    fn hit(&mut self, target: On) -> Option<Fault> {
        let fits = |rule: &&mut Rule| {
            let aim = rule.fault.aim(On::Create);
            (aim == target || aim == On::Any) && rule.fault.times.is_none_or(|times| rule.hits < times)
        };
        let rule = self.rules.iter_mut().find(fits)?;
        rule.hits += 1;
        Some(rule.fault.clone())
    }

    /// Whether a fault that stands in a request is still to be obeyed.
    fn counts(&mut self, place: &str, fault: &Fault) -> bool {
        let Some(times) = fault.times else { return true };
        if self.counters.len() >= COUNTERS {
            self.counters.clear();
        }
        let met = self.counters.entry(format!("{place} {fault}")).or_default();
        *met = met.saturating_add(1);
        *met <= times
    }
}

/// Where a request says what shall go wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Sources<'a> {
    pub(crate) header: Option<&'a str>,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) key: Option<Fault>,
    /// What the request that made the task or the picture has left for this one, and the name to count it by.
    pub(crate) carried: Vec<Fault>,
    pub(crate) name: &'a str,
}

/// What goes wrong with a request, and with later ones because of it.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) now: Fault,
    pub(crate) later: Vec<Fault>,
}

/// The faults of a request; those of its headers come first, those of its session last.
pub(crate) fn choose(
    engine: &Engine,
    session: &str,
    now: Timestamp,
    target: On,
    sources: Sources<'_>,
) -> Result<Chosen, FaultError> {
    let Sources { header, prompt, key, carried, name } = sources;
    let mut said: Vec<(String, Fault, On)> = Vec::new();
    for fault in parse(header.unwrap_or_default())? {
        said.push((String::from("header"), fault, target));
    }
    let prompt = prompt.unwrap_or_default();
    for fault in parse(&directive(prompt))? {
        said.push((format!("prompt {prompt}"), fault, On::Create));
    }
    said.extend(key.map(|fault| (String::from("key"), fault, On::Create)));
    said.extend(carried.into_iter().map(|fault| (format!("carried {name}"), fault, On::Create)));
    Ok(engine.sessions().with(session, now, |session| {
        let mut chosen = Chosen::default();
        for (place, fault, default) in said {
            let aim = fault.aim(default);
            if aim != target && aim != On::Any {
                chosen.later.push(fault);
            } else if session.rules.counts(&place, &fault) {
                chosen.now = chosen.now.over(&fault);
            }
        }
        if let Some(fault) = session.rules.hit(target) {
            chosen.now = chosen.now.over(&fault);
        }
        (chosen.now.on, chosen.now.times) = (None, None);
        chosen
    }))
}

/// The faults that stand in a prompt as `[[mock: …]]`.
fn directive(prompt: &str) -> String {
    let inside = |text: &str| text.split_once(DIRECTIVE.1).map(|(inside, _)| inside.to_owned());
    let found: Vec<String> = prompt.split(DIRECTIVE.0).skip(1).filter_map(inside).collect();
    found.join(";")
}

/// A prompt without what is meant for the mock.
pub(crate) fn without_directive(prompt: &str) -> String {
    let mut kept = String::new();
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once(DIRECTIVE.0) {
        let Some((_, after)) = after.split_once(DIRECTIVE.1) else { break };
        kept.push_str(before.trim_end());
        rest = after;
    }
    kept.push_str(rest);
    kept.trim_start().to_owned()
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
        let mut rules = Rules::default();
        rules.add(parse("status=503 times=1; status=429 times=1; on=poll empty; picture=html").unwrap());
        let mut next = |target| rules.hit(target).map(|fault| fault.to_string());
        assert_eq!(next(On::Create).as_deref(), Some("times=1 status=503"));
        assert_eq!(next(On::Create).as_deref(), Some("times=1 status=429"));
        assert_eq!(next(On::Create), None);
        assert_eq!(next(On::Poll).as_deref(), Some("on=poll empty"));
        assert_eq!(next(On::Picture).as_deref(), Some("picture=html"));
        assert_eq!(next(On::Models), None);
    }
}
