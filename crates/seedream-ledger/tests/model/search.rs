//! A breadth-first search with the way to each state, and a search backwards from the ends.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::world::{Label, World};

/// What was visited. A state is kept as a hash of 128 bits once its steps were taken.
pub(crate) struct Search {
    /// The state before each, and what led from there.
    parents: Vec<u32>,
    labels: Vec<Label>,
    /// Every kind of step that was taken.
    pub(crate) kinds: BTreeSet<&'static str>,
    are_ends: Vec<bool>,
    /// Every step, from and to.
    pub(crate) edges: Vec<(u32, u32)>,
    /// The first state that breaks a law, and the law.
    pub(crate) broken: Option<(u32, String)>,
}

fn hash(state: &World) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, state).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

impl Search {
    /// Visits every state that can be reached, or stops at the first that breaks a law.
    pub(crate) fn run(first: World) -> Self {
        let mut known = HashMap::from([(hash(&first), 0_u32)]);
        let mut search = Self {
            parents: vec![0],
            labels: vec![Label::start()],
            kinds: BTreeSet::new(),
            are_ends: vec![first.is_end()],
            edges: Vec::new(),
            broken: None,
        };
        let mut queue = VecDeque::from([(0, first)]);
        while let Some((at, state)) = queue.pop_front() {
            for (label, next) in state.steps() {
                let new = u32::try_from(search.parents.len()).unwrap();
                let to = *known.entry(hash(&next)).or_insert(new);
                search.edges.push((at, to));
                search.kinds.insert(label.kind);
                if to == new {
                    search.parents.push(at);
                    search.labels.push(label);
                    search.are_ends.push(next.is_end());
                    if let Some(broken) = next.broken_law() {
                        search.broken = Some((to, broken));
                        return search;
                    }
                    queue.push_back((to, next));
                }
            }
        }
        search
    }

    pub(crate) fn states(&self) -> usize {
        self.parents.len()
    }

    /// A state from which no end can be reached.
    pub(crate) fn without_end(&self) -> Option<u32> {
        let mut edges = self.edges.clone();
        edges.sort_unstable_by_key(|(_, to)| *to);
        let mut reaches = self.are_ends.clone();
        let mut queue: Vec<usize> = (0..reaches.len()).filter(|at| reaches[*at]).collect();
        while let Some(at) = queue.pop() {
            let at = u32::try_from(at).unwrap();
            let first = edges.partition_point(|(_, to)| *to < at);
            for (from, _) in edges[first..].iter().take_while(|(_, to)| *to == at) {
                let from = *from as usize;
                if !reaches[from] {
                    reaches[from] = true;
                    queue.push(from);
                }
            }
        }
        reaches.iter().position(|reaches| !reaches).map(|at| u32::try_from(at).unwrap())
    }
}

/// What leads to a state.
pub(crate) fn trace(search: &Search, mut at: u32) -> String {
    let mut labels = Vec::new();
    while at != 0 {
        labels.push(search.labels[at as usize]);
        at = search.parents[at as usize];
    }
    let mut swapped = (false, false);
    let lines = labels.iter().rev().map(|label| format!("  {}", label.told(&mut swapped)));
    lines.collect::<Vec<_>>().join("\n")
}
