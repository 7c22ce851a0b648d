//! What the program would do with its settings, told without doing it and without the network.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use market::Symbol;

use crate::{
    Config,
    feeds::{FeedSpec, list},
};

/// Whether nobody but this machine can reach an address.
pub(crate) fn is_of_this_machine(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            let mapped = ip.to_ipv4_mapped();
            ip.is_loopback() || mapped.is_some_and(|ip| ip.is_loopback())
        }
    }
}

/// Tells what the program would do.
///
/// # Errors
/// All that would keep it from doing so, beside what reading the settings has found: secrets that
/// are not there, recordings that cannot be read.
pub fn check(config: &Config) -> Result<String, Vec<String>> {
    let mut faults = missing_secrets(config);
    for feed in &config.feeds {
        if let Err(error) = feed.ready() {
            faults.push(format!("{}: {error}", feed.name()));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut say = |line: &str| {
        let _ = writeln!(text, "{line}");
    };
    say(&match &config.config {
        Some(file) => format!("{} is right.", file.display()),
        None => "The settings are right.".to_owned(),
    });
    say("");
    say(&listens(config));
    say(&publishes(config));
    say("");
    if config.feeds == [FeedSpec::None] {
        say("No feed runs.");
    }
    for (place, feed) in numbered(&config.feeds) {
        let about = feed.about();
        say(&format!("Feed {place}, {}, {}.", feed.name(), about.does));
        for secret in feed.secrets() {
            say(&format!("  Its secret is in {secret}, and is there."));
        }
        say(&format!("  What it gives {}.", about.licence));
    }
    let odd = odd(config);
    if !odd.is_empty() {
        say("");
        odd.iter().for_each(|line| say(line));
    }
    Ok(text)
}

fn numbered(feeds: &[FeedSpec]) -> impl Iterator<Item = (usize, &FeedSpec)> {
    let feeds = feeds.iter().filter(|feed| **feed != FeedSpec::None);
    (1..).zip(feeds)
}

/// The secrets that cannot be read, each with the reason.
pub fn missing_secrets(config: &Config) -> Vec<String> {
    let secrets = config.feeds.iter().flat_map(|feed| {
        let secrets = feed.secrets().into_iter();
        secrets.map(|secret| (feed.name(), secret.read()))
    });
    secrets
        .filter_map(|(name, read)| Some(format!("{name}: {}", read.err()?)))
        .collect()
}

fn listens(config: &Config) -> String {
    let whom = match is_of_this_machine(config.listen) {
        true => "this machine alone, unless a proxy passes it on",
        false => "whoever reaches that address",
    };
    format!("Listens at http://{}, for {whom}.", config.listen)
}

fn publishes(config: &Config) -> String {
    let names: Vec<&str> = config.publish.tokens.iter().map(|t| t.name()).collect();
    match names.len() {
        0 => "Nobody may publish.".to_owned(),
        _ => format!("{} may publish.", list(&names)),
    }
}

/// What is allowed, but perhaps not meant.
fn odd(config: &Config) -> Vec<String> {
    let mut odd = Vec::new();
    let mut speakers: BTreeMap<Symbol, Vec<usize>> = BTreeMap::new();
    for (place, feed) in numbered(&config.feeds) {
        for symbol in feed.about().symbols {
            speakers.entry(symbol).or_default().push(place);
        }
    }
    let mut shared: BTreeMap<Vec<usize>, Vec<Symbol>> = BTreeMap::new();
    for (symbol, places) in speakers {
        if places.len() > 1 {
            shared.entry(places).or_default().push(symbol);
        }
    }
    for (places, symbols) in shared {
        odd.push(format!(
            "Note: {} in the feeds {}: feed {} speaks first, the next one while it is silent.",
            match &symbols[..] {
                [one] => format!("{one} is"),
                many => format!("{} are", list(many)),
            },
            list(&places),
            places[0]
        ));
    }
    if config.seed.is_some() && !config.feeds.contains(&FeedSpec::Simulate) {
        odd.push("Note: a seed is given, but no simulated feed.".to_owned());
    }
    if config.feeds == [FeedSpec::None] && config.publish.tokens.is_empty() {
        odd.push("Note: there is no feed and nobody may publish: nothing will come.".to_owned());
    }
    if config.may_redistribute {
        let personal = crate::feeds::personal(&config.feeds);
        odd.push(match &personal[..] {
            [] => "Note: may_redistribute is given, but no feed is for personal use.".to_owned(),
            names => format!(
                "Note: what {} gives is for personal use, and is shown to others all the same: may_redistribute says that this is allowed.",
                list(names)
            ),
        });
    }
    odd
}
