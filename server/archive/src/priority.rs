/// By how much the threads of an archive are deprioritised if there is not enough processor time: as much as `nice`
/// does by default.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lets all other threads of the machine run before this one, so that streams are not delayed by disk work on a machine
/// with one core. On Linux only: elsewhere a priority applies to the whole process.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "writes as eagerly as it streams");
    }
}

/// How many rows are written at a stretch: some tenths of a millisecond.
const STRETCH: u32 = 8;

/// A long job that yields its processor more often than the scheduler would require.
#[derive(Debug, Default)]
pub(crate) struct Yielder(u32);

impl Yielder {
    /// Counts a row; now and then yields the processor to waiting threads.
    pub(crate) fn pass(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(STRETCH) {
            std::thread::yield_now();
        }
    }
}
