//! Names of zones, months and days in dates.

/// Names of zones and their offsets in minutes: those of
/// [RFC 822, section 5](https://www.rfc-editor.org/rfc/rfc822#section-5), and others that mean one offset
/// wherever feeds use them. `IST` is India, Ireland and Israel, and not among them.
pub(super) const ZONES: [(&str, i32); 70] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("zulu", 0),
    ("wet", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
    ("ast", -240),
    ("adt", -180),
    ("nst", -210),
    ("ndt", -150),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("mez", 60),
    ("wat", 60),
    ("cest", 120),
    ("mest", 120),
    ("mesz", 120),
    ("eet", 120),
    ("sast", 120),
    ("cat", 120),
    ("eest", 180),
    ("idt", 180),
    ("msk", 180),
    ("msd", 240),
    ("eat", 180),
    ("trt", 180),
    ("pkt", 300),
    ("uzt", 300),
    ("npt", 345),
    ("ict", 420),
    ("wib", 420),
    ("wita", 480),
    ("wit", 540),
    ("sgt", 480),
    ("myt", 480),
    ("hkt", 480),
    ("pht", 480),
    ("awst", 480),
    ("jst", 540),
    ("kst", 540),
    ("acst", 570),
    ("acdt", 630),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("brt", -180),
    ("brst", -120),
    ("art", -180),
    ("clt", -240),
    ("clst", -180),
    ("cot", -300),
    ("pet", -300),
    ("vet", -240),
    ("uyt", -180),
    ("ect", -300),
    ("bot", -240),
];

/// Names of US zones that do not specify whether it is summer.
pub(super) const SEASONS: [(&str, &str); 4] = [
    ("et", "America/New_York"),
    ("ct", "America/Chicago"),
    ("mt", "America/Denver"),
    ("pt", "America/Los_Angeles"),
];

pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Beginnings of the names of months in other languages of the web: German, French, Spanish, Italian,
/// Portuguese, Dutch, Scandinavian, Hungarian, Russian, Greek.
pub(super) const FOREIGN: [&[&str]; 12] = [
    &["janv", "janu", "jän", "ene", "gen", "янв", "ιαν"],
    &["febr", "fév", "fev", "фев", "φεβ"],
    &[
        "mär", "mrz", "mars", "marz", "març", "mar", "maa", "már", "мар", "μάρ", "μαρ",
    ],
    &["avr", "abr", "ápr", "апр", "απρ"],
    &[
        "mai", "mag", "mei", "maj", "máj", "май", "мая", "μάι", "μαϊ", "μαι",
    ],
    &["juin", "giu", "jún", "июн", "ιούν", "ιουν"],
    &["juil", "lug", "júl", "июл", "ιούλ", "ιουλ"],
    &["aoû", "aou", "ago", "авг", "αύγ", "αυγ"],
    &["sett", "set", "szept", "сен", "σεπ"],
    &["okt", "ott", "out", "окт", "οκτ"],
    &["ноя", "νοέ", "νοε"],
    &["déc", "dez", "dic", "des", "дек", "δεκ"],
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Words in a date without meaning.
pub(super) const FILLERS: [&str; 22] = [
    "t", "at", "on", "of", "the", "st", "nd", "rd", "th", "de", "del", "um", "uhr", "г", "年",
    "月", "日", "년", "월", "일", "le", "à",
];
