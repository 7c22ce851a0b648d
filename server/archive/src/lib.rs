//! The history of a tape on disk: events, trades and bars, in one SQLite database.
