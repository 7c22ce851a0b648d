//! Bars of real trades, against a few lines of Python that share nothing with the archive.

mod support;

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::Command,
};

use archive::Print;
use flate2::read::MultiGzDecoder;
use market::{Bar, Interval, Trade};
use serde_json::Value;
use support::*;

/// Makes the bars of the file and the interval in its arguments: start, open, high, low, close, volume, average price
/// and number, one per line.
const PYTHON: &str = r#"
import decimal, gzip, json, sys
decimal.getcontext().prec = 60
D = decimal.Decimal
bars = {}
for line in gzip.open(sys.argv[1], "rt"):
    frame = json.loads(line.split(" ", 1)[1])
    if not frame.get("stream", "").endswith("@trade"):
        continue
    t = frame["data"]
    bars.setdefault(t["T"] // int(sys.argv[2]), []).append((t["T"], D(t["p"]), D(t["q"])))
for start in sorted(bars):
    trades = sorted(bars[start], key=lambda trade: trade[0])
    prices = [price for _, price, _ in trades]
    volume = sum(size for _, _, size in trades)
    average = sum(price * size for _, price, size in trades) / volume
    average = average.quantize(D("0.00000001"), rounding=decimal.ROUND_HALF_UP)
    print(start * int(sys.argv[2]), prices[0], max(prices), min(prices), prices[-1], volume, average, len(trades))
"#;

fn line(bar: &Bar) -> String {
    let Bar {
        start,
        open,
        high,
        low,
        close,
        volume,
        vwap,
        trades,
        ..
    } = bar;
    let vwap = vwap.unwrap();
    format!("{start} {open} {high} {low} {close} {volume} {vwap} {trades}")
}

#[tokio::test]
async fn bars_of_the_recorded_trades_are_those_that_python_makes() {
    let folder = std::env::var_os("TICKERTAPE_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join("binance-btcusdt-20240808.jsonl.gz");
    if !file.exists() {
        println!(
            "skipped: {} is not there; TICKERTAPE_RECORDINGS names the folder",
            file.display()
        );
        return;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: python3 is not there");
        return;
    }
    let reader = BufReader::new(MultiGzDecoder::new(std::fs::File::open(&file).unwrap()));
    let mut prints = Vec::new();
    for line in reader.lines() {
        let line = line.unwrap();
        let frame: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
        if frame["stream"] != "btcusdt@trade" {
            continue;
        }
        let data = &frame["data"];
        let text = |field: &str| data[field].as_str().unwrap();
        prints.push(Print {
            symbol: symbol("BTCUSDT"),
            time: data["T"].as_u64().unwrap(),
            trade: Trade::new(price(text("p")), Some(size(text("q"))))
                .with_id(data["t"].as_u64().unwrap()),
            feed: Some("Binance".into()),
        });
    }
    assert_eq!(prints.len(), 9_757);

    let folder = Folder::new();
    let clock = Clock::new(START);
    let (archive, _) = open(&folder, clock.options());
    for some in prints.chunks(700) {
        some.iter().for_each(|print| archive.trade(print.clone()));
        written(&archive).await;
    }
    // Half of them again, as after a reconnection.
    prints
        .iter()
        .skip(4_000)
        .for_each(|print| archive.trade(print.clone()));
    written(&archive).await;
    assert_eq!(archive.status().known, 5_757);
    until(&archive, |status| status.pending == 0).await;
    for interval in [
        Interval::Second,
        Interval::Minute,
        Interval::FiveMinutes,
        Interval::QuarterHour,
        Interval::Hour,
        Interval::Day,
    ] {
        let python = Command::new("python3")
            .args(["-c", PYTHON])
            .arg(&file)
            .arg(interval.millis().to_string())
            .output()
            .unwrap();
        assert!(
            python.status.success(),
            "{}",
            String::from_utf8_lossy(&python.stderr)
        );
        let expected = String::from_utf8(python.stdout).unwrap();
        let bars = archive
            .bars(symbol("BTCUSDT"), interval, 0..u64::MAX, usize::MAX)
            .unwrap();
        let bars: Vec<String> = bars.iter().map(line).collect();
        assert_eq!(bars, expected.lines().collect::<Vec<_>>(), "{interval}");
    }
}
