//! Writes a file's lines on a thread of its own: the app never waits for a disk.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// How much may wait to be written, about; further items are let go, and counted.
const WAITING_BYTES: usize = 32 * 1024 * 1024;
/// The largest file that is written.
const LARGEST_BYTES: u64 = 256 * 1024 * 1024;

/// Who is told that writing failed, and why: it has ended then.
pub type Failed = Box<dyn FnOnce(String) + Send>;

/// Makes a file for its owner alone; one that is there is never overwritten.
pub fn create(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

/// Writes what it is given, in order.
pub struct Writer<T> {
    items: Option<mpsc::Sender<(T, usize)>>,
    waiting: Arc<AtomicUsize>,
    missed: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl<T: Send + 'static> Writer<T> {
    /// Writes the first line, then each item as `encode` says; it learns how many items were missed
    /// since the last one.
    pub fn start(
        file: File,
        first: String,
        mut encode: impl FnMut(T, u64) -> Vec<String> + Send + 'static,
        failed: Failed,
    ) -> Self {
        let (items, source) = mpsc::channel::<(T, usize)>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let missed = Arc::new(AtomicU64::new(0));
        let (counted, lost) = (waiting.clone(), missed.clone());
        let write = move || -> io::Result<()> {
            let mut file = BufWriter::new(file);
            let mut written = 0;
            let mut line = |file: &mut BufWriter<File>, line: &str| {
                written += line.len() as u64 + 1;
                if written > LARGEST_BYTES {
                    return Err(io::Error::other("it has reached 256 MB, the most that is written"));
                }
                file.write_all(line.as_bytes())?;
                file.write_all(b"\n")
            };
            line(&mut file, &first)?;
            file.flush()?;
            while let Ok(next) = source.recv() {
                let mut next = Some(next);
                while let Some((item, weight)) = next {
                    counted.fetch_sub(weight, Ordering::Relaxed);
                    for text in encode(item, lost.swap(0, Ordering::Relaxed)) {
                        line(&mut file, &text)?;
                    }
                    next = source.try_recv().ok();
                }
                // Nothing waits: what is there is on its way to the disk, should the app be killed.
                file.flush()?;
            }
            Ok(())
        };
        let thread = thread::spawn(move || {
            if let Err(error) = write() {
                failed(error.to_string());
            }
        });
        Self { items: Some(items), waiting, missed, thread: Some(thread) }
    }

    /// Hands an item over that takes about so many bytes.
    pub fn give(&self, item: T, weight: usize) {
        let Some(items) = &self.items else { return };
        if self.waiting.load(Ordering::Relaxed) + weight > WAITING_BYTES {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.waiting.fetch_add(weight, Ordering::Relaxed);
        // Nobody takes it where writing has failed, and that was said.
        let _ = items.send((item, weight));
    }
}

impl<T> Drop for Writer<T> {
    /// What was given is written to the end.
    fn drop(&mut self) {
        self.items = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_in_order_to_a_file_of_ones_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines");
        let failed = Box::new(|error| panic!("{error}"));
        let writer = Writer::start(
            create(&path).expect("a file"),
            "first".to_owned(),
            |item: u32, missed| vec![format!("{item} {missed}")],
            failed,
        );
        writer.give(1, 1);
        writer.give(2, WAITING_BYTES + 1);
        writer.give(3, 1);
        drop(writer);
        let text = std::fs::read_to_string(&path).expect("the file");
        // The missed one is said with whichever item is written next.
        assert!(["first\n1 0\n3 1\n", "first\n1 1\n3 0\n"].contains(&text.as_str()), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("its mode").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let again = create(&path).expect_err("it is there");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said() {
        let (sender, told) = mpsc::channel();
        let file = OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
        let failed = Box::new(move |error| sender.send(error).expect("told"));
        let writer = Writer::start(file, "first".to_owned(), |(), _| Vec::new(), failed);
        drop(writer);
        assert!(told.recv().expect("a word").contains("No space left"));
    }
}
