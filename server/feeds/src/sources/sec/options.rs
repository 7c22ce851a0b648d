use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    About, Licence,
    kit::{
        fetch, forms,
        options::{self, FeedOptions, Main},
    },
    list,
};

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The forms, including their amendments; all if empty.
    #[serde(default, deserialize_with = "read_forms")]
    pub forms: Vec<String>,
    /// The `User-Agent`: a name and a way to reach it.
    #[serde(default)]
    pub user_agent: String,
    /// The interval of polls.
    #[serde(default = "interval", deserialize_with = "options::seconds")]
    pub interval: Duration,
    /// The address of the latest filings.
    #[serde(default = "url", deserialize_with = "options::http")]
    pub url: Url,
    /// The address of the file with the symbols of companies.
    #[serde(default = "tickers", deserialize_with = "options::http")]
    pub tickers: Url,
}

fn interval() -> Duration {
    Duration::from_secs(15)
}

fn url() -> Url {
    options::fixed("https://www.sec.gov/cgi-bin/browse-edgar")
}

fn tickers() -> Url {
    options::fixed("https://www.sec.gov/files/company_tickers.json")
}

fn read_forms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let mut forms = Vec::new();
    for form in Vec::<String>::deserialize(deserializer)? {
        let is_form = !form.is_empty()
            && form.len() <= 20
            && form
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-/ ".contains(&byte));
        if !is_form {
            return Err(D::Error::custom(format!(
                "{form:?} is not a form of the SEC: expected letters, digits and dashes, as in 8-K"
            )));
        }
        let form = forms::named(&form);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    Ok(forms)
}

impl FeedOptions for Options {
    const NAME: &'static str = "sec";
    const KEYS: &'static [&'static str] = &["forms", "user_agent", "interval", "url", "tickers"];
    const MAIN: Main = Main::List("forms");

    fn about(&self) -> About {
        let forms = match &self.forms[..] {
            [] => "all forms".to_owned(),
            forms => format!("the forms {}", list(forms)),
        };
        About {
            does: format!(
                "polls {} every {:?} for the latest filings of {forms}",
                fetch::place(&self.url),
                self.interval
            ),
            symbols: Vec::new(),
            licence: Licence::Public,
        }
    }

    fn checked(self) -> Result<Self, String> {
        const MAX_FORMS: usize = 10;
        let example =
            "expected a name and an address of mail, as in user_agent=Jane Doe jane@example.com";
        let agent = &self.user_agent;
        if agent.is_empty() {
            return Err(format!(
                "without a user_agent: the SEC requires a name and a way to reach you; {example}"
            ));
        }
        let is_printable = agent.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let has_mail = agent.split(' ').any(|word| {
            let parts = word.split_once('@');
            parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        });
        if !is_printable || !has_mail || agent.len() > 200 {
            return Err(format!(
                "{agent:?} has no name and email address, which the SEC requires: {example}"
            ));
        }
        match self.forms.len() {
            0..=MAX_FORMS => Ok(self),
            many => Err(format!(
                "{many} forms: expected at most {MAX_FORMS}, because each is requested separately; none means all"
            )),
        }
    }

    /// Unknown forms may be misspelt.
    fn doubts(&self) -> Vec<String> {
        let forms = self.forms.iter();
        forms.filter_map(|form| forms::doubt(form)).collect()
    }

    fn alone(&self) -> Option<(String, &'static str)> {
        Some((
            Self::NAME.to_owned(),
            "the SEC counts requests by address, for all feeds together: expected one feed with the forms of both, or with none for all forms",
        ))
    }
}
