use leptos::{html, prelude::*};

use crate::{
    state::{dashboard::Dashboard, navigation::Navigation},
    widgets::combobox::{Combobox, Decision},
};

/// Finds a symbol by itself or by its name, and opens it.
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
            // This page does not follow the symbol: the server renders its page, or explains why there is none.
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
