//! The pages, and their parts.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server.parent().unwrap().to_owned()
}

/// A page of the documentation.
pub(crate) struct Page {
    /// Its place in the repository, as in `docs/start/tutorial.md`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A block between fences.
pub(crate) struct Block {
    pub(crate) language: String,
    /// The line of its opening fence, from 1.
    pub(crate) line: usize,
    pub(crate) lines: Vec<String>,
}

/// The README and everything under `docs`, in the order of their paths.
pub(crate) fn pages() -> Vec<Page> {
    let root = root();
    let mut paths = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(end) if end == "md" => paths.push(path),
                _ => {}
            }
        }
    }
    paths.sort();
    let page = |path: PathBuf| Page {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(&root).unwrap().display().to_string(),
    };
    paths.into_iter().map(page).collect()
}

impl Page {
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(language)) => {
                    open = Some(Block {
                        language: language.to_owned(),
                        line: number,
                        lines: Vec::new(),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => block.lines.push(line.to_owned()),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.path);
        blocks
    }

    /// The lines outside of all blocks, with their numbers from 1.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_open = false;
        let numbered = (1..).zip(self.text.lines());
        numbered
            .filter(|(_, line)| {
                let is_fence = line.starts_with("```");
                is_open ^= is_fence;
                !is_open && !is_fence
            })
            .collect()
    }
}

/// The languages of blocks. The commands of `sh` and `console` are run; the latter has a prompt and the output.
const LANGUAGES: [&str; 10] = [
    "sh", "console", "toml", "json", "text", "js", "html", "nginx", "caddy", "ini",
];

#[test]
fn code_stands_between_fences_with_a_language() {
    for page in pages() {
        for block in page.blocks() {
            assert!(
                LANGUAGES.contains(&&*block.language),
                "{}:{}: a block of {:?}: expected one of {LANGUAGES:?}",
                page.path,
                block.line,
                block.language
            );
        }
        // Four blanks after an empty line would be code, too, and would not be run.
        let mut before = ("", "");
        for (number, line) in page.prose() {
            let in_list = before.0.starts_with(['-', ' ']) || before.0.starts_with("1.");
            assert!(
                !(line.starts_with("    ") && before.1.is_empty() && !in_list),
                "{}:{number}: a block without fences: {line}",
                page.path
            );
            before = match line.is_empty() {
                true => (before.0, ""),
                false => (line, line),
            };
        }
    }
}
