//! Every statement of the store.

use std::fmt::Write as _;

use crate::protocol::LineState;

/// The version of the schema that this program writes, and the newest that it reads.
pub(super) const VERSION: i64 = 1;

/// Marks the file as a ledger: `SDLG`.
pub(super) const APPLICATION: i64 = 0x5344_4c47;

/// An attempt that the next one of its purchase may follow.
const CLOSED: &str = "(state = 'cancelled' OR (state = 'failed' AND (charge = 'no' OR verdict IS 'again'))
    OR (state = 'unknown' AND verdict IS 'again'))";

const TABLES: &str = "
CREATE TABLE legal_step(
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  PRIMARY KEY(before, after)
) STRICT, WITHOUT ROWID;

CREATE TABLE line(
  id INTEGER PRIMARY KEY,
  job TEXT NOT NULL UNIQUE,
  batch TEXT NOT NULL,
  key TEXT NOT NULL,
  hash TEXT NOT NULL,
  position INTEGER NOT NULL,
  is_listed INTEGER NOT NULL DEFAULT 1,
  plan INTEGER NOT NULL DEFAULT 0,
  row TEXT NOT NULL,
  most_images INTEGER NOT NULL,
  most_cost TEXT,
  UNIQUE(batch, key)
) STRICT;
CREATE INDEX line_order ON line(batch, position);

CREATE TABLE purchase(
  id INTEGER PRIMARY KEY,
  line INTEGER NOT NULL REFERENCES line(id),
  number INTEGER NOT NULL,
  batch TEXT NOT NULL,
  position INTEGER NOT NULL,
  is_listed INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'planned',
  holder INTEGER,
  epoch INTEGER NOT NULL DEFAULT 0,
  is_over INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER,
  UNIQUE(line, number)
) STRICT;
CREATE INDEX purchase_state ON purchase(state, expires_at);
CREATE INDEX purchase_free ON purchase(batch, position, line, number)
  WHERE is_listed = 1 AND holder IS NULL AND state IN ('planned', 'reserved');
CREATE INDEX purchase_holder ON purchase(holder) WHERE holder IS NOT NULL;

CREATE TABLE attempt(
  purchase INTEGER NOT NULL REFERENCES purchase(id),
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  charge TEXT NOT NULL,
  hold INTEGER NOT NULL,
  billed INTEGER NOT NULL,
  unit TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  sent_at INTEGER,
  boot TEXT,
  deadline INTEGER NOT NULL,
  is_lost INTEGER NOT NULL,
  verdict TEXT,
  is_conflict INTEGER NOT NULL,
  batch TEXT NOT NULL,
  day TEXT NOT NULL,
  provider TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  endpoint TEXT NOT NULL DEFAULT '',
  begun_at TEXT,
  most_images INTEGER NOT NULL,
  billed_images INTEGER,
  delivered INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0,
  paid INTEGER NOT NULL DEFAULT 0,
  held_images INTEGER NOT NULL DEFAULT 0,
  paid_images INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(purchase, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_batch ON attempt(batch, unit, held, paid, held_images, paid_images);
CREATE INDEX attempt_day ON attempt(day, unit, held, paid, held_images, paid_images);

CREATE TABLE entry(
  id INTEGER PRIMARY KEY,
  token INTEGER NOT NULL UNIQUE,
  purchase INTEGER NOT NULL REFERENCES purchase(id),
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  entry TEXT NOT NULL
) STRICT;
CREATE INDEX entry_purchase ON entry(purchase, attempt, kind);
";

const TRIGGERS: &str = "
CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entry_is_not_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER attempt_is_not_deleted BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;
CREATE TRIGGER attempt_begins BEFORE INSERT ON attempt WHEN NEW.state <> 'reserved'
BEGIN SELECT RAISE(ABORT, 'an attempt begins as reserved'); END;
CREATE TRIGGER attempt_follows BEFORE INSERT ON attempt
WHEN EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.purchase AND NOT CLOSED)
BEGIN SELECT RAISE(ABORT, 'an earlier attempt may have been billed'); END;
CREATE TRIGGER attempt_steps BEFORE UPDATE OF state ON attempt
WHEN NEW.state <> OLD.state
  AND NOT EXISTS (SELECT 1 FROM legal_step WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'an attempt cannot take this step'); END;
CREATE TRIGGER attempt_is_sent BEFORE UPDATE OF state ON attempt
WHEN NEW.state = 'sent' AND OLD.state <> 'sent'
  AND EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.purchase AND number <> NEW.number AND NOT CLOSED)
BEGIN SELECT RAISE(ABORT, 'an earlier attempt may have been billed'); END;
CREATE TRIGGER purchase_is_not_planned_again BEFORE UPDATE OF state ON purchase
WHEN NEW.state IN ('planned', 'reserved', 'cancelled')
  AND EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.id AND state <> 'reserved' AND NOT CLOSED)
BEGIN SELECT RAISE(ABORT, 'an attempt may have been billed'); END;
CREATE TRIGGER purchase_epoch_increases BEFORE UPDATE OF epoch ON purchase WHEN NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'an epoch never decreases'); END;
";

/// What makes version 1. The legal steps are those of the protocol.
pub(super) fn version_1() -> String {
    let mut sql = TABLES.to_owned();
    for before in LineState::ALL {
        for after in LineState::ALL.into_iter().filter(|after| before.may_become(*after)) {
            // A string takes every text.
            let _ = writeln!(sql, "INSERT INTO legal_step VALUES('{before}', '{after}');");
        }
    }
    sql.push_str(&TRIGGERS.replace("CLOSED", CLOSED));
    let _ = write!(sql, "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 1;");
    sql
}

pub(super) const LINE: &str = "SELECT key, position, row FROM line WHERE id = ?1";
pub(super) const LINE_OF_JOB: &str = "SELECT id FROM line WHERE job = ?1";
pub(super) const LINE_OF_KEY: &str = "SELECT id, hash FROM line WHERE batch = ?1 AND key = ?2";
pub(super) const ADD_LINE: &str = "INSERT INTO line(job, batch, key, hash, position, plan, row, most_images, most_cost)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
pub(super) const LIST_LINE: &str = "UPDATE line SET position = ?2, plan = ?3, is_listed = 1 WHERE id = ?1";
pub(super) const CHANGE_LINE: &str =
    "UPDATE line SET hash = ?2, row = ?3, most_images = ?4, most_cost = ?5 WHERE id = ?1";
pub(super) const LINE_WAS_SENT: &str = "SELECT EXISTS (SELECT 1 FROM purchase JOIN attempt ON purchase = id
    WHERE line = ?1 AND attempt.sent_at IS NOT NULL)";
pub(super) const LAST_PLAN: &str = "SELECT ifnull(max(plan), 0) FROM line WHERE batch = ?1";
pub(super) const UNLIST_OTHERS: &str = "UPDATE line SET is_listed = 0 WHERE batch = ?1 AND plan < ?2 AND is_listed = 1";
/// A purchase has what orders the lines of a batch too, so that the next one is found by an index, however many are over.
pub(super) const ADD_PURCHASE: &str = "INSERT OR IGNORE INTO purchase(line, number, batch, position, is_listed)
    SELECT id, ?2, batch, position, is_listed FROM line WHERE id = ?1";
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
pub(super) const COLLECTABLE: &str = "SELECT id FROM purchase
    WHERE state IN ('accepted', 'answered', 'saved') AND holder IS NULL AND (?1 IS NULL OR batch = ?1)
    ORDER BY expires_at, id";
pub(super) const PLANNED: &str = "SELECT id FROM purchase
    WHERE batch = ?1 AND is_listed = 1 AND holder IS NULL AND state IN ('planned', 'reserved')
    ORDER BY position, line, number LIMIT 1";
pub(super) const FAILED: &str = "SELECT id FROM purchase WHERE batch = ?1 AND is_listed = 1 AND state = 'failed'";

pub(super) const ATTEMPTS: &str = "SELECT state, charge, hold, billed, epoch, sent_at, deadline,
    is_lost OR (boot IS NOT NULL AND boot <> ?2), verdict, is_conflict, most_images, billed_images, unit, day
    FROM attempt WHERE purchase = ?1 ORDER BY number";
pub(super) const ADD_ATTEMPT: &str =
    "INSERT INTO attempt(purchase, number, state, charge, hold, billed, unit, epoch, deadline,
    is_lost, is_conflict, batch, day, most_images, held, held_images)
    VALUES(?1, ?2, 'reserved', 'no', ?3, 0, ?4, 0, 0, 0, 0, ?5, ?6, ?7, ?3, ?7)";
pub(super) const MOST_IMAGES: &str = "UPDATE attempt SET most_images = ?3 WHERE purchase = ?1 AND number = ?2";
pub(super) const SAVE_ATTEMPT: &str = "UPDATE attempt SET state = ?3, charge = ?4, hold = ?5, billed = ?6, epoch = ?7, sent_at = ?8,
    deadline = ?9, is_lost = ?10, verdict = ?11, is_conflict = ?12, held = ?13, paid = ?14, held_images = ?15, paid_images = ?16,
    boot = CASE WHEN ?8 IS sent_at THEN boot ELSE ?17 END WHERE purchase = ?1 AND number = ?2";
pub(super) const DESCRIBE: &str = "UPDATE attempt SET provider = ?3, model = ?4, endpoint = ?5, begun_at = ?6
    WHERE purchase = ?1 AND number = ?2";
pub(super) const CAME: &str = "UPDATE attempt SET delivered = CASE WHEN ?4 THEN ?3 ELSE delivered + ?3 END
    WHERE purchase = ?1 AND number = ?2";
pub(super) const BILLED: &str = "UPDATE attempt SET billed_images = ?3 WHERE purchase = ?1 AND number = ?2";
pub(super) const SPENT_OF_BATCH: &str = "SELECT unit, sum(held), sum(paid), sum(held_images), sum(paid_images)
    FROM attempt WHERE batch = ?1 AND (held <> 0 OR paid <> 0 OR held_images <> 0 OR paid_images <> 0) GROUP BY unit";
pub(super) const SPENT_OF_DAY: &str = "SELECT unit, sum(held), sum(paid), sum(held_images), sum(paid_images)
    FROM attempt WHERE day = ?1 AND (held <> 0 OR paid <> 0 OR held_images <> 0 OR paid_images <> 0) GROUP BY unit";

pub(super) const ADD_ENTRY: &str = "INSERT OR IGNORE INTO entry(token, purchase, attempt, epoch, kind, at, entry)
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const ENTRIES: &str = "SELECT attempt, entry FROM entry WHERE purchase = ?1 ORDER BY attempt, id";
pub(super) const SAVED_IMAGES: &str = "SELECT (SELECT delivered FROM attempt WHERE purchase = ?1 AND number = ?2),
    count(DISTINCT entry ->> 'index') FROM entry WHERE purchase = ?1 AND attempt = ?2 AND kind = 'image'";

pub(super) const JOBS: &str = "SELECT line.id, job, batch, key, position, row, is_listed FROM line
    WHERE line.id > ?1 AND (?2 IS NULL OR batch = ?2)
      AND (?3 IS NULL OR EXISTS (SELECT 1 FROM purchase WHERE line = line.id AND state = ?3))
    ORDER BY line.id LIMIT ?4";
pub(super) const JOB: &str = "SELECT id, job, batch, key, position, row, is_listed FROM line WHERE job = ?1";
pub(super) const PURCHASES_OF: &str =
    "SELECT id, number, state, holder, is_over, expires_at FROM purchase WHERE line = ?1 ORDER BY number";
pub(super) const ATTEMPTS_OF: &str =
    "SELECT number, state, charge, hold, held, paid, unit, verdict, is_conflict, provider, model,
    endpoint, begun_at, most_images, billed_images, delivered FROM attempt WHERE purchase = ?1 ORDER BY number";
pub(super) const SPEND: &str =
    "SELECT day, provider, model, state, unit, count(*), sum(held), sum(paid), sum(delivered),
    sum(ifnull(billed_images, 0)), sum(charge <> 'no' AND billed_images IS NULL), sum(is_conflict)
    FROM attempt WHERE sent_at IS NOT NULL AND (?1 IS NULL OR batch = ?1) AND (?2 IS NULL OR day >= ?2)
    GROUP BY day, provider, model, state, unit ORDER BY day, provider, model, state, unit";
pub(super) const LAST_ENTRY: &str = "SELECT ifnull(max(id), 0) FROM entry";
pub(super) const READ_ENTRY: &str = "SELECT entry.purchase, entry.attempt, entry.entry, line.job, purchase.number
    FROM entry LEFT JOIN purchase ON purchase.id = entry.purchase LEFT JOIN line ON line.id = purchase.line WHERE entry.id = ?1";
pub(super) const IS_WHOLE: &str = "SELECT EXISTS (SELECT 1 FROM entry
    WHERE purchase = ?1 AND attempt = ?2 AND kind = 'answered' AND entry ->> 'whole')";
