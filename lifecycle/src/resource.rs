//! Values found by type: what start hooks return and `provide` adds, handed to steps as arguments.
//!
//! A resource that can be shared is kept as an `Arc<T>` under `TypeId::of::<T>()`, so that `T` may be unsized
//! (`Arc<dyn Trait>` provides `dyn Trait`). One that is `Send` but not `Sync` is kept by value and can only be taken.
//! Generic code cannot tell an `Arc<T>` from any other value and keeps it under `Arc<T>`; who asks for `T` therefore
//! looks under both keys.

use std::any::{Any, TypeId, type_name};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::hook::{Gift, Missing, Need, Use};

/// Moves a resource out of the library and into the step that takes it.
///
/// The step follows, by itself, every step that uses `T`. What nobody takes is dropped after the last step.
///
/// ```
/// use lifecycle::Take;
/// # struct Pool; impl Pool { async fn close(self) {} }
/// async fn close_db(Take(pool): Take<Pool>) {
///     pool.close().await
/// }
/// ```
// Not `Clone`: by that, what a step takes and what it clones are told apart.
#[derive(Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Take<T>(pub T);

impl<T> Deref for Take<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Take<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Why [`provide`](crate::provide) refused a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProvideError {
    /// A value of this type is there already.
    Twice {
        /// The type.
        type_name: String,
    },
    /// A tuple provides its members only as what a start hook returns.
    Tuple {
        /// The tuple's type.
        type_name: String,
    },
}

impl fmt::Display for ProvideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice { type_name } => {
                write!(f, "a {type_name} is provided already: wrap the second one in a type of its own")
            }
            Self::Tuple { type_name } => {
                write!(f, "{type_name} is a tuple: call provide once for each member")
            }
        }
    }
}

impl std::error::Error for ProvideError {}

/// A resource on its way into the store.
pub struct Resource {
    key: TypeId,
    /// The key of an `Arc` of it, which answers to the same needs.
    arc: TypeId,
    type_name: &'static str,
    value: Value,
}

enum Value {
    /// An `Arc<T>` for the key's `T`.
    Shared(Box<dyn Any + Send + Sync>),
    /// The key's `T` itself.
    Owned(Box<dyn Any + Send>),
}

impl Resource {
    /// A value that others can share.
    pub fn shared<T: ?Sized + Send + Sync + 'static>(value: Arc<T>) -> Self {
        Self::new::<T>(Value::Shared(Box::new(value)))
    }

    /// A value that can only be taken.
    pub fn owned<T: Send + 'static>(value: T) -> Self {
        Self::new::<T>(Value::Owned(Box::new(value)))
    }

    fn new<T: ?Sized + 'static>(value: Value) -> Self {
        Resource { key: TypeId::of::<T>(), arc: TypeId::of::<Arc<T>>(), type_name: type_name::<T>(), value }
    }

    /// `provide(value)`: an `Arc<T>` stays under its own key, see the module's words.
    pub(crate) fn from_hand<T: Send + Sync + 'static>(value: T) -> Result<Self, ProvideError> {
        let name = type_name::<T>();
        if name.starts_with('(') && name != "()" {
            return Err(ProvideError::Tuple { type_name: crate::render::type_name(name) });
        }
        Ok(Self::shared(Arc::new(value)))
    }

    pub(crate) fn gift(&self) -> Gift {
        Gift { key: self.key, type_name: self.type_name }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("type", &self.type_name).finish_non_exhaustive()
    }
}

/// The store. Every lock is held for a look-up only, never while a user's code runs.
#[derive(Default)]
pub(crate) struct Resources {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    values: HashMap<TypeId, Resource>,
    /// In the order of provision, each with the key of an `Arc` of it.
    provided: Vec<(Gift, TypeId)>,
    /// Types whose value was moved out, and to whom.
    taken: HashMap<TypeId, String>,
}

impl Resources {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, resource: Resource) -> Result<(), ProvideError> {
        let mut inner = self.lock();
        let (gift, arc) = (resource.gift(), resource.arc);
        let same = |(other, others_arc): &(Gift, TypeId)| {
            other.key == gift.key || *others_arc == gift.key || other.key == arc
        };
        if inner.provided.iter().any(same) {
            let type_name = crate::render::type_name(gift.type_name);
            drop(inner);
            // The refused value's own Drop may call back.
            drop(resource);
            return Err(ProvideError::Twice { type_name });
        }
        inner.provided.push((gift, arc));
        inner.values.insert(gift.key, resource);
        Ok(())
    }

    /// The resource `T`, whether it was provided as `T` or as `Arc<T>`.
    pub(crate) fn share<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let inner = self.lock();
        let shared = |key: TypeId| match &inner.values.get(&key)?.value {
            Value::Shared(any) => Some(any),
            Value::Owned(_) => None,
        };
        if let Some(any) = shared(TypeId::of::<T>()) {
            return any.downcast_ref::<Arc<T>>().cloned();
        }
        shared(TypeId::of::<Arc<T>>())?.downcast_ref::<Arc<Arc<T>>>().map(|outer| Arc::clone(&**outer))
    }

    /// Removes the resource `T`. An `Err` says how many others hold it; it stays where it was.
    pub(crate) fn take<T: Send + 'static>(&self, taker: &str) -> Option<Result<T, usize>> {
        let mut inner = self.lock();
        let key = TypeId::of::<T>();
        let resource = inner.values.remove(&key)?;
        let Resource { arc, type_name, value, .. } = resource;
        let taken = match value {
            Value::Owned(any) => match any.downcast::<T>() {
                Ok(value) => Ok(*value),
                Err(any) => Err((Value::Owned(any), 0)),
            },
            Value::Shared(any) => match unshare::<T>(any) {
                Ok(value) => Ok(value),
                Err((any, holders)) => Err((Value::Shared(any), holders)),
            },
        };
        Some(match taken {
            Ok(value) => {
                inner.taken.insert(key, taker.to_owned());
                Ok(value)
            }
            Err((value, holders)) => {
                inner.values.insert(key, Resource { key, arc, type_name, value });
                Err(holders)
            }
        })
    }

    /// Removes an `Arc<T>` as it is, for `Take<Arc<T>>`.
    pub(crate) fn take_arc<T: ?Sized + Send + Sync + 'static>(&self, taker: &str) -> Option<Arc<T>> {
        let found = self.share::<T>()?;
        let mut inner = self.lock();
        for key in [TypeId::of::<T>(), TypeId::of::<Arc<T>>()] {
            if let Some(gone) = inner.values.remove(&key) {
                inner.taken.insert(key, taker.to_owned());
                drop(inner);
                drop(gone);
                break;
            }
        }
        Some(found)
    }

    pub(crate) fn has(&self, need: &Need) -> bool {
        let inner = self.lock();
        need.keys.iter().any(|key| inner.values.contains_key(key))
    }

    pub(crate) fn provided(&self) -> Vec<Gift> {
        self.lock().provided.iter().map(|(gift, _)| *gift).collect()
    }

    /// Everything that nobody took, the last provided first.
    pub(crate) fn drain(&self) -> Vec<Resource> {
        let mut inner = self.lock();
        let order: Vec<TypeId> = inner.provided.iter().rev().map(|(gift, _)| gift.key).collect();
        order.into_iter().filter_map(|key| inner.values.remove(&key)).collect()
    }

    /// The words for a resource that is not there.
    pub(crate) fn missing(&self, need: &Need) -> Missing {
        let inner = self.lock();
        let taker = need.keys.iter().find_map(|key| inner.taken.get(key));
        let hint = match taker {
            Some(taker) => Some(format!("`{taker}` has taken it")),
            None => near(need.type_name, inner.provided.iter().map(|(gift, _)| gift)),
        };
        Missing { key: need.keys[0], type_name: need.type_name, hint }
    }
}

fn unshare<T: Send + 'static>(
    any: Box<dyn Any + Send + Sync>,
) -> Result<T, (Box<dyn Any + Send + Sync>, usize)> {
    // `T` need not be Sync here, so the box cannot be rebuilt from a `Box<Arc<T>>`: count first, then unwrap.
    let holders = match any.downcast_ref::<Arc<T>>() {
        Some(arc) => Arc::strong_count(arc) - 1,
        None => return Err((any, 0)),
    };
    if holders > 0 {
        return Err((any, holders));
    }
    let any: Box<dyn Any> = any;
    match any.downcast::<Arc<T>>().map(|arc| Arc::into_inner(*arc)) {
        Ok(Some(value)) => Ok(value),
        // Unreachable while the store's lock is held: only the store could have cloned this last `Arc`.
        Ok(None) | Err(_) => Err((Box::new(()), 0)),
    }
}

/// A provided type that has the missing one's name somewhere in its own.
pub(crate) fn near<'a>(missing: &str, provided: impl IntoIterator<Item = &'a Gift>) -> Option<String> {
    let wanted = last_segment(missing);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    provided
        .into_iter()
        .find(|gift| gift.type_name.split(|c| !is_word(c)).any(|word| word == wanted))
        .map(|gift| format!("{} was", crate::render::type_name(gift.type_name)))
}

fn last_segment(path: &str) -> &str {
    let head = path.split('<').next().unwrap_or(path);
    let head = head.strip_prefix("dyn ").unwrap_or(head);
    head.rsplit("::").next().unwrap_or(head)
}

/// What a step's arguments are gathered from.
pub struct Inputs<'a> {
    pub(crate) resources: &'a Resources,
    /// Its own stop token. Few steps ask for it, and it is made when one does.
    pub(crate) token: &'a OnceCell<CancellationToken>,
    pub(crate) report: Option<&'a Arc<crate::Report>>,
    /// Someone has the token now, and so can know when to stop.
    pub(crate) token_given: bool,
    /// The step's name, for whoever finds its resource gone.
    pub(crate) step: &'a str,
}

impl Inputs<'_> {
    pub(crate) fn stop_token(&mut self) -> CancellationToken {
        self.token_given = true;
        self.token.get_or_init(CancellationToken::new).clone()
    }

    pub(crate) fn missing<T: ?Sized + 'static>(&self, need: &Need) -> Missing {
        debug_assert_eq!(need.keys[0], TypeId::of::<T>());
        self.resources.missing(need)
    }
}

impl Need {
    pub(crate) fn share<T: ?Sized + 'static>() -> Self {
        Self::of::<T>(Use::Share)
    }

    pub(crate) fn take<T: ?Sized + 'static>() -> Self {
        Self::of::<T>(Use::Take)
    }

    fn of<T: ?Sized + 'static>(usage: Use) -> Self {
        Need {
            keys: [TypeId::of::<T>(), TypeId::of::<Arc<T>>()],
            type_name: type_name::<T>(),
            usage,
            optional: false,
        }
    }

    pub(crate) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    trait Venue: Send + Sync {
        fn name(&self) -> &str;
    }
    struct Fix;
    impl Venue for Fix {
        fn name(&self) -> &str {
            "fix"
        }
    }

    #[test]
    fn an_arc_of_a_trait_object_is_found_by_its_trait() {
        let store = Resources::default();
        store.insert(Resource::shared::<dyn Venue>(Arc::new(Fix))).unwrap();
        assert_eq!(store.share::<dyn Venue>().unwrap().name(), "fix");
    }

    #[test]
    fn an_arc_given_by_hand_is_found_by_what_it_holds() {
        let store = Resources::default();
        let venue: Arc<dyn Venue> = Arc::new(Fix);
        store.insert(Resource::from_hand(venue).unwrap()).unwrap();
        assert_eq!(store.share::<dyn Venue>().unwrap().name(), "fix");
        assert!(store.take_arc::<dyn Venue>("close").is_some());
        assert!(store.share::<dyn Venue>().is_none());
    }

    #[test]
    fn a_type_twice_and_a_tuple_are_refused() {
        let store = Resources::default();
        store.insert(Resource::shared(Arc::new(1u8))).unwrap();
        assert_eq!(
            store.insert(Resource::shared(Arc::new(2u8))),
            Err(ProvideError::Twice { type_name: "u8".into() })
        );
        assert_eq!(*store.share::<u8>().unwrap(), 1);
        assert!(
            store.insert(Resource::from_hand(Arc::new(3u8)).unwrap()).is_err(),
            "an Arc of it is the same"
        );
        store.insert(Resource::from_hand(Arc::new(1u16)).unwrap()).unwrap();
        assert!(store.insert(Resource::shared(Arc::new(2u16))).is_err(), "what an Arc provides");
        assert!(matches!(Resource::from_hand((1u8, 2u16)), Err(ProvideError::Tuple { .. })));
    }

    #[test]
    fn what_is_not_sync_can_be_taken_once() {
        let store = Resources::default();
        store.insert(Resource::owned(Cell::new(3))).unwrap();
        assert_eq!(store.take::<Cell<i32>>("close").unwrap().unwrap().get(), 3);
        assert!(store.take::<Cell<i32>>("again").is_none());
        let missing = store.missing(&Need::take::<Cell<i32>>());
        assert_eq!(missing.to_string(), "no Cell<i32> was provided (`close` has taken it)");
    }

    #[test]
    fn a_resource_in_use_is_not_taken() {
        let store = Resources::default();
        store.insert(Resource::shared(Arc::new(String::from("db")))).unwrap();
        let held = store.share::<String>().unwrap();
        assert_eq!(store.take::<String>("close").unwrap(), Err(1));
        drop(held);
        assert_eq!(store.take::<String>("close").unwrap().unwrap(), "db");
    }

    #[test]
    fn a_near_miss_is_named() {
        let store = Resources::default();
        store.insert(Resource::shared(Arc::new(Mutex::new(Fix)))).unwrap();
        let missing = store.missing(&Need::share::<Fix>());
        assert_eq!(missing.to_string(), "no Fix was provided (Mutex<Fix> was)");
    }

    #[test]
    fn what_nobody_took_leaves_in_reverse_order() {
        let store = Resources::default();
        store.insert(Resource::shared(Arc::new(1u8))).unwrap();
        store.insert(Resource::shared(Arc::new(1u16))).unwrap();
        store.insert(Resource::owned(1u32)).unwrap();
        store.take::<u16>("x").unwrap().unwrap();
        let left: Vec<_> = store.drain().iter().map(|r| r.gift().type_name).collect();
        assert_eq!(left, ["u32", "u8"]);
    }
}
