//! One connection, as far as the code that answers its requests knows it.

use crate::server::faulty_socket::ConnectionSchedule;
use crate::server::shared::Shared;

/// One connection of a server.
pub(crate) struct Connection {
    pub(crate) shared: Shared,
    pub(crate) caller: ConnectionSchedule,
}
