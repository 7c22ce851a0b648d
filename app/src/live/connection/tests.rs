use super::*;
use crate::live::attempts::TRIAL;

fn connection() -> Connection {
    Connection::new(1_000, "900-0".to_owned())
}

/// A tick in which each poll fails at once.
fn tick(connection: &mut Connection, now: Millis, chance: f64) -> Task {
    let task = connection.tick(now, chance);
    if matches!(task, Task::Ask { .. }) {
        connection.unanswered(now);
    }
    task
}

const ASK: Task = Task::Ask { wait: false };
const POLL: Task = Task::Ask { wait: true };

/// A connection whose stream was found to be held back at 4,000.
fn polling() -> Connection {
    let mut connection = connection();
    assert_eq!(connection.tick(3_999, 1.0), Task::Rest);
    assert_eq!(connection.tick(4_000, 1.0), ASK);
    assert_eq!(connection.answered(4_000, false, 1.0), Verdict::Take);
    connection.polled(4_000, "3999-0");
    assert_eq!(connection.state(), State::Polling);
    connection
}

#[test]
fn is_live_when_it_is_open_and_shows_the_delay_once_known() {
    let mut connection = connection();
    assert_eq!(connection.state(), State::Connecting);
    connection.opened(1_100);
    assert_eq!(connection.state(), State::Live { delay: None });
    connection.receive(1_200, "1190-0", None);
    connection.receive(1_300, "1240-0", None);
    assert_eq!(connection.state(), State::Live { delay: Some(50) });
    assert_eq!(connection.last_id(), "1240-0");
}

#[test]
fn a_heartbeat_repeats_the_last_id_and_is_measured_by_its_own_time() {
    let mut connection = connection();
    connection.receive(1_200, "1200-0", None);
    connection.receive(16_250, "1200-0", Some(16_200));
    assert_eq!(connection.state(), State::Live { delay: Some(50) });
    assert_eq!(connection.last_id(), "1200-0");
    // An event with the old id and without a time has no delay.
    connection.receive(20_000, "1200-0", None);
    assert_eq!(connection.state(), State::Live { delay: Some(50) });
}

#[test]
fn shows_since_when_it_is_lost_and_comes_back() {
    let mut connection = connection();
    connection.opened(1_100);
    connection.dropped(5_000);
    connection.dropped(6_000);
    assert_eq!(connection.state(), State::Reconnecting { since: 5_000 });
    assert_eq!(connection.tick(6_000, 0.5), Task::Rest);
    connection.opened(8_000);
    assert_eq!(connection.state(), State::Live { delay: None });
}

#[test]
fn what_was_missed_meanwhile_is_no_delay() {
    let mut connection = connection();
    connection.receive(1_200, "1200-0", None);
    connection.dropped(5_000);
    connection.receive(60_010, "30000-0", None);
    assert_eq!(connection.state(), State::Live { delay: None });
    assert_eq!(connection.last_id(), "30000-0");
    connection.receive(60_060, "60040-0", None);
    assert_eq!(connection.state(), State::Live { delay: Some(20) });
}

#[test]
fn opens_anew_after_a_final_answer_and_waits_longer_each_time() {
    let mut connection = connection();
    connection.closed(1_000, 1.0);
    assert_eq!(connection.state(), State::Reconnecting { since: 1_000 });
    let mut now = 1_000;
    let mut waits = Vec::new();
    for _ in 0..7 {
        let closed = now;
        while tick(&mut connection, now, 1.0) != Task::Open {
            now += 100;
        }
        waits.push(now - closed);
        connection.closed(now, 1.0);
    }
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    // An event makes the next wait short again.
    connection.receive(now, "950-0", None);
    connection.closed(now, 0.0);
    assert_ne!(connection.tick(now + 499, 0.0), Task::Open);
    assert_eq!(connection.tick(now + 500, 0.0), Task::Open);
    assert_eq!(connection.last_id(), "950-0");
}

#[test]
fn a_final_answer_seen_twice_does_not_put_the_attempt_off() {
    let mut connection = connection();
    connection.closed(1_000, 1.0);
    connection.closed(1_900, 1.0);
    assert_eq!(connection.tick(2_000, 1.0), Task::Open);
    assert_eq!(connection.tick(2_000, 1.0), Task::Rest);
}

#[test]
fn three_missing_heartbeats_are_stale_and_open_it_anew() {
    let mut connection = connection();
    connection.receive(2_000, "1900-0", None);
    assert_eq!(connection.tick(47_999, 0.5), Task::Rest);
    assert_eq!(connection.state(), State::Live { delay: Some(0) });
    assert_eq!(connection.tick(48_000, 0.5), Task::Open);
    assert_eq!(connection.state(), State::Stale { since: 2_000 });
    // An open stream alone is still stale. An event makes it live.
    connection.opened(48_500);
    assert_eq!(connection.state(), State::Stale { since: 2_000 });
    connection.receive(49_000, "1901-0", None);
    assert!(matches!(connection.state(), State::Live { .. }));
}

#[test]
fn a_first_attempt_that_hangs_is_not_connecting_for_ever() {
    let mut connection = connection();
    connection.dropped(3_000);
    assert_eq!(connection.state(), State::Connecting);
    connection.dropped(6_000);
    assert_eq!(connection.state(), State::Reconnecting { since: 1_000 });
    assert_ne!(tick(&mut connection, 21_000, 0.0), Task::Open);
    assert_eq!(tick(&mut connection, 21_500, 0.0), Task::Open);
}

#[test]
fn a_poll_that_brings_what_the_stream_did_not_shows_that_it_is_held_back() {
    let mut connection = polling();
    assert_eq!(connection.last_id(), "3999-0");
    // One poll at a time, each from the end of the previous one.
    assert_eq!(connection.tick(5_000, 1.0), POLL);
    assert_eq!(connection.tick(6_000, 1.0), Task::Rest);
    assert_eq!(connection.answered(30_000, true, 1.0), Verdict::Take);
    assert_eq!(connection.received_at(), 30_000);
    assert_eq!(connection.tick(30_500, 1.0), POLL);
    assert_eq!(connection.state(), State::Polling);
}

#[test]
fn a_quiet_market_is_not_a_held_back_stream_until_a_heartbeat_is_missing() {
    let mut connection = connection();
    connection.opened(1_100);
    let mut asked = Vec::new();
    for now in (2_000..19_000).step_by(1_000) {
        if connection.tick(now, 1.0) == ASK {
            asked.push(now);
            assert_eq!(connection.answered(now, true, 1.0), Verdict::Leave);
        }
    }
    assert_eq!(asked, [4_000, 10_000]);
    assert_eq!(connection.state(), State::Live { delay: None });
    assert_eq!(connection.tick(22_000, 1.0), ASK);
    assert_eq!(connection.answered(22_000, true, 1.0), Verdict::Take);
    assert_eq!(connection.state(), State::Polling);
}

#[test]
fn a_stream_that_sends_is_not_polled_and_counts_over_an_answer() {
    let mut connection = connection();
    assert_eq!(connection.tick(4_000, 1.0), ASK);
    connection.receive(4_010, "4000-0", None);
    assert_eq!(connection.answered(4_020, false, 1.0), Verdict::Leave);
    for now in (5_000..40_000).step_by(1_000) {
        assert_eq!(connection.tick(now, 1.0), Task::Rest);
    }
    assert_eq!(connection.last_id(), "4000-0");
}

#[test]
fn a_stream_that_is_refused_is_held_back_however_quiet_the_market_is() {
    let mut connection = connection();
    connection.closed(1_100, 1.0);
    assert_eq!(connection.tick(2_000, 1.0), Task::Rest);
    assert_eq!(connection.tick(2_100, 1.0), Task::Open);
    assert_eq!(connection.tick(4_000, 1.0), ASK);
    assert_eq!(connection.answered(4_000, true, 1.0), Verdict::Take);
    assert_eq!(connection.state(), State::Polling);
    // The state of the stream no longer counts.
    connection.closed(4_100, 1.0);
    assert_eq!(connection.tick(5_000, 1.0), POLL);
}

#[test]
fn a_server_that_was_away_gets_another_stream_before_the_way_is_blamed() {
    let mut connection = connection();
    connection.receive(2_000, "1999-0", None);
    connection.dropped(3_000);
    assert_eq!(connection.tick(7_999, 1.0), Task::Rest);
    assert_eq!(connection.tick(8_000, 1.0), ASK);
    connection.unanswered(8_000);
    assert_eq!(connection.state(), State::Reconnecting { since: 3_000 });
    assert_eq!(connection.tick(13_999, 1.0), Task::Rest);
    assert_eq!(connection.tick(14_000, 1.0), ASK);
    assert_eq!(connection.answered(14_000, false, 1.0), Verdict::Open);
    // The new stream has time to connect.
    assert_eq!(connection.tick(16_999, 1.0), Task::Rest);
    connection.receive(17_000, "16990-0", None);
    assert!(matches!(connection.state(), State::Live { .. }));
}

#[test]
fn the_stream_is_tried_again_and_taken_when_it_sends() {
    let mut connection = polling();
    let trial = 4_000 + TRIAL.0;
    // Not while a poll is pending: events come only one way at a time.
    assert_eq!(connection.tick(trial - 1, 1.0), POLL);
    assert_eq!(connection.tick(trial, 1.0), Task::Rest);
    assert_eq!(connection.answered(trial + 10, false, 1.0), Verdict::Take);
    assert_eq!(connection.tick(trial + 1_000, 1.0), Task::Open);
    assert_eq!(connection.state(), State::Polling);
    connection.opened(trial + 1_100);
    assert_eq!(connection.state(), State::Polling);
    connection.receive(trial + 1_200, "65000-0", None);
    assert!(matches!(connection.state(), State::Live { .. }));
    assert_eq!(connection.tick(trial + 10_000, 1.0), Task::Rest);
}

#[test]
fn where_there_is_no_room_it_asks_now_and_then_and_tries_the_stream_again() {
    let mut connection = polling();
    assert_eq!(connection.tick(5_000, 1.0), POLL);
    connection.crowded(5_100, 5_000, 1.0);
    assert_eq!(connection.state(), State::Crowded { pause: 5_000 });
    let mut asked = Vec::new();
    let mut opened = Vec::new();
    for now in (6_000..60_000).step_by(1_000) {
        match connection.tick(now, 1.0) {
            ASK => {
                asked.push(now);
                assert_eq!(connection.answered(now, false, 1.0), Verdict::Take);
            }
            POLL => panic!("it waits at {now} though there is no room"),
            Task::Open => {
                opened.push(now);
                connection.closed(now, 1.0);
            }
            _ => {}
        }
        assert_eq!(connection.state(), State::Crowded { pause: 5_000 });
    }
    assert_eq!(opened, [11_000, 22_000, 43_000]);
    assert!(asked.len() >= 8, "{asked:?}");
    assert!(
        asked.windows(2).all(|pair| pair[1] - pair[0] <= 6_000),
        "{asked:?}"
    );
    // Now the server has room.
    while connection.tick(asked[0], 1.0) != Task::Open {
        connection.answered(asked[0], true, 1.0);
        asked[0] += 1_000;
    }
    connection.receive(asked[0], "70000-0", None);
    assert!(matches!(connection.state(), State::Live { .. }));
}

#[test]
fn a_stream_of_other_symbols_is_opened_anew_without_a_word_of_it() {
    let mut connection = connection();
    connection.opened(1_100);
    connection.receive(1_200, "1200-0", None);
    assert_eq!(connection.renew(2_000), Task::Open);
    connection.dropped(3_000);
    assert!(matches!(connection.state(), State::Live { .. }));
    assert_eq!(connection.last_id(), "1200-0");
    connection.dropped(7_000);
    assert_eq!(connection.state(), State::Reconnecting { since: 7_000 });
    // A page that polls continues to poll, and earlier polls do not count.
    let mut connection = polling();
    assert_eq!(connection.tick(5_000, 1.0), POLL);
    assert_eq!(connection.renew(5_500), ASK);
    assert_eq!(connection.state(), State::Polling);
}

#[test]
fn a_trial_in_vain_goes_back_to_polling_and_the_next_one_comes_later() {
    let mut connection = polling();
    let mut now = 4_000;
    let mut waits = Vec::new();
    for refused in [false, true, false, false] {
        let polled = now;
        while connection.tick(now, 1.0) != Task::Open {
            connection.answered(now, true, 1.0);
            now += 1_000;
        }
        waits.push(now - polled);
        now += 1_000;
        if refused {
            connection.closed(now, 1.0);
            assert_eq!(connection.tick(now, 1.0), POLL);
        } else {
            assert_eq!(connection.tick(now, 1.0), Task::Rest);
            now += 2_000;
            assert_eq!(connection.tick(now, 1.0), ASK);
            assert_eq!(connection.answered(now, false, 1.0), Verdict::Take);
        }
        assert_eq!(connection.state(), State::Polling);
    }
    assert_eq!(waits, [60_000, 120_000, 240_000, 240_000]);
}

#[test]
fn one_failed_poll_is_asked_again_at_once_and_two_are_a_lost_connection() {
    let mut connection = polling();
    assert_eq!(connection.tick(5_000, 1.0), POLL);
    connection.unanswered(15_000);
    // A proxy may cut waiting polls, but not those that are answered at once.
    assert_eq!(connection.tick(15_500, 1.0), ASK);
    assert_eq!(connection.state(), State::Polling);
    connection.unanswered(15_600);
    assert_eq!(connection.state(), State::Reconnecting { since: 15_600 });
    // When the network returns, the stream is tried first.
    assert_eq!(connection.tick(16_500, 1.0), Task::Open);
    connection.receive(17_000, "16990-0", None);
    assert!(matches!(connection.state(), State::Live { .. }));
}

#[test]
fn without_streams_it_polls_for_good() {
    let mut connection = connection();
    connection.poll_only();
    for now in (1_000..1_000_000).step_by(1_000) {
        assert_eq!(connection.tick(now, 1.0), POLL);
        assert_eq!(connection.answered(now, true, 1.0), Verdict::Take);
    }
    assert_eq!(connection.state(), State::Polling);
}
