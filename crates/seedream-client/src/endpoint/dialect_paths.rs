//! The paths that a dialect puts below its base URL, and what they say of a base URL that was set.

use http::StatusCode;
use seedream_core::{
    Dialect, Error, ErrorKind, ImageRequest, Result, Strictness, Task, TaskId, is_loopback_host, redact,
};
use url::Url;

/// Cuts the dialect's own paths off the end of a base URL, where they would stand twice, and says what was cut off.
pub(super) fn cut_off(dialect: &dyn Dialect, url: &mut Url) -> Option<String> {
    let before = segments(url.path());
    let documented: Vec<_> = dialect.descriptor().base_urls.iter().map(|base| path_of(base)).collect();
    let mut kept = before.clone();
    // Asking the dialect is left out where nothing can stand twice.
    let is_right =
        |kept: &[String]| kept.is_empty() || documented.iter().any(|base| !base.is_empty() && ends_with(kept, base));
    if is_right(&kept) {
        return None;
    }
    let (submit, tasks) = (submit_path(dialect), tasks_path(dialect));
    let routes: Vec<_> = [submit, tasks.clone()].into_iter().flatten().map(|path| segments(&path)).collect();
    let tasks = tasks.map(|path| segments(&path));
    while !is_right(&kept) {
        let of_task = tasks.as_ref().filter(|tasks| kept.split_last().is_some_and(|(_, rest)| ends_with(rest, tasks)));
        let doubled = || routes.iter().filter_map(|route| doubled(&kept, route)).max();
        let Some(cut) = of_task.map(|tasks| tasks.len() + 1).or_else(doubled) else { break };
        kept.truncate(kept.len() - cut);
    }
    if kept.len() == before.len() {
        return None;
    }
    url.set_path(&kept.join("/"));
    Some(format!("/{}", before[kept.len()..].join("/")))
}

/// Whether the documented base URLs name a version of the interface, and this one does not.
///
/// # Errors
/// [`ErrorKind::Config`] with the documented one: which version a relay has is not to be guessed.
pub(super) fn has_version(dialect: &dyn Dialect, base: &str) -> Result<()> {
    let documented = &dialect.descriptor().base_urls;
    let lacks = |base: &str| !path_of(base).iter().any(|segment| is_version(segment));
    if !lacks(base) || documented.is_empty() || documented.iter().all(|base| lacks(base)) {
        return Ok(());
    }
    let message = format!(
        "the base URL {base} has no version, such as /v1 or /v3, and the client does not guess one: append it; the documented \
         base URL is {}",
        documented.join(" or ")
    );
    Err(Error::new(ErrorKind::Config, redact(&message)))
}

/// The URL of a submit that was not found, and where the provider's document sends it; `None` for every other error.
pub(crate) fn not_found_advice(dialect: &dyn Dialect, error: &Error) -> Option<String> {
    if error.status() != Some(StatusCode::NOT_FOUND) || error.task().is_some() {
        return None;
    }
    let place = &error.attempts().last()?.place;
    let path = submit_path(dialect).unwrap_or_default();
    let documented = dialect.descriptor().base_urls.join(" or ");
    Some(redact(&format!("{place}{path} was asked; the documented base URL is {documented}")))
}

/// How many segments at the end of a base URL are those with which a route begins: all of it, or a part that no base URL ends
/// with by chance.
fn doubled(base: &[String], route: &[String]) -> Option<usize> {
    (1..=route.len()).rev().find(|&count| {
        let sure = count > 1 || count == route.len() || is_version(&route[0]);
        sure && ends_with(base, &route[..count])
    })
}

fn ends_with(path: &[String], end: &[String]) -> bool {
    let from = path.len().checked_sub(end.len());
    from.is_some_and(|from| path[from..].iter().zip(end).all(|(a, b)| a.eq_ignore_ascii_case(b)))
}

/// Whether a base URL is that of a relay: its host is not one of the provider's own. A server on this machine with the provider's own
/// path stands in for the provider.
pub(crate) fn is_relay(dialect: &dyn Dialect, base_url: &str) -> bool {
    let sites = dialect.descriptor().sites.iter().map(|site| &site.base_url);
    let own: Vec<Url> =
        dialect.descriptor().base_urls.iter().chain(sites).filter_map(|url| Url::parse(url).ok()).collect();
    let Ok(url) = Url::parse(base_url) else { return false };
    let path = segments(url.path());
    let stands_in = |own: &Url| {
        let local = url.host_str().is_some_and(is_loopback_host);
        local && ends_with(&path, &segments(own.path()))
    };
    !own.iter().any(|own| own.host() == url.host() || stands_in(own))
}

/// `v1`, `V3`.
fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix(['v', 'V']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn path_of(base: &str) -> Vec<String> {
    Url::parse(base).map(|url| segments(url.path())).unwrap_or_default()
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// The path of a create request.
fn submit_path(dialect: &dyn Dialect) -> Option<String> {
    let model = dialect.descriptor().default_model.clone();
    let request = ImageRequest::new(model.clone(), "a kite");
    let checked = dialect.capabilities(&model).check(&request, Strictness::Off).ok()?;
    Some(dialect.encode(&checked).ok()?.uri().path().to_owned())
}

/// The path below which tasks have their ids.
fn tasks_path(dialect: &dyn Dialect) -> Option<String> {
    let task = Task::new(&dialect.descriptor().id, "", TaskId::new("task").ok()?, "".into());
    let poll = dialect.tasks()?.poll(&task).ok()?;
    poll.uri().path().strip_suffix("/task").map(str::to_owned)
}
