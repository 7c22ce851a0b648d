//! Signals, memos and stored values on top of the framework's, with one type for all values. The framework's code for a
//! signal, about four kilobytes, is compiled again for each type of value. Here it gets the same type each time, which
//! holds the value.

use std::{
    any::Any,
    fmt::{self, Debug, Formatter},
    marker::PhantomData,
    sync::{Arc, PoisonError, RwLock},
};

use leptos::prelude::{self as framework, Get, GetUntracked, GetValue, Notify, Signal, Track};

/// A value of any type.
type Shared = Arc<dyn Any + Send + Sync>;

fn share<T: Send + Sync + 'static>(value: T) -> Shared {
    Arc::new(RwLock::new(value))
}

fn lock<T: 'static>(shared: &Shared) -> &RwLock<T> {
    shared
        .downcast_ref()
        .expect("the type that it was made with")
}

fn look<T: 'static, U>(shared: &Shared, read: impl FnOnce(&T) -> U) -> U {
    read(&lock(shared).read().unwrap_or_else(PoisonError::into_inner))
}

fn change<T: 'static, U>(shared: &Shared, write: impl FnOnce(&mut T) -> U) -> U {
    write(&mut lock(shared).write().unwrap_or_else(PoisonError::into_inner))
}

/// A value that drawing code follows.
pub(crate) struct RwSignal<T>(framework::RwSignal<Shared>, PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> RwSignal<T> {
    #[track_caller]
    pub(crate) fn new(value: T) -> Self {
        RwSignal(framework::RwSignal::new(share(value)), PhantomData)
    }

    pub(crate) fn with<U>(self, read: impl FnOnce(&T) -> U) -> U {
        look(&self.0.get(), read)
    }

    pub(crate) fn with_untracked<U>(self, read: impl FnOnce(&T) -> U) -> U {
        look(&self.0.get_untracked(), read)
    }

    pub(crate) fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    pub(crate) fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    pub(crate) fn track(self) {
        self.0.track();
    }

    /// Returns the result of the change; `None` if the owner of the signal is gone.
    pub(crate) fn try_update<U>(self, write: impl FnOnce(&mut T) -> U) -> Option<U> {
        let shared = self.0.try_get_untracked()?;
        let returned = change(&shared, write);
        self.0.notify();
        Some(returned)
    }

    pub(crate) fn update(self, write: impl FnOnce(&mut T)) {
        self.try_update(write);
    }

    pub(crate) fn set(self, value: T) {
        self.try_update(|known| *known = value);
    }
}

impl<T: Clone + Send + Sync + 'static> From<RwSignal<T>> for Signal<T> {
    fn from(signal: RwSignal<T>) -> Self {
        Signal::derive(move || signal.get())
    }
}

/// A value that drawing code does not follow.
pub(crate) struct StoredValue<T>(framework::StoredValue<Shared>, PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> StoredValue<T> {
    #[track_caller]
    pub(crate) fn new(value: T) -> Self {
        StoredValue(framework::StoredValue::new(share(value)), PhantomData)
    }

    pub(crate) fn with_value<U>(self, read: impl FnOnce(&T) -> U) -> U {
        look(&self.0.get_value(), read)
    }

    pub(crate) fn get_value(self) -> T
    where
        T: Clone,
    {
        self.with_value(T::clone)
    }

    /// The same; `None` if the owner of the value is gone.
    pub(crate) fn try_get_value(self) -> Option<T>
    where
        T: Clone,
    {
        let shared = self.0.try_get_value()?;
        Some(look(&shared, T::clone))
    }

    /// Returns the result of the change; `None` if the owner of the value is gone.
    pub(crate) fn try_update_value<U>(self, write: impl FnOnce(&mut T) -> U) -> Option<U> {
        let shared = self.0.try_get_value()?;
        Some(change(&shared, write))
    }

    pub(crate) fn update_value(self, write: impl FnOnce(&mut T)) {
        self.try_update_value(write);
    }

    pub(crate) fn set_value(self, value: T) {
        self.try_update_value(|known| *known = value);
    }
}

/// A value of a memo, which is compared with the previous one.
trait Computed: Any + Send + Sync {
    fn is(&self, other: &dyn Computed) -> bool;
}

impl<T: PartialEq + Send + Sync + 'static> Computed for T {
    fn is(&self, other: &dyn Computed) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }
}

/// A value that is computed from signals whenever they change.
pub(crate) struct Memo<T>(framework::Memo<Known>, PhantomData<fn() -> T>);

type Compute = Box<dyn Fn(Option<&Known>) -> Known + Send + Sync>;

#[derive(Clone)]
struct Known(Arc<dyn Computed>);

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.0.is(&*other.0)
    }
}

impl Known {
    fn value<T: 'static>(&self) -> &T {
        (&*self.0 as &dyn Any)
            .downcast_ref()
            .expect("the type that it was made with")
    }
}

impl<T: PartialEq + Send + Sync + 'static> Memo<T> {
    #[track_caller]
    pub(crate) fn new(compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Self {
        let compute: Compute =
            Box::new(move |before| Known(Arc::new(compute(before.map(Known::value)))));
        Memo(framework::Memo::new(compute), PhantomData)
    }

    pub(crate) fn with<U>(self, read: impl FnOnce(&T) -> U) -> U {
        read(self.0.get().value())
    }

    pub(crate) fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    pub(crate) fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.0.get_untracked().value::<T>().clone()
    }

    pub(crate) fn track(self) {
        self.0.track();
    }
}

impl<T: PartialEq + Clone + Send + Sync + 'static> From<Memo<T>> for Signal<T> {
    fn from(memo: Memo<T>) -> Self {
        Signal::derive(move || memo.get())
    }
}

macro_rules! copied {
    ($($name:ident),*) => {$(
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl<T> Eq for $name<T> {}

        impl<T> Debug for $name<T> {
            fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
                formatter.write_str(stringify!($name))
            }
        }
    )*};
}

copied!(RwSignal, StoredValue, Memo);
