//! Reads the body of a request before anybody knows who sent it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most bytes read of a body that is too large, before the connection is closed. GitHub's have up to 25 MB.
const MAX_THROWN_AWAY: usize = 32 * 1024 * 1024;

/// The beginning of each body, which is always taken: those of Discord, and of GitHub about runs and jobs, are no longer. So a
/// client that lets large ones hang keeps nobody else out.
pub(super) const ALWAYS_TAKEN: usize = 64 * 1024;

/// What all bodies may hold together beyond that. With the buffers' growth it is twice as much at most, and the unit and the
/// compose file allow 256 MiB.
const MOST_HELD: usize = 48 * 1024 * 1024;

/// Why a body was not read.
pub(super) enum Unread {
    TooLarge,
    Broken,
    /// Others hold as much as there may be.
    Busy,
}

/// The memory that bodies may take, of all connections together; cheap to clone.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A body, and the room that it takes until it is dropped.
pub(super) struct Body {
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self::of(MOST_HELD)
    }

    pub(super) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Reads a body of at most `limit` bytes. The rest of a body that is not taken is read and discarded: a client that is
    /// still sending when the connection closes would not see the answer.
    pub(super) async fn read(&self, mut body: Incoming, limit: usize) -> Result<Body, Unread> {
        let mut taken = Ok(Taken::default());
        let mut seen = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Unread::Broken)?;
            let data = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
            seen += data.len();
            taken = match taken {
                Ok(_) if seen > limit => Err(Unread::TooLarge),
                Ok(taken) => self.add(taken, data),
                Err(unread) => Err(unread),
            };
            if seen > MAX_THROWN_AWAY {
                break;
            }
        }
        let Taken { bytes, room } = taken?;
        Ok(Body { bytes: bytes.freeze(), _room: room })
    }

    fn add(&self, mut taken: Taken, data: &[u8]) -> Result<Taken, Unread> {
        let has = taken.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = (taken.bytes.len() + data.len()).saturating_sub(ALWAYS_TAKEN + has);
        if more > 0 {
            let more = u32::try_from(more).map_err(|_| Unread::Busy)?;
            let more = self.0.clone().try_acquire_many_owned(more).map_err(|_| Unread::Busy)?;
            match &mut taken.room {
                Some(room) => room.merge(more),
                None => taken.room = Some(more),
            }
        }
        taken.bytes.extend_from_slice(data);
        Ok(taken)
    }
}

/// What was taken of a body so far.
#[derive(Default)]
struct Taken {
    bytes: BytesMut,
    room: Option<OwnedSemaphorePermit>,
}
