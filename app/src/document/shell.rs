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

/// The id of the element after the page.
const END: &str = "unsupported";

/// The id of the message that the page has stopped.
const STOPPED: &str = "stopped";

/// Shows a message if the browser has no WebAssembly, or if the page's script or WebAssembly fails to load. The page
/// itself cannot show it.
const CHECK: &str = r#"{const message=document.getElementById("unsupported");if(typeof WebAssembly!=="object")message.hidden=false;else addEventListener("unhandledrejection",()=>{if(document.querySelector('[data-state="connecting"]')){message.firstElementChild.textContent="A part of the page did not load";message.hidden=false}})}"#;

/// Shows that the page has stopped, when its WebAssembly no longer runs. It replaces the element with the state of the
/// connection, since the program may still write to the old one.
fn stopped() -> String {
    let (event, title) = (stopped::EVENT, stopped::TITLE);
    format!(
        r#"{{const message=document.getElementById("{STOPPED}");const stop=()=>{{if(!message.hidden)return;message.hidden=false;document.title="{title}";const old=document.querySelector(".connection"),now=old.cloneNode();now.dataset.state="stopped";now.removeAttribute("title");now.textContent="Stopped";old.replaceWith(now)}};message.querySelector("button").addEventListener("click",()=>location.reload());addEventListener("{event}",stop);for(const name of["error","unhandledrejection"])addEventListener(name,event=>{{const error=event.error??event.reason;if(globalThis.WebAssembly&&error instanceof WebAssembly.RuntimeError)stop()}})}}"#
    )
}

/// Sets the stored theme, palette and flash on the root element before anything is drawn, so that the page does not
/// flash in other colours. The style sheets ignore unknown choices.
fn remembered_looks() -> String {
    let (name, version) = ([PREFIX, preferences::KEY].concat(), VERSION);
    format!(
        r#"try{{let t=localStorage.getItem("{name}")||"";if(t.startsWith("{version}"))for(let w of t.split(" ")){{let m=/^(theme|palette|flash)=([a-z-]+)$/.exec(w);if(m)document.documentElement.dataset[m[1]]=m[2]}}}}catch{{}}"#
    )
}

/// Sets light colours while the page is printed, also for canvases.
const PRINT: &str = r#"{const data=document.documentElement.dataset;let chosen;addEventListener("beforeprint",()=>{chosen=data.theme;data.theme="light"});addEventListener("afterprint",()=>{if(chosen)data.theme=chosen;else delete data.theme})}"#;

/// Registers the service worker, which shows a page when the server cannot be reached. The page does not need it, so it
/// is registered after loading.
const WORKER: &str = r#"if("serviceWorker"in navigator&&isSecureContext)addEventListener("load",()=>navigator.serviceWorker.register("/sw.js",{updateViaCache:"none"}).catch(()=>{}))"#;

/// The icon: a rising line, inline so that it needs no request.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
%3Cpath d='M1 13 6 7l3 3 6-8' fill='none' stroke='%234c8dff' stroke-width='2'/%3E%3C/svg%3E";

/// The HTML document around the page. It is drawn from the [`PageData`] of the context and contains it, so that the
/// script starts from the same data.
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
                // The browser shows nothing until it has read the whole page, since a partial page has another layout.
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

/// The data as JSON for a script element. `<` is escaped, so that it cannot contain `</script>` or `<!--`.
fn embedded(data: &PageData) -> String {
    // This fails only for maps whose keys are not strings, and there are none.
    serde_json::to_string(data)
        .unwrap_or_default()
        .replace('<', "\\u003c")
}
