//! Every statement of the store, in words that each database understands.

pub(super) const LINE: &str = "SELECT key, position, row FROM line WHERE id = ?1";
pub(super) const LINE_OF_JOB: &str = "SELECT id FROM line WHERE job = ?1";
pub(super) const LINE_OF_KEY: &str = "SELECT id, hash FROM line WHERE batch = ?1 AND key = ?2";
pub(super) const ADD_LINE: &str = "INSERT INTO line(job, batch, key, hash, position, plan, row, most_images, most_cost)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id";
pub(super) const LIST_LINE: &str = "UPDATE line SET position = ?2, plan = ?3, is_listed = 1 WHERE id = ?1";
pub(super) const CHANGE_LINE: &str =
    "UPDATE line SET hash = ?2, row = ?3, most_images = ?4, most_cost = ?5 WHERE id = ?1";
pub(super) const LINE_WAS_SENT: &str = "SELECT EXISTS (SELECT 1 FROM purchase JOIN attempt ON purchase = id
    WHERE line = ?1 AND attempt.sent_at IS NOT NULL)";
pub(super) const LAST_PLAN: &str = "SELECT coalesce(max(plan), 0) FROM line WHERE batch = ?1";
pub(super) const UNLIST_OTHERS: &str = "UPDATE line SET is_listed = 0 WHERE batch = ?1 AND plan < ?2 AND is_listed = 1";
/// A purchase has what orders the lines of a batch too, so that the next one is found by an index, however many are over.
pub(super) const ADD_PURCHASE: &str = "INSERT INTO purchase(line, number, batch, position, is_listed)
    SELECT id, ?2, batch, position, is_listed FROM line WHERE id = ?1 ON CONFLICT DO NOTHING";
pub(super) const LIST_PURCHASES: &str = "UPDATE purchase SET position = ?2, is_listed = 1 WHERE line = ?1";
pub(super) const UNLIST_OTHER_PURCHASES: &str = "UPDATE purchase SET is_listed = 0 WHERE batch = ?1 AND is_listed = 1
    AND line IN (SELECT id FROM line WHERE batch = ?1 AND is_listed = 0)";

pub(super) const PURCHASE: &str =
    "SELECT purchase.id, line, number, holder, epoch, is_over, job, line.batch, most_images, most_cost
    FROM purchase JOIN line ON line.id = line WHERE purchase.id = ?1";
pub(super) const PURCHASE_ID: &str =
    "SELECT purchase.id FROM purchase JOIN line ON line.id = line WHERE job = ?1 AND number = ?2";
pub(super) const SAVE_PURCHASE: &str =
    "UPDATE purchase SET state = ?2, holder = ?3, epoch = ?4, is_over = ?5 WHERE id = ?1";
pub(super) const EXPIRES: &str = "UPDATE purchase SET expires_at = ?2 WHERE id = ?1";
pub(super) const HOLDERS: &str = "SELECT DISTINCT holder FROM purchase WHERE holder IS NOT NULL";
pub(super) const HELD_BY: &str = "SELECT id FROM purchase WHERE holder = ?1";
pub(super) const UNFINISHED: &str = "SELECT id FROM purchase
    WHERE holder IS NULL AND state IN ('sent', 'unknown', 'accepted', 'answered', 'saved') ORDER BY id";
/// With the words of the index beside the states.
pub(super) const COLLECTABLE: &str = "SELECT id FROM purchase
    WHERE holder IS NULL AND state IN ('sent', 'unknown', 'accepted', 'answered', 'saved') AND state NOT IN ('sent', 'unknown')
    AND (CAST(?1 AS TEXT) IS NULL OR batch = ?1)
    ORDER BY expires_at NULLS FIRST, id";
pub(super) const PLANNED: &str = "SELECT id FROM purchase
    WHERE batch = ?1 AND is_listed = 1 AND holder IS NULL AND state IN ('planned', 'reserved')
    ORDER BY position, line, number LIMIT 1";
pub(super) const FAILED: &str = "SELECT id FROM purchase WHERE batch = ?1 AND is_listed = 1 AND state = 'failed'";

pub(super) const ATTEMPTS: &str = "SELECT state, charge, hold, billed, epoch, sent_at, deadline,
    is_lost <> 0 OR (boot IS NOT NULL AND boot <> ?2), verdict, is_conflict, most_images, billed_images, unit, day
    FROM attempt WHERE purchase = ?1 ORDER BY number";
pub(super) const ADD_ATTEMPT: &str =
    "INSERT INTO attempt(purchase, number, state, charge, hold, billed, unit, epoch, deadline,
    is_lost, is_conflict, batch, day, most_images, held, held_images)
    VALUES(?1, ?2, 'reserved', 'no', ?3, 0, ?4, 0, 0, 0, 0, ?5, ?6, ?7, ?3, ?7)";
pub(super) const MOST_IMAGES: &str = "UPDATE attempt SET most_images = ?3 WHERE purchase = ?1 AND number = ?2";
pub(super) const SAVE_ATTEMPT: &str = "UPDATE attempt SET state = ?3, charge = ?4, hold = ?5, billed = ?6, epoch = ?7, sent_at = ?8,
    deadline = ?9, is_lost = ?10, verdict = ?11, is_conflict = ?12, held = ?13, paid = ?14, held_images = ?15, paid_images = ?16,
    boot = CASE WHEN sent_at IS NOT DISTINCT FROM ?8 THEN boot ELSE ?17 END WHERE purchase = ?1 AND number = ?2";
pub(super) const DESCRIBE: &str = "UPDATE attempt SET provider = ?3, model = ?4, endpoint = ?5, begun_at = ?6
    WHERE purchase = ?1 AND number = ?2";
pub(super) const CAME: &str = "UPDATE attempt SET delivered = CASE WHEN ?4 <> 0 THEN ?3 ELSE delivered + ?3 END
    WHERE purchase = ?1 AND number = ?2";
pub(super) const BILLED: &str = "UPDATE attempt SET billed_images = ?3 WHERE purchase = ?1 AND number = ?2";
pub(super) const SPENT: &str = "SELECT unit, held, paid, held_images, paid_images FROM total
    WHERE period = ?1 AND name = ?2 AND (held <> 0 OR paid <> 0 OR held_images <> 0 OR paid_images <> 0)";

pub(super) const ADD_ENTRY: &str =
    "INSERT INTO entry(token, purchase, attempt, epoch, kind, at, entry, image, is_whole)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
pub(super) const ENTRIES: &str = "SELECT attempt, entry FROM entry WHERE purchase = ?1 ORDER BY attempt, id";
pub(super) const SAVED_IMAGES: &str = "SELECT (SELECT delivered FROM attempt WHERE purchase = ?1 AND number = ?2),
    count(DISTINCT image) FROM entry WHERE purchase = ?1 AND attempt = ?2 AND kind = 'image'";

pub(super) const JOBS: &str = "SELECT line.id, job, batch, key, position, row, is_listed FROM line
    WHERE line.id > ?1 AND (CAST(?2 AS TEXT) IS NULL OR batch = ?2)
      AND (CAST(?3 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM purchase WHERE line = line.id AND state = ?3))
    ORDER BY line.id LIMIT ?4";
pub(super) const JOB: &str = "SELECT id, job, batch, key, position, row, is_listed FROM line WHERE job = ?1";
pub(super) const PURCHASES_OF: &str =
    "SELECT id, number, state, holder, is_over, expires_at FROM purchase WHERE line = ?1 ORDER BY number";
pub(super) const ATTEMPTS_OF: &str =
    "SELECT number, state, charge, hold, held, paid, unit, verdict, is_conflict, provider, model,
    endpoint, begun_at, most_images, billed_images, delivered FROM attempt WHERE purchase = ?1 ORDER BY number";
pub(super) const SPEND: &str =
    "SELECT day, provider, model, state, unit, count(*), CAST(sum(held) AS BIGINT), CAST(sum(paid) AS BIGINT),
    CAST(sum(delivered) AS BIGINT), CAST(sum(coalesce(billed_images, 0)) AS BIGINT),
    count(*) FILTER (WHERE charge <> 'no' AND billed_images IS NULL), CAST(sum(is_conflict) AS BIGINT)
    FROM attempt WHERE sent_at IS NOT NULL AND (CAST(?1 AS TEXT) IS NULL OR batch = ?1) AND (CAST(?2 AS TEXT) IS NULL OR day >= ?2)
    GROUP BY day, provider, model, state, unit ORDER BY day, provider, model, state, unit";
pub(super) const LAST_ENTRY: &str = "SELECT coalesce(max(id), 0) FROM entry";
pub(super) const READ_ENTRY: &str = "SELECT entry.purchase, entry.attempt, entry.entry, line.job, purchase.number
    FROM entry LEFT JOIN purchase ON purchase.id = entry.purchase LEFT JOIN line ON line.id = purchase.line WHERE entry.id = ?1";
pub(super) const IS_WHOLE: &str = "SELECT EXISTS (SELECT 1 FROM entry
    WHERE purchase = ?1 AND attempt = ?2 AND kind = 'answered' AND is_whole = 1)";
