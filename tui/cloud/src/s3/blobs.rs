//! Bodies on disk: written once, whole, read any number of times, gone with their last user.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use s3s::dto::StreamingBlob;
use tokio::io::AsyncWriteExt as _;

/// Bodies up to this size pass through memory whole.
const WHOLE_BYTES: u64 = 256 * 1024;
/// How much of a larger body is read at once.
const CHUNK_BYTES: usize = 128 * 1024;

/// What the folders of bodies are called; no bucket can be.
const FOLDER: &str = ".objects-";
/// The file in such a folder that a living cloud holds a lock on.
const LOCK: &str = "lock";

/// The folder that bodies are kept in; removed with this value.
#[derive(Debug)]
pub(super) struct Blobs {
    folder: Arc<PathBuf>,
    next: AtomicU64,
    _lock: Option<File>,
}

/// One body. Its file goes with the last value that refers to it, so that a reader keeps what it
/// reads while the object is replaced or deleted.
#[derive(Debug)]
pub(super) struct Blob {
    folder: Arc<PathBuf>,
    id: u64,
    size: u64,
}

impl Blobs {
    /// Keeps bodies in a folder of its own under `data_dir`, and removes those of clouds that were
    /// killed. A folder that cannot be made shows at the first write.
    pub fn new(data_dir: &Path) -> Self {
        remove_abandoned(data_dir);
        let folder = data_dir.join(format!("{FOLDER}{}", uuid::Uuid::new_v4().simple()));
        let lock = std::fs::create_dir_all(&folder).and_then(|()| File::create(folder.join(LOCK)));
        let lock = lock.and_then(|file| file.try_lock().map(|()| file).map_err(Into::into));
        Self { folder: Arc::new(folder), next: AtomicU64::new(0), _lock: lock.ok() }
    }

    /// Keeps a body as it comes.
    pub fn writer(&self) -> Writer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        Writer { blob: Blob { folder: self.folder.clone(), id, size: 0 }, buffer: BytesMut::new(), file: None }
    }
}

/// Removes the folders of bodies whose cloud lives no more.
fn remove_abandoned(data_dir: &Path) {
    let Ok(entries) = std::fs::read_dir(data_dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER)) {
        let folder = entry.path();
        if let Ok(lock) = File::open(folder.join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&*self.folder);
    }
}

/// Opens a new file. It can only be read from then on, since people see it (see
/// [`super::mirror`]), and an object never changes.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
    options.open(path)
}

/// A body on its way to the disk.
pub(super) struct Writer {
    blob: Blob,
    buffer: BytesMut,
    file: Option<tokio::fs::File>,
}

impl Writer {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.blob.size += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() as u64 > WHOLE_BYTES {
            self.spill().await?;
        }
        Ok(())
    }

    async fn spill(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = self.blob.path();
                none.insert(tokio::fs::File::from_std(blocking(move || create(&path)).await?))
            }
        };
        file.write_all(&self.buffer).await?;
        self.buffer.clear();
        Ok(())
    }

    /// The bytes taken so far.
    pub fn size(&self) -> u64 {
        self.blob.size
    }

    /// Ends the body: from here on it can be read.
    pub async fn finish(mut self) -> std::io::Result<Arc<Blob>> {
        if self.file.is_none() {
            let (path, body) = (self.blob.path(), self.buffer.split());
            blocking(move || create(&path)?.write_all(&body)).await?;
        } else {
            self.spill().await?;
            if let Some(mut file) = self.file.take() {
                file.flush().await?;
            }
        }
        Ok(Arc::new(self.blob))
    }
}

impl Blob {
    /// Where its file is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(format!("{:x}", self.id))
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads it whole.
    pub async fn read(self: &Arc<Self>) -> std::io::Result<Bytes> {
        let blob = self.clone();
        blocking(move || std::fs::read(blob.path()).map(Bytes::from)).await
    }

    /// Reads a part of it, as a stream where it is large.
    pub async fn stream(self: &Arc<Self>, range: Range<u64>) -> std::io::Result<StreamingBlob> {
        let blob = self.clone();
        let length = range.end.saturating_sub(range.start);
        if length <= WHOLE_BYTES {
            let bytes = blocking(move || {
                let mut file = blob.open_at(range.start)?;
                let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            })
            .await?;
            return Ok(StreamingBlob::from(s3s::Body::from(bytes)));
        }
        let file = blocking(move || blob.open_at(range.start)).await?;
        let part = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), length);
        Ok(StreamingBlob::wrap(tokio_util::io::ReaderStream::with_capacity(part, CHUNK_BYTES)))
    }

    fn open_at(&self, position: u64) -> std::io::Result<File> {
        let mut file = File::open(self.path())?;
        if position > 0 {
            file.seek(SeekFrom::Start(position))?;
        }
        Ok(file)
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}

/// Runs what waits for the disk where waiting holds nobody up.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_there_as_long_as_someone_has_it() {
        let data = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(data.path());
        let mut writer = blobs.writer();
        writer.write(b"kept").await.unwrap();
        let blob = writer.finish().await.unwrap();
        let (path, other) = (blob.path(), blob.clone());
        drop(blob);
        assert_eq!(other.read().await.unwrap(), "kept");
        drop(other);
        assert!(!path.exists());
        let path = { blobs.writer().blob.path() };
        assert!(!path.exists(), "a body that was given up is still there");
    }

    #[test]
    fn only_the_folders_of_dead_clouds_are_removed() {
        let data = tempfile::tempdir().unwrap();
        let abandoned = data.path().join(format!("{FOLDER}old"));
        std::fs::create_dir(&abandoned).unwrap();
        std::fs::write(abandoned.join(LOCK), "").unwrap();
        let living = Blobs::new(data.path());
        assert!(!abandoned.exists());
        let other = Blobs::new(data.path());
        assert!(living.folder.exists() && other.folder.exists());
    }
}
