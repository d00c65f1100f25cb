//! Makes the lines of the log, but only those that somebody may still read.
//!
//! The library `env_logger` filters and makes them, and they go to a [`LogQueue`]. Where that is full, a
//! line is counted and not made, since to make it would take time for nothing.

use log::{Log, Metadata, Record};

use super::log_queue::LogQueue;

/// The logger of the program.
#[derive(Debug)]
pub struct Logger {
    /// Writes to the queue.
    lines: env_logger::Logger,
    queue: LogQueue,
}

impl Logger {
    /// Lines as they are set up in `builder`, to the queue.
    #[must_use]
    pub fn new(mut builder: env_logger::Builder, queue: LogQueue) -> Self {
        let target = env_logger::Target::Pipe(Box::new(queue.clone()));
        Self { lines: builder.target(target).build(), queue }
    }

    /// Logs with it from now on.
    ///
    /// # Errors
    ///
    /// When the program has a logger.
    pub fn install(self) -> Result<(), log::SetLoggerError> {
        log::set_max_level(self.lines.filter());
        log::set_boxed_logger(Box::new(self))
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.lines.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.lines.matches(record) && !self.queue.count_dropped() {
            self.lines.log(record);
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fmt;
    use std::io::{self, Read};
    use std::time::Duration;

    use super::*;

    /// What a line says, and how often it was made.
    struct Text<'a>(&'a Cell<usize>);

    impl fmt::Display for Text<'_> {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            formatter.write_str(&"x".repeat(4000))
        }
    }

    fn say(logger: &Logger, level: log::Level, text: &Text<'_>) {
        logger.log(&Record::builder().level(level).args(format_args!("{text}")).build());
    }

    /// Nobody takes the log. Lines are made until it is full, and then only counted; those that are not
    /// wanted are neither.
    #[test]
    fn a_line_that_would_be_dropped_is_not_made() {
        let queue = LogQueue::default();
        let mut builder = env_logger::Builder::new();
        builder.filter_level(log::LevelFilter::Info);
        let logger = Logger::new(builder, queue.clone());
        let made = Cell::new(0);
        (0..10_000).for_each(|_| say(&logger, log::Level::Info, &Text(&made)));
        assert!(made.get() < 300, "{} lines were made", made.get());
        (0..1000).for_each(|_| say(&logger, log::Level::Debug, &Text(&made)));

        let (mut reader, writer) = io::pipe().unwrap();
        queue.spawn(writer).unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"for nobody took them\n") {
            let mut bytes = [0; 4096];
            let count = reader.read(&mut bytes).unwrap();
            text.extend_from_slice(&bytes[..count]);
        }
        queue.flush(Duration::from_secs(60));
        let text = String::from_utf8(text).unwrap();
        // The last one that was made was the first that found no space.
        let taken = made.get() - 1;
        assert_eq!(text.lines().count(), taken + 1);
        let note = format!("{} lines of the log are missing here", 10_000 - taken);
        assert!(text.lines().last().unwrap().starts_with(&note), "{:?}", text.lines().last());

        // There is space again.
        say(&logger, log::Level::Info, &Text(&made));
        assert_eq!(made.get(), taken + 2);
    }
}
