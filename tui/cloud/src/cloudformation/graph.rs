//! In which order resources are made: what waits for what, and circles.

use std::collections::{BTreeMap, BTreeSet};

use super::template::{Template, invalid};
use crate::wire::ServiceResult;

/// What each resource waits for, by logical id; only resources whose condition holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    waits_for: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of a template under its conditions. Refuses circles, in AWS's words.
    pub fn of(template: &Template, conditions: &BTreeMap<String, bool>) -> ServiceResult<Self> {
        let holds = |condition: &Option<String>| {
            condition.as_ref().is_none_or(|name| conditions.get(name).copied().unwrap_or(true))
        };
        let waits_for = template
            .resources
            .iter()
            .filter(|resource| holds(&resource.condition))
            .map(|resource| {
                let names = template.dependencies(resource, conditions).into_iter().collect();
                (resource.logical_id.clone(), names)
            })
            .collect();
        let graph = Self { waits_for };
        graph.refuse_circles()?;
        Ok(graph)
    }

    /// A graph from what is recorded of each resource; unknown names are dropped.
    pub fn from_dependencies(dependencies: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        let mut waits_for: BTreeMap<String, BTreeSet<String>> =
            dependencies.into_iter().map(|(id, names)| (id, names.into_iter().collect())).collect();
        let known: BTreeSet<String> = waits_for.keys().cloned().collect();
        for (id, names) in &mut waits_for {
            names.retain(|name| known.contains(name) && name != id);
        }
        Self { waits_for }
    }

    /// What a resource waits for.
    pub fn dependencies(&self, id: &str) -> Vec<String> {
        self.waits_for.get(id).into_iter().flatten().cloned().collect()
    }

    /// The same resources, each waiting for those that waited for it: the order of deletion.
    pub fn reversed(&self) -> Self {
        let mut reversed: BTreeMap<String, BTreeSet<String>> =
            self.waits_for.keys().map(|id| (id.clone(), BTreeSet::new())).collect();
        for (id, names) in &self.waits_for {
            for name in names {
                reversed.entry(name.clone()).or_default().insert(id.clone());
            }
        }
        Self { waits_for: reversed }
    }

    /// Resources in an order in which each comes after what it waits for.
    pub fn sorted(&self) -> Vec<String> {
        let mut left = self.waits_for.clone();
        let mut sorted = Vec::new();
        loop {
            let ready = take_ready(&mut left);
            if ready.is_empty() {
                // Only a circle is left; deletion must go on none the less.
                sorted.extend(left.into_keys());
                return sorted;
            }
            sorted.extend(ready);
        }
    }

    fn refuse_circles(&self) -> ServiceResult<()> {
        let mut left = self.waits_for.clone();
        while !take_ready(&mut left).is_empty() {}
        // What merely waits for a circle is not of it.
        loop {
            let outside: Vec<String> =
                left.keys().filter(|id| !left.values().any(|names| names.contains(*id))).cloned().collect();
            if outside.is_empty() {
                break;
            }
            for id in &outside {
                left.remove(id);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let ids = left.into_keys().collect::<Vec<_>>().join(", ");
        Err(invalid(format!("Circular dependency between resources: [{ids}]")))
    }
}

/// Takes out the resources that wait for nothing.
fn take_ready(left: &mut BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let ready: Vec<String> = left.iter().filter(|(_, names)| names.is_empty()).map(|(id, _)| id.clone()).collect();
    for id in &ready {
        left.remove(id);
        for names in left.values_mut() {
            names.remove(id);
        }
    }
    ready
}

/// A graph that is being worked off: hands out what may start, learns what ended.
#[derive(Debug)]
pub(crate) struct Progress {
    waiting: BTreeMap<String, BTreeSet<String>>,
}

impl Progress {
    /// Nothing has started.
    pub fn new(graph: &Graph) -> Self {
        Self { waiting: graph.waits_for.clone() }
    }

    /// Takes what waits for nothing any more.
    pub fn ready(&mut self) -> Vec<String> {
        let ready: Vec<String> =
            self.waiting.iter().filter(|(_, names)| names.is_empty()).map(|(id, _)| id.clone()).collect();
        for id in &ready {
            self.waiting.remove(id);
        }
        ready
    }

    /// A resource has ended: what waited for it waits no more.
    pub fn done(&mut self, id: &str) {
        for names in self.waiting.values_mut() {
            names.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let waits_for = edges
            .iter()
            .map(|(id, names)| ((*id).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()))
            .collect();
        Graph { waits_for }
    }

    #[test]
    fn each_comes_after_what_it_waits_for() {
        let graph = graph(&[("A", &["B", "C"]), ("B", &["C"]), ("C", &[])]);
        assert_eq!(graph.sorted(), ["C", "B", "A"]);
        assert_eq!(graph.reversed().sorted(), ["A", "B", "C"]);
        let mut progress = Progress::new(&graph);
        assert_eq!(progress.ready(), ["C"]);
        assert!(progress.ready().is_empty());
        progress.done("C");
        assert_eq!(progress.ready(), ["B"]);
    }

    #[test]
    fn circles_are_named_without_what_waits_for_them() {
        let graph = graph(&[("A", &["B"]), ("B", &["A"]), ("C", &["A"]), ("D", &[])]);
        assert_eq!(graph.refuse_circles().unwrap_err().message, "Circular dependency between resources: [A, B]");
    }
}
