//! The ways that downloads take: one to the endpoint's own origin, and one to everywhere else. No connection is shared with the
//! requests that carry a key.

use std::sync::Arc;

use crate::transport::Transport;

/// What sends: to the endpoint's own origin, and to everywhere else.
#[derive(Clone, Debug)]
pub(super) struct DownloadRoutes {
    pub(super) own: Arc<dyn Transport>,
    pub(super) public: Arc<dyn Transport>,
}
