//! The preferences of the person.

use leptos::prelude::*;

use crate::{
    browser::storage::Storage,
    format::clock::Zone,
    lean::{reactive::effect, signal::RwSignal},
};

/// The storage key of the preferences.
pub(crate) const KEY: &str = "preferences";

/// A setting and its choices. The first is the default.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in style sheets and in storage.
    pub(crate) name: &'static str,
    /// Its label.
    pub(crate) label: &'static str,
    /// The names and labels of its choices.
    pub(crate) choices: &'static [(&'static str, &'static str)],
}

/// All settings. Each is an attribute of the root element for style sheets, `data-theme`.
pub(crate) const SETTINGS: [Setting; 5] = [
    Setting {
        name: "theme",
        label: "Theme",
        choices: &[("system", "System"), ("light", "Light"), ("dark", "Dark")],
    },
    Setting {
        name: "palette",
        label: "Gain/loss colours",
        choices: &[
            ("green-red", "Green and red"),
            ("blue-orange", "Blue and orange"),
        ],
    },
    Setting {
        name: "times",
        label: "Times",
        choices: &[("local", "Local"), ("exchange", "New York")],
    },
    Setting {
        name: "rate",
        label: "Update rate",
        choices: &[("ten", "Up to 10 times a second"), ("one", "Once a second")],
    },
    Setting {
        name: "flash",
        label: "Price flash",
        choices: &[("yes", "On"), ("no", "Off")],
    },
];

const TIMES: usize = 2;
const RATE: usize = 3;

/// The index of the chosen choice of each setting.
type Choices = [usize; SETTINGS.len()];

/// The chosen preferences. Until the page is hydrated they are the defaults, as on the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preferences {
    choices: RwSignal<Choices>,
    /// The time zone of displayed times: UTC until the page is hydrated, as on the server.
    pub(crate) zone: RwSignal<Zone>,
    storage: Storage,
}

impl Preferences {
    /// The stored preferences, once the page is hydrated. Changes of other tabs are followed.
    pub(crate) fn new(storage: Storage) -> Self {
        let preferences = Preferences {
            choices: RwSignal::new(Choices::default()),
            zone: RwSignal::new(Zone::Utc),
            storage,
        };
        effect(move || {
            let take =
                move |text: Option<String>| preferences.take(read(&text.unwrap_or_default()));
            take(storage.read(KEY));
            storage.on_change(KEY, take);
        });
        preferences
    }

    /// Whether a choice of a setting is chosen, by their indices.
    pub(crate) fn is_chosen(self, setting: usize, choice: usize) -> bool {
        self.choices.with(|choices| choices[setting] == choice)
    }

    /// Chooses, by the names of a setting and a choice.
    pub(crate) fn choose(self, name: &str, choice: &str) {
        let mut choices = self.choices.get_untracked();
        set(&mut choices, name, choice);
        self.storage.write(KEY, &write(&choices));
        self.take(choices);
    }

    /// Whether prices are updated only once a second.
    pub(crate) fn is_slow(self) -> bool {
        self.choices.with_untracked(|choices| choices[RATE] == 1)
    }

    fn take(self, choices: Choices) {
        if let Some(root) = document().document_element() {
            for (setting, chosen) in SETTINGS.iter().zip(choices) {
                let attribute = ["data-", setting.name].concat();
                let _ = match chosen {
                    0 => root.remove_attribute(&attribute),
                    chosen => root.set_attribute(&attribute, setting.choices[chosen].0),
                };
            }
        }
        self.zone.set(match choices[TIMES] {
            0 => Zone::Local,
            _ => Zone::NewYork,
        });
        self.choices.set(choices);
    }
}

fn set(choices: &mut Choices, name: &str, choice: &str) {
    for (setting, chosen) in SETTINGS.iter().zip(choices) {
        if setting.name == name
            && let Some(at) = setting.choices.iter().position(|(name, _)| *name == choice)
        {
            *chosen = at;
        }
    }
}

/// The choices of a stored text. Unknown settings and choices are ignored.
fn read(text: &str) -> Choices {
    let mut choices = Choices::default();
    for (name, choice) in text.split(' ').filter_map(|word| word.split_once('=')) {
        set(&mut choices, name, choice);
    }
    choices
}

/// `theme=dark palette=blue-orange …`
fn write(choices: &Choices) -> String {
    let mut text = String::new();
    for (setting, chosen) in SETTINGS.iter().zip(choices) {
        if !text.is_empty() {
            text.push(' ');
        }
        for part in [setting.name, "=", setting.choices[*chosen].0] {
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let choices = [2, 1, 1, 0, 1];
        let text = write(&choices);
        assert_eq!(
            text,
            "theme=dark palette=blue-orange times=exchange rate=ten flash=no"
        );
        assert_eq!(read(&text), choices);
    }

    #[test]
    fn what_is_unreadable_chooses_nothing() {
        for text in [
            "",
            "theme",
            "theme=",
            "theme=pink",
            "=dark",
            "\u{0} {\"theme\":2}",
        ] {
            assert_eq!(read(text), Choices::default(), "{text:?}");
        }
        assert_eq!(read("sound=on theme=light"), [1, 0, 0, 0, 0]);
    }
}
