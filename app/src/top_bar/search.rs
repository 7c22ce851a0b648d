use leptos::{html, prelude::*};

use crate::{
    state::{dashboard::Dashboard, navigation::Navigation},
    widgets::combobox::{Combobox, Decision},
};

/// The search for a symbol, by symbol or name.
#[component]
pub(crate) fn Search(navigation: Navigation) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let input = NodeRef::<html::Input>::new();
    let open = Callback::new(move |decision: Decision| {
        let symbol = match decision {
            Decision::Suggested(suggestion) => suggestion.symbol,
            Decision::Written(text) => match text.parse() {
                Ok(symbol) => symbol,
                Err(_) => return,
            },
        };
        if let Some(input) = input.get_untracked() {
            input.set_value("");
            let _ = input.blur();
        }
        let address = untrack(|| dashboard.address_of(symbol));
        if dashboard.knows(symbol) {
            navigation.open(&address);
        } else {
            // This page does not follow the symbol, so the server renders its page, or a problem.
            let _ = window().location().assign(&address);
        }
    });
    view! {
        <Combobox
            list="suggestions"
            label="Search symbols"
            placeholder="Search /"
            key="/"
            role="search"
            input
            decide=open
        />
    }
}
