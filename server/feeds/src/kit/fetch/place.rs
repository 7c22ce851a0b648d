use reqwest::Url;

/// An address in a form that may be shown.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let url: Url = "https://me:secret@a.example:8443/b?key=secret#c"
            .parse()
            .unwrap();
        assert_eq!(place(&url), "https://a.example:8443/b");
    }
}
