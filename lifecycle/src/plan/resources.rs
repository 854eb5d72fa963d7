//! Who provides, who uses, who takes: the edges that resources make, and what cannot be.

use std::any::TypeId;
use std::collections::{HashMap, VecDeque};

use super::error::{PlanError, Who};
use super::{Model, Slot, visits};
use crate::by_type::ByType;
use crate::edge::At;
use crate::hook::{Gift, Missing, Need, Use};
use crate::worker::{Policy, Restart};

/// `to` waits for `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) source: EdgeSource,
}

/// Why there is an edge, with the type's name. What was written comes first, since of two reasons the first is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EdgeSource {
    /// `to` says that it comes after `from`, or somebody does in its place.
    After(At),
    /// `from` says that it comes before `to`, or somebody does in its place.
    Before(At),
    /// `from` provides what `to` needs.
    Provides(&'static str),
    /// `from` uses what `to` takes away.
    Takes(&'static str),
}

impl EdgeSource {
    /// Where it was written.
    pub(super) fn at(self) -> Option<At> {
        match self {
            EdgeSource::After(at) | EdgeSource::Before(at) => Some(at),
            EdgeSource::Provides(_) | EdgeSource::Takes(_) => None,
        }
    }
}

/// What the resources came to.
pub(super) struct Flow {
    pub(super) edges: Vec<Edge>,
    /// By step: why it is skipped, its provider being off.
    pub(super) skipped: Vec<Option<String>>,
    /// By the first key of a need, the step that provides it.
    pub(super) providers: ByType<usize>,
}

/// A resource, known under one type or more: `T` and `Arc<T>` answer to the same needs.
#[derive(Default)]
struct Resource {
    givers: Vec<Giver>,
    users: Vec<User>,
}

struct Giver {
    /// `None`: it was there before the first step.
    step: Option<usize>,
    type_name: &'static str,
}

#[derive(Clone, Copy)]
struct User {
    /// `None`: the service itself.
    step: Option<usize>,
    need: Need,
}

/// The times at which a resource can be used, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Start,
    /// What a worker takes is gone before the service begins.
    Worker,
    Main,
    Ordered,
    LastWithReport,
    Last,
}

struct Resources {
    all: Vec<Resource>,
    by_key: ByType<usize>,
}

pub(super) fn trace(model: &Model<'_>, errors: &mut Vec<PlanError>) -> Flow {
    let resources = Resources::collect(model);
    let skipped = resources.skip(model);
    let gone = |step: usize| model.slots[step] == Slot::Off || skipped[step].is_some();
    let mut edges = Vec::new();
    let mut providers = ByType::default();
    for resource in &resources.all {
        visits::add(1 + resource.givers.len() + resource.users.len());
        let present: Vec<&Giver> =
            resource.givers.iter().filter(|giver| !giver.step.is_some_and(gone)).collect();
        let users: Vec<User> =
            resource.users.iter().copied().filter(|user| !user.step.is_some_and(gone)).collect();
        if present.len() > 1 {
            errors.push(PlanError::TwoProviders {
                by: present.iter().map(|giver| (giver.who(model), giver.type_name)).collect(),
            });
        }
        let provider = present.iter().find_map(|giver| giver.step);
        let any = provider.or_else(|| resource.givers.iter().find_map(|giver| giver.step));
        providers
            .extend(any.into_iter().flat_map(|step| users.iter().map(move |user| (user.need.keys[0], step))));
        for user in &users {
            if let Some(error) = user.unprovided(model, resource, &present, &skipped) {
                errors.push(error);
            }
            let starts = user.stage(model) == Stage::Start;
            for from in present.iter().filter_map(|giver| giver.step).filter(|_| starts) {
                edges.extend(user.step.filter(|&to| to != from).map(|to| Edge {
                    from,
                    to,
                    source: EdgeSource::Provides(user.need.type_name),
                }));
            }
        }
        takes(model, &users, &mut edges, errors);
    }
    Flow { edges, skipped, providers }
}

/// Who takes a resource away comes after those who use it, and is the only one.
fn takes(model: &Model<'_>, users: &[User], edges: &mut Vec<Edge>, errors: &mut Vec<PlanError>) {
    let mut takers: Vec<User> = users.iter().copied().filter(|user| user.need.usage == Use::Take).collect();
    takers.dedup_by_key(|taker| taker.step);
    let taker = match takers.as_slice() {
        [] => return,
        [taker] => taker,
        several => {
            errors.push(PlanError::TwoTakes {
                type_name: several[0].need.type_name,
                by: several.iter().map(|taker| taker.who(model)).collect(),
            });
            return;
        }
    };
    if users.iter().filter(|user| user.step == taker.step).count() > 1 {
        errors.push(PlanError::TakesTwice { step: taker.who(model), type_name: taker.need.type_name });
    }
    if let Some(step) = taker.step.filter(|_| taker.is_worker_that_takes(model)) {
        let restart = Policy::of(&model.steps[step].extra).restart;
        if restart != Restart::Never {
            let (step, type_name) = (taker.who(model), taker.need.type_name);
            errors.push(PlanError::RestartTakes { step, type_name, restart });
        }
    }
    let stage = taker.stage(model);
    for user in users.iter().filter(|user| user.step != taker.step) {
        if user.stage(model) > stage && !user.need.optional {
            errors.push(PlanError::UsedAfterTake {
                type_name: user.need.type_name,
                user: user.who(model),
                taker: taker.who(model),
            });
        }
        if user.stage(model) == stage {
            edges.extend(user.step.zip(taker.step).map(|(from, to)| Edge {
                from,
                to,
                source: EdgeSource::Takes(taker.need.type_name),
            }));
        }
    }
}

impl Giver {
    fn who(&self, model: &Model<'_>) -> Who {
        self.step.map_or(Who::Given, |step| model.who(step))
    }
}

impl User {
    fn who(&self, model: &Model<'_>) -> Who {
        self.step.map_or(Who::Main, |step| model.who(step))
    }

    fn stage(&self, model: &Model<'_>) -> Stage {
        match self.step.map(|step| model.slots[step]) {
            None => Stage::Main,
            Some(Slot::Start) => Stage::Start,
            Some(Slot::Ordered) if self.is_worker_that_takes(model) => Stage::Worker,
            // A worker that only uses it does so until its stop.
            Some(Slot::Ordered | Slot::Off) => Stage::Ordered,
            Some(Slot::LastWithReport) => Stage::LastWithReport,
            Some(Slot::Last) => Stage::Last,
        }
    }

    fn is_worker_that_takes(&self, model: &Model<'_>) -> bool {
        self.need.usage == Use::Take && self.step.is_some_and(|step| model.steps[step].is_worker())
    }

    /// What a start step or the service needs has to be there; for a later step it can still be provided by hand.
    fn unprovided(
        &self,
        model: &Model<'_>,
        resource: &Resource,
        present: &[&Giver],
        skipped: &[Option<String>],
    ) -> Option<PlanError> {
        if self.need.optional || !matches!(self.stage(model), Stage::Start | Stage::Main) {
            return None;
        }
        let type_name = self.need.type_name;
        if self.step.is_some() && present.len() == 1 && present[0].step == self.step {
            return Some(PlanError::ProvidesItself { step: self.who(model), type_name });
        }
        if !present.is_empty() {
            return None;
        }
        // A start step whose provider is gone is skipped and not asked.
        let Some(provider) = resource.givers.iter().find_map(|giver| giver.step) else {
            let hint = crate::resource::near(type_name, &gifts(model));
            let missing = Missing { key: self.need.keys[0], type_name, hint };
            return Some(PlanError::NotProvided { user: self.who(model), missing });
        };
        let why = match &skipped[provider] {
            Some(why) => format!("skipped: it {why}"),
            None => off(model, provider),
        };
        Some(PlanError::ProviderGone { user: self.who(model), type_name, provider: model.who(provider), why })
    }
}

fn off(model: &Model<'_>, step: usize) -> String {
    format!("off: {}", model.steps[step].off.as_deref().unwrap_or_default())
}

/// What there is, for the near miss.
fn gifts(model: &Model<'_>) -> Vec<Gift> {
    let mut gifts = given(model);
    gifts.extend(model.in_use().flat_map(|step| model.steps[step].signature.gives.iter().copied()));
    gifts
}

/// Sorted, since its order says nothing.
fn given(model: &Model<'_>) -> Vec<Gift> {
    let mut given = model.given.to_vec();
    given.sort_by_key(|gift| gift.type_name);
    given
}

impl Resources {
    fn collect(model: &Model<'_>) -> Self {
        let mut keys = Keys::default();
        for step in model.in_use() {
            model.steps[step].needs().iter().for_each(|need| keys.join(need.keys));
        }
        model.main.takes.iter().for_each(|need| keys.join(need.keys));
        let mut resources = Resources { all: Vec::new(), by_key: ByType::default() };
        let mut number = HashMap::new();
        let mut find = |keys: &mut Keys, all: &mut Vec<Resource>, key: TypeId| {
            let root = keys.root(key);
            *number.entry(root).or_insert_with(|| {
                all.push(Resource::default());
                all.len() - 1
            })
        };
        for (step, spec) in model.steps.iter().enumerate() {
            if model.slots[step] != Slot::Off {
                for need in spec.needs().iter() {
                    let resource = find(&mut keys, &mut resources.all, need.keys[0]);
                    resources.all[resource].users.push(User { step: Some(step), need: *need });
                }
            }
            for gift in &spec.signature.gives {
                let resource = find(&mut keys, &mut resources.all, gift.key);
                resources.by_key.insert(gift.key, resource);
                resources.all[resource].givers.push(Giver { step: Some(step), type_name: gift.type_name });
            }
        }
        for need in &model.main.takes {
            let resource = find(&mut keys, &mut resources.all, need.keys[0]);
            resources.all[resource].users.push(User { step: None, need: *need });
        }
        for gift in given(model) {
            let resource = find(&mut keys, &mut resources.all, gift.key);
            resources.all[resource].givers.push(Giver { step: None, type_name: gift.type_name });
        }
        resources
    }

    /// By step, why it is skipped: what it takes comes only from steps that are off, or skipped themselves.
    fn skip(&self, model: &Model<'_>) -> Vec<Option<String>> {
        let mut skipped: Vec<Option<String>> = vec![None; model.steps.len()];
        // The step that is off at the bottom of it.
        let mut root: Vec<Option<usize>> =
            (0..model.steps.len()).map(|step| (model.slots[step] == Slot::Off).then_some(step)).collect();
        let mut present: Vec<usize> = self
            .all
            .iter()
            .map(|it| {
                it.givers.iter().filter(|giver| giver.step.and_then(|step| root[step]).is_none()).count()
            })
            .collect();
        let gone = |resource: usize, present: &[usize]| {
            present[resource] == 0 && !self.all[resource].givers.is_empty()
        };
        let mut queue: VecDeque<usize> = (0..self.all.len()).filter(|&it| gone(it, &present)).collect();
        while let Some(resource) = queue.pop_front() {
            let Some(provider) = self.all[resource].givers.iter().find_map(|giver| giver.step) else {
                continue;
            };
            for user in &self.all[resource].users {
                visits::add(1);
                let Some(step) = user.step else { continue };
                if model.slots[step] != Slot::Start || user.need.optional || root[step].is_some() {
                    continue;
                }
                root[step] = root[provider];
                let bottom = root[provider].unwrap_or(provider);
                let chain = match bottom == provider {
                    true => String::from("that is"),
                    false => format!("that is skipped, as {} is", model.who(bottom)),
                };
                skipped[step] = Some(format!(
                    "takes {} from {}, and {chain} {}",
                    crate::render::type_name(user.need.type_name),
                    model.who(provider),
                    off(model, bottom)
                ));
                for gift in &model.steps[step].signature.gives {
                    let given = self.by_key[&gift.key];
                    present[given] -= 1;
                    if present[given] == 0 {
                        queue.push_back(given);
                    }
                }
            }
        }
        skipped
    }
}

/// Which keys mean the same resource (union-find).
#[derive(Default)]
struct Keys {
    parent: HashMap<TypeId, TypeId>,
}

impl Keys {
    fn root(&mut self, key: TypeId) -> TypeId {
        let mut at = key;
        while let Some(&parent) = self.parent.get(&at) {
            // Halves the way for the next look.
            if let Some(&grandparent) = self.parent.get(&parent) {
                self.parent.insert(at, grandparent);
            }
            at = parent;
        }
        at
    }

    fn join(&mut self, [a, b]: [TypeId; 2]) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.parent.insert(b, a);
        }
    }
}
