//! Checks every row before anything is sent, and what it may cost.

use std::collections::HashMap;

use seedream::seedream_core::Amount;
use seedream::{ImageProvider as _, ImageRequest, ImageSource, Plan};
use seedream_ledger::{IMAGES, PlannedLine};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::rows::{self, Row};
use crate::{args::BatchArgs, console::Console, exit::Exit, failure::Failure, request_fitter::RequestFitter};

/// How many problems are printed; the rest are counted.
const MOST_PROBLEMS: usize = 20;

/// The lines of the file, each checked against the rules of the providers.
///
/// # Errors
/// The file cannot be read, or a line is not valid and `--keep-going` is not set.
pub(crate) fn lines(
    args: &BatchArgs,
    targets: &[RequestFitter],
    console: &Console,
) -> Result<Vec<PlannedLine>, Failure> {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    let mut ids = HashMap::new();
    for row in rows::read(&args.file)? {
        let row = row?;
        let at = row.as_ref().map_or(0, |row| row.line);
        let line = row.and_then(|row| line(args, row, targets, console));
        match line.and_then(|line| unique(line, at, &mut ids)) {
            Ok(line) => lines.push(line),
            Err(failure) if at == 0 => problems.push(failure),
            Err(failure) => problems.push(Failure { message: format!("line {at}: {}", failure.message), ..failure }),
        }
    }
    if problems.is_empty() {
        if lines.is_empty() {
            let message = format!("{}: no line holds a request; nothing was sent", args.file.display());
            return Err(Failure::usage(message));
        }
        return Ok(lines);
    }
    let count = problems.len();
    let exit = Exit::of_several(problems.iter().map(|problem| problem.exit));
    let mut text: Vec<_> = problems.into_iter().take(MOST_PROBLEMS).map(|problem| problem.message).collect();
    if count > MOST_PROBLEMS {
        text.push(format!("{} more", count - MOST_PROBLEMS));
    }
    if args.keep_going && !lines.is_empty() {
        console.note(&format!("warning: lines that are left out: {count}\n{}", text.join("\n")));
        return Ok(lines);
    }
    let remedy = "nothing was sent; correct these lines, or run the others with --keep-going";
    Err(Failure { exit, message: format!("{}\n{remedy}", text.join("\n")) })
}

/// # Errors
/// Another line has the same id: one of both would be left out.
fn unique(line: PlannedLine, at: u64, ids: &mut HashMap<String, u64>) -> Result<PlannedLine, Failure> {
    if let Some(id) = &line.id
        && let Some(first) = ids.insert(id.clone(), at)
    {
        return Err(Failure::usage(format!("the id `{id}` is that of line {first} too; give each line its own id")));
    }
    Ok(line)
}

fn line(args: &BatchArgs, row: Row, targets: &[RequestFitter], console: &Console) -> Result<PlannedLine, Failure> {
    let request = rows::request(&row.columns, &args.options, console)?;
    let limit = args.budget.as_ref().or(args.budget_day.as_ref());
    let (most_images, most_cost) = bound(&request, targets, limit)?;
    let (id, exactly) = (row.id()?, rows::exactly(&row.columns)?);
    let mut line = PlannedLine::new(&Value::Object(row.columns));
    (line.id, line.purchases) = (id, exactly.unwrap_or(1));
    line.references = request.references.iter().map(hash).collect();
    (line.most_images, line.most_cost) = (most_images, most_cost);
    Ok(line)
}

/// The most images that a request can cost, and the most money where every provider that may serve it publishes a price.
fn bound(
    request: &ImageRequest,
    targets: &[RequestFitter],
    limit: Option<&Amount>,
) -> Result<(u32, Option<Amount>), Failure> {
    let (mut plans, mut refused): (Vec<Plan>, Option<Failure>) = (Vec::new(), None);
    for target in targets {
        match target.plan(request) {
            Ok(plan) => plans.push(plan),
            Err(error) => drop(refused.get_or_insert(error.into())),
        }
    }
    if plans.is_empty() {
        return Err(refused.unwrap_or_else(|| Failure::usage("there is no provider")));
    }
    if let Some(limit) = limit.filter(|limit| limit.unit != IMAGES)
        && let Some(plan) = plans.iter().find(|plan| plan.most.as_ref().is_none_or(|most| most.unit != limit.unit))
    {
        let (unit, provider, model) = (&limit.unit, &plan.provider, &plan.model);
        let message = format!(
            "the budget is in {unit}, and no price in {unit} is known for {model} at {provider}: state the budget in images, add the price to a --limits file, or choose other providers with --provider"
        );
        return Err(Failure { exit: Exit::Budget, message });
    }
    let images = plans.iter().map(|plan| plan.max_images).max().unwrap_or(1);
    let costs: Option<Vec<&Amount>> = plans.iter().map(|plan| plan.most.as_ref()).collect();
    let costs = costs.filter(|costs| costs.windows(2).all(|pair| pair[0].unit == pair[1].unit));
    let most = costs.and_then(|costs| costs.into_iter().max_by_key(|cost| cost.micros).cloned());
    Ok((images, most))
}

/// The hash of a reference: of its bytes, or of its URL.
fn hash(source: &ImageSource) -> [u8; 32] {
    match source {
        ImageSource::Inline { bytes, .. } => Sha256::digest(bytes).into(),
        // A URL, or what another version knows.
        other => Sha256::digest(serde_json::to_vec(other).unwrap_or_default()).into(),
    }
}
