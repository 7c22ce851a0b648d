//! The tags that load the page's program.

use leptos::{nonce::use_nonce, prelude::*};
use std::fs;

/// Fetches and starts the program once the page is painted, since the page is complete without it and the connection is
/// needed for visible content first. A tab in the background is not painted, and starts at once.
#[component]
pub(crate) fn Program(
    /// The options of cargo-leptos, with the location of its output.
    options: LeptosOptions,
) -> impl IntoView {
    let Names { script, wasm } = Names::of(&options);
    let start = format!(
        r#"let start=()=>import("{script}").then(async m=>{{await m.default({{module_or_path:"{wasm}"}});m.hydrate()}});document.hidden?start():requestAnimationFrame(()=>setTimeout(start))"#
    );
    view! {
        // The script is small, and then does not have to be waited for.
        <link rel="modulepreload" href=script fetchpriority="low" />
        <script type="module" nonce=use_nonce() inner_html=start></script>
    }
}

/// The addresses of both files.
#[derive(Debug, PartialEq)]
struct Names {
    script: String,
    wasm: String,
}

impl Names {
    fn of(options: &LeptosOptions) -> Self {
        let hashes = options.hash_files.then(|| {
            let binary = std::env::current_exe().unwrap_or_default();
            let file = binary.with_file_name(options.hash_file.as_ref());
            fs::read_to_string(&file).unwrap_or_else(|error| {
                leptos::logging::error!("{} cannot be read: {error}", file.display());
                String::new()
            })
        });
        Self::with(options, hashes.as_deref())
    }

    /// The names, with the hashes of the file that cargo-leptos wrote, if it put hashes into the names.
    fn with(options: &LeptosOptions, hashes: Option<&str>) -> Self {
        let (folder, name) = (&options.site_pkg_dir, &options.output_name);
        let hash = |kind: &str| {
            let mut lines = hashes?.lines().filter_map(|line| line.split_once(':'));
            let (_, hash) = lines.find(|(of, _)| of.trim() == kind)?;
            Some(format!(".{}", hash.trim()))
        };
        // The suffix of wasm-bindgen, which cargo-leptos removes.
        let plain = if hashes.is_none() && option_env!("LEPTOS_OUTPUT_NAME").is_none() {
            "_bg"
        } else {
            ""
        };
        Self {
            script: format!("/{folder}/{name}{}.js", hash("js").unwrap_or_default()),
            wasm: format!(
                "/{folder}/{name}{plain}{}.wasm",
                hash("wasm").unwrap_or_default()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> LeptosOptions {
        LeptosOptions::builder()
            .output_name("tickertape")
            .site_pkg_dir("pkg")
            .build()
    }

    #[test]
    fn names_carry_the_hashes_of_their_contents() {
        let names = Names::with(&options(), Some("js: 5aWw\nwasm: 5U0N\ncss: kF9i\n"));
        assert_eq!(names.script, "/pkg/tickertape.5aWw.js");
        assert_eq!(names.wasm, "/pkg/tickertape.5U0N.wasm");
    }

    #[test]
    fn names_without_hashes_are_the_tools() {
        let names = Names::with(&options(), None);
        assert_eq!(names.script, "/pkg/tickertape.js");
        assert!(names.wasm.starts_with("/pkg/tickertape"), "{names:?}");
        assert!(names.wasm.ends_with(".wasm"), "{names:?}");
    }
}
