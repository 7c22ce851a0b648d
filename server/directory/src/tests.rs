use super::*;

fn symbol(name: &str) -> Symbol {
    name.parse().unwrap()
}

fn listing(name: &str, title: &str) -> Listing {
    Listing {
        name: title.to_owned(),
        ..Listing::new(symbol(name))
    }
}

#[test]
fn a_listing_keeps_the_fields_that_the_next_one_leaves_out() {
    let directory = Directory::default();
    let goog = symbol("GOOG");
    let listing = |name: &str, venue: Option<&str>| Listing {
        venue: venue.map(str::to_owned),
        ..listing("GOOG", name)
    };
    directory.list([listing("Alphabet Inc.", Some("Nasdaq"))]);
    directory.list([listing("", None)]);
    assert_eq!(
        directory.get(goog),
        Some(listing("Alphabet Inc.", Some("Nasdaq")))
    );
    directory.list([listing("Alphabet", None)]);
    assert_eq!(directory.get(goog).unwrap().name, "Alphabet");
    assert_eq!(directory.get(symbol("GOOGL")), None);
}

fn directory() -> Directory {
    let directory = Directory::default();
    directory.list(
        [
            ("A", "Agilent Technologies Inc."),
            ("AA", "Alcoa Corp."),
            ("AAPL", "Apple Inc."),
            ("APLE", "Apple Hospitality REIT, Inc."),
            ("BAC", "Bank of America Corp."),
            ("BRK.B", "Berkshire Hathaway Inc."),
            ("MAPL", "Snapple Group"),
            ("PINE", "Pineapple Holdings"),
            ("RAA", "The Alcoa Fund"),
            ("NSRGY", "Nestlé S.A."),
        ]
        .map(|(symbol, name)| listing(symbol, name)),
    );
    directory
}

fn search(text: &str, preferred: &[&str], limit: usize) -> Vec<String> {
    let preferred = preferred.iter().map(|name| symbol(name)).collect();
    let found = directory().search(text, &preferred, limit);
    found
        .iter()
        .map(|listing| listing.symbol.to_string())
        .collect()
}

#[test]
fn the_best_fit_comes_first() {
    assert_eq!(search("aa", &[], 3), ["AA", "AAPL", "RAA"]);
    // Names that begin with it, those with a word that does, those that have it anywhere.
    assert_eq!(search("Apple", &[], 4), ["AAPL", "APLE", "MAPL", "PINE"]);
    assert_eq!(search("alcoa", &[], 2), ["AA", "RAA"]);
    assert_eq!(search("bank of am", &[], 1), ["BAC"]);
    assert_eq!(search("brk b", &[], 1), ["BRK.B"]);
    assert_eq!(search("NESTLÉ", &[], 1), ["NSRGY"]);
}

#[test]
fn what_is_preferred_comes_first_among_equals() {
    assert_eq!(
        search("apple", &["APLE", "PINE"], 4),
        ["APLE", "AAPL", "PINE", "MAPL"]
    );
    assert_eq!(search("", &["NSRGY"], 2), ["NSRGY", "A"]);
}

#[test]
fn what_is_mistyped_is_found_where_nothing_else_is() {
    assert_eq!(search("appel", &[], 2), ["AAPL", "APLE"]);
    assert_eq!(search("Berkshrie", &[], 1), ["BRK.B"]);
    assert_eq!(search("qqqqq", &[], 5), [""; 0]);
    assert_eq!(search("apple", &[], 0), [""; 0]);
}

#[test]
fn all_that_is_listed_in_a_country_is_searched_at_once() {
    let directory = Directory::default();
    directory.list((0..12_000_u32).map(|n| {
        let letter = |by: u32| char::from(b'A' + (n / by % 26) as u8);
        let name: String = [letter(1), letter(26), letter(676), letter(17_576)]
            .iter()
            .collect();
        listing(
            &name,
            &format!("{name} {} Holdings Incorporated", n * 7_919 % 10_007),
        )
    }));
    for (text, found) in [
        ("ab", 20),
        ("holdings", 20),
        ("", 20),
        ("zzzzq", 20),
        ("holdnigs", 20),
    ] {
        let begin = std::time::Instant::now();
        let count = directory.search(text, &HashSet::new(), 20).len();
        let took = begin.elapsed();
        println!("{text:?}: {count} in {took:?}");
        assert!(count <= found, "{text}");
        // Unoptimized and in parallel with other tests; a release build takes a twentieth of it.
        assert!(took < std::time::Duration::from_secs(1), "{text}: {took:?}");
    }
}

#[test]
fn a_file_may_leave_columns_and_values_out() {
    let text = "\u{feff}Name, SYMBOL,tick\r\n\"Apple, Inc.\",aapl,0.01\r\n,GOOG,\r\n";
    let listings = read_listings(text.as_bytes()).unwrap();
    let apple = Listing {
        tick: Some("0.01".parse().unwrap()),
        ..listing("AAPL", "Apple, Inc.")
    };
    assert_eq!(listings, [apple, listing("GOOG", "")]);
}

#[test]
fn every_wrong_line_of_a_file_is_named() {
    let wrong = |text: &str| read_listings(text.as_bytes()).unwrap_err();
    let error = wrong("symbol,tick\nA B,\nGOOG,0.01\nMSFT,1e5\nAAPL\nIBM,-1\n");
    for part in [
        "line 2: symbol: \"A B\"",
        "line 4: tick: \"1e5\"",
        "line 5: 1 values",
        "line 6: tick: -1 is no step",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    assert!(wrong("ticker,name\n").contains("\"ticker\""));
    assert!(wrong("name\nApple\n").contains("no column symbol"));
    let many = wrong(&format!("symbol\n{}", "A B\n".repeat(30)));
    assert_eq!(many.matches("line").count(), 10, "{many}");
    assert!(many.ends_with("and more"), "{many}");
}
