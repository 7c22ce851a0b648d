//! The links and the paths of the pages.

use std::collections::{BTreeMap, BTreeSet};

use crate::pages::{Page, pages, root};

/// The anchor of a heading, as GitHub generates it.
fn anchor(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading;
    // Of a link, its text counts.
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.to_lowercase()
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ => character.is_alphanumeric().then_some(character),
        })
        .collect()
}

fn anchors(page: &Page) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in page.prose() {
        if let Some(heading) = line.strip_prefix('#') {
            let heading = anchor(heading.trim_start_matches('#').trim());
            assert!(
                anchors.insert(heading.clone()),
                "{}: two headings are #{heading}",
                page.path
            );
        }
    }
    anchors
}

/// The targets of the links and pictures in a line.
fn targets(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once("](") {
        let (target, after) = after.split_once(')').unwrap_or((after, ""));
        targets.push(target);
        rest = after;
    }
    let mut rest = line;
    while let Some((_, after)) = rest.split_once("src=\"") {
        let (target, after) = after.split_once('"').unwrap_or((after, ""));
        targets.push(target);
        rest = after;
    }
    targets
}

/// A path with its `.` and `..` resolved.
fn resolved(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let anchors: BTreeMap<&str, BTreeSet<String>> = pages
        .iter()
        .map(|page| (&*page.path, anchors(page)))
        .collect();
    let mut faults = Vec::new();
    for page in &pages {
        for (number, line) in page.prose() {
            for target in targets(line) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (path, heading) = target.split_once('#').unwrap_or((target, ""));
                let path = match path {
                    "" => page.path.clone(),
                    path => resolved(&page.path, path),
                };
                let is_there = root().join(&path).exists();
                let has_heading = heading.is_empty()
                    || anchors
                        .get(&*path)
                        .is_some_and(|known| known.contains(heading));
                if !is_there || !has_heading {
                    faults.push(format!("{}:{number}: {target}", page.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_page_is_in_an_index() {
    let pages = pages();
    let linked: BTreeSet<String> = pages
        .iter()
        .filter(|page| page.path.ends_with("README.md"))
        .flat_map(|page| {
            let lines = page.prose().into_iter();
            let targets = lines.flat_map(|(_, line)| targets(line));
            let targets = targets.map(|target| target.split('#').next().unwrap_or_default());
            targets
                .map(|target| resolved(&page.path, target))
                .collect::<Vec<_>>()
        })
        .collect();
    for page in &pages {
        assert!(
            page.path == "README.md" || linked.contains(&page.path),
            "no index has {}",
            page.path
        );
    }
}

/// A text in backquotes that begins with a folder of the repository is a path, and exists. `NAME` in capitals and `…`
/// stand for parts that the reader fills in.
#[test]
fn every_path_is_there() {
    const FOLDERS: [&str; 7] = [
        "server/",
        "app/",
        "frontend/",
        "end2end/",
        "scripts/",
        "style/",
        "docs/",
    ];
    let mut faults = Vec::new();
    for page in pages() {
        for (number, line) in page.prose() {
            for code in line.split('`').skip(1).step_by(2) {
                let is_open = |part: &str| {
                    part.contains(['…', '*', '{'])
                        || (part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase()))
                };
                let is_path =
                    FOLDERS.iter().any(|folder| code.starts_with(folder)) && !code.contains(' ');
                let name = code.split(['.', '/']).any(is_open);
                if is_path && !name && !root().join(code).exists() {
                    faults.push(format!("{}:{number}: {code}", page.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn headings_have_the_names_that_github_gives_them() {
    for (heading, name) in [
        ("The `rss` feed", "the-rss-feed"),
        ("Licences: what may be shown", "licences-what-may-be-shown"),
        ("See [the chart](chart.md)", "see-the-chart"),
    ] {
        assert_eq!(anchor(heading), name, "{heading}");
    }
}
