//! OpenAPI schemas of types that are written as text; the others are derived.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::{Bar, EventKind, Heartbeat, News, Price, Quote, Session, Size, Snapshot, Symbol};

macro_rules! text {
    ($type:ident, $description:literal, $pattern:literal, $example:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    };
}

text!(
    Symbol,
    "The name under which something is traded, as its venue writes it: letters and digits of any script, at least one, and ! # $ % & * + - . / : = @ ^ _ ~. Read in any case, written in upper case and normalization form C; at most 31 bytes of UTF-8.",
    r##"^(?=.*([0-9A-Z]|[^\x00-\x7f]))[^\x00-\x20"'(),;<>?\[\\\]`a-z{|}\x7f]{1,24}$"##,
    "GOOG"
);
text!(
    Price,
    "A price: an exact decimal.",
    r"^-?[0-9]+(\.[0-9]+)?$",
    "597.32"
);
text!(
    Size,
    "How much is traded: an exact decimal.",
    r"^-?[0-9]+(\.[0-9]+)?$",
    "100"
);

/// A schema and the name that others refer to it by.
type Named = (String, RefOr<Schema>);

impl EventKind {
    /// The schemas of the data of all kinds, and of the types in it.
    pub fn schemas() -> Vec<Named> {
        let mut schemas = Vec::new();
        for kind in EventKind::ALL {
            let add = match kind {
                EventKind::Quote => add::<Quote>,
                EventKind::Session => add::<Session>,
                EventKind::Bar => add::<Bar>,
                EventKind::News => add::<News>,
                EventKind::Snapshot => add::<Snapshot>,
                EventKind::Heartbeat => add::<Heartbeat>,
            };
            add(&mut schemas);
        }
        schemas
    }
}

fn add<T: ToSchema>(schemas: &mut Vec<Named>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
