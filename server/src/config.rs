use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

/// Everything that can be set, with its default and its check.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "tickertape",
    version,
    about = "A live stock ticker: quotes and news on one ordered tape, streamed as Server-Sent Events",
    after_help = "\
Examples:
  tickertape                                    thirty simulated US stocks at http://127.0.0.1:3000
  tickertape --feed binance:BTCUSDT,ETHUSDT     real coins, without a key
  tickertape --feed 'replay:frames.jsonl.gz?speed=10'
  tickertape --feed simulate --feed binance:BTCUSDT --listen 0.0.0.0:8080

Feeds:
  simulate                    made-up prices and news of thirty US stocks; the same --seed gives the same tape
  binance:SYMBOL[,SYMBOL…]    Binance's public stream of best prices and trades; ?url= for another address
  replay:FILE                 recorded frames, plain or gzip, at their own pace; ?speed=N or ?speed=max for quicker

RUST_LOG sets what is logged, such as info or server=debug."
)]
pub struct Config {
    /// Address and port to listen at; port 0 takes a free one
    #[arg(
        long,
        env = "TICKERTAPE_LISTEN",
        default_value = "127.0.0.1:3000",
        value_name = "ADDRESS:PORT",
        value_parser = address
    )]
    pub listen: SocketAddr,

    /// Where quotes and news come from, see below; may be given several times, or separated by ;
    #[arg(
        long = "feed",
        env = "TICKERTAPE_FEED",
        default_value = "simulate",
        value_name = "FEED",
        value_delimiter = ';'
    )]
    pub feeds: Vec<crate::feeds::FeedSpec>,

    /// Seed of the simulated feed [default: another one each time]
    #[arg(long, env = "TICKERTAPE_SEED", value_name = "NUMBER", value_parser = seed)]
    pub seed: Option<u64>,

    /// The page's files [default: the folder `site` beside the program, or one above]
    #[arg(long, env = "TICKERTAPE_SITE", value_name = "FOLDER")]
    pub site: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is not an address and port: expected such as 127.0.0.1:3000 or [::]:3000")
    })
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        format!(
            "{text:?} is not a seed: expected a whole number from 0 to {}",
            u64::MAX
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_names_itself() {
        for (arguments, value) in [
            (["tickertape", "--listen", "localhost"], "localhost"),
            (["tickertape", "--feed", "binanse:BTCUSDT"], "binanse"),
            (["tickertape", "--seed", "seven"], "seven"),
        ] {
            let error = Config::try_parse_from(arguments).unwrap_err().to_string();
            assert!(error.contains(value), "{error}");
        }
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
        assert_eq!(config.feeds.len(), 2);
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Config::command().debug_assert();
    }
}
