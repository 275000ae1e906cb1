//! The tables of a ledger, and the steps that the database itself refuses, in the words of each database.

use std::fmt::Write as _;

use crate::protocol::LineState;

/// The version of the schema that this program writes, and the newest that it reads.
pub(crate) const VERSION: i64 = 2;

/// Marks a ledger: `SDLG`.
pub(crate) const APPLICATION: i64 = 0x5344_4c47;

/// An attempt that the next one of its purchase may follow.
const CLOSED: &str =
    "(state = 'cancelled' OR (state = 'failed' AND (charge = 'no' OR verdict IS NOT DISTINCT FROM 'again'))
    OR (state = 'unknown' AND verdict IS NOT DISTINCT FROM 'again'))";

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
CREATE INDEX purchase_holder ON purchase(holder) WHERE holder IS NOT NULL;
FREE

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
  image INTEGER,
  is_whole INTEGER NOT NULL DEFAULT 0,
  entry TEXT NOT NULL
) STRICT;
CREATE INDEX entry_purchase ON entry(purchase, attempt, kind);
";

/// The next line of a batch.
const FREE: &str = "CREATE INDEX purchase_free ON purchase(batch, position, line, number)
  WHERE is_listed = 1 AND holder IS NULL AND state IN ('planned', 'reserved');";

/// A change that the database refuses.
struct Rule {
    name: &'static str,
    /// The change.
    on: &'static str,
    /// When it is refused.
    when: &'static str,
    /// Why.
    why: &'static str,
}

const RULES: [Rule; 9] = [
    Rule { name: "entry_is_not_changed", on: "BEFORE UPDATE ON entry", when: "TRUE", why: "an entry is never changed" },
    Rule { name: "entry_is_not_deleted", on: "BEFORE DELETE ON entry", when: "TRUE", why: "an entry is never deleted" },
    Rule {
        name: "attempt_is_not_deleted",
        on: "BEFORE DELETE ON attempt",
        when: "TRUE",
        why: "an attempt is never deleted",
    },
    Rule {
        name: "attempt_begins",
        on: "BEFORE INSERT ON attempt",
        when: "NEW.state <> 'reserved'",
        why: "an attempt begins as reserved",
    },
    Rule {
        name: "attempt_follows",
        on: "BEFORE INSERT ON attempt",
        when: "EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.purchase AND NOT CLOSED)",
        why: "an earlier attempt may have been billed",
    },
    Rule {
        name: "attempt_steps",
        on: "BEFORE UPDATE OF state ON attempt",
        when: "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM legal_step WHERE before = OLD.state AND after = NEW.state)",
        why: "an attempt cannot take this step",
    },
    Rule {
        name: "attempt_is_sent",
        on: "BEFORE UPDATE OF state ON attempt",
        when: "NEW.state = 'sent' AND OLD.state <> 'sent' AND EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.purchase AND number <> NEW.number AND NOT CLOSED)",
        why: "an earlier attempt may have been billed",
    },
    Rule {
        name: "purchase_is_not_planned_again",
        on: "BEFORE UPDATE OF state ON purchase",
        when: "NEW.state IN ('planned', 'reserved', 'cancelled') AND EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.id AND state <> 'reserved' AND NOT CLOSED)",
        why: "an attempt may have been billed",
    },
    Rule {
        name: "purchase_epoch_increases",
        on: "BEFORE UPDATE OF epoch ON purchase",
        when: "NEW.epoch < OLD.epoch",
        why: "an epoch never decreases",
    },
];

/// What makes a ledger in SQLite.
pub(crate) fn sqlite() -> String {
    let mut sql = TABLES.replace("FREE", FREE);
    sql.push_str(&legal_steps());
    for rule in &RULES {
        sql.push_str(&sqlite_rule(rule));
    }
    let _ = write!(sql, "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
    sql
}

/// What makes version 2 of version 1, which found these in the text of an entry, and in the line of a purchase.
pub(crate) fn sqlite_from_1() -> String {
    let mut sql = "ALTER TABLE entry ADD COLUMN image INTEGER;
        ALTER TABLE entry ADD COLUMN is_whole INTEGER NOT NULL DEFAULT 0;
        DROP TRIGGER entry_is_not_changed;
        UPDATE entry SET image = entry ->> 'index' WHERE kind = 'image';
        UPDATE entry SET is_whole = 1 WHERE kind = 'answered' AND entry ->> 'whole';
        ALTER TABLE purchase ADD COLUMN batch TEXT NOT NULL DEFAULT '';
        ALTER TABLE purchase ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE purchase ADD COLUMN is_listed INTEGER NOT NULL DEFAULT 1;
        UPDATE purchase SET batch = line.batch, position = line.position, is_listed = line.is_listed
        FROM line WHERE line.id = purchase.line;"
        .to_owned();
    sql.push_str(FREE);
    sql.push_str(&sqlite_rule(&RULES[0]));
    let _ = write!(sql, "PRAGMA user_version = {VERSION};");
    sql
}

fn sqlite_rule(rule: &Rule) -> String {
    let Rule { name, on, when, why } = rule;
    let when = when.replace("CLOSED", CLOSED);
    format!("CREATE TRIGGER {name} {on} WHEN {when} BEGIN SELECT RAISE(ABORT, '{why}'); END;\n")
}

/// The legal steps are those of the protocol.
fn legal_steps() -> String {
    let mut sql = String::new();
    for before in LineState::ALL {
        for after in LineState::ALL.into_iter().filter(|after| before.may_become(*after)) {
            // A string takes every text.
            let _ = writeln!(sql, "INSERT INTO legal_step VALUES('{before}', '{after}');");
        }
    }
    sql
}

/// What makes a ledger in PostgreSQL, in a schema of its own.
#[cfg(feature = "postgres")]
pub(crate) fn postgres() -> String {
    let mut sql = "CREATE SCHEMA seedream_ledger;
        CREATE TABLE ledger(version BIGINT NOT NULL, id TEXT NOT NULL, system TEXT NOT NULL, timeline TEXT NOT NULL);
        CREATE TABLE worker(id BIGINT PRIMARY KEY, seen_at BIGINT NOT NULL);"
        .to_owned();
    let tables = TABLES
        .replace("FREE", FREE)
        .replace(") STRICT, WITHOUT ROWID;", ");")
        .replace(") STRICT;", ");")
        .replace("INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        .replace(" INTEGER", " BIGINT")
        // The order of texts is the same in every locale.
        .replace(" TEXT", " TEXT COLLATE \"C\"");
    sql.push_str(&tables);
    sql.push_str(&legal_steps());
    for Rule { name, on, when, why } in &RULES {
        let when = when.replace("CLOSED", CLOSED);
        let _ = write!(
            sql,
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN IF {when} THEN RAISE EXCEPTION '{why}'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER {name} {on} FOR EACH ROW EXECUTE FUNCTION {name}();"
        );
    }
    for table in ["entry", "attempt"] {
        let _ = write!(
            sql,
            "CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_not_deleted();"
        );
    }
    sql
}
