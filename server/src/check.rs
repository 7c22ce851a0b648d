//! What the program would do with its settings, determined without doing it and without the network.

use std::{collections::BTreeMap, fmt::Write as _, fs, io, path::Path};

use indicatif::DecimalBytes;
use market::Symbol;

use crate::{Config, config::values::is_of_this_machine};
use feeds::{FeedSpec, list};
use history::Kind;

/// Describes what the program would do.
///
/// # Errors
/// All that would keep it from doing so, beside errors of the settings themselves: missing secrets, invalid recordings,
/// a folder in which no history can be kept.
pub fn check(config: &Config) -> Result<String, Vec<String>> {
    let mut faults = missing_secrets(config);
    for feed in &config.sources.feeds {
        if let Err(error) = feed.ready() {
            faults.push(format!("{}: {error}", feed.name()));
        }
    }
    let place = config.archive_place();
    if let Ok((folder, _)) = &place
        && let Err(why) = can_be_written(folder)
    {
        faults.push(why);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut print = |line: &str| {
        let _ = writeln!(text, "{line}");
    };
    print(&match &config.config {
        Some(file) => format!("{} is right.", file.display()),
        None => "The settings are right.".to_owned(),
    });
    print("");
    print(&listens(config));
    print(&publishes(config));
    print(&keeps(config));
    print("");
    if config.sources.feeds == [FeedSpec::None] {
        print("No feed runs.");
    }
    for (place, feed) in numbered(&config.sources.feeds) {
        let about = feed.about();
        print(&format!("Feed {place}, {}, {}.", feed.name(), about.does));
        for secret in feed.secrets() {
            print(&format!("  Its secret is in {secret}, and is there."));
        }
        print(&format!("  Its data {}.", about.licence));
    }
    let odd = odd(config);
    if !odd.is_empty() {
        print("");
        odd.iter().for_each(|line| print(line));
    }
    Ok(text)
}

fn numbered(feeds: &[FeedSpec]) -> impl Iterator<Item = (usize, &FeedSpec)> {
    let feeds = feeds.iter().filter(|feed| **feed != FeedSpec::None);
    (1..).zip(feeds)
}

/// The secrets that cannot be read, each with the reason.
pub fn missing_secrets(config: &Config) -> Vec<String> {
    let secrets = config.sources.feeds.iter().flat_map(|feed| {
        let secrets = feed.secrets().into_iter();
        secrets.map(|secret| (feed.name(), secret.read()))
    });
    secrets
        .filter_map(|(name, read)| Some(format!("{name}: {}", read.err()?)))
        .collect()
}

fn listens(config: &Config) -> String {
    let audience = match is_of_this_machine(config.listener.listen) {
        true => "this machine alone, unless a proxy passes it on",
        false => "every machine that reaches that address",
    };
    format!(
        "Listens at http://{}, for {audience}.",
        config.listener.listen
    )
}

/// Whether an archive can be in a folder, which a start creates if there is none. Nothing is created here.
fn can_be_written(folder: &Path) -> Result<(), String> {
    let fault = |path: &Path, why: &dyn std::fmt::Display| {
        Err(format!(
            "history cannot be kept in {}: {}: {why}: expected a folder to write in, or --data none",
            folder.display(),
            path.display()
        ))
    };
    // The last parent of a relative path is empty, which means the current folder.
    for path in folder.ancestors() {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return fault(path, &error),
            Ok(data) if !data.is_dir() => return fault(path, &"not a folder"),
            Ok(_) => return may_write(path).or_else(|error| fault(path, &error)),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn may_write(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
}

/// A start tells.
#[cfg(not(unix))]
fn may_write(_: &Path) -> io::Result<()> {
    Ok(())
}

fn publishes(config: &Config) -> String {
    let names: Vec<&str> = config.publish.tokens.iter().map(|t| t.name()).collect();
    match names.len() {
        0 => "Nobody may publish.".to_owned(),
        _ => format!("{} may publish.", list(&names)),
    }
}

/// Where history is kept, for how long, and what the next start does with it.
fn keeps(config: &Config) -> String {
    let options = &config.archive;
    let (folder, kind) = match config.archive_place() {
        Ok(place) => place,
        Err(why) => return format!("Keeps nothing: {why}."),
    };
    let size = match options.data_size.0 {
        Some(bytes) => format!("{} at the most", DecimalBytes(bytes)),
        None => "without limit".to_owned(),
    };
    let file = folder.join(kind.file());
    let begun = match (kind, file.exists()) {
        (Kind::Replayed, _) => "begun anew at each start, because what was replayed is no past",
        (_, true) => "which is there, and is gone on from",
        (_, false) => "which the first start makes",
    };
    format!(
        "Keeps history in {}, {begun}: ticks for {}, bars of minutes for {}, stories for {}; {size}.",
        file.display(),
        options.keep_ticks,
        options.keep_minutes,
        options.keep_events,
    )
    .replace("for forever", "forever")
}

/// Valid settings that may be unintended.
fn odd(config: &Config) -> Vec<String> {
    let mut odd = Vec::new();
    let mut speakers: BTreeMap<Symbol, Vec<usize>> = BTreeMap::new();
    for (place, feed) in numbered(&config.sources.feeds) {
        let doubts = feed.doubts().into_iter();
        odd.extend(doubts.map(|doubt| format!("Note: feed {place}, {}: {doubt}", feed.name())));
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
            "Note: {} in the feeds {}: feed {} is primary, the next one while it is silent.",
            match &symbols[..] {
                [one] => format!("{one} is"),
                many => format!("{} are", list(many)),
            },
            list(&places),
            places[0]
        ));
    }
    let misspelt = Config::misspelt_variables().into_iter();
    odd.extend(misspelt.map(|warning| format!("Note: {warning}")));
    if config.sources.seed.is_some() && !config.sources.feeds.contains(&FeedSpec::Simulate) {
        odd.push("Note: a seed is given, but no simulated feed.".to_owned());
    }
    if config.sources.feeds == [FeedSpec::None] && config.publish.tokens.is_empty() {
        odd.push("Note: there is no feed and nobody may publish: nothing will come.".to_owned());
    }
    if config.listener.may_redistribute {
        let personal = feeds::personal(&config.sources.feeds);
        odd.push(match &personal[..] {
            [] => "Note: may_redistribute is given, but no feed is for personal use.".to_owned(),
            names => format!(
                "Note: the data of {} is for personal use, and is shown to others all the same, because may_redistribute is set.",
                list(names)
            ),
        });
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: &[&str]) -> Result<Config, String> {
        let options: Vec<_> = options.iter().map(Into::into).collect();
        Config::to_check(&options).map_err(|error| error.to_string())
    }

    fn described(options: &[&str]) -> String {
        check(&config(options).unwrap()).unwrap()
    }

    /// A feed for personal use, whose key is a variable that cargo sets.
    const PERSONAL: &str = "--feed=finnhub:AAPL?key_env=CARGO_PKG_NAME";

    #[test]
    fn it_describes_what_would_be_done() {
        let hash = "a".repeat(64);
        let text = described(&[
            "--feed=coinbase:BTC-USD,ETH-USD",
            "--feed=kraken:ETH-USD",
            PERSONAL,
            &format!("--publish-token=desk:{hash}"),
        ]);
        for words in [
            "Listens at http://127.0.0.1:3000, for this machine alone",
            "desk may publish.",
            "Feed 1, coinbase, connects to wss://ws-feed.exchange.coinbase.com/ and subscribes to best prices and trades of BTC-USD and ETH-USD.",
            "as far as the source's terms allow",
            "Feed 3, finnhub, connects to",
            "Its secret is in the variable CARGO_PKG_NAME, and is there.",
            "is for personal use",
            "ETH-USD is in the feeds 1 and 2: feed 1 is primary",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("BTC-USD is in the feeds"), "{text}");
        assert!(!text.contains("in server"), "the secret itself: {text}");
    }

    #[test]
    fn forms_are_named_as_the_sec_names_them_and_others_are_doubted() {
        let text =
            described(&["--feed=sec:SC 13G,8K,FORM 4,9-Z?user_agent=Jane Doe jane@example.com"]);
        for words in [
            "the latest filings of the forms SCHEDULE 13G, 8-K, 4 and 9-Z.",
            "Note: feed 1, sec: no form \"9-Z\" of the SEC is known",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.matches("no form").count(), 1, "{text}");
    }

    #[test]
    fn it_describes_where_history_would_be_kept() {
        let folder = std::env::temp_dir().join(format!("keeps-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("tickertape.db"), "").unwrap();
        let data = format!("--data={}", folder.display());
        let shown = folder.display();
        let coins = "--feed=coinbase:BTC-USD";
        let replay = folder.join("a.jsonl");
        let frame =
            r#"1723161256078000000 {"stream":"btcusdt@trade","data":{"s":"BTCUSDT","p":"1"}}"#;
        std::fs::write(&replay, frame).unwrap();
        let replay = format!("--feed=replay:{}", replay.display());
        for (options, expected) in [
            (
                vec![&*data, coins],
                format!(
                    "in {shown}/tickertape.db, which is there, and is gone on from: ticks for 7d, bars of minutes forever, stories forever; 8.00 GB at the most."
                ),
            ),
            (
                vec![&*data, "--keep-minutes=1d 12h", "--data-size=unlimited"],
                format!(
                    "in {shown}/simulated.db, which the first start makes: ticks for 7d, bars of minutes for 1d 12h, stories forever; without limit."
                ),
            ),
            (
                vec![&*data, &*replay],
                format!("in {shown}/replayed.db, begun anew at each start"),
            ),
            (
                vec!["--data=none", coins],
                "Keeps nothing: data is none.".to_owned(),
            ),
            (
                vec![&*data, "--seed=7"],
                "Keeps nothing: a market that is repeated from its seed has no history.".to_owned(),
            ),
        ] {
            let text = described(&options);
            assert!(text.contains(&expected), "{expected}: {text}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn it_reports_everything_that_a_start_would_miss() {
        let config = config(&[
            "--feed=finnhub:AAPL?key_env=TICKERTAPE_NO_SUCH_KEY",
            "--feed=replay:/nowhere/a.jsonl.gz",
            "--feed=alpaca:AAPL?key_file=/nowhere/key&secret_env=CARGO_PKG_NAME",
        ])
        .unwrap();
        let faults = check(&config).unwrap_err();
        for (fault, words) in faults.iter().zip([
            "finnhub: the variable TICKERTAPE_NO_SUCH_KEY is not set",
            "alpaca: the file /nowhere/key is not there",
            "replay: /nowhere/a.jsonl.gz",
        ]) {
            assert!(fault.contains(words), "{fault}");
        }
        assert_eq!(faults.len(), 3, "{faults:?}");
    }

    #[test]
    fn a_folder_in_which_history_cannot_be_kept_is_a_fault() {
        let folder = std::env::temp_dir().join(format!("tickertape-check-{}", std::process::id()));
        let data = format!("--data={}", folder.join("a/b").display());
        let words = format!(
            "Keeps history in {}/a/b/simulated.db, which the first start makes",
            folder.display()
        );
        let text = described(&[&data]);
        assert!(text.contains(&words), "{text}");
        assert!(!folder.exists(), "checking made it");

        std::fs::write(&folder, "not a folder").unwrap();
        for data in [data, format!("--data={}", folder.display())] {
            let faults = check(&config(&[&data]).unwrap()).unwrap_err();
            let [fault] = &faults[..] else {
                panic!("{faults:?}");
            };
            assert!(fault.contains("expected a folder to write in"), "{fault}");
        }
        std::fs::remove_file(&folder).unwrap();
    }

    #[test]
    fn what_is_odd_is_noted() {
        for (options, words) in [
            (&["--feed=none"][..], "nothing will come"),
            (
                &[
                    "--feed=sec?user_agent=Jane Doe jane@example.com",
                    "--seed=7",
                ],
                "no simulated feed",
            ),
            (&["--may-redistribute"], "no feed is for personal use"),
            (
                &[PERSONAL, "--may-redistribute"],
                "the data of finnhub is for personal use",
            ),
        ] {
            let text = described(options);
            assert!(text.contains("Note: ") && text.contains(words), "{text}");
        }
        assert!(!described(&[]).contains("Note:"));
    }

    #[test]
    fn what_is_for_personal_use_stays_on_this_machine() {
        for listen in [
            "0.0.0.0:80",
            "[::]:80",
            "192.168.1.7:80",
            "[::ffff:10.0.0.1]:80",
        ] {
            let listen = format!("--listen={listen}");
            let error = config(&[PERSONAL, &listen]).unwrap_err();
            for words in [
                "finnhub",
                "personal use",
                "--may-redistribute",
                "127.0.0.1:80",
            ] {
                assert!(error.contains(words), "{error}");
            }
            assert!(config(&[PERSONAL, &listen, "--may-redistribute"]).is_ok());
            assert!(config(&["--feed=coinbase:BTC-USD", &listen]).is_ok());
        }
        for listen in [
            "127.0.0.1:80",
            "127.8.8.8:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(
                config(&[PERSONAL, &format!("--listen={listen}")]).is_ok(),
                "{listen}"
            );
        }
    }

    #[test]
    fn a_recording_is_under_the_licence_of_what_was_recorded() {
        let file = std::env::temp_dir().join(format!("licence-{}.jsonl", std::process::id()));
        for (kind, is_personal) in [("finnhub", true), ("kraken", false)] {
            let symbols = if is_personal { "AAPL" } else { "BTC-USD" };
            let header = format!(
                r#"{{"tickertape_recording":1,"started":1,"kind":"{kind}","options":{{"symbols":["{symbols}"]}}}}"#
            );
            std::fs::write(&file, header).unwrap();
            let feed = format!("--feed=replay:{}", file.display());
            let read = config(&[&feed, "--listen=0.0.0.0:80"]);
            assert_eq!(read.is_err(), is_personal, "{read:?}");
        }
        std::fs::remove_file(&file).unwrap();
    }
}
