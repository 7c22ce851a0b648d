use market::NewsType;

/// A type, the phrases of which one must be there, and those of which none may be.
pub(in crate::kit::headline) type Row =
    (NewsType, &'static [&'static str], &'static [&'static str]);
