use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::{
    app::App,
    browser::storage::{PREFIX, VERSION},
    document::{program::Program, stopped},
    format::clock::{self, Zone},
    settings::preferences,
    state::page_data::PageData,
};

/// The id of what comes after the page.
const END: &str = "unsupported";

/// The id of the message that the page has stopped.
const STOPPED: &str = "stopped";

/// Shows a sentence where the browser has no WebAssembly, or where the page's script or WebAssembly did not
/// come: the page itself cannot show it.
const CHECK: &str = r#"{const say=document.getElementById("unsupported");if(typeof WebAssembly!=="object")say.hidden=false;else addEventListener("unhandledrejection",()=>{if(document.querySelector('[data-state="connecting"]')){say.firstElementChild.textContent="A part of the page did not load";say.hidden=false}})}"#;

/// Shows that the page has stopped: its WebAssembly has, so that this is all that still runs. The state of the connection is
/// another element from then on, since the program may still write to the one that it has.
fn stopped() -> String {
    let (event, title) = (stopped::EVENT, stopped::TITLE);
    format!(
        r#"{{const said=document.getElementById("{STOPPED}");const stop=()=>{{if(!said.hidden)return;said.hidden=false;document.title="{title}";const old=document.querySelector(".connection"),now=old.cloneNode();now.dataset.state="stopped";now.removeAttribute("title");now.textContent="Stopped";old.replaceWith(now)}};said.querySelector("button").addEventListener("click",()=>location.reload());addEventListener("{event}",stop);for(const name of["error","unhandledrejection"])addEventListener(name,event=>{{const error=event.error??event.reason;if(globalThis.WebAssembly&&error instanceof WebAssembly.RuntimeError)stop()}})}}"#
    )
}

/// Puts the theme and the palette that this browser remembers on the root before anything is drawn,
/// so that the page does not flash in others. What is no choice of today's means nothing to the
/// style sheets.
fn remembered_looks() -> String {
    let (name, version) = ([PREFIX, preferences::KEY].concat(), VERSION);
    format!(
        r#"try{{let t=localStorage.getItem("{name}")||"";if(t.startsWith("{version}"))for(let w of t.split(" ")){{let m=/^(theme|palette|flash)=([a-z-]+)$/.exec(w);if(m)document.documentElement.dataset[m[1]]=m[2]}}}}catch{{}}"#
    )
}

/// Has the page in light colours while it is printed, whatever was chosen for the screen, its canvases too.
const PRINT: &str = r#"{const data=document.documentElement.dataset;let chosen;addEventListener("beforeprint",()=>{chosen=data.theme;data.theme="light"});addEventListener("afterprint",()=>{if(chosen)data.theme=chosen;else delete data.theme})}"#;

/// Has the browser keep what it needs to show that the server cannot be reached, where it may. The page
/// does not need it, and comes first.
const WORKER: &str = r#"if("serviceWorker"in navigator&&isSecureContext)addEventListener("load",()=>navigator.serviceWorker.register("/sw.js",{updateViaCache:"none"}).catch(()=>{}))"#;

/// A rising line, without a request of its own.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
%3Cpath d='M1 13 6 7l3 3 6-8' fill='none' stroke='%234c8dff' stroke-width='2'/%3E%3C/svg%3E";

/// The HTML document around the page. It is drawn from the [`PageData`] of the context, and carries
/// it, so that the script starts from the same numbers.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let data = use_context::<PageData>().unwrap_or_default();
    let drawn = clock::exact(data.snapshot.time, Zone::Utc);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta
                    name="description"
                    content="Live quotes, charts and news of the symbols that you follow."
                />
                <meta name="color-scheme" content="dark light" />
                <meta name="theme-color" content="#0f1419" media="(prefers-color-scheme: dark)" />
                <meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)" />
                <link rel="icon" href=ICON />
                <link rel="manifest" href="/manifest.webmanifest" />
                <link rel="apple-touch-icon" href="/icon-192.png" />
                // A browser that has read a part of the page shows nothing of it until it has read the rest:
                // what is half there takes another place than the whole.
                <link rel="expect" href=format!("#{END}") blocking="render" />
                <script nonce=use_nonce() inner_html=remembered_looks()></script>
                <HashedStylesheet id="leptos" options=options.clone() />
                <AutoReload options=options.clone() />
                <Program options />
                <MetaTags />
            </head>
            <body>
                <App />
                <p id=END class="fallback" hidden>
                    <span>"This browser has no WebAssembly"</span>
                    ", so the page cannot follow the market. It shows "
                    {drawn.clone()} ". "
                    <a href="">"Load again"</a>
                </p>
                <noscript>
                    <p class="fallback">
                        "Without JavaScript the page cannot follow the market. It shows " {drawn}
                        ". "
                        <a href="">"Load again"</a>
                    </p>
                </noscript>
                <script type="application/json" id="page-data" inner_html=embedded(&data)></script>
                <p id=STOPPED class="fallback" role="alert" hidden>
                    "This page has stopped: what it shows does not change any more. "
                    <button type="button">"Reload"</button>
                </p>
                <script nonce=use_nonce() inner_html=stopped()></script>
                <script nonce=use_nonce() inner_html=CHECK></script>
                <script nonce=use_nonce() inner_html=[WORKER, PRINT].join("\n")></script>
            </body>
        </html>
    }
}

/// The data as JSON that no text in it can end: `<` is written as an escape, so that neither
/// `</script>` nor `<!--` can stand in it.
fn embedded(data: &PageData) -> String {
    // No type here has a map with keys that are not text, which is all that could fail.
    serde_json::to_string(data)
        .unwrap_or_default()
        .replace('<', "\\u003c")
}
