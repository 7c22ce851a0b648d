use market::Millis;

/// How current the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// The stream is being opened for the first time.
    #[default]
    Connecting,
    /// Events or heartbeats arrive.
    Live {
        /// How long the newest was on its way, in milliseconds, once one arrived.
        delay: Option<Millis>,
    },
    /// The connection dropped and is being tried again.
    Reconnecting {
        /// When that was noticed, by this machine's clock.
        since: Millis,
    },
    /// Connected, but three heartbeats are missing.
    Stale {
        /// When something was heard last, by this machine's clock.
        since: Millis,
    },
    /// The stream is held back on its way, or the browser has none: the page asks for what is new,
    /// once a second.
    Polling,
}
