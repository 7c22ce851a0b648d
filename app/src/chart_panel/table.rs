use chart::Table;
use leptos::{html, prelude::*};

use crate::{
    lean::{
        reactive::{drawn, effect_after, handler},
        signal::RwSignal,
    },
    state::dashboard::Dashboard,
};

/// The maximum number of rows. The file that can be saved has all.
const ROWS: usize = 60;

/// The chart's data as a table. It is as of the moment in which it was opened, so that nothing moves under the reader.
#[component]
pub(crate) fn ChartTable() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let shown = RwSignal::new(Table::default());
    let details = NodeRef::<html::Details>::new();
    let take = move || shown.set(dashboard.chart.handle.table(ROWS));
    let toggle = move |_| match details.get_untracked() {
        Some(details) if details.open() => take(),
        _ => shown.set(Table::default()),
    };
    effect_after(move |before: Option<()>| {
        dashboard.market.open.track();
        dashboard.chart.choices.range.track();
        if before.is_some()
            && let Some(details) = details.get_untracked()
        {
            details.set_open(false);
        }
    });
    let cells = move |cells: Vec<String>| {
        let cells = cells.into_iter().map(|text| view! { <td>{text}</td> });
        view! { <tr>{cells.collect_view()}</tr> }
    };
    view! {
        <details class="chart-table" node_ref=details on:toggle=handler(toggle)>
            <summary>"Data table"</summary>
            <div class="chart-table-body" tabindex="0" role="region" aria-label="Data table">
                <button type="button" on:click=handler(move |_| take())>
                    "Refresh"
                </button>
                <table>
                    <thead>
                        <tr>
                            {drawn(move || {
                                let head = shown.with(|table| table.head.clone());
                                let cell = |name| view! { <th scope="col">{name}</th> };
                                head.into_iter().map(cell).collect_view()
                            })}
                        </tr>
                    </thead>
                    <tbody>
                        {drawn(move || {
                            let rows = shown.with(|table| table.rows.clone());
                            rows.into_iter().map(cells).collect_view()
                        })}
                    </tbody>
                </table>
            </div>
        </details>
    }
}
