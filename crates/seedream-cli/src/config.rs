//! Settings from environment variables and configuration files.
//!
//! A value comes from a flag, else from a variable, else from the profile that the user names, else from the file of the project
//! (`.seedream.toml`), else from the file of the user (`config.toml`), else it is the default. The file of a project may come with a
//! cloned repository: it can set the provider, the model, the size, and a folder below its own, but no command, host or key.

mod file;
mod key_command;
mod layer;
mod location;
mod project_out;
mod settings;
mod show;
mod variables;

pub(crate) use self::{settings::Settings, show::show};
