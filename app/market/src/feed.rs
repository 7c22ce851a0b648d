use serde::{Deserialize, Serialize};

/// The state of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FeedStatus {
    /// The feed's name, as in [`crate::Session::source`].
    pub name: String,
    /// What it does now.
    pub state: FeedState,
    /// The reason, or what to do about it, if that is not obvious.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a feed does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FeedState {
    /// It has received nothing yet.
    Connecting,
    /// It receives data.
    Live,
    /// It lost its connection and tries again.
    Degraded,
    /// It has ended, as a recording does.
    Ended,
    /// It failed and does not try again: somebody has to act.
    Failed,
}
