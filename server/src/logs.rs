use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, filter_fn};

/// Libraries that log what they send at the most verbose level: messages of feeds contain keys.
const TALKATIVE: [&str; 2] = ["tungstenite", "tokio_tungstenite"];

/// Keeps secrets out of the log, whatever its filter.
pub fn discreet() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|event| {
        let library = event.target().split("::").next().unwrap_or_default();
        !TALKATIVE.contains(&library) || *event.level() <= Level::WARN
    })
}
