//! An ordered log of events with cursors that share its bytes and never queue.
