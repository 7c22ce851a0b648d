/// How much less than others the threads of an archive are run where there is not enough processor
/// time for all: as much less as `nice` does by default.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lets all other threads of the machine go before this one, so that whoever follows the stream does
/// not wait for the disk's sake on a machine of one core. On Linux alone: elsewhere a
/// priority is that of the whole process.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "writes as eagerly as it streams");
    }
}

/// How many rows are written at a stretch: some tenths of a millisecond.
const STRETCH: u32 = 8;

/// A long piece of work that does not keep its processor for as long as the scheduler would let it.
#[derive(Debug, Default)]
pub(crate) struct Yielder(u32);

impl Yielder {
    /// Counts a row; now and then yields the processor to threads that wait for it.
    pub(crate) fn pass(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(STRETCH) {
            std::thread::yield_now();
        }
    }
}
