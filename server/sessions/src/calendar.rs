use std::sync::LazyLock;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday, date, time},
    tz::TimeZone,
};
use market::{Millis, RegularHours, TradingState};
use usec::calendar::{Calendar as Rules, HalfCheck, Holiday, NthWeek};

/// The calendar of a venue.
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

/// The names of US stock exchanges, in lower case.
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

/// Days on which the exchanges did not open although no rule covers them: hurricane Sandy, and the days of mourning for
/// presidents Reagan, Ford, Bush and Carter.
const CLOSED: [(i32, u32, u32); 6] = [
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];

/// The most days until the next session: no exchange has been closed longer.
const NEAR: usize = 30;

/// The years in which the rules hold. In others only weekends are known to be closed.
const YEARS: (i32, i32) = (2004, 2060);

/// The rules of the NYSE (Rule 7.2). `usec` has a list of its own, but an environment variable changes that list, and
/// it lacks the days of mourning; here `usec` is only used to compute the dates.
static US_DAYS: LazyLock<Rules> = LazyLock::new(|| {
    // Observed on Friday if on a Saturday, unless the year or the month would end with it, and on Monday if on a
    // Sunday.
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
    // The rules of the zone are part of the program, so that they exist on every machine.
    TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)
});

impl Calendar {
    /// The calendar of a venue, by its name in a [`market::Session`]. An unknown venue has none, and is always open.
    pub fn of(venue: Option<&str>) -> Self {
        let us = |venue: &str| US_VENUES.contains(&venue.trim().to_lowercase().as_str());
        if venue.is_some_and(us) {
            Calendar::UsStocks
        } else {
            Calendar::Always
        }
    }

    /// Its time zone.
    pub fn zone(self) -> &'static TimeZone {
        match self {
            Calendar::UsStocks => &NEW_YORK,
            Calendar::Always => const { &TimeZone::UTC },
        }
    }

    /// The date there.
    pub fn date(self, time: Millis) -> Date {
        self.local(time).date()
    }

    /// The first millisecond of a day there; for days before the epoch, that of the epoch's day.
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

    /// The hours of a day; `None` if it has no session. A calendar without hours is open from midnight to midnight.
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

    /// The current or next regular session; `None` if the calendar has no hours, or no session is near.
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

    /// The hours of this day and of the days after it.
    fn coming(self, time: Millis) -> impl Iterator<Item = Hours> {
        let days = std::iter::successors(Some(self.date(time)), |day| day.tomorrow().ok());
        days.take(NEAR).filter_map(move |day| self.hours(day))
    }

    /// The state of trading.
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

    /// The next moment after `time` at which [`Calendar::state`] or [`Calendar::trading_day`] changes; `None` if none
    /// is near, as at the end of time.
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

    /// The last day with a session before this one; the day itself if there is none before it, as at the beginning of
    /// time.
    pub fn session_before(self, day: Date) -> Date {
        let before = std::iter::successors(day.yesterday().ok(), |day| day.yesterday().ok());
        let mut near = before.take(NEAR);
        near.find(|day| self.is_session(*day)).unwrap_or(day)
    }

    fn local(self, time: Millis) -> DateTime {
        // An invalid time is far in the future, where there is no calendar.
        let time = i64::try_from(time)
            .ok()
            .and_then(|time| Timestamp::from_millisecond(time).ok())
            .unwrap_or(Timestamp::MAX);
        self.zone().to_datetime(time)
    }

    fn moment(self, day: Date, time: Time) -> Millis {
        // Clocks never change during the hours of an exchange.
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

/// The day in the form of `usec`.
fn chrono_date(day: Date) -> Option<chrono::NaiveDate> {
    let number = |number: i8| u32::try_from(number).ok();
    chrono::NaiveDate::from_ymd_opt(day.year().into(), number(day.month())?, number(day.day())?)
}

#[cfg(test)]
mod tests;
