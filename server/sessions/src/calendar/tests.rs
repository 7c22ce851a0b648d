use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const US: Calendar = Calendar::UsStocks;

fn new_york(text: &str) -> Millis {
    let local: DateTime = text.parse().unwrap();
    let moment = local.in_tz("America/New_York").unwrap();
    moment.timestamp().as_millisecond() as Millis
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

// As the NYSE announced them, year by year.
const HOLIDAYS: [(i16, &str); 13] = [
    (
        2015,
        "01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25",
    ),
    (
        2016,
        "01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26",
    ),
    (
        2017,
        "01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25",
    ),
    (
        2018,
        "01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25",
    ),
    (
        2019,
        "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25",
    ),
    (
        2020,
        "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
    ),
    (
        2021,
        "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    ),
    (
        2022,
        "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    ),
    (
        2023,
        "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
    ),
    (
        2024,
        "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    ),
    (
        2025,
        "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    ),
    (
        2026,
        "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    ),
    (
        2027,
        "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
    ),
];

const HALF_DAYS: [(i16, &str); 13] = [
    (2015, "11-27 12-24"),
    (2016, "11-25"),
    (2017, "07-03 11-24"),
    (2018, "07-03 11-23 12-24"),
    (2019, "07-03 11-29 12-24"),
    (2020, "11-27 12-24"),
    (2021, "11-26"),
    (2022, "11-25"),
    (2023, "07-03 11-24"),
    (2024, "07-03 11-29 12-24"),
    (2025, "07-03 11-28 12-24"),
    (2026, "11-27 12-24"),
    (2027, "11-26"),
];

fn days_of(year: i16, texts: &str) -> BTreeSet<Date> {
    texts
        .split(' ')
        .map(|text| day(&format!("{year}-{text}")))
        .collect()
}

#[test]
fn every_day_of_thirteen_years_is_as_the_exchange_announced_it() {
    for ((year, holidays), (_, halves)) in HOLIDAYS.into_iter().zip(HALF_DAYS) {
        let mut closed = BTreeSet::new();
        let mut half = BTreeSet::new();
        for day in date(year, 1, 1)
            .series(1.day())
            .take_while(|day| day.year() == year)
        {
            let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
            match US.hours(day) {
                None if !weekend => _ = closed.insert(day),
                Some(_) if weekend => panic!("{day} is open"),
                Some(hours) if hours.close == new_york(&format!("{day}T13:00")) => {
                    assert_eq!(hours.end, new_york(&format!("{day}T17:00")));
                    half.insert(day);
                }
                Some(hours) => {
                    assert_eq!(hours.close, new_york(&format!("{day}T16:00")));
                    assert_eq!(hours.end, new_york(&format!("{day}T20:00")));
                }
                None => {}
            }
        }
        assert_eq!(closed, days_of(year, holidays), "{year}");
        assert_eq!(half, days_of(year, halves), "{year}");
    }
}

#[test]
fn what_no_rule_foresees_is_known_too() {
    for closed in ["2004-06-11", "2007-01-02", "2012-10-29", "2012-10-30"] {
        assert!(!US.is_session(day(closed)), "{closed}");
    }
    // New Year's Day 2022 was a Saturday, which the exchange does not make up for, and Juneteenth was not a holiday yet
    // in 2021.
    for open in ["2021-12-31", "2021-06-18", "2012-10-31", "2012-10-26"] {
        assert!(US.is_session(day(open)), "{open}");
    }
}

#[test]
fn a_day_has_five_parts_in_summer_and_in_winter() {
    use TradingState::{Closed, Open, Post, Pre};
    for (time, state) in [
        ("2024-07-01T03:59:59.999", Closed),
        ("2024-07-01T04:00", Pre),
        ("2024-07-01T09:29:59.999", Pre),
        ("2024-07-01T09:30", Open),
        ("2024-07-01T15:59:59.999", Open),
        ("2024-07-01T16:00", Post),
        ("2024-07-01T19:59:59.999", Post),
        ("2024-07-01T20:00", Closed),
        // A half day.
        ("2024-07-03T12:59:59.999", Open),
        ("2024-07-03T13:00", Post),
        ("2024-07-03T17:00", Closed),
        ("2024-07-04T11:00", Closed),
        ("2024-07-06T11:00", Closed),
        ("2024-12-02T09:30", Open),
    ] {
        assert_eq!(US.state(new_york(time)), state, "{time}");
    }
    // 9:30 in New York is 13:30 UTC in summer, and 14:30 in winter.
    let utc = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond() as Millis;
    assert_eq!(new_york("2024-07-01T09:30"), utc("2024-07-01T13:30Z"));
    assert_eq!(new_york("2024-12-02T09:30"), utc("2024-12-02T14:30Z"));
}

#[test]
fn the_regular_session_is_the_one_that_is_on_or_the_next() {
    for (time, open, close) in [
        ("2024-07-01T03:00", "2024-07-01T09:30", "2024-07-01T16:00"),
        ("2024-07-01T09:30", "2024-07-01T09:30", "2024-07-01T16:00"),
        (
            "2024-07-01T15:59:59.999",
            "2024-07-01T09:30",
            "2024-07-01T16:00",
        ),
        ("2024-07-01T16:00", "2024-07-02T09:30", "2024-07-02T16:00"),
        // A half day, the holiday after it, and a weekend.
        ("2024-07-03T12:00", "2024-07-03T09:30", "2024-07-03T13:00"),
        ("2024-07-03T13:00", "2024-07-05T09:30", "2024-07-05T16:00"),
        ("2024-07-05T21:00", "2024-07-08T09:30", "2024-07-08T16:00"),
    ] {
        let hours = US.regular(new_york(time)).unwrap();
        assert_eq!(hours.open, new_york(open), "{time}");
        assert_eq!(hours.close, new_york(close), "{time}");
    }
    assert_eq!(Calendar::Always.regular(0), None);
    assert_eq!(US.regular(Millis::MAX), None);
}

#[test]
fn a_venue_has_its_calendar() {
    for venue in [
        "NYSE",
        "Nasdaq",
        "NYSE Arca",
        "Cboe",
        "IEX",
        "US",
        " nasdaq ",
    ] {
        assert_eq!(Calendar::of(Some(venue)), US, "{venue}");
    }
    for venue in [
        None,
        Some("Coinbase"),
        Some("Binance"),
        Some("XETRA"),
        Some(""),
    ] {
        assert_eq!(Calendar::of(venue), Calendar::Always, "{venue:?}");
    }
    assert_eq!(
        Calendar::Always.state(new_york("2024-07-06T03:00")),
        TradingState::Open
    );
}

#[test]
fn the_day_goes_on_until_the_next_one_begins() {
    for (time, trading_day, before) in [
        // Friday, over the weekend, until Monday at four.
        ("2024-03-22T11:00", "2024-03-22", "2024-03-21"),
        ("2024-03-23T11:00", "2024-03-22", "2024-03-21"),
        ("2024-03-25T03:59", "2024-03-22", "2024-03-21"),
        ("2024-03-25T04:00", "2024-03-25", "2024-03-22"),
        // Good Friday and the Monday after it.
        ("2024-03-29T11:00", "2024-03-28", "2024-03-27"),
        ("2024-04-01T11:00", "2024-04-01", "2024-03-28"),
    ] {
        let today = US.trading_day(new_york(time));
        assert_eq!(today, day(trading_day), "{time}");
        assert_eq!(US.session_before(today), day(before), "{time}");
    }
    let midnight = day("2024-03-23");
    let always = Calendar::Always;
    assert_eq!(always.trading_day(always.start_of(midnight)), midnight);
    assert_eq!(
        always.trading_day(always.start_of(midnight) - 1),
        day("2024-03-22")
    );
}

proptest! {
    #[test]
    fn the_state_changes_at_the_next_moment_and_not_before(
        time in 1_100_000_000_000_u64..2_000_000_000_000,
        part in 0.0..1.0_f64,
    ) {
        let next = US.next(time).unwrap();
        prop_assert!(next > time);
        let between = time + ((next - 1 - time) as f64 * part) as u64;
        prop_assert_eq!(US.state(between), US.state(time));
        prop_assert_eq!(US.trading_day(between), US.trading_day(time));
        prop_assert_ne!(US.state(next), US.state(time));
    }

    #[test]
    fn no_time_is_too_strange(time: u64) {
        for calendar in [US, Calendar::Always] {
            calendar.state(time);
            calendar.next(time);
            calendar.regular(time);
            calendar.session_before(calendar.trading_day(time));
        }
    }
}
