use std::sync::LazyLock;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday, date, time},
    tz::TimeZone,
};
use market::{Millis, RegularHours, TradingState};
use usec::calendar::{Calendar as Rules, HalfCheck, Holiday, NthWeek};

/// When a venue is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Calendar {
    /// The exchanges of US stocks: 9:30 to 16:00 in New York, from 4:00 and until 20:00 outside of
    /// the regular session, with the holidays and half days of the
    /// [NYSE](https://www.nyse.com/markets/hours-calendars), which the others share.
    UsStocks,
    /// Round the clock, as coins are traded; its days are those of UTC.
    Always,
}

/// The hours of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// When trading before the regular session begins.
    pub pre: Millis,
    /// When the regular session begins.
    pub open: Millis,
    /// When it ends.
    pub close: Millis,
    /// When trading after it ends.
    pub end: Millis,
}

/// What are the exchanges of US stocks, in lower case.
const US_VENUES: [&str; 14] = [
    "us",
    "nyse",
    "new york stock exchange",
    "nyse arca",
    "nyse american",
    "nyse chicago",
    "nyse national",
    "nasdaq",
    "cboe",
    "cboe bzx",
    "cboe byx",
    "cboe edga",
    "cboe edgx",
    "iex",
];

/// Days on which the exchanges did not open although no rule says so: hurricane Sandy, and the days
/// of mourning for presidents Reagan, Ford, Bush and Carter.
const CLOSED: [(i32, u32, u32); 6] = [
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];

/// So many days after a session there has been another: no exchange of today has been closed longer.
const NEAR: usize = 30;

/// The years in which the rules hold. In others only weekends are known to be closed.
const YEARS: (i32, i32) = (2004, 2060);

/// The rules of the NYSE (Rule 7.2). `usec` comes with a list of its own, but one that a variable of
/// the environment changes and that knows of no day of mourning; what it is used for is to count
/// the days out.
static US_DAYS: LazyLock<Rules> = LazyLock::new(|| {
    // Observed on Friday when on a Saturday, unless the year or the month would end with it, and
    // on Monday when on a Sunday.
    let fixed = |month, day, first, half_check| Holiday::MovableYearlyDay {
        month,
        day,
        first,
        last: None,
        half_check,
    };
    let weekday = |month, weekday, nth, half_check| Holiday::MonthWeekday {
        month,
        weekday,
        nth,
        first: None,
        last: None,
        half_check,
    };
    let mut rules = vec![
        Holiday::WeekDay(chrono::Weekday::Sat),
        Holiday::WeekDay(chrono::Weekday::Sun),
        fixed(1, 1, None, None),
        weekday(1, chrono::Weekday::Mon, NthWeek::Third, None),
        weekday(2, chrono::Weekday::Mon, NthWeek::Third, None),
        // Good Friday.
        Holiday::EasterOffset {
            offset: -2,
            first: None,
            last: None,
        },
        weekday(5, chrono::Weekday::Mon, NthWeek::Last, None),
        // Juneteenth.
        fixed(6, 19, Some(2022), None),
        fixed(7, 4, None, Some(HalfCheck::Before)),
        weekday(9, chrono::Weekday::Mon, NthWeek::First, None),
        // Thanksgiving.
        weekday(
            11,
            chrono::Weekday::Thu,
            NthWeek::Fourth,
            Some(HalfCheck::After),
        ),
        fixed(12, 25, None, Some(HalfCheck::Before)),
    ];
    rules.extend(
        CLOSED.map(|(year, month, day)| Holiday::SingularDay(Rules::from_ymd(year, month, day))),
    );
    Rules::calc_calendar(&rules, YEARS.0, YEARS.1)
});

static NEW_YORK: LazyLock<TimeZone> = LazyLock::new(|| {
    // The rules of the zone come with the program, so that it is found on every machine.
    TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)
});

impl Calendar {
    /// The calendar of a venue, by its name as a [`market::Session`] has it. A venue that is not
    /// known has none, and is always open.
    pub fn of(venue: Option<&str>) -> Self {
        let us = |venue: &str| US_VENUES.contains(&venue.trim().to_lowercase().as_str());
        if venue.is_some_and(us) {
            Calendar::UsStocks
        } else {
            Calendar::Always
        }
    }

    /// Where its clocks hang.
    pub fn zone(self) -> &'static TimeZone {
        match self {
            Calendar::UsStocks => &NEW_YORK,
            Calendar::Always => const { &TimeZone::UTC },
        }
    }

    /// What day it is there.
    pub fn date(self, time: Millis) -> Date {
        self.local(time).date()
    }

    /// The first millisecond of a day there; that of the epoch for days before it.
    pub fn start_of(self, day: Date) -> Millis {
        self.moment(day, Time::midnight())
    }

    /// Whether there is a session on a day.
    pub fn is_session(self, day: Date) -> bool {
        match self {
            Calendar::UsStocks => {
                !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
                    && !chrono_date(day).is_some_and(|day| US_DAYS.is_holiday(day))
            }
            Calendar::Always => true,
        }
    }

    /// The hours of a day; `None` where there is no session. A calendar that knows no hours is open
    /// from midnight to midnight.
    pub fn hours(self, day: Date) -> Option<Hours> {
        if !self.is_session(day) {
            return None;
        }
        let hours = match self {
            Calendar::UsStocks => {
                let half = chrono_date(day).is_some_and(|day| US_DAYS.is_half_holiday(day));
                let (close, end) = if half { (13, 17) } else { (16, 20) };
                Hours {
                    pre: self.moment(day, time(4, 0, 0, 0)),
                    open: self.moment(day, time(9, 30, 0, 0)),
                    close: self.moment(day, time(close, 0, 0, 0)),
                    end: self.moment(day, time(end, 0, 0, 0)),
                }
            }
            Calendar::Always => {
                let start = self.start_of(day);
                let end = self.start_of(day.saturating_add(1.day()));
                Hours {
                    pre: start,
                    open: start,
                    close: end,
                    end,
                }
            }
        };
        Some(hours)
    }

    /// The regular session that is on, or else the next one; `None` where the calendar knows no hours,
    /// or none is near.
    pub fn regular(self, time: Millis) -> Option<RegularHours> {
        if self == Calendar::Always {
            return None;
        }
        let next = self.coming(time).find(|hours| hours.close > time)?;
        Some(RegularHours {
            open: next.open,
            close: next.close,
        })
    }

    /// The hours of this day and of those after it.
    fn coming(self, time: Millis) -> impl Iterator<Item = Hours> {
        let days = std::iter::successors(Some(self.date(time)), |day| day.tomorrow().ok());
        days.take(NEAR).filter_map(move |day| self.hours(day))
    }

    /// Whether trading is on.
    pub fn state(self, time: Millis) -> TradingState {
        let Some(hours) = self.hours(self.date(time)) else {
            return TradingState::Closed;
        };
        if time < hours.pre || time >= hours.end {
            TradingState::Closed
        } else if time < hours.open {
            TradingState::Pre
        } else if time < hours.close {
            TradingState::Open
        } else {
            TradingState::Post
        }
    }

    /// The next moment after `time` at which [`Calendar::state`] or [`Calendar::trading_day`]
    /// changes; `None` where none is near, as at the end of time.
    pub fn next(self, time: Millis) -> Option<Millis> {
        let days = self.coming(time);
        let mut moments = days.flat_map(|day| [day.pre, day.open, day.close, day.end]);
        moments.find(|moment| *moment > time)
    }

    /// The day whose prices are today's: the newest session that has begun. It goes on over the
    /// night and the weekend until trading before the next session begins, because the last price
    /// and its change are still those of that day.
    pub fn trading_day(self, time: Millis) -> Date {
        let today = self.date(time);
        match self.hours(today) {
            Some(hours) if hours.pre <= time => today,
            _ => self.session_before(today),
        }
    }

    /// When the next trading day begins.
    pub fn next_day(self, time: Millis) -> Option<Millis> {
        let today = self.trading_day(time);
        std::iter::successors(self.next(time), |time| self.next(*time))
            .take(8)
            .find(|time| self.trading_day(*time) != today)
    }

    /// The last day before this one on which there was a session; the day itself where there is
    /// none before it, as at the beginning of time.
    pub fn session_before(self, day: Date) -> Date {
        let before = std::iter::successors(day.yesterday().ok(), |day| day.yesterday().ok());
        let mut near = before.take(NEAR);
        near.find(|day| self.is_session(*day)).unwrap_or(day)
    }

    fn local(self, time: Millis) -> DateTime {
        // A time that is none is far in the future: nobody has a calendar for it.
        let time = i64::try_from(time)
            .ok()
            .and_then(|time| Timestamp::from_millisecond(time).ok())
            .unwrap_or(Timestamp::MAX);
        self.zone().to_datetime(time)
    }

    fn moment(self, day: Date, time: Time) -> Millis {
        // The hours of an exchange are never those in which clocks are put forward or back.
        let moment = self
            .zone()
            .to_ambiguous_timestamp(day.to_datetime(time))
            .compatible();
        let moment = moment.unwrap_or(if day < date(1970, 1, 2) {
            Timestamp::UNIX_EPOCH
        } else {
            Timestamp::MAX
        });
        Millis::try_from(moment.as_millisecond()).unwrap_or(0)
    }
}

/// The day as `usec` takes it.
fn chrono_date(day: Date) -> Option<chrono::NaiveDate> {
    let number = |number: i8| u32::try_from(number).ok();
    chrono::NaiveDate::from_ymd_opt(day.year().into(), number(day.month())?, number(day.day())?)
}

#[cfg(test)]
mod tests {
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
        // New Year's Day 2022 was a Saturday, which the exchange does not make up for, and
        // Juneteenth was not yet kept in 2021.
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
}
