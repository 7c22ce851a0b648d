//! Readers that stop reading.

use std::time::{Duration, Instant};

use front::Settings;
use market::{Event, Quote};
use socket2::SockRef;
use tokio::io::AsyncReadExt as _;

use crate::{
    raw::{OLD_STREAM, Raw, STREAM, patiently, until},
    support::{Server, news, quote},
};

const QUOTES: usize = 40_000;
const STORIES: usize = 40;

/// The most bytes of a stream that may wait for a reader on the server's side.
const WAITING: usize = 64 * 1024;

fn price(event: &Event) -> Option<String> {
    match event {
        Event::Quote(Quote { price, .. }) => price.map(|price| price.to_string()),
        _ => None,
    }
}

fn is_story(event: &Event) -> Option<&str> {
    match event {
        Event::News(news) => Some(&news.id),
        _ => None,
    }
}

#[tokio::test]
async fn who_reads_again_gets_the_newest_price_and_every_story() {
    let server = Server::fronted(Settings::default()).listed();
    for (round, request) in [STREAM, OLD_STREAM].into_iter().enumerate() {
        let mut slow = Raw::with_buffer(server.address, 4096).await;
        slow.open(request).await;
        let mut quick = Raw::connect(&server).await;
        quick.open(STREAM).await;

        let mut published = 0;
        let mut stories = Vec::new();
        for n in 0..QUOTES {
            let event = quote("GOOG", &format!("{}.{n:05}", 100 + round));
            published += market::Frame::new(None, &event).bytes().len();
            server.append(event);
            if n % (QUOTES / STORIES) == 0 {
                let id = format!("test:{round}-{n}");
                server.append(news(&id, "GOOG"));
                stories.push(id);
                // It is not delayed by the one that does not read.
                let reading = async {
                    loop {
                        let event = quick.event().await.unwrap();
                        if is_story(&event) == stories.last().map(String::as_str) {
                            break;
                        }
                    }
                };
                let reading = tokio::time::timeout(Duration::from_secs(1), reading).await;
                reading.expect("the quick reader waits");
            } else if n % 8 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert!(published > 2 * 1024 * 1024, "{published}");

        let own = SockRef::from(&slow.tcp).recv_buffer_size().unwrap();
        let newest = format!("{}.{:05}", 100 + round, QUOTES - 1);
        let (begun, mut quotes, mut seen) = (slow.taken, 0, Vec::new());
        loop {
            let event = slow.event().await.unwrap();
            seen.extend(is_story(&event).map(str::to_owned));
            if let Some(price) = price(&event) {
                quotes += 1;
                if price == newest {
                    break;
                }
            }
        }
        let old = slow.taken - begun;
        assert!(
            old <= WAITING + own,
            "{old} old bytes, of which {own} may have been with the client"
        );
        assert!(quotes < QUOTES / 4, "{quotes} quotes");
        // The newest story is older than the newest price.
        assert_eq!(seen, stories);
        assert!(
            slow.ids
                .is_sorted_by_key(|id| id.parse::<tape::EventId>().unwrap())
        );
    }
    assert_eq!(server.tape.stats().evicted, 0);
}

#[tokio::test]
async fn who_never_reads_is_closed() {
    let timeout = Duration::from_millis(400);
    let server = Server::fronted(Settings {
        write_timeout: timeout,
        ..Settings::default()
    })
    .listed();
    for request in [STREAM, OLD_STREAM] {
        let mut stuck = Raw::with_buffer(server.address, 4096).await;
        stuck.open(request).await;
        let mut idle = Raw::connect(&server).await;
        idle.open(STREAM).await;
        let mut others = 0;
        let mut n = 0;
        let publishing = async {
            while server.metrics.counts().streams == 2 {
                for _ in 0..64 {
                    n += 1;
                    server.append(quote("GOOG", &format!("{n}.00")));
                    tokio::task::yield_now().await;
                }
                while price(&idle.event().await.unwrap()) != Some(format!("{n}.00")) {
                    others += 1;
                }
            }
        };
        patiently("the end of the stuck reader", publishing).await;
        assert!(others > 0);
        // A reader with nothing to read is not stuck.
        tokio::time::sleep(timeout + Duration::from_millis(100)).await;
        server.append(quote("GOOG", "1.25"));
        while price(&idle.event().await.unwrap()).as_deref() != Some("1.25") {}
        assert_eq!(server.metrics.counts().streams, 1);
        drop(idle);
        until("the end", || server.metrics.counts().connections == 0).await;
    }
}

const ALL: &str =
    "GET /stocks?symbols=* HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\n\r\n";

/// So many symbols that their quotes exceed what a system buffers for a reader.
fn many_quotes(server: &Server) {
    for n in 0..10_000 {
        server.append(quote(&format!("S{n:05}"), "597.32"));
    }
}

#[tokio::test]
async fn who_reads_too_little_of_an_answer_is_closed() {
    let server = Server::fronted(Settings {
        write_timeout: Duration::from_millis(400),
        min_read_rate: 100_000_000,
        ..Settings::default()
    })
    .listed();
    many_quotes(&server);
    let mut slow = Raw::with_buffer(server.address, 4096).await;
    slow.send(ALL).await.head().await;
    // It reads something all the time, and far less than it has to.
    let reading = async {
        loop {
            let mut bytes = [0; 512];
            match slow.tcp.read(&mut bytes).await {
                Ok(count) if count > 0 => tokio::time::sleep(Duration::from_millis(5)).await,
                _ => return,
            }
        }
    };
    patiently("the end of the slow reader", reading).await;
    until("the gauge", || server.metrics.counts().connections == 0).await;
    let refused = "tickertape_refused_total{reason=\"slow_reader\"}";
    assert_eq!(server.metric(refused).await, Some(1.0));
}

#[tokio::test]
async fn who_reads_slowly_where_that_is_allowed_gets_all_of_it() {
    let timeout = Duration::from_secs(1);
    let server = Server::fronted(Settings {
        write_timeout: timeout,
        min_read_rate: 0,
        ..Settings::default()
    })
    .listed();
    many_quotes(&server);
    let mut slow = Raw::with_buffer(server.address, 4096).await;
    slow.send(ALL).await;
    // It reads a little at a time, for twice as long as it may read nothing.
    let begun = Instant::now();
    let mut taken = Vec::new();
    while begun.elapsed() < 2 * timeout {
        let mut bytes = [0; 2048];
        let read = patiently("reading", slow.tcp.read(&mut bytes)).await;
        let count = read.unwrap();
        assert!(count > 0, "it ends after {} bytes", taken.len());
        taken.extend_from_slice(&bytes[..count]);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let slowly = taken.len();
    slow.put_back(taken);
    let answer = slow.answer().await;
    // Most of the data must have been waiting for it all the time.
    assert!(slowly < answer.body.len() * 3 / 4, "{slowly} bytes");
    let quotes: Vec<Quote> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(quotes.len(), 10_002);
}
