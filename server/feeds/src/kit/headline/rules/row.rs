use market::NewsType;

/// A type, phrases of which one must occur, and phrases of which none may.
pub(in crate::kit::headline) type Row =
    (NewsType, &'static [&'static str], &'static [&'static str]);
