//! A disk that fails, by a limit on this process: so this test has a file of its own.
#![cfg(unix)]

mod support;

use std::sync::{Arc, atomic::AtomicBool};

use archive::State;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::*;

#[tokio::test]
async fn an_error_of_the_disk_is_waited_out_and_no_event_is_lost() {
    // Without a handler the signal would end the process.
    let exceeded = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, exceeded.clone()).unwrap();
    let folder = Folder::new();
    let (archive, opened) = open(&folder, Clock::new(START).options());
    written(&archive).await;
    let before = getrlimit(Resource::Fsize);
    let small = Rlimit {
        current: Some(64 << 10),
        maximum: before.maximum,
    };
    setrlimit(Resource::Fsize, small).unwrap();
    let events = (0..5_000)
        .map(|n| (id(&opened, START + n, 0), quote("A", START + n, "1")))
        .collect();
    let committed = archive.commit(events);
    until(&archive, |status| {
        status.failures >= 2
            && matches!(&status.state, State::Degraded(reason) if reason.contains("look at the disk"))
    })
    .await;
    assert!(exceeded.load(std::sync::atomic::Ordering::Relaxed));
    setrlimit(Resource::Fsize, before).unwrap();
    committed.await.unwrap();
    assert_eq!(archive.status().state, State::Ok);
    assert_eq!(archive.quotes(symbol("A"), 0..u64::MAX).count(), 5_000);
}
