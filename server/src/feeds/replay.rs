//! placeholder until merged
use super::*;
/// placeholder
#[derive(Debug)]
pub struct Replay;
impl Replay {
    /// placeholder
    pub fn new(_file: std::path::PathBuf, _speed: super::Speed) -> Self {
        Replay
    }
}
impl Feed for Replay {
    fn name(&self) -> &str {
        "x"
    }
    fn run<'a>(
        &'a mut self,
        _p: &'a Publisher,
    ) -> futures_util::future::BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(async { Ok(End::Finished) })
    }
}
