//! placeholder until merged
use super::*;
/// placeholder
#[derive(Debug)]
pub struct Simulate;
impl Simulate {
    /// placeholder
    pub fn new(_seed: u64) -> Self {
        Simulate
    }
}
impl Feed for Simulate {
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
