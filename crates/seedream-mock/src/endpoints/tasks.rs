//! Tasks: created by a request, advanced by polls or by time.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::{
    CodeFacts, ErrorCause, EvidenceKind, FieldRole, Placeholder, TaskFacts, TaskPhase, TaskResponse,
};

use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::faults::reshape::task_status;
use crate::faults::shape_words::TaskFault;
use crate::image::signed_url::UrlScope;
use crate::image::test_image::TestImage;
use crate::json::path;
use crate::request::address::DEFAULT_SESSION;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error;
use crate::response::error::ErrorDetails;
use crate::response::image_results::places;
use crate::response::task::{TaskReport, TaskValues, body, report, word};
use crate::state::ledger::credits;
use crate::state::task::{MockTask, TaskProgress};
use crate::state::task_id;
use crate::time::later;

/// Accepts a task.
pub(crate) fn create(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> EndpointResponse {
    let form = context.services.task_form(context.provider);
    let task = accept(context, spec, spec.reported);
    let values = TaskValues {
        id: &task,
        model: spec.reported,
        created: context.now.as_second(),
        status: word(form, TaskPhase::Accepted),
        running: true,
        estimate: Some(context.settings.estimated_seconds),
        reserved: Some(credits(credits_of_one(spec), spec.reserved)),
        reserved_as_text: spec.losses.is_some_and(|losses| losses.usage_as_text),
        ..TaskValues::default()
    };
    let mut report = report(form, form.response(TaskPhase::Accepted), &values);
    let unknown = task_id::new(&form.id_prefix, context.now, context.session, !context.settings.seed, context.ordinal);
    report.content = task_status::accepted(&context.fault.task, &task, &unknown, report.content);
    let mut response = EndpointResponse::from(report);
    response.billed = delivered(context, spec);
    response.reserved = Some((task, spec.reserved));
    response
}

/// The credits of one image; one where the facts name none.
fn credits_of_one(spec: &GenerationSpec<'_>) -> f64 {
    spec.model.and_then(|model| model.credits).unwrap_or(1.0)
}

/// How many images a task will deliver.
fn delivered(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> u32 {
    let faults = &context.fault.task;
    let with_results = faults.contains(&TaskFault::FailedResults);
    if faults.contains(&TaskFault::CompletedError) || (task_status::fails(faults) && !with_results) {
        return 0;
    }
    let made = places(spec.image_count, &context.fault).into_iter().filter(Option::is_none).count();
    u32::try_from(made).unwrap_or(u32::MAX)
}

/// Keeps a new task and returns its id.
pub(crate) fn accept(context: &RequestContext<'_>, spec: &GenerationSpec<'_>, model: &str) -> String {
    let (form, settings) = (context.services.task_form(context.provider), &context.settings);
    let id = task_id::new(&form.id_prefix, context.now, context.session, settings.seed, context.ordinal);
    let mut images = spec.images(settings.seed);
    // Fewer results than ordered is how this dialect says that some failed.
    images.truncate(delivered(context, spec) as usize);
    let callback = callback_url(context).map(|url| (url.to_owned(), context.origin.clone()));
    let deadline = callback.as_ref().map(|_| later(context.now, Duration::from_secs(settings.estimated_seconds)));
    let task = MockTask {
        id: id.as_str().into(),
        model: model.to_owned(),
        created: context.now,
        failure: (images.is_empty() || task_status::fails(&context.fault.task)).then(|| {
            let phase = if context.fault.fail.is_some() { TaskPhase::Failed } else { TaskPhase::Moderated };
            failure(form, phase, &context.fault)
        }),
        cancelled: false,
        images,
        end: (!never_ends(&context.fault)).then_some(settings.task),
        deadline,
        backward: context.fault.tasks(&TaskFault::Backward),
        faults: context.fault.task.clone(),
        later: context.later.clone(),
        image_faults: context.image_faults(),
        inline: spec.inline,
        estimate: settings.estimated_seconds,
        credits: credits_of_one(spec),
        reserved: spec.reserved,
        result_seconds: context.provider.limits.result_seconds,
        provider: context.provider.id.clone(),
        callback,
        polls: 0,
        moved: 0,
        ended: None,
    };
    context.services.sessions.with(context.session, context.now, |session| session.keep_task(task));
    id
}

fn never_ends(fault: &Fault) -> bool {
    fault.tasks(&TaskFault::Stuck) || fault.tasks(&TaskFault::Early)
}

/// The URL of the callback that a request names.
fn callback_url<'c>(context: &'c RequestContext<'_>) -> Option<&'c str> {
    path::text(context.object()?, &context.provider.field(FieldRole::Callback)?.name)
}

/// The code and the message of a task that ends in a phase without images, where the fault names no others.
pub(crate) fn failure(form: &TaskFacts, phase: TaskPhase, fault: &Fault) -> (CodeFacts, String) {
    let own = form.failures.of(phase);
    let code = fault.code.as_ref().map_or_else(|| own.code.clone(), |code| own.code.with(code));
    let other = || format!("The task failed: {}.", code.as_str().replace('_', " "));
    let stated = || form.failures.message(code.as_str()).map(str::to_owned);
    let message = fault.message.clone().or_else(stated).unwrap_or_else(other);
    (code, message)
}

/// Answers a poll.
pub(crate) fn respond(context: &RequestContext<'_>) -> EndpointResponse {
    let id = context.task_id;
    let prefix = &context.services.task_form(context.provider).id_prefix;
    if id.is_empty() || !id.starts_with(prefix) {
        let (field, detail) = id_fault(context, prefix);
        let details = ErrorDetails { field: &field, detail: &detail, ..ErrorDetails::default() };
        return error::of(context, ErrorCause::TaskIdInvalid, &details).into();
    }
    let polled = context.services.sessions.with(context.session, context.now, |session| {
        let task = session.task(id)?;
        // A stuck task is stuck for its own key only in that it never ends; polls are still counted.
        task.polls = task.polls.saturating_add(1);
        let progress = task.progress(context.now);
        if let TaskProgress::Ended(at) = progress {
            task.ended = Some(at);
        }
        Some((task.clone(), progress))
    });
    match polled {
        Some((task, progress)) => {
            let report = poll(context.services, &context.origin, context.session, &task, progress);
            EndpointResponse { evidence: EvidenceKind::Derived, ..report.into() }
        }
        None => {
            let response: EndpointResponse =
                error::of(context, ErrorCause::TaskNotFound, &ErrorDetails::default()).into();
            EndpointResponse { notes: vec![missing(context)], ..response }
        }
    }
}

/// The member that should have the id of a task, and what is wrong with it.
fn id_fault(context: &RequestContext<'_>, prefix: &str) -> (String, String) {
    let begins = || format!("it must begin with {prefix}.");
    let Some(pointer) = context.route.and_then(|route| route.id_at.as_deref()) else {
        return ("id".to_owned(), begins());
    };
    let Some(body) = context.json.filter(|body| body.is_object()) else {
        return ("body".to_owned(), "the request body must be a JSON object.".to_owned());
    };
    let detail = match body.pointer(pointer) {
        None => "it is missing.".to_owned(),
        Some(value) if !value.is_string() => "it must be a text.".to_owned(),
        Some(_) => begins(),
    };
    (pointer.trim_start_matches('/').replace('/', "."), detail)
}

/// Why a task is not there, for the journal.
fn missing(context: &RequestContext<'_>) -> String {
    let session = context.session;
    match context.services.task_session(context.task_id).unwrap_or(DEFAULT_SESSION) {
        own if own != session => format!("the session {session} has no such task; by its id it is one of {own}"),
        _ => format!(
            "the session {session} has no such task: it never had, or was reset, or expired, or dropped it \
             where memory was short"
        ),
    }
}

/// The response to a poll.
fn poll(services: &Services, origin: &str, session: &str, task: &MockTask, progress: TaskProgress) -> TaskReport {
    let form = services.task_form_of(&task.provider);
    let (phase, values) = values(services, form, (origin, session), task, progress);
    let mut report = report(form, response(form, phase, &values), &values);
    report.content = task_status::polled(&task.faults, matches!(progress, TaskProgress::Ended(_)), report.content);
    report
}

/// The body of a callback.
pub(crate) fn callback(services: &Services, origin: &str, session: &str, task: &MockTask, at: Timestamp) -> Vec<u8> {
    let form = services.task_form_of(&task.provider);
    let progress = TaskProgress::Ended(at);
    let content = match &form.callback {
        Some(template) => {
            let (_, values) = values(services, form, (origin, session), task, progress);
            task_status::polled(&task.faults, true, body(form, template, &values))
        }
        None => poll(services, origin, session, task, progress).content,
    };
    content.bytes(TestImage::render).into()
}

/// The template of a phase. Images that come with a failure need one that has a place for them.
fn response<'f>(form: &'f TaskFacts, phase: TaskPhase, values: &TaskValues<'_>) -> &'f TaskResponse {
    let own = form.response(phase);
    let is_lost = !values.images.is_empty() && !own.uses(Placeholder::Images);
    if is_lost { form.response(TaskPhase::Completed) } else { own }
}

/// The phase that a task is in.
fn phase(form: &TaskFacts, task: &MockTask, progress: TaskProgress) -> TaskPhase {
    match (progress, &task.failure) {
        (TaskProgress::Pending, _) => TaskPhase::Pending,
        (TaskProgress::Processing(_), _) => TaskPhase::Processing,
        (TaskProgress::Ended(_), None) => TaskPhase::Completed,
        (TaskProgress::Ended(_), Some(_)) if task.cancelled => TaskPhase::Cancelled,
        (TaskProgress::Ended(_), Some((code, _))) => {
            let is_moderated = *code == form.failures.of(TaskPhase::Moderated).code;
            if is_moderated { TaskPhase::Moderated } else { TaskPhase::Failed }
        }
    }
}

/// The phase of a task, and what is told of it.
fn values<'t>(
    services: &Services,
    form: &'t TaskFacts,
    (origin, session): (&str, &str),
    task: &'t MockTask,
    progress: TaskProgress,
) -> (TaskPhase, TaskValues<'t>) {
    let reports = |way| task.faults.contains(&way);
    let phase = phase(form, task, progress);
    // A fault may tell another state than the one it is in.
    let told = match progress {
        TaskProgress::Ended(_) if reports(TaskFault::CompletedError) => TaskPhase::Completed,
        _ => phase,
    };
    let percent = match progress {
        TaskProgress::Processing(percent) => percent,
        TaskProgress::Ended(_) if told == TaskPhase::Completed => 100,
        TaskProgress::Ended(_) | TaskProgress::Pending => 0,
    };
    let shown_at = match progress {
        TaskProgress::Ended(at) => Some(at),
        TaskProgress::Processing(_) if reports(TaskFault::Early) => Some(task.created),
        TaskProgress::Processing(_) | TaskProgress::Pending => None,
    };
    let ended = matches!(progress, TaskProgress::Ended(_));
    let own_word = || {
        let mut words = task.faults.iter().rev().filter_map(|fault| match fault {
            TaskFault::Word(word) => Some(Cow::Owned(word.as_str().into())),
            _ => None,
        });
        words.next().filter(|_| ended)
    };
    let images = shown_at.map(|at| {
        let place = UrlScope { origin, session, faults: &task.image_faults };
        let url = |image| (image, services.signer.url(&place, image, at, task.result_seconds));
        task.images.iter().map(url).collect()
    });
    let delivered = u32::try_from(task.images.len()).unwrap_or(u32::MAX);
    let values = TaskValues {
        id: &task.id,
        model: &task.model,
        created: task.created.as_second(),
        ended_at: shown_at.filter(|_| ended).map(Timestamp::as_second),
        status: own_word().or_else(|| word(form, told)),
        progress: percent,
        running: !ended,
        estimate: (!ended).then_some(task.estimate),
        reserved: Some(credits(task.credits, task.reserved)),
        reserved_as_text: false,
        cost: ended.then(|| credits(task.credits, delivered)),
        error: task.failure.as_ref().filter(|_| ended).map(|(code, message)| (code, message.as_str())),
        images: images.unwrap_or_default(),
        expires_at: later(shown_at.unwrap_or(task.created), Duration::from_secs(task.result_seconds)).as_second(),
        inline: task.inline,
    };
    (phase, values)
}
