//! Why a worker is left, or none answers.

use std::{borrow::Cow, io};
use thiserror::Error;
use wire::WireError;

/// The end of a connection to a worker, or of an attempt to get one.
#[derive(Debug, Error)]
pub enum End {
    /// The worker asked for it, and nothing is open with it or to be sent any more.
    #[error("it asked to be left")]
    Retired,
    /// It does not speak in time, or has long said nothing, not even to a PING.
    #[error("it says nothing")]
    Silent,
    /// So much waits for it that it cannot be reading.
    #[error("it reads nothing")]
    Unread,
    /// It closed the connection before it said a word.
    #[error("it closes the connection; its option peer may not let our user in")]
    TurnedAway,
    /// It closed the connection later, or died.
    #[error("it closes the connection")]
    Closed,
    /// The system reported this.
    #[error(transparent)]
    Failed(#[from] io::Error),
    /// It sent something that is no frame or no message.
    #[error("it broke the protocol ({0})")]
    Wire(#[from] WireError),
    /// It sent something that is not its to send, or not then, or that HTTP cannot say.
    #[error("it broke the protocol ({0})")]
    Violation(Cow<'static, str>),
}

impl End {
    /// Whether it is for what the worker does against the rules. Its death is the master's to report.
    pub fn is_its_fault(&self) -> bool {
        matches!(self, End::Silent | End::Unread | End::Wire(_) | End::Violation(_))
    }
}
