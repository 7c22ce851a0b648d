/// Names the cryptography of every connection that this process opens: two providers in one build
/// would leave the choice to chance. To be called before the first one; again does no harm.
pub fn provide_tls() {
    // It fails when there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
