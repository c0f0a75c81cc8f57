//! Bodies: read to a limit, and answered as bytes or as a stream that another task feeds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

/// An answer's body.
#[derive(Debug)]
pub enum Body {
    /// All of it, known now.
    Whole(Bytes),
    /// As it comes from another task; it ends when the sender is dropped.
    Stream(mpsc::Receiver<Bytes>),
    /// As it comes from another task, which says when it is whole: a sender dropped before that breaks the connection,
    /// so that nobody takes a part for the whole.
    Pieces(mpsc::Receiver<Piece>),
}

/// A piece of an answer.
#[derive(Debug)]
pub enum Piece {
    /// More follows.
    More(Bytes),
    /// The last.
    Last(Bytes),
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Body {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let Self::Pieces(receiver) = self else { return Poll::Ready(None) };
        let piece = std::task::ready!(receiver.poll_recv(cx));
        Poll::Ready(match piece {
            Some(Piece::More(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::Last(bytes)) => {
                *self = Self::empty();
                Some(Ok(Frame::data(bytes)))
            }
            None => Some(Err(std::io::Error::other("the answer was given up"))),
        })
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Whole(text.into())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(receiver) => {
                receiver.poll_recv(cx).map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
            }
            body @ Self::Pieces(_) => body.poll_piece(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Stream(_) | Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// Why a body could not be read whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than allowed; what came is thrown away.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// No byte came for too long.
    #[error("no byte of the body came for {0:?}")]
    Stalled(Duration),
    /// The connection ended, or broke the protocol, before the body did.
    #[error("the body was cut: {0}")]
    Cut(String),
}

/// Reads a request's body whole: at most `limit` bytes, and never a pause longer than `pause`.
///
/// Cancel safe in the sense that dropping the future drops what was read.
pub async fn read_body(
    body: hyper::body::Incoming,
    limit: usize,
    pause: Duration,
) -> Result<Bytes, BodyError> {
    let declared = http_body::Body::size_hint(&body).lower();
    if usize::try_from(declared).unwrap_or(usize::MAX) > limit {
        return Err(BodyError::TooLarge { limit });
    }
    read_limited(body, limit, pause).await
}

/// As [`read_body`], for any body.
pub async fn read_limited<B>(mut body: B, limit: usize, pause: Duration) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(pause, body.frame()).await {
            Err(_) => return Err(BodyError::Stalled(pause)),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(BodyError::Cut(error.to_string())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        // Most bodies come in one piece, which is then not copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_sender_that_goes_before_the_last_piece_breaks_the_answer() {
        let (sender, receiver) = mpsc::channel(4);
        sender.send(Piece::More(Bytes::from("half"))).await.unwrap();
        drop(sender);
        assert!(Body::Pieces(receiver).collect().await.is_err());
        let (sender, receiver) = mpsc::channel(4);
        sender.send(Piece::More(Bytes::from("all"))).await.unwrap();
        sender.send(Piece::Last(Bytes::from(" of it"))).await.unwrap();
        drop(sender);
        assert_eq!(Body::Pieces(receiver).collect().await.unwrap().to_bytes(), "all of it");
    }
}
