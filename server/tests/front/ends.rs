//! How streams end: after their lifetime, and with the server.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use front::Settings;
use futures_util::future::join_all;
use market::Event;
use server::http::Service;
use tape::EventId;
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

use crate::{
    raw::{OLD_STREAM, PLAIN, Raw, STREAM, patiently, resume, until},
    support::{self, START, Server, news, quote, session},
};

fn story(event: Event) -> Option<String> {
    match event {
        Event::News(news) => Some(news.id),
        _ => None,
    }
}

#[tokio::test]
async fn a_stream_lasts_for_its_lifetime_and_goes_on_in_the_next() {
    const LIFETIME: Duration = Duration::from_millis(800);
    let server = Server::set(|service| service.lifetime = Some(LIFETIME)).listed();
    let lives = (0..20).map(|_| async {
        let begun = Instant::now();
        let mut raw = Raw::connect(&server).await;
        raw.open(STREAM).await;
        let mut stories = Vec::new();
        while let Some(event) = raw.event().await {
            stories.extend(story(event));
        }
        let lasted = begun.elapsed();
        raw.closed().await;
        // It reconnects until it has received the last one.
        while stories.last().map(String::as_str) != Some("test:149") {
            let last = raw.ids.pop().unwrap();
            raw = Raw::connect(&server).await;
            raw.send(&resume(&last)).await.head().await;
            while let Some(event) = raw.event().await {
                assert!(!matches!(event, Event::Snapshot(_)), "{event:?}");
                stories.extend(story(event));
            }
        }
        let expected: Vec<String> = (0..150).map(|n| format!("test:{n}")).collect();
        assert_eq!(stories, expected);
        lasted
    });
    let publishing = async {
        until("the streams", || server.metrics.counts().streams == 20).await;
        for n in 0..150 {
            server.append(news(&format!("test:{n}"), "GOOG"));
            server.append(quote("GOOG", &format!("{n}.00")));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (lasted, ()) = tokio::join!(join_all(lives), publishing);
    // Connecting is a part of it, and a busy machine may be late by any time.
    let shortest = *lasted.iter().min().unwrap();
    assert!(shortest >= LIFETIME.mul_f64(0.8), "{shortest:?}");
}

/// A server whose feeds end on a signal.
struct Ending {
    server: Server,
    feeds_end: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

fn ending(grace: Duration) -> Ending {
    let service: Service = support::service(1000);
    let (feeds_end, ended) = oneshot::channel();
    let settings = Settings {
        grace,
        ..Settings::default()
    };
    let listener = front::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server {
        address,
        tape: service.tape.clone(),
        metrics: Arc::clone(&service.metrics),
        now: Arc::new(AtomicU64::new(START)),
        shutdown: service.shutdown.clone(),
        serving: tokio::spawn(std::future::ready(())),
        client: support::client(),
    };
    let feeds = async {
        ended.await.unwrap();
    };
    let serving = tokio::spawn(server::serve(listener, service, settings, feeds));
    Ending {
        server: server.listed(),
        feeds_end,
        serving,
    }
}

#[tokio::test]
async fn shutdown_is_in_order() {
    const GRACE: Duration = Duration::from_secs(4);
    let Ending {
        server,
        feeds_end,
        serving,
    } = ending(GRACE);
    let mut streams = Vec::new();
    for request in [STREAM, OLD_STREAM] {
        for _ in 0..150 {
            let mut raw = Raw::connect(&server).await;
            raw.open(request).await;
            streams.push(raw);
        }
    }
    let mut idle = Raw::connect(&server).await;
    idle.send(PLAIN).await.answer().await;
    let mut silent = Raw::connect(&server).await;
    let seen = server.position();
    let mut poll = Raw::connect(&server).await;
    poll.send(&PLAIN.replace("GOOG HTTP", &format!("GOOG?after={seen}&wait=25 HTTP")))
        .await;
    until("the poll", || server.tape.stats().cursors == 301).await;

    server.shutdown.cancel();
    assert_eq!(poll.answer().await.head.status, 200);
    poll.closed().await;
    idle.closed().await;
    silent.closed().await;
    let refused = async { while TcpStream::connect(server.address).await.is_ok() {} };
    patiently("refusing", refused).await;
    assert_eq!(server.metrics.counts().streams, 300);

    // The feeds publish last.
    let last = server.append(news("test:last", "GOOG")).to_string();
    feeds_end.send(()).unwrap();
    let begun = Instant::now();
    let ends = streams.iter_mut().map(|raw| async {
        assert_eq!(raw.event().await, Some(news("test:last", "GOOG")));
        assert_eq!(raw.event().await, None);
        let ended = begun.elapsed();
        raw.closed().await;
        assert_eq!(raw.ids.last(), Some(&last));
        ended
    });
    let ended = join_all(ends).await;
    patiently("the end of the server", serving).await.unwrap();
    let (first, end) = (*ended.iter().min().unwrap(), *ended.iter().max().unwrap());
    // In half of the time; the other half is for a busy machine.
    assert!(end < GRACE, "{end:?}");
    assert!(
        end - first > Duration::from_millis(100),
        "no spread: {first:?} to {end:?}"
    );
    let early = ended.iter().filter(|at| **at < (first + end) / 2).count();
    assert!(
        (50..250).contains(&early),
        "{early} of 300 in the first half"
    );
    assert_eq!(server.metrics.counts().connections, 0);
}

#[tokio::test]
async fn what_was_said_last_arrives_however_much_it_is() {
    let Ending {
        server,
        feeds_end,
        serving,
    } = ending(Duration::from_secs(5));
    let mut raw = Raw::with_buffer(server.address, 4096).await;
    raw.open(STREAM).await;
    // Far more than fits into a write, for a stream that is to end within a millisecond.
    let text = "x".repeat(4 * 1024);
    for n in 0..500 {
        let Event::News(mut story) = news(&format!("test:{n}"), "GOOG") else {
            unreachable!()
        };
        story.headline.clone_from(&text);
        server.append(Event::News(story));
    }
    server.shutdown.cancel();
    feeds_end.send(()).unwrap();
    for n in 0..500 {
        let event = raw.event().await;
        assert_eq!(event.and_then(story), Some(format!("test:{n}")));
    }
    assert_eq!(raw.event().await, None);
    patiently("the end of the server", serving).await.unwrap();
}

#[tokio::test]
async fn a_reader_that_is_stuck_does_not_hold_shutdown_up() {
    const GRACE: Duration = Duration::from_secs(2);
    let Ending {
        server,
        feeds_end,
        serving,
    } = ending(GRACE);
    let mut stuck = Raw::with_buffer(server.address, 4096).await;
    stuck.open(STREAM).await;
    let mut quick = Raw::connect(&server).await;
    quick.open(STREAM).await;
    let text = "x".repeat(16 * 1024);
    for n in 0..40 {
        let Event::News(mut story) = news(&format!("test:{n}"), "GOOG") else {
            unreachable!()
        };
        story.headline.clone_from(&text);
        server.append(Event::News(story));
        quick.event().await.unwrap();
    }
    server.shutdown.cancel();
    feeds_end.send(()).unwrap();
    let begun = Instant::now();
    assert_eq!(quick.event().await, None);
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    patiently("the end of the server", serving).await.unwrap();
    let took = begun.elapsed();
    assert!(took >= GRACE && took < 2 * GRACE, "{took:?}");
}

#[tokio::test]
async fn the_next_process_resets_who_comes_from_the_last() {
    let Ending {
        server,
        feeds_end,
        serving,
    } = ending(Duration::from_secs(1));
    let mut raw = Raw::connect(&server).await;
    raw.open(STREAM).await;
    server.append(news("test:1", "GOOG"));
    raw.event().await.unwrap();
    server.shutdown.cancel();
    feeds_end.send(()).unwrap();
    assert_eq!(raw.event().await, None);
    patiently("the end of the server", serving).await.unwrap();
    let last = raw.ids.pop().unwrap();

    // Its tape begins later, and has another price.
    let mut service = support::service(1000);
    let later = START + 60_000;
    service.tape = events::Tape::new(later, 0, service_limits());
    let now = Arc::new(AtomicU64::new(later));
    let next = Server::serving(service, now, Settings::default());
    next.append(session("GOOG"));
    next.append(quote("GOOG", "601.00"));
    let mut raw = Raw::connect(&next).await;
    let Event::Snapshot(snapshot) = raw.open(&resume(&last)).await else {
        unreachable!()
    };
    assert!(snapshot.reset);
    assert_eq!(snapshot.quotes[0].price, Some("601.00".parse().unwrap()));
    let position: EventId = raw.ids[0].parse().unwrap();
    assert!(position > last.parse().unwrap());
    next.append(news("test:2", "GOOG"));
    assert_eq!(raw.event().await, Some(news("test:2", "GOOG")));
}

fn service_limits() -> tape::Limits {
    tape::Limits {
        entries: 1000,
        bytes: usize::MAX,
        topic_bytes: 0,
        age_ms: u64::MAX,
    }
}
