//! The names of the SEC's forms on EDGAR ([list](https://www.sec.gov/submit-filings/forms-index)).

use text::suggestion;

/// Forms that are filed under another name now.
const RENAMED: [(&str, &str); 2] = [
    // Since December 18, 2024.
    ("SC 13D", "SCHEDULE 13D"),
    ("SC 13G", "SCHEDULE 13G"),
];

/// Common names of forms beside their codes.
const CALLED: [(&str, &str); 4] = [
    ("13F", "13F-HR"),
    ("13D", "SCHEDULE 13D"),
    ("13G", "SCHEDULE 13G"),
    ("DEF14", "DEF 14A"),
];

/// Forms that are filed now, without their amendments.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "1-A", "1-A POS", "1-K", "1-SA", "1-U", "1-Z", "10-12B", "10-12G", "10-D", "10-K", "10-KT", "10-Q",
    "10-QT", "11-K", "13F-HR", "13F-NT", "13FCONP", "13H", "144", "15-12B", "15-12G", "15-15D", "15F-12B",
    "15F-12G", "15F-15D", "18-12B", "18-K", "20-F", "20FR12B", "20FR12G", "24F-2NT", "25", "25-NSE",
    "253G1", "253G2", "253G3", "3", "305B2", "4", "40-17F1", "40-17F2", "40-17G", "40-33", "40-6B",
    "40-APP", "40-F", "40-OIP", "40FR12B", "40FR12G", "424A", "424B1", "424B2", "424B3", "424B4", "424B5",
    "424B7", "424B8", "424H", "425", "485APOS", "485BPOS", "485BXT", "486BPOS", "487", "497", "497AD",
    "497J", "497K", "497VPI", "497VPU", "5", "6-K", "8-A12B", "8-A12G", "8-K", "8-K12B", "8-K12G3",
    "8-K15D5", "ABS-15G", "ABS-EE", "ANNLRPT", "APP WD", "ARS", "ATS-N", "AW", "AW WD", "C", "C-AR", "C-TR",
    "C-U", "C-W", "CB", "CERT", "CFPORTAL", "CORRESP", "CT ORDER", "D", "DEF 14A", "DEF 14C", "DEFA14A",
    "DEFA14C", "DEFC14A", "DEFM14A", "DEFM14C", "DEFN14A", "DEFR14A", "DEL AM", "DFAN14A", "DFRN14A", "DOS",
    "DRS", "DRSLTR", "EFFECT", "F-1", "F-10", "F-10EF", "F-1MEF", "F-3", "F-3ASR", "F-3D", "F-3MEF", "F-4",
    "F-4MEF", "F-6", "F-6 POS", "F-6EF", "F-7", "F-8", "F-80", "F-N", "F-X", "FWP", "IRANNOTICE", "MA",
    "MA-I", "MA-W", "N-14", "N-14 8C", "N-18F1", "N-1A", "N-2", "N-2 POSASR", "N-23C3A", "N-3", "N-4",
    "N-54A", "N-54C", "N-6", "N-8A", "N-8F", "N-CEN", "N-CSR", "N-CSRS", "N-MFP3", "N-PX", "N-VPFS",
    "NPORT-P", "NT 10-D", "NT 10-K", "NT 10-Q", "NT 11-K", "NT 20-F", "NT-NCEN", "NT-NCSR", "POS 8C",
    "POS AM", "POS AMI", "POS EX", "POSASR", "PRE 14A", "PRE 14C", "PREC14A", "PREM14A", "PREM14C",
    "PRER14A", "PX14A6G", "PX14A6N", "QUALIF", "RW", "RW WD", "S-1", "S-11", "S-1MEF", "S-3", "S-3ASR",
    "S-3D", "S-3MEF", "S-4", "S-4 POS", "S-4EF", "S-6", "S-8", "S-8 POS", "SC 13E3", "SC 14D9", "SC 14F1",
    "SC 14N", "SC TO-C", "SC TO-I", "SC TO-T", "SC13E4F", "SC14D1F", "SC14D9C", "SC14D9F", "SCHEDULE 13D",
    "SCHEDULE 13G", "SD", "SF-1", "SF-3", "SP 15D2", "STOP ORDER", "SUPPL", "T-3", "TA-1", "TA-2", "TA-W",
    "TTW", "UPLOAD", "WDL-REQ", "X-17A-5",
];

/// The letters and digits of a name.
fn bare(form: &str) -> String {
    let bare = form.chars().filter(char::is_ascii_alphanumeric);
    bare.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// The current EDGAR name of a form: `8K` and `FORM 8-K` are `8-K`, `SC 13G` is `SCHEDULE 13G`. An unknown form is
/// unchanged, in upper case.
pub(crate) fn named(text: &str) -> String {
    let text = text.trim().to_ascii_uppercase();
    let (form, amendment) = match text.strip_suffix("/A") {
        Some(form) => (form.trim_end(), "/A"),
        None => (text.as_str(), ""),
    };
    let form = form.strip_prefix("FORM").unwrap_or(form).trim();
    let is_same = |known: &str| bare(known) == bare(form);
    let renamed = RENAMED.iter().chain(&CALLED);
    let renamed = renamed.filter(|(old, _)| is_same(old));
    let name = renamed
        .map(|(_, now)| *now)
        .chain(KNOWN.iter().copied().filter(|known| is_same(known)))
        .next();
    match name {
        Some(name) => format!("{name}{amendment}"),
        None => text,
    }
}

/// A warning about a form that EDGAR is not known to have; `None` for a known one.
pub(crate) fn doubt(form: &str) -> Option<String> {
    let base = form.strip_suffix("/A").unwrap_or(form);
    // No form means all of them.
    if base.is_empty() || KNOWN.contains(&base) {
        return None;
    }
    let lower: Vec<String> = KNOWN
        .iter()
        .map(|known| known.to_ascii_lowercase())
        .collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let near = suggestion(base, &lower).to_ascii_uppercase();
    let near = near.replace("; DID YOU MEAN", "; did you mean");
    Some(format!("no form {form:?} of the SEC is known{near}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_are_read_and_old_names_are_the_new_ones() {
        for (text, form) in [
            ("8-K", "8-K"),
            ("8k", "8-K"),
            ("8-k/a", "8-K/A"),
            ("FORM 4", "4"),
            ("form 10-K", "10-K"),
            ("10Q", "10-Q"),
            ("20F", "20-F"),
            ("SC 13G", "SCHEDULE 13G"),
            ("SC 13G/A", "SCHEDULE 13G/A"),
            ("sc13d", "SCHEDULE 13D"),
            ("Schedule 13D", "SCHEDULE 13D"),
            ("13F", "13F-HR"),
            ("DEF14A", "DEF 14A"),
            ("NT10-K", "NT 10-K"),
            ("424B2", "424B2"),
        ] {
            let named = named(text);
            assert_eq!(named, form, "{text}");
            assert_eq!(doubt(&named), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_stays_and_is_doubted_by_name() {
        assert_eq!(named("9-Z"), "9-Z");
        let doubt = |form| doubt(form).unwrap();
        assert!(doubt("9-Z").starts_with("no form \"9-Z\" of the SEC is known"));
        assert_eq!(
            doubt("SCHEDULE 13K"),
            "no form \"SCHEDULE 13K\" of the SEC is known; did you mean SCHEDULE 13D?"
        );
    }

    #[test]
    fn every_form_that_has_a_meaning_is_known() {
        for (form, ..) in crate::sources::sec::FORMS {
            let named = named(form);
            assert_eq!(doubt(&named), None, "{form}");
        }
    }
}
