//! The cost of trades and quotes for the archive, on this machine and in this build:
//!
//! ```text
//! cargo run --profile dist -p archive --example throughput -- [SECONDS] [SYMBOLS] [RATE]
//! ```
//!
//! For some seconds it writes that many trades and quotes a second of that many symbols, like a tape's cursor, and
//! prints the cost: the processor time of the whole process, the slowest commit, and the bytes on disk. Then it imports
//! a day of ticks.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use archive::{Archive, Importer, Options, Print};
use market::{Event, Interval, Millis, Quote, Symbol, Trade};
use rust_decimal::Decimal;
use tape::EventId;

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn trade(n: u64) -> Trade {
    let price = Decimal::new(6_183_763_000_000 + (n * 7_919 % 1_000_003) as i64, 8);
    let size = Decimal::new(2_000_000 + (n * 31 % 999_983) as i64, 8);
    Trade::new(price.into(), Some(size.into())).with_id(n)
}

fn quote(symbol: Symbol, time: Millis, n: u64) -> Quote {
    let price = trade(n);
    let mut quote = Quote::new(symbol, time);
    quote.price = Some(price.price);
    quote.size = price.size;
    quote.bid = Some(price.price);
    quote.bid_size = price.size;
    quote.ask = Some(price.price);
    quote.ask_size = price.size;
    quote.volume = price.size;
    quote.high = Some(price.price);
    quote.low = Some(price.price);
    quote
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |usual| arguments.next().unwrap_or(Ok(usual));
    let (seconds, symbols, rate) = (next(10)?, next(100)?, next(10_000)?);
    let symbols: Vec<Symbol> = (0..symbols)
        .map(|n| format!("S{n}").parse())
        .collect::<Result<_, _>>()?;
    let folder = std::env::temp_dir().join(format!("tickertape-throughput-{}", std::process::id()));
    let (archive, opened) = Archive::open(&folder, "test.db", Options::new(Arc::new(now)))?;

    let (began, before) = (Instant::now(), processor_time());
    let (mut written, mut id) = (
        0,
        EventId {
            ms: opened.start,
            n: 0,
        },
    );
    while began.elapsed() < Duration::from_secs(seconds) {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        let time = now();
        id = EventId {
            ms: time.max(id.ms + 1),
            n: u64::from(opened.mark) * 1000,
        };
        let mut events = Vec::new();
        let feed: Arc<str> = "Test".into();
        for n in written..due {
            let symbol = symbols[(n % symbols.len() as u64) as usize];
            archive.trade(Print {
                symbol,
                time,
                trade: trade(n),
                feed: Some(Arc::clone(&feed)),
            });
            let place = EventId {
                ms: id.ms,
                n: id.n + n % 1000,
            };
            events.push((place, Arc::new(Event::Quote(quote(symbol, time, n)))));
        }
        written = due;
        archive.commit(events).await?;
    }
    let (took, used) = (began.elapsed(), processor_time() - before);
    let status = archive.status();
    println!(
        "{written} trades and {written} quotes of {} symbols in {took:.1?}: {used:.2?} of processor time, {:.0} % of a core",
        symbols.len(),
        100.0 * used.as_secs_f64() / took.as_secs_f64()
    );
    println!(
        "{} commits, the slowest took {:.1?}; dropped {}; {} rows; the file has {} bytes",
        status.commits, status.slowest_commit, status.dropped, status.rows, status.file_bytes
    );
    let started = Instant::now();
    let bars = archive.bars(symbols[0], Interval::Minute, 0..Millis::MAX, 45_000)?;
    println!(
        "{} bars of a minute read in {:.1?}",
        bars.len(),
        started.elapsed()
    );
    archive.close().await?;
    drop(archive);

    let mut importer = Importer::open(&folder, "test.db")?;
    let count = 100_000;
    let (began, start) = (Instant::now(), now() - 86_400_000);
    let symbol = "IMPORTED".parse()?;
    for batch in 0..count / 5_000 {
        let prints: Vec<Print> = (batch * 5_000..(batch + 1) * 5_000)
            .map(|n| Print {
                symbol,
                time: start + n * 800,
                trade: Trade {
                    id: None,
                    ..trade(n)
                },
                feed: None,
            })
            .collect();
        importer.trades(&prints)?;
    }
    let written = began.elapsed();
    while importer.roll()? > 0 {}
    println!(
        "{count} ticks of a day imported in {written:.1?}, their bars made in {:.1?}",
        began.elapsed() - written
    );
    let month: Vec<_> = (0..30 * 24 * 60)
        .map(|n| market::Bar {
            symbol,
            start: (start / 60_000 - 50_000 + n) * 60_000,
            open: trade(n).price,
            high: trade(n).price,
            low: trade(n).price,
            close: trade(n).price,
            volume: market::Size::ZERO,
            vwap: None,
            trades: 1,
        })
        .collect();
    importer.bars(Interval::Minute, &month)?;
    while importer.roll()? > 0 {}
    let reader = archive::Reader::open(&folder, "test.db")?;
    for _ in 0..2 {
        let started = Instant::now();
        let bars = reader.bars(symbol, Interval::Minute, 0..start - 60_000, usize::MAX)?;
        println!(
            "a month of {} bars of a minute read in {:.1?}",
            bars.len(),
            started.elapsed()
        );
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
