use serde::{Deserialize, Deserializer, de};

/// The largest whole number of an event. JavaScript represents every whole number up to it exactly
/// (`Number.MAX_SAFE_INTEGER`), but not every larger one.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Parses a count or a time that a browser can represent too.
///
/// # Errors
/// If it is not a whole number from 0 to [`MAX_NUMBER`].
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    u64::deserialize(deserializer).and_then(bounded)
}

/// Parses such a number, which may be absent.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_some<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let number = Option::<u64>::deserialize(deserializer)?;
    number.map(bounded).transpose()
}

fn bounded<E: de::Error>(number: u64) -> Result<u64, E> {
    if number > MAX_NUMBER {
        return Err(E::custom(format!(
            "{number} is too large: expected a whole number up to {MAX_NUMBER}"
        )));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use crate::{Event, EventKind};

    use super::MAX_NUMBER;

    #[test]
    fn every_whole_number_of_an_event_has_the_bound_of_a_browser() {
        let events = [
            ("message", r#"{"symbol":"A","time":N}"#),
            ("message", r#"{"symbol":"A","time":0,"traded":N}"#),
            (
                "session",
                r#"{"symbol":"A","name":"A","source":"x","quality":"live","state":"open","hours":{"open":N,"close":5}}"#,
            ),
            (
                "session",
                r#"{"symbol":"A","name":"A","source":"x","quality":"live","state":"open","hours":{"open":1,"close":N}}"#,
            ),
            (
                "bar",
                r#"{"symbol":"A","start":N,"open":"1","high":"1","low":"1","close":"1","volume":"1","trades":1}"#,
            ),
            (
                "bar",
                r#"{"symbol":"A","start":0,"open":"1","high":"1","low":"1","close":"1","volume":"1","trades":N}"#,
            ),
            (
                "news",
                r#"{"id":"x:1","type":"headline","basis":"native","headline":"h","source":"x","published":N}"#,
            ),
            (
                "snapshot",
                r#"{"time":N,"reset":false,"quotes":[],"news":[],"feeds":[]}"#,
            ),
            ("heartbeat", r#"{"time":N}"#),
        ];
        for kind in EventKind::ALL {
            assert!(events.iter().any(|(name, _)| *name == kind.name()));
        }
        for (name, data) in events {
            let read = |number: u64| Event::decode(name, &data.replace('N', &number.to_string()));
            assert!(read(MAX_NUMBER).is_ok(), "{data}");
            for number in [MAX_NUMBER + 1, 1_152_921_504_606_846_976, u64::MAX] {
                let error = read(number).unwrap_err().to_string();
                assert!(
                    error.contains(&number.to_string()) && error.contains("9007199254740991"),
                    "{error}"
                );
            }
        }
    }
}
