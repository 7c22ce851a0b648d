//! Days and times of day in milliseconds since the Unix epoch.

/// A second in milliseconds.
pub const SECOND: i64 = 1_000;
/// A minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// An hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// A day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// A date and a time of day in some time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// The year of the Gregorian calendar.
    pub year: i64,
    /// The month, 0 to 11.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// Milliseconds since midnight.
    pub of_day: i64,
}

impl Civil {
    /// The date of local milliseconds since the epoch, by Howard Hinnant's `civil_from_days`
    /// (<https://howardhinnant.github.io/date_algorithms.html>).
    pub fn new(local: i64) -> Self {
        let shifted = local.div_euclid(DAY) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Years begin in March here, so that the leap day is their last.
        let from_march = (5 * day_of_year + 2) / 153;
        let month = (from_march + 2) % 12;
        Self {
            year: year_of_era + era * 400 + i64::from(month < 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            of_day: local.rem_euclid(DAY),
        }
    }

    /// `Aug`.
    pub fn month_name(self) -> &'static str {
        const NAMES: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        NAMES[self.month as usize]
    }

    /// `9 Aug`.
    pub fn day_and_month(self) -> String {
        format!("{} {}", self.day, self.month_name())
    }

    /// `14:03`.
    pub fn hours_and_minutes(self) -> String {
        let minutes = self.of_day / MINUTE;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// `2026-08-09T14:03:22.000Z`. The date must be UTC.
    pub fn iso(self) -> String {
        let (month, milliseconds) = (self.month + 1, self.of_day % SECOND);
        let clock = self.clock();
        format!(
            "{:04}-{month:02}-{:02}T{clock}.{milliseconds:03}Z",
            self.year, self.day
        )
    }

    /// `14:03:22`.
    pub fn clock(self) -> String {
        let seconds = self.of_day / SECOND % 60;
        format!("{}:{seconds:02}", self.hours_and_minutes())
    }
}

/// Local milliseconds since the epoch at the start of a month, which is given in months since year 0: Howard Hinnant's
/// `days_from_civil` for the first of a month.
pub fn start_of_month(months: i64) -> i64 {
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let year = year - i64::from(month < 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 10) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_calendar_knows_leap_years() {
        for (time, expected) in [
            (0, (1970, 0, 1)),
            (951_782_400_000, (2000, 1, 29)),
            (1_709_164_800_000, (2024, 1, 29)),
            (1_735_689_599_999, (2024, 11, 31)),
            (-1, (1969, 11, 31)),
        ] {
            let Civil {
                year, month, day, ..
            } = Civil::new(time);
            assert_eq!((year, month, day), expected, "at {time}");
        }
    }

    proptest! {
        #[test]
        fn a_month_starts_on_its_first(months in 1_800 * 12i64..2_400 * 12) {
            let civil = Civil::new(start_of_month(months));
            prop_assert_eq!((civil.year * 12 + civil.month, civil.day, civil.of_day), (months, 1, 0));
            prop_assert_ne!(Civil::new(start_of_month(months) - 1).month, civil.month);
        }
    }
}
