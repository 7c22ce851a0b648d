//! The browser's local storage.

/// Why the browser did not store a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no room left.
    Full,
    /// The person or an administrator has disabled it.
    Forbidden,
}

/// The text stored under a name; `None` if there is none or access is forbidden.
pub(crate) fn kept(name: &str) -> Option<String> {
    #[cfg(target_arch = "wasm32")]
    return web_sys::window()?
        .local_storage()
        .ok()??
        .get_item(name)
        .ok()?;
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = name;
        None
    }
}

/// Stores a text under a name.
pub(crate) fn keep(name: &str, text: &str) -> Result<(), Refusal> {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;

        let window = web_sys::window().ok_or(Refusal::Forbidden)?;
        // If storage is forbidden, access to the property already fails.
        let storage = window.local_storage().map_err(|_| Refusal::Forbidden)?;
        let storage = storage.ok_or(Refusal::Forbidden)?;
        storage.set_item(name, text).map_err(|error| {
            let error = error.dyn_into::<web_sys::DomException>();
            match error.is_ok_and(|error| error.name() == "QuotaExceededError") {
                true => Refusal::Full,
                false => Refusal::Forbidden,
            }
        })
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = (name, text);
        Ok(())
    }
}
