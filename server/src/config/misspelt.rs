//! Environment variables that are no settings, but nearly have the name of one.

use clap::CommandFactory;

use super::Config;

/// Up to how many wrong letters a name counts as misspelt, with at most every third one wrong: PORT is not HOST.
const SLIPS: usize = 2;

/// The beginning of the names of all variables.
const PREFIX: &str = "TICKERTAPE_";

/// A sentence for each of these names that is nearly that of a setting.
pub(crate) fn misspelt(names: impl Iterator<Item = String>) -> Vec<String> {
    let command = Config::command();
    let known: Vec<&str> = command
        .get_arguments()
        .filter_map(|argument| argument.get_env()?.to_str())
        .collect();
    let ours = |name: &String| name.starts_with(PREFIX) && !known.contains(&name.as_str());
    let mut misspelt: Vec<String> = names
        .filter(ours)
        .filter_map(|name| {
            let distance = |known: &&&str| strsim::osa_distance(&name, known);
            let nearest = known.iter().min_by_key(distance)?;
            let letters = name.len() - PREFIX.len();
            (distance(&nearest) <= SLIPS.min(letters / 3))
                .then(|| format!("{name} is set, but not a setting; did you mean {nearest}?"))
        })
        .collect();
    misspelt.sort();
    misspelt
}
