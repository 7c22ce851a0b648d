use chart::Chart;
use leptos::prelude::*;

use crate::{
    chart_panel::{
        menus::{CompareMenu, SaveMenu, StudiesMenu},
        range_buttons::RangeButtons,
        selects::{KindSelect, ScaleSelect},
        table::ChartTable,
    },
    lean::reactive::drawn,
    state::dashboard::Dashboard,
};

/// The chart of the open symbol, its controls and its table.
#[component]
pub(crate) fn ChartPanel(
    /// Whether the open symbol is known.
    #[prop(into)]
    known: Signal<bool>,
    /// Called with the id of a story when its pin is opened.
    on_story: Callback<String>,
) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let name = Signal::derive(move || {
        let open = dashboard.market.open.get();
        open.map(|symbol| symbol.to_string()).unwrap_or_default()
    });
    view! {
        <section class="chart-panel" aria-label="Chart" hidden=drawn(move || !known.get())>
            <div class="chart-tools">
                <RangeButtons />
                <KindSelect />
                <ScaleSelect />
                <StudiesMenu />
                <CompareMenu />
                <SaveMenu />
            </div>
            <Chart handle=dashboard.chart.handle name=name on_pin=on_story />
            <ChartTable />
        </section>
    }
}
