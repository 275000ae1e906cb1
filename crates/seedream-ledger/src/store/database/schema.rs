//! The tables of a ledger, and the steps that the database itself refuses, in the words of each database.

use std::fmt::Write as _;

use crate::protocol::LineState;

/// The version of the schema that this program writes, and the newest that it reads.
pub(crate) const VERSION: i64 = 3;

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
CREATE INDEX purchase_holder ON purchase(holder) WHERE holder IS NOT NULL;
FREE
LEFT

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
TOTAL

ENTRY
";

/// What attempts hold and were billed, of each batch and of each day: a budget is compared with it before every request.
const TOTAL: &str = "CREATE TABLE total(
  period TEXT NOT NULL,
  name TEXT NOT NULL,
  unit TEXT NOT NULL,
  held INTEGER NOT NULL,
  paid INTEGER NOT NULL,
  held_images INTEGER NOT NULL,
  paid_images INTEGER NOT NULL,
  PRIMARY KEY(period, name, unit)
) STRICT, WITHOUT ROWID;";

const ENTRY: &str = "CREATE TABLE entry(
  id INTEGER PRIMARY KEY,
  token INTEGER NOT NULL,
  purchase INTEGER NOT NULL REFERENCES purchase(id),
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  image INTEGER,
  is_whole INTEGER NOT NULL DEFAULT 0,
  entry TEXT NOT NULL,
  UNIQUE(purchase, token)
) STRICT;";

/// The next line of a batch.
const FREE: &str = "CREATE INDEX purchase_free ON purchase(batch, position, line, number)
  WHERE is_listed = 1 AND holder IS NULL AND state IN ('planned', 'reserved');";

/// What somebody has to collect or look into.
const LEFT: &str = "CREATE INDEX purchase_left ON purchase(expires_at)
  WHERE holder IS NULL AND state IN ('sent', 'unknown', 'accepted', 'answered', 'saved');";

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

/// What keeps the totals: the name of a trigger, the change, and what it adds to each amount.
const SUMS: [(&str, &str, &str); 2] = [
    ("attempt_is_added", "AFTER INSERT ON attempt", "NEW.AMOUNT"),
    (
        "attempt_is_changed",
        "AFTER UPDATE OF held, paid, held_images, paid_images ON attempt",
        "NEW.AMOUNT - OLD.AMOUNT",
    ),
];

const AMOUNTS: [&str; 4] = ["held", "paid", "held_images", "paid_images"];

/// A statement that adds to the totals, where `change` is what it adds to an amount.
fn add_to_totals(change: &str) -> String {
    let each = |one: &dyn Fn(&str) -> String| AMOUNTS.map(one).join(", ");
    let changes = each(&|amount| change.replace("AMOUNT", amount));
    let sums = each(&|amount| format!("{amount} = total.{amount} + excluded.{amount}"));
    format!(
        "INSERT INTO total(period, name, unit, {}) VALUES('batch', NEW.batch, NEW.unit, {changes}), ('day', NEW.day, NEW.unit, {changes})
        ON CONFLICT(period, name, unit) DO UPDATE SET {sums};",
        AMOUNTS.join(", ")
    )
}

/// The totals of the attempts that are there.
fn first_totals() -> String {
    let sums = AMOUNTS.map(|amount| format!("sum({amount})")).join(", ");
    ["batch", "day"]
        .map(|period| {
            format!("INSERT INTO total SELECT '{period}', {period}, unit, {sums} FROM attempt GROUP BY {period}, unit;")
        })
        .concat()
}

/// The tables and indexes.
fn tables() -> String {
    TABLES.replace("FREE", FREE).replace("LEFT", LEFT).replace("TOTAL", TOTAL).replace("ENTRY", ENTRY)
}

/// What makes a ledger in SQLite.
pub(crate) fn sqlite() -> String {
    let mut sql = tables();
    sql.push_str(&legal_steps());
    sql.extend(RULES.iter().map(sqlite_rule));
    sql.push_str(&sqlite_sums());
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
    sql
}

/// What makes version 3 of version 2, which summed the attempts before every request, and had indexes that each entry changed.
pub(crate) fn sqlite_from_2() -> String {
    const COLUMNS: &str = "id, token, purchase, attempt, epoch, kind, at, image, is_whole, entry";
    let mut sql = format!(
        "DROP INDEX attempt_batch; DROP INDEX attempt_day; DROP INDEX purchase_state; {LEFT} {TOTAL} {} {}
        ALTER TABLE entry RENAME TO entry_of_2; DROP TRIGGER entry_is_not_changed; DROP TRIGGER entry_is_not_deleted;
        {ENTRY} INSERT INTO entry({COLUMNS}) SELECT {COLUMNS} FROM entry_of_2; DROP TABLE entry_of_2;",
        first_totals(),
        sqlite_sums(),
    );
    sql.extend(RULES.iter().filter(|rule| rule.on.ends_with("ON entry")).map(sqlite_rule));
    let _ = write!(sql, "PRAGMA user_version = {VERSION};");
    sql
}

fn sqlite_rule(rule: &Rule) -> String {
    let Rule { name, on, when, why } = rule;
    let when = when.replace("CLOSED", CLOSED);
    format!("CREATE TRIGGER {name} {on} WHEN {when} BEGIN SELECT RAISE(ABORT, '{why}'); END;\n")
}

fn sqlite_sums() -> String {
    SUMS.map(|(name, on, change)| format!("CREATE TRIGGER {name} {on} BEGIN {} END;\n", add_to_totals(change))).concat()
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
    sql.push_str(&postgres_words(&tables()));
    sql.push_str(&legal_steps());
    for Rule { name, on, when, why } in &RULES {
        let when = when.replace("CLOSED", CLOSED);
        sql.push_str(&postgres_trigger(name, on, &format!("IF {when} THEN RAISE EXCEPTION '{why}'; END IF;")));
    }
    for table in ["entry", "attempt"] {
        let _ = write!(
            sql,
            "CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_not_deleted();"
        );
    }
    sql.push_str(&postgres_sums());
    sql
}

/// What makes version 3 of version 2.
#[cfg(feature = "postgres")]
pub(crate) fn postgres_from_2() -> String {
    format!(
        "DROP INDEX attempt_batch, attempt_day, purchase_state, entry_purchase; {LEFT} {} {} {}
        ALTER TABLE entry DROP CONSTRAINT entry_token_key, ADD UNIQUE(purchase, token);
        UPDATE ledger SET version = {VERSION};",
        postgres_words(TOTAL),
        first_totals(),
        postgres_sums(),
    )
}

/// Tables in the words of PostgreSQL.
#[cfg(feature = "postgres")]
fn postgres_words(tables: &str) -> String {
    tables
        .replace(") STRICT, WITHOUT ROWID;", ");")
        .replace(") STRICT;", ");")
        .replace("INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        .replace(" INTEGER", " BIGINT")
        // The order of texts is the same in every locale.
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}

#[cfg(feature = "postgres")]
fn postgres_trigger(name: &str, on: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN {body} RETURN NEW; END $$;
        CREATE TRIGGER {name} {on} FOR EACH ROW EXECUTE FUNCTION {name}();"
    )
}

#[cfg(feature = "postgres")]
fn postgres_sums() -> String {
    SUMS.map(|(name, on, change)| postgres_trigger(name, on, &add_to_totals(change))).concat()
}
