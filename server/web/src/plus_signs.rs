//! Plus signs in the query of an address. In a form's encoding a plus sign is a space. No symbol contains a space but
//! some end in a plus sign, which people type as it is: `symbols=ACHR+`. Before a symbol it is a space there too, as
//! encoders write `GOOG, AAPL`.

use std::borrow::Cow;

use axum::http::Uri;

/// The parameters that list symbols.
const LISTS: [&str; 2] = ["symbols", "added"];

/// An address in which plus signs within symbols are encoded.
pub fn encoded(uri: &Uri) -> Cow<'_, Uri> {
    let query = uri.query().filter(|query| query.contains('+'));
    let address = query.map(|query| format!("{}?{}", uri.path(), with_plus_signs(query)));
    match address.and_then(|address| address.parse().ok()) {
        Some(encoded) => Cow::Owned(encoded),
        None => Cow::Borrowed(uri),
    }
}

/// A query whose plus signs within symbols are encoded.
fn with_plus_signs(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, value)) if LISTS.contains(&name) => format!("{name}={}", list(value)),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn list(value: &str) -> String {
    let value = value.replace("%2c", ",").replace("%2C", ",");
    let symbols = value.split(',').map(|symbol| {
        let name = symbol.trim_start_matches('+');
        let before = &symbol[..symbol.len() - name.len()];
        format!("{before}{}", name.replace('+', "%2B"))
    });
    symbols.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_sign_within_a_symbol_is_one() {
        for (query, written) in [
            ("symbols=ACHR+", "symbols=ACHR%2B"),
            ("symbols=ACHR%2B", "symbols=ACHR%2B"),
            ("symbols=ACHR+A,GOOG", "symbols=ACHR%2BA,GOOG"),
            ("symbols=GOOG%2C+AAPL", "symbols=GOOG,+AAPL"),
            ("symbols=GOOG,++ACHR+&q=a+b", "symbols=GOOG,++ACHR%2B&q=a+b"),
            ("added=ACHR+&symbols=*", "added=ACHR%2B&symbols=*"),
            ("q=symbols=a+b", "q=symbols=a+b"),
            ("+&symbols", "+&symbols"),
        ] {
            assert_eq!(with_plus_signs(query), written);
        }
    }
}
