use market::Millis;

/// How current the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// The stream is being opened for the first time.
    #[default]
    Connecting,
    /// Events or heartbeats arrive.
    Live {
        /// The delay of the newest event, in milliseconds, once one has arrived.
        delay: Option<Millis>,
    },
    /// The connection dropped and is being tried again.
    Reconnecting {
        /// When that was noticed, by this machine's clock.
        since: Millis,
    },
    /// Connected, but three heartbeats are missing.
    Stale {
        /// When something was last received, by this machine's clock.
        since: Millis,
    },
    /// The stream is held back on its way, or the browser has no streams: the page polls every second.
    Polling,
    /// The server has as many streams as it allows: the page polls, and tries the stream again.
    Crowded {
        /// The time between two polls, in milliseconds.
        pause: Millis,
    },
}

impl State {
    /// The state as two numbers, for messages to other tabs.
    pub(super) fn parts(self) -> (u8, Millis) {
        match self {
            State::Connecting => (0, 0),
            State::Live { delay: None } => (1, 0),
            State::Live { delay: Some(delay) } => (2, delay),
            State::Reconnecting { since } => (3, since),
            State::Stale { since } => (4, since),
            State::Polling => (5, 0),
            State::Crowded { pause } => (6, pause),
        }
    }

    /// The state of two numbers.
    pub(super) fn of_parts(state: Millis, detail: Millis) -> Self {
        match state {
            1 => State::Live { delay: None },
            2 => State::Live {
                delay: Some(detail),
            },
            3 => State::Reconnecting { since: detail },
            4 => State::Stale { since: detail },
            5 => State::Polling,
            6 => State::Crowded { pause: detail },
            _ => State::Connecting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_tab_reads_what_one_writes() {
        for state in [
            State::Connecting,
            State::Live { delay: None },
            State::Live { delay: Some(42) },
            State::Reconnecting { since: 1 },
            State::Stale { since: 2 },
            State::Polling,
            State::Crowded { pause: 5_000 },
        ] {
            let (number, detail) = state.parts();
            assert_eq!(State::of_parts(number.into(), detail), state);
        }
    }
}
