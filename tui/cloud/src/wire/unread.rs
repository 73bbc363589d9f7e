//! A request's body that is read to its end even where the answer does not need it.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// How long a client may go on sending what nobody reads.
const READ_AWAY_WITHIN: Duration = Duration::from_secs(5);

/// The body of a request. Over HTTP/2 what is left of it when it is dropped is read away: to drop it
/// resets the stream, and a client that is still sending takes that for a failure and does not see
/// the refusal. Over HTTP/1 the connection itself sees to that.
pub(crate) struct Unread {
    body: Option<Incoming>,
    over_http2: bool,
}

impl Unread {
    /// The body of a request of that version.
    pub fn new(body: Incoming, version: http::Version) -> Self {
        Self { body: Some(body), over_http2: version == http::Version::HTTP_2 }
    }
}

impl Body for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| self.over_http2 && !body.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let read_away = async { while let Some(Ok(_)) = body.frame().await {} };
            let _ = tokio::time::timeout(READ_AWAY_WITHIN, read_away).await;
        });
    }
}
