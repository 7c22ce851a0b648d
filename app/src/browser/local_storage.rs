//! The browser's local storage.

/// Why the browser stored nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no room left.
    Full,
    /// The person or an administrator has disabled it.
    Forbidden,
}

/// What the browser keeps under a name; none where it keeps nothing or access is forbidden.
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

/// Has the browser keep a text under a name.
pub(crate) fn keep(name: &str, text: &str) -> Result<(), Refusal> {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;

        let window = web_sys::window().ok_or(Refusal::Forbidden)?;
        // Where it is forbidden, looking for it fails already.
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
