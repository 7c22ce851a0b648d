//! The files with which a browser installs the page: its manifest and icons, and the worker that shows that the server
//! cannot be reached. The page works without all of it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
};

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::http::{security::OwnPolicy, service::Service};

const MANIFEST: &str = r##"{
  "name": "Tickertape",
  "short_name": "Tickertape",
  "description": "Live quotes, charts and news of the symbols that you follow.",
  "id": "/",
  "start_url": "/",
  "scope": "/",
  "display": "standalone",
  "background_color": "#0f1419",
  "theme_color": "#0f1419",
  "categories": ["finance", "news"],
  "icons": [
    { "src": "/icon.svg", "sizes": "any", "type": "image/svg+xml" },
    { "src": "/icon-192.png", "sizes": "192x192", "type": "image/png" },
    { "src": "/icon-512.png", "sizes": "512x512", "type": "image/png" },
    { "src": "/icon-maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable" }
  ]
}
"##;

const WORKER: &str = include_str!("installed/worker.js");
const OFFLINE: &str = include_str!("installed/offline.html");
const OFFLINE_STYLE: &str = include_str!("installed/offline.css");
const OFFLINE_SCRIPT: &str = include_str!("installed/offline.js");

/// A file of the page at an address of its own.
#[derive(Clone, Copy)]
struct File {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

/// All but the worker, which changes with the version.
const FILES: [File; 8] = [
    File {
        path: "/manifest.webmanifest",
        content_type: "application/manifest+json",
        content: MANIFEST.as_bytes(),
    },
    File {
        path: "/offline",
        content_type: "text/html; charset=utf-8",
        content: OFFLINE.as_bytes(),
    },
    File {
        path: "/offline.css",
        content_type: "text/css; charset=utf-8",
        content: OFFLINE_STYLE.as_bytes(),
    },
    File {
        path: "/offline.js",
        content_type: "text/javascript; charset=utf-8",
        content: OFFLINE_SCRIPT.as_bytes(),
    },
    File {
        path: "/icon.svg",
        content_type: "image/svg+xml",
        content: include_bytes!("installed/icon.svg"),
    },
    File {
        path: "/icon-192.png",
        content_type: "image/png",
        content: include_bytes!("installed/icon-192.png"),
    },
    File {
        path: "/icon-512.png",
        content_type: "image/png",
        content: include_bytes!("installed/icon-512.png"),
    },
    File {
        path: "/icon-maskable-512.png",
        content_type: "image/png",
        content: include_bytes!("installed/icon-maskable-512.png"),
    },
];

/// The policy of the worker and the page that it keeps: their own files, and requests to their own server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of these files. `package` is the folder of the page's own files, whose names change with them.
pub(crate) fn router(package: &Path) -> Router<Arc<Service>> {
    let worker = WORKER.replacen("VERSION", &version(package), 1);
    let mut router = Router::new().route(
        "/sw.js",
        get(move || {
            let worker = worker.clone();
            async move { answer("text/javascript; charset=utf-8", worker) }
        }),
    );
    for File {
        path,
        content_type,
        content,
    } in FILES
    {
        router = router.route(
            path,
            get(move || async move { answer(content_type, content) }),
        );
    }
    router
}

/// An answer that a browser revalidates each time: these names stay while the content changes.
fn answer(content_type: &'static str, content: impl IntoResponse) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
        .extensions_mut()
        .insert(OwnPolicy(HeaderValue::from_static(POLICY)));
    response
}

/// A text that differs for each version of the files that the worker keeps.
fn version(package: &Path) -> String {
    let mut names: Vec<_> = match std::fs::read_dir(package) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
        // Without files there is nothing to keep.
        Err(_) => Vec::new(),
    };
    names.sort();
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    (WORKER, OFFLINE, OFFLINE_STYLE, OFFLINE_SCRIPT).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_package_is_another_version() {
        let folder =
            std::env::temp_dir().join(format!("tickertape-package-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let empty = version(&folder);
        std::fs::write(folder.join("tickertape.abc.js"), "").unwrap();
        let other = version(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_ne!(empty, other);
        assert_eq!(version(&folder), empty);
        assert_eq!(WORKER.matches("VERSION").count(), 1);
    }

    #[test]
    fn the_manifest_names_files_that_are_served() {
        let manifest: serde_json::Value = serde_json::from_str(MANIFEST).unwrap();
        let icons = manifest["icons"].as_array().unwrap();
        assert_eq!(icons.len(), 4);
        for icon in icons {
            let file = FILES.iter().find(|file| icon["src"] == file.path).unwrap();
            assert_eq!(icon["type"], file.content_type);
        }
    }
}
