//! The command line, the environment and the file.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use clap::{ArgAction, Parser};

use super::*;
use crate::config::values::log_filter;
use front::ClientHeader;

#[test]
fn a_wrong_value_names_itself() {
    for (arguments, value) in [
        (["tickertape", "--listen", "localhost"], "localhost"),
        (["tickertape", "--feed", "binanse:BTCUSDT"], "binanse"),
        (["tickertape", "--seed", "seven"], "seven"),
        (["tickertape", "--seed", "-5"], "'-5'"),
        (["tickertape", "--symbols", "nowhere.csv"], "nowhere.csv"),
        (["tickertape", "--log", "server=loud"], "server=loud"),
        (
            ["tickertape", "--log", "loud"],
            "\"loud\" is no level: expected a level (off, error, warn, info, debug, trace)",
        ),
        (
            ["tickertape", "--log", "info,Verbose"],
            "\"Verbose\" is no level",
        ),
        (
            ["tickertape", "--listen", "65536"],
            "a port from 0 to 65535",
        ),
        (
            ["tickertape", "--listen", "example.org:80"],
            "localhost:3000",
        ),
        (["tickertape", "--listen", ":3000"], "0.0.0.0:3000"),
        (["tickertape", "--host", "a.example:80"], "without a port"),
        (
            ["tickertape", "--host", "http://a.example"],
            "without a port",
        ),
        (["tickertape", "--log-format", "xml"], "xml"),
        (["tickertape", "--max-streams", "0"], "'0'"),
        (["tickertape", "--max-streams-per-address", "many"], "many"),
        (["tickertape", "--max-symbols", "-1"], "-1"),
        (["tickertape", "--max-body", "4k"], "4k"),
        (["tickertape", "--request-timeout", "0"], "'0'"),
        (["tickertape", "--request-timeout", "NaN"], "NaN"),
        (
            ["tickertape", "--trusted-proxy", "10.0.0.0/33"],
            "10.0.0.0/33",
        ),
        (["tickertape", "--client-header", "x-real-ip"], "x-real-ip"),
        (
            ["tickertape", "--allow-origin", "example.org"],
            "example.org",
        ),
    ] {
        let error = Config::try_parse_from(arguments).unwrap_err().to_string();
        assert!(error.contains(value), "{error}");
    }
}

#[test]
fn an_address_to_listen_at_may_be_a_port_alone() {
    for (text, address) in [
        ("3000", "127.0.0.1:3000"),
        ("0", "127.0.0.1:0"),
        ("localhost:3000", "127.0.0.1:3000"),
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("[::1]:3000", "[::1]:3000"),
    ] {
        let config = Config::try_parse_from(["tickertape", "--listen", text]).unwrap();
        assert_eq!(config.listener.listen.to_string(), address, "{text}");
    }
}

#[test]
fn a_filter_of_the_log_is_levels() {
    for text in [
        "info",
        "WARN",
        "off",
        "",
        "info,server=debug",
        "request=debug,stream=trace",
        "warn,[a{b=1}]=debug",
    ] {
        assert!(log_filter(text).is_ok(), "{text}");
    }
    for text in ["loud", "info,loud", "server=loud", "server", "info debug"] {
        let why = log_filter(text).unwrap_err();
        assert!(
            why.contains("off, error, warn, info, debug, trace"),
            "{why}"
        );
    }
}

#[test]
fn a_wrong_value_in_the_environment_names_its_variable() {
    // As clap parses it: an option that is not on the command line.
    let error = Config::try_parse_from(["tickertape", "--seed", "seven"]).unwrap_err();
    let message = with_variable(error, &["tickertape".into()]).to_string();
    assert!(message.contains("'seven' in TICKERTAPE_SEED"), "{message}");
    assert!(message.contains("expected a whole number"), "{message}");

    let given: Vec<OsString> = ["tickertape", "--seed=seven"].map(Into::into).to_vec();
    let message = Config::read(given).unwrap_err().to_string();
    assert!(
        message.contains("'seven' for '--seed <NUMBER>'"),
        "{message}"
    );
}

#[test]
fn a_feed_can_be_given_once() {
    for (first, second, named) in [
        ("simulate", "simulate", Some("simulate")),
        (
            "binance:BTCUSDT",
            "binance:btcusdt",
            Some("binance:BTCUSDT"),
        ),
        ("replay:a.gz", "replay:a.gz", Some("replay:a.gz")),
        (
            "kraken:BTC/USD,ETH-USD",
            "kraken:btc-usd,ETH/USD",
            Some("kraken:BTC-USD, kraken:ETH-USD"),
        ),
        (
            "alpaca:AAPL",
            "alpaca:MSFT",
            Some("alpaca with feed=iex and the key in the variable TICKERTAPE_ALPACA_KEY"),
        ),
        ("alpaca:AAPL", "alpaca:FAKEPACA?feed=test", None),
        ("alpaca:AAPL", "alpaca:MSFT?key_env=OTHER", None),
        ("alpaca:AAPL", "alpaca-news:MSFT", None),
        (
            "alpaca-news:AAPL",
            "alpaca-news:MSFT",
            Some("alpaca-news with the key in the variable TICKERTAPE_ALPACA_KEY"),
        ),
        (
            "finnhub:AAPL",
            "finnhub:MSFT",
            Some("finnhub with the key in the variable TICKERTAPE_FINNHUB_KEY"),
        ),
        (
            "sec:8-K?user_agent=Jane Doe jane@example.com",
            "sec:4?user_agent=Jane Doe jane@example.com",
            Some("sec"),
        ),
        ("binance:BTCUSDT", "binance:ETHUSDT,BTCUSDT", None),
        ("coinbase:BTC-USD", "kraken:BTC-USD", None),
        ("replay:a.gz", "replay:b.gz", None),
    ] {
        let arguments = ["tickertape", "--feed", first, "--feed", second];
        let read = Config::read(arguments.map(Into::into).to_vec());
        match named {
            None => assert_eq!(read.unwrap().sources.feeds.len(), 2),
            Some(named) => {
                let message = read.unwrap_err().to_string();
                let words = format!("{named} is given twice: ");
                assert!(message.contains(&words), "{message}");
                assert!(message.contains("expected"), "{message}");
            }
        }
    }
}

#[test]
fn no_feed_stands_alone() {
    let read = |arguments: &[&str]| {
        let arguments = ["tickertape"].iter().chain(arguments);
        Config::read(arguments.map(Into::into).collect())
    };
    assert_eq!(
        read(&["--feed", "none"]).unwrap().sources.feeds,
        [FeedSpec::None]
    );
    let error = read(&["--feed", "none", "--feed", "simulate"]).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("expected it alone"), "{message}");
}

#[test]
fn publishing_is_set_and_checked() {
    let hash = "a".repeat(64);
    let tokens = format!("--publish-token=desk:{hash},wire:{hash}");
    let read = |option: &str| Config::try_parse_from(["tickertape", option]);
    let publish = read(&tokens).unwrap().publish;
    let names: Vec<&str> = publish.tokens.iter().map(|grant| grant.name()).collect();
    assert_eq!(names, ["desk", "wire"]);
    assert_eq!(publish.max_events(), 1_000);
    assert_eq!(read("--publish-burst=7").unwrap().publish.max_events(), 7);
    for (option, words) in [
        ("--publish-token=desk:secret", "64 hexadecimal digits"),
        ("--publish-body=1023", "1024"),
        ("--publish-rate=0", "from 1 to 1000000"),
        ("--publish-rate=1000001", "from 1 to 1000000"),
        ("--publish-burst=many", "from 1 to 1000000"),
    ] {
        let message = read(option).unwrap_err().to_string();
        assert!(message.contains(words), "{option}: {message}");
    }
}

#[test]
fn the_help_fits_a_terminal() {
    let help = Config::command().render_help().to_string();
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// The words of a line as a shell splits them, as far as single quotes go.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (place, part) in line.split('\'').enumerate() {
        match place % 2 {
            1 => words.last_mut().unwrap().push_str(part),
            _ => {
                let mut pieces = part.split(' ');
                words.last_mut().unwrap().push_str(pieces.next().unwrap());
                words.extend(pieces.map(str::to_owned));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_commands_of_the_readme_are_right() {
    let readme = include_str!("../../../README.md");
    let commands = readme.lines().filter_map(|line| {
        let options = line.strip_prefix("make run ARGS=\"")?;
        options.strip_suffix('"')
    });
    let mut kinds = std::collections::BTreeSet::new();
    for command in commands {
        let options: Vec<OsString> = words(command).into_iter().map(Into::into).collect();
        let config = Config::to_check(&options).unwrap_or_else(|error| panic!("{error}"));
        kinds.extend(config.sources.feeds.iter().map(FeedSpec::name));
    }
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.to_string()).collect();
    let expected = [
        "alpaca",
        "alpaca-news",
        "coinbase",
        "kraken",
        "nasdaq-halts",
        "rss",
        "sec",
        "simulate",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn the_help_names_every_feed() {
    let help = Config::command().render_help().to_string();
    for name in FeedSpec::names() {
        let feed = help
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .find(|line| line.split([':', ' ']).next() == Some(name));
        assert!(feed.is_some(), "{name}: {help}");
    }
}

fn read_with(text: &str, arguments: &[&str]) -> Result<Config, String> {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("{}-{number}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let file = ["tickertape".into(), "--config".into(), path.clone().into()];
    let arguments = arguments.iter().map(Into::into);
    let read = Config::read(file.into_iter().chain(arguments).collect());
    std::fs::remove_file(&path).unwrap();
    read.map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "FILE"))
}

#[test]
fn an_option_counts_more_than_the_file() {
    let text = r#"
        listen = "127.0.0.1:9"
        max_streams = 7
        max_body = 1_000
        seed = 0x10
        stream_lifetime = "1h 30m"
        trusted_proxy = ["127.0.0.1", "10.0.0.0/8"]
        allow_origin = "https://a.example,https://b.example"
        may_redistribute = true
        [[feed]]
        kind = "binance"
        symbols = ["BTCUSDT"]
        [[feed]]
        kind = "simulate"
    "#;
    let config = read_with(text, &[]).unwrap();
    assert_eq!(config.listener.listen.port(), 9);
    assert_eq!(
        (config.limits.max_streams, config.limits.max_body),
        (7, 1_000)
    );
    assert_eq!(config.sources.seed, Some(16));
    assert_eq!(
        config.connections.stream_lifetime,
        Some(Duration::from_secs(5_400))
    );
    assert_eq!(config.access.trusted_proxies.len(), 2);
    assert_eq!(config.access.allowed_origins.len(), 2);
    assert!(config.listener.may_redistribute);
    assert_eq!(config.limits.max_symbols, 500);
    let feeds = ["binance:BTCUSDT", "simulate"].map(|feed| feed.parse().unwrap());
    assert_eq!(config.sources.feeds, feeds);

    let options = ["--max-streams=8", "--feed=none", "--trusted-proxy=::1"];
    let config = read_with(text, &options).unwrap();
    assert_eq!(
        (config.limits.max_streams, config.limits.max_body),
        (8, 1_000)
    );
    assert_eq!(config.sources.feeds, [FeedSpec::None]);
    assert_eq!(config.access.trusted_proxies.len(), 1);
    assert_eq!(
        read_with("", &[]).unwrap().sources.feeds,
        [FeedSpec::Simulate]
    );
}

#[test]
fn every_error_of_a_file_is_reported_with_its_place() {
    let text = r#"max_streams = 0
max-symbols = 5
  listn = "127.0.0.1:9"
log_format = "xml"
head_bytes = 10
grace = 5
seed = [1]
trusted_proxy = ["127.0.0.1",
  "ten"]
publish_token = "desk:hunter2"
may_redistribute = "yes"
config = "other.toml"
colour = "red"
[[feed]]
kind = "binanse"
[[feed]]
kind = "binance"
symbols = ["BTCUSDT", "two words"]
speed = 2
max_body = 3
[[feed]]
symbols = []
"#;
    let message = read_with(text, &[]).unwrap_err();
    let lines: Vec<&str> = message
        .lines()
        .filter_map(|line| line.strip_prefix("FILE:"))
        .collect();
    let expected = [
        ("1:15: max_streams is \"0\"", "a whole number from 1"),
        ("2:1: \"max-symbols\" is not a setting", "mean max_symbols?"),
        ("3:3: \"listn\" is not a setting", "mean listen?"),
        ("4:14: log_format is \"xml\"", "text or json"),
        ("5:14: head_bytes is \"10\"", "256..=65536"),
        ("6:9: grace is \"5\"", "such as 250ms"),
        ("7:8: seed is a list", "expected a text or a number"),
        ("9:3: trusted_proxy is \"ten\"", "expected"),
        ("10:17: publish_token: ", "64 hexadecimal digits"),
        ("11:20: may_redistribute is \"yes\"", "true or false"),
        ("12:1: \"config\" is not a setting", "no other file"),
        ("13:1: \"colour\" is not a setting", ""),
        ("15:8: \"binanse\" is not a feed", "mean binance?"),
        ("18:1: binance: \"two words\"", "BTCUSDT"),
        (
            "19:1: \"speed\" is not an option of binance",
            "symbols, url",
        ),
        (
            "20:1: \"max_body\" is not an option",
            "stand before the first [[feed]]",
        ),
        ("21:1: a feed without a kind", "binance"),
    ];
    assert_eq!(lines.len(), expected.len(), "{message}");
    for (line, (start, words)) in lines.iter().zip(expected) {
        assert!(line.starts_with(start) && line.contains(words), "{line}");
    }
    assert!(!message.contains("hunter"), "{message}");
    assert!(message.contains("17 faults"), "{message}");
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_reported() {
    let warnings = |name: &str| misspelt([name.to_owned()].into_iter());
    assert_eq!(
        warnings("TICKERTAPE_MAX_STREMS"),
        ["TICKERTAPE_MAX_STREMS is set, but not a setting; did you mean TICKERTAPE_MAX_STREAMS?"]
    );
    assert_eq!(warnings("TICKERTAPE_FEEDS").len(), 1);
    for name in [
        "TICKERTAPE_MAX_STREAMS",
        "TICKERTAPE_ALPACA_KEY",
        // A variable that Kubernetes sets for a service of that name.
        "TICKERTAPE_PORT",
        "TICKERTAPE_SERVICE_HOST",
        "TICKERTAPE_PORT_3000_TCP_ADDR",
        "MAX_STREMS",
    ] {
        assert!(warnings(name).is_empty(), "{name}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_no_setting_of_the_server() {
    // Both the server and the feed have an option named symbols.
    let text = "[[feed]]\nkind = \"binance\"\nsymbols = \"BTCUSDT\"";
    let message = read_with(text, &[]).unwrap_err();
    assert!(message.contains("FILE:3:1: binance: "), "{message}");
    assert!(
        message.contains("\"BTCUSDT\", expected a list"),
        "{message}"
    );
    assert!(!message.contains("stand before"), "{message}");
}

#[test]
fn invalid_toml_is_reported_with_its_place() {
    for (text, parts) in [
        (
            "listen = \nmax_streams = 0",
            ["FILE:1:", "FILE:2:15: max_streams"],
        ),
        ("seed = 1\nseed = 2", ["FILE:2:1: duplicate key", ""]),
        ("a = \"\u{7f}\"", ["FILE:1:", ""]),
        (
            "[[feed]]\nkind = \"none\"\n[[feed]]\nkind = \"simulate\"",
            ["FILE:1:1: none is given beside", ""],
        ),
        (
            "[[feed]]\nkind = \"simulate\"\n[[feed]]\nkind = \"simulate\"",
            ["FILE:3:1: simulate is given twice", ""],
        ),
        (
            "feed = \"simulate\"",
            ["FILE:1:8: feed is \"simulate\"", "[[feed]]"],
        ),
        (
            "feed = [\"simulate\"]",
            ["FILE:1:9: feed is \"simulate\"", "[[feed]]"],
        ),
        (
            "[feed]\nkind = \"simulate\"",
            ["FILE:1:1: feed is a table", "[[feed]]"],
        ),
        ("[[feed]]\nkind = 7", ["FILE:2:8: kind is 7", "a text"]),
    ] {
        let message = read_with(text, &[]).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }
    let missing = ["tickertape", "--config", "/nowhere/tickertape.toml"];
    let error = Config::read(missing.map(Into::into).to_vec()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("/nowhere/tickertape.toml cannot be read")
    );
}

/// The example of a configuration with every setting.
fn example() -> String {
    let lines = include_str!("../../../tickertape.example.toml").lines();
    let all: Vec<&str> = lines
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .collect();
    all.join("\n")
}

#[test]
fn the_example_has_every_feed_once_with_its_defaults() {
    // Settings without a default, so that there is an example of them.
    const EXAMPLES: [(&str, &str); 11] = [
        ("alpaca-news", "symbols"),
        ("sec", "forms"),
        ("rss", "name"),
        ("rss", "type"),
        ("json", "feed_name"),
        ("json", "headers"),
        ("json", "rename"),
        ("json", "currency"),
        ("json", "venue"),
        ("json", "time_unit"),
        ("sec", "user_agent"),
    ];
    let table: toml::Table = example().parse().unwrap();
    let mut kinds = Vec::new();
    for feed in table["feed"].as_array().unwrap() {
        let mut options = feed.as_table().unwrap().clone();
        let kind = options.remove("kind").unwrap();
        let kind = kind.as_str().unwrap();
        kinds.push(kind.to_owned());
        let shown = FeedSpec::from_table(kind, options.clone()).unwrap();
        for key in options.keys() {
            let mut others = options.clone();
            others.remove(key);
            // Required options of a feed are examples as well.
            let Ok(by_default) = FeedSpec::from_table(kind, others) else {
                continue;
            };
            let is_default = by_default == shown;
            let is_example = EXAMPLES.contains(&(kind, key.as_str()));
            assert_ne!(is_default, is_example, "{kind}: {key}");
        }
    }
    kinds.sort();
    let mut names: Vec<&str> = FeedSpec::names().to_vec();
    names.retain(|name| *name != "none");
    names.sort();
    assert_eq!(kinds, names);
}

#[test]
fn the_example_has_every_setting_with_its_default() {
    let example_text = include_str!("../../../tickertape.example.toml");
    // The file of symbols has to exist.
    let file = std::env::temp_dir().join(format!("symbols-{}.csv", std::process::id()));
    std::fs::write(&file, "symbol\n").unwrap();
    let all = example().replace(
        "\"symbols.csv\"",
        &format!("{:?}", file.display().to_string()),
    );
    read_with(example_text, &[]).unwrap();
    let config = read_with(&all, &[]).unwrap();
    let table: toml::Table = all.parse().unwrap();
    let mut known = vec!["feed".to_owned()];
    let mut command = Config::command();
    command.build();
    for option in command.get_arguments() {
        let Some(key) = crate::config::file::key(option) else {
            continue;
        };
        let value = table
            .get(&key)
            .unwrap_or_else(|| panic!("{key} is not there"));
        let default: Vec<_> = option.get_default_values().iter().collect();
        if !default.is_empty() {
            let text = value.as_str().map_or(value.to_string(), str::to_owned);
            assert_eq!(default, [&*text], "{key}");
        }
        known.push(key);
    }
    assert_eq!(table.len(), known.len());
    assert_eq!(
        config.sources.feeds.len(),
        table["feed"].as_array().unwrap().len()
    );
}

/// The settings in the rows of the documentation: option, variable, default.
fn documented() -> Vec<(String, String, Option<String>)> {
    let text = include_str!("../../../docs/reference/configuration.md");
    let code = |cell: &str| {
        cell.trim()
            .strip_prefix('`')?
            .strip_suffix('`')
            .map(str::to_owned)
    };
    text.lines()
        .filter(|line| line.starts_with("| `--"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            let option = code(cells[1]).expect("an option is code");
            (
                option,
                code(cells[2]).expect("a variable is code"),
                code(cells[3]),
            )
        })
        .collect()
}

#[test]
fn the_documentation_has_every_option_with_its_variable_and_default() {
    let mut command = Config::command();
    command.build();
    let known: Vec<_> = command
        .get_arguments()
        .filter(|option| option.get_env().is_some())
        .map(|option| {
            let value = match option.get_action() {
                ArgAction::SetTrue => String::new(),
                _ => format!(" {}", option.get_value_names().unwrap()[0]),
            };
            let variable = option.get_env().unwrap().to_str().unwrap().to_owned();
            let default = option.get_default_values().first();
            (
                format!("--{}{value}", option.get_long().unwrap()),
                variable,
                default.map(|default| default.to_str().unwrap().to_owned()),
            )
        })
        .collect();
    for (option, variable, default) in documented() {
        let found = known.iter().find(|(known, ..)| *known == option);
        let (_, its_variable, its_default) = found.expect(&option);
        assert_eq!(
            (its_variable, its_default),
            (&variable, &default),
            "{option}"
        );
    }
    assert_eq!(documented().len(), known.len(), "{known:?}");
    // Only the two options of clap itself have no variable.
    let without: Vec<_> = command
        .get_arguments()
        .filter(|option| option.get_env().is_none())
        .filter_map(|option| option.get_long())
        .collect();
    assert_eq!(without, ["help", "version"]);
    for (option, variable, _) in &known {
        let name = option.trim_start_matches('-').split(' ').next().unwrap();
        let name = format!("TICKERTAPE_{}", name.to_uppercase().replace('-', "_"));
        assert!(
            *variable == name || variable == "RUST_LOG",
            "{option}: {variable}"
        );
    }
}

#[test]
fn every_origin_is_allowed_alone_or_not_at_all() {
    let arguments = ["tickertape", "--allow-origin", "*,https://example.org"];
    let message = Config::read(arguments.map(Into::into).to_vec())
        .unwrap_err()
        .to_string();
    assert!(message.contains("--allow-origin *"), "{message}");
}

#[test]
fn what_takes_several_values_takes_them_with_commas() {
    let config = Config::try_parse_from([
        "tickertape",
        "--trusted-proxy",
        "127.0.0.1,10.0.0.0/8",
        "--trusted-proxy",
        "::1",
        "--allow-origin",
        "https://a.example,https://b.example",
        "--client-header",
        "forwarded",
        "--request-timeout",
        "500ms",
    ])
    .unwrap();
    assert_eq!(config.access.trusted_proxies.len(), 3);
    assert_eq!(config.access.allowed_origins.len(), 2);
    assert_eq!(config.access.client_header, ClientHeader::Forwarded);
    assert_eq!(config.limits.request_timeout, Duration::from_millis(500));
}

#[test]
fn feeds_can_be_given_several_times() {
    let config = Config::try_parse_from([
        "tickertape",
        "--feed",
        "simulate",
        "--feed",
        "binance:BTCUSDT",
    ])
    .unwrap();
    assert_eq!(config.sources.feeds.len(), 2);
}

#[test]
fn the_command_line_is_consistent() {
    Config::command().debug_assert();
}
