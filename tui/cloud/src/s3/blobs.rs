//! Bodies on disk: written once, whole, read any number of times, gone with their last user.

use std::{
    io::{Read as _, Seek as _, SeekFrom},
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

/// The folder that bodies are kept in; removed with this value.
#[derive(Debug)]
pub(super) struct Blobs {
    folder: Arc<PathBuf>,
    next: AtomicU64,
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
    /// Keeps bodies under `data_dir`, in a folder that no bucket can be named like.
    pub fn new(data_dir: &Path) -> Self {
        let folder = data_dir.join(format!(".objects-{}", uuid::Uuid::new_v4().simple()));
        Self { folder: Arc::new(folder), next: AtomicU64::new(0) }
    }

    /// Keeps a body as it comes.
    pub fn writer(&self) -> Writer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        Writer { blob: Blob { folder: self.folder.clone(), id, size: 0 }, buffer: BytesMut::new(), file: None }
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&*self.folder);
    }
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
                tokio::fs::create_dir_all(&*self.blob.folder).await?;
                none.insert(tokio::fs::File::create_new(self.blob.path()).await?)
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
        self.spill().await?;
        if let Some(mut file) = self.file.take() {
            file.flush().await?;
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

    fn open_at(&self, position: u64) -> std::io::Result<std::fs::File> {
        let mut file = std::fs::File::open(self.path())?;
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
