use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, filter_fn};

/// Libraries that write down what they send, when they are asked to say everything: in what feeds
/// send are keys.
const TALKATIVE: [&str; 2] = ["tungstenite", "tokio_tungstenite"];

/// Keeps secrets out of the log, whatever it is asked to hold.
pub fn discreet() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|event| {
        let library = event.target().split("::").next().unwrap_or_default();
        !TALKATIVE.contains(&library) || *event.level() <= Level::WARN
    })
}
