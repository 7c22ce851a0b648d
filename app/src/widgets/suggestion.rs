use market::Symbol;
use serde::Deserialize;

/// A suggested symbol.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Suggestion {
    /// The symbol.
    pub(crate) symbol: Symbol,
    /// The name of the instrument.
    pub(crate) name: String,
    /// Whether a feed quotes it.
    pub(crate) quoted: bool,
    /// Whether the archive has bars of it.
    #[serde(default)]
    pub(crate) archived: bool,
}
