//! The nearest of known names.

/// `; did you mean …?` where a known name is near.
pub fn suggestion(name: &str, known: &[&str]) -> String {
    let name = name.to_ascii_lowercase();
    let distance = |known: &&&str| strsim::osa_distance(&name, known);
    known
        .iter()
        .min_by_key(distance)
        .filter(|nearest| distance(nearest) <= nearest.len() / 2)
        .map_or(String::new(), |nearest| {
            format!("; did you mean {nearest}?")
        })
}
