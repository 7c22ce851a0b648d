use serde::{Deserialize, Serialize};

/// How one feed is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FeedStatus {
    /// The feed's name, as it stands in [`crate::Session::source`].
    pub name: String,
    /// What it does now.
    pub state: FeedState,
    /// Why, or what to do about it, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a feed does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FeedState {
    /// It has not spoken yet.
    Connecting,
    /// It speaks.
    Live,
    /// It broke off and tries again.
    Degraded,
    /// It came to its end, as a recording does.
    Ended,
    /// It gave up: somebody has to act.
    Failed,
}
