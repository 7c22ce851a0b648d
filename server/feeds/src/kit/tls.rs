/// Installs the cryptography of every connection that this process opens: with two providers in one build the choice
/// would be arbitrary. Call it before the first one; calling it again does no harm.
pub fn provide_tls() {
    // It fails if there is one already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
