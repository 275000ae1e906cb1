-- What version 0.1.0 of the command wrote for a batch of two lines, with the second version of the tables.
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
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
INSERT INTO "attempt" VALUES(1,1,'settled','yes',1000000,1000000,'images',2,931,'boot',600,0,NULL,0,'jobs.jsonl','2026-11-30','ark','doubao-seedream-4-0-250828','http://127.0.0.1:33427/ark/api/v3','2026-11-30T07:55:25.145122376Z',1,1,1,0,1000000,0,1);
INSERT INTO "attempt" VALUES(2,1,'settled','yes',2000000,1000000,'images',2,931,'boot',600,0,NULL,0,'jobs.jsonl','2026-11-30','ark','doubao-seedream-4-0-250828','http://127.0.0.1:33427/ark/api/v3','2026-11-30T07:55:25.146156328Z',2,1,1,0,1000000,0,1);
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
INSERT INTO "entry" VALUES(1,1143048466908184734,1,1,2,'intent','2026-11-30T07:55:25.145755049Z',NULL,0,'{"entry":"intent","job":"jobs.jsonl/kite","purchase":1,"attempt":1,"provider":"ark","endpoint":"http://127.0.0.1:33427/ark/api/v3","model":"doubao-seedream-4-0-250828","client_request_id":"2604451f-b4ed-4b94-9730-e9fd0bb6b118","request":{"model":"doubao-seedream-4-0-250828","prompt":"a kite"},"most_images":1,"most_cost":{"micros":30000,"unit":"USD"},"begun_at":"2026-11-30T07:55:25.145122376Z","is_named":true}');
INSERT INTO "entry" VALUES(2,6160932568990385552,2,1,2,'intent','2026-11-30T07:55:25.146838924Z',NULL,0,'{"entry":"intent","job":"jobs.jsonl/row-71ed8314b525a3db-1","purchase":1,"attempt":1,"provider":"ark","endpoint":"http://127.0.0.1:33427/ark/api/v3","model":"doubao-seedream-4-0-250828","client_request_id":"2d2cca38-5fed-412e-bed0-5474176bbd33","request":{"count":2,"model":"doubao-seedream-4-0-250828","prompt":"2 kites"},"most_images":2,"most_cost":{"micros":60000,"unit":"USD"},"begun_at":"2026-11-30T07:55:25.146156328Z","is_named":true}');
INSERT INTO "entry" VALUES(3,4839018636308223987,1,1,2,'answered','2026-11-30T07:55:25.156896821Z',NULL,1,'{"entry":"answered","generation":{"model":"doubao-seedream-4-0-250828","reported_model":"doubao-seedream-4-0-250828","created":"2026-11-30T07:55:25Z","request_id":"021796025325154bbf636d96365eebcef7fd370f233a3743a287d","outcomes":[{"outcome":"image","index":0,"url":"http://127.0.0.1:33427/pictures/ark/f0b110aeb84203d5-0-2048x2048-mark.jpeg","expires_at":"2026-12-01T07:55:25Z","size":"2048x2048"}],"usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384},"warnings":[]},"whole":true,"raw":"{\"model\":\"doubao-seedream-4-0-250828\",\"created\":1796025325,\"data\":[{\"url\":\"http://127.0.0.1:33427/pictures/ark/f0b110aeb84203d5-0-2048x2048-mark.jpeg\",\"size\":\"2048x2048\"}],\"usage\":{\"generated_images\":1,\"output_tokens\":16384,\"total_tokens\":16384}}"}');
INSERT INTO "entry" VALUES(4,8692767444995074154,2,1,2,'answered','2026-11-30T07:55:25.158061512Z',NULL,1,'{"entry":"answered","generation":{"model":"doubao-seedream-4-0-250828","reported_model":"doubao-seedream-4-0-250828","created":"2026-11-30T07:55:25Z","request_id":"02179602532515325a3071ed578f21ff4868fb68d9e059c436d4c","outcomes":[{"outcome":"image","index":0,"url":"http://127.0.0.1:33427/pictures/ark/67a5d2fead5ff2f1-0-2048x2048-mark.jpeg","expires_at":"2026-12-01T07:55:25Z","size":"2048x2048"}],"usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384},"warnings":[{"kind":"advice","field":"count","message":"the prompt decides the number of images: state it in the prompt, such as `3 images` [volcengine.com/docs/82379/1541523, sequential_image_generation, read 2026-11-20]"}]},"whole":true,"raw":"{\"model\":\"doubao-seedream-4-0-250828\",\"created\":1796025325,\"data\":[{\"url\":\"http://127.0.0.1:33427/pictures/ark/67a5d2fead5ff2f1-0-2048x2048-mark.jpeg\",\"size\":\"2048x2048\"}],\"usage\":{\"generated_images\":1,\"output_tokens\":16384,\"total_tokens\":16384}}"}');
INSERT INTO "entry" VALUES(5,2335812068768188963,1,1,2,'image','2026-11-30T07:55:25.193852584Z',0,0,'{"entry":"image","index":0,"file":"out/kite-0.jpg","sha256":"947b154af48c3094f0caa6bba1b61d1cca1a0cf8c153e7571fcdccc643db6186"}');
INSERT INTO "entry" VALUES(6,2029439239371435136,1,1,2,'ended','2026-11-30T07:55:25.194094803Z',NULL,0,'{"entry":"ended","outcome":{"job":"jobs.jsonl/kite","purchase":1,"provider":"ark","endpoint":"http://127.0.0.1:33427/ark/api/v3","model":"doubao-seedream-4-0-250828","reported_model":"doubao-seedream-4-0-250828","created":"2026-11-30T07:55:25Z","request_id":"021796025325154bbf636d96365eebcef7fd370f233a3743a287d","requested":1,"delivered":1,"billed":1,"charge":"yes","usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384},"images":[{"index":0,"file":"out/kite-0.jpg","width":2048,"height":2048,"media_type":"image/jpeg","bytes":127540,"sha256":"947b154af48c3094f0caa6bba1b61d1cca1a0cf8c153e7571fcdccc643db6186","url":"http://127.0.0.1:33427/pictures/ark/f0b110aeb84203d5-0-2048x2048-mark.jpeg","expires_at":"2026-12-01T07:55:25Z","other":{},"warnings":[]}],"failures":[],"warnings":[],"task":null,"attempts":[{"number":1,"after_ms":10,"place":"http://127.0.0.1:33427/ark/api/v3","outcome":"HTTP 200"}],"error":null,"record":null,"sidecar":{"file":"out/kite-0.json"},"begun_at":"2026-11-30T07:55:25.143218195Z","elapsed_ms":46}}');
INSERT INTO "entry" VALUES(7,780558248116536764,2,1,2,'image','2026-11-30T07:55:25.265733639Z',0,0,'{"entry":"image","index":0,"file":"out/row-71ed8314b525a3db-1-0.jpg","sha256":"fbcab8b7cd9f5b138e92c755fa4faa0efc13df6dea149de323846c63a7c472ea"}');
INSERT INTO "entry" VALUES(8,7056203984633299757,2,1,2,'ended','2026-11-30T07:55:25.26593004Z',NULL,0,'{"entry":"ended","outcome":{"job":"jobs.jsonl/row-71ed8314b525a3db-1","purchase":1,"provider":"ark","endpoint":"http://127.0.0.1:33427/ark/api/v3","model":"doubao-seedream-4-0-250828","reported_model":"doubao-seedream-4-0-250828","created":"2026-11-30T07:55:25Z","request_id":"02179602532515325a3071ed578f21ff4868fb68d9e059c436d4c","requested":2,"delivered":1,"billed":1,"charge":"yes","usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384},"images":[{"index":0,"file":"out/row-71ed8314b525a3db-1-0.jpg","width":2048,"height":2048,"media_type":"image/jpeg","bytes":144631,"sha256":"fbcab8b7cd9f5b138e92c755fa4faa0efc13df6dea149de323846c63a7c472ea","url":"http://127.0.0.1:33427/pictures/ark/67a5d2fead5ff2f1-0-2048x2048-mark.jpeg","expires_at":"2026-12-01T07:55:25Z","other":{},"warnings":[]}],"failures":[],"warnings":[{"kind":"advice","field":"count","message":"the prompt decides the number of images: state it in the prompt, such as `3 images` [volcengine.com/docs/82379/1541523, sequential_image_generation, read 2026-11-20]"}],"task":null,"attempts":[{"number":1,"after_ms":10,"place":"http://127.0.0.1:33427/ark/api/v3","outcome":"HTTP 200"}],"error":null,"record":null,"sidecar":{"file":"out/row-71ed8314b525a3db-1-0.json"},"begun_at":"2026-11-30T07:55:25.145690938Z","elapsed_ms":118}}');
CREATE TABLE legal_step(
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  PRIMARY KEY(before, after)
) STRICT, WITHOUT ROWID;
INSERT INTO "legal_step" VALUES('accepted','answered');
INSERT INTO "legal_step" VALUES('accepted','failed');
INSERT INTO "legal_step" VALUES('accepted','unknown');
INSERT INTO "legal_step" VALUES('answered','failed');
INSERT INTO "legal_step" VALUES('answered','saved');
INSERT INTO "legal_step" VALUES('answered','settled');
INSERT INTO "legal_step" VALUES('failed','accepted');
INSERT INTO "legal_step" VALUES('failed','answered');
INSERT INTO "legal_step" VALUES('reserved','cancelled');
INSERT INTO "legal_step" VALUES('reserved','sent');
INSERT INTO "legal_step" VALUES('saved','settled');
INSERT INTO "legal_step" VALUES('sent','accepted');
INSERT INTO "legal_step" VALUES('sent','answered');
INSERT INTO "legal_step" VALUES('sent','failed');
INSERT INTO "legal_step" VALUES('sent','unknown');
INSERT INTO "legal_step" VALUES('unknown','accepted');
INSERT INTO "legal_step" VALUES('unknown','answered');
INSERT INTO "legal_step" VALUES('unknown','failed');
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
INSERT INTO "line" VALUES(1,'jobs.jsonl/kite','jobs.jsonl','kite','aa58241b71cd59ec2045cd7ff08f11970d98d469d3aaf6a933279bbeebfba36f',0,1,1,'{"id":"kite","prompt":"a kite"}',1,'{"micros":30000,"unit":"USD"}');
INSERT INTO "line" VALUES(2,'jobs.jsonl/row-71ed8314b525a3db-1','jobs.jsonl','row-71ed8314b525a3db-1','71ed8314b525a3dbb944a39f674f537baec1d970a86a3b660ee72abcea0e4624',1,1,1,'{"count":2,"prompt":"2 kites"}',2,'{"micros":60000,"unit":"USD"}');
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
INSERT INTO "purchase" VALUES(1,1,1,'jobs.jsonl',0,1,'settled',NULL,2,1,1796111725);
INSERT INTO "purchase" VALUES(2,2,1,'jobs.jsonl',1,1,'settled',NULL,2,1,1796111725);
CREATE INDEX line_order ON line(batch, position);
CREATE INDEX purchase_state ON purchase(state, expires_at);
CREATE INDEX purchase_holder ON purchase(holder) WHERE holder IS NOT NULL;
CREATE INDEX purchase_free ON purchase(batch, position, line, number)
  WHERE is_listed = 1 AND holder IS NULL AND state IN ('planned', 'reserved');
CREATE INDEX attempt_batch ON attempt(batch, unit, held, paid, held_images, paid_images);
CREATE INDEX attempt_day ON attempt(day, unit, held, paid, held_images, paid_images);
CREATE INDEX entry_purchase ON entry(purchase, attempt, kind);
CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry WHEN TRUE BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entry_is_not_deleted BEFORE DELETE ON entry WHEN TRUE BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER attempt_is_not_deleted BEFORE DELETE ON attempt WHEN TRUE BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;
CREATE TRIGGER attempt_begins BEFORE INSERT ON attempt WHEN NEW.state <> 'reserved' BEGIN SELECT RAISE(ABORT, 'an attempt begins as reserved'); END;
CREATE TRIGGER attempt_follows BEFORE INSERT ON attempt WHEN EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.purchase AND NOT (state = 'cancelled' OR (state = 'failed' AND (charge = 'no' OR verdict IS NOT DISTINCT FROM 'again'))
    OR (state = 'unknown' AND verdict IS NOT DISTINCT FROM 'again'))) BEGIN SELECT RAISE(ABORT, 'an earlier attempt may have been billed'); END;
CREATE TRIGGER attempt_steps BEFORE UPDATE OF state ON attempt WHEN NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM legal_step WHERE before = OLD.state AND after = NEW.state) BEGIN SELECT RAISE(ABORT, 'an attempt cannot take this step'); END;
CREATE TRIGGER attempt_is_sent BEFORE UPDATE OF state ON attempt WHEN NEW.state = 'sent' AND OLD.state <> 'sent' AND EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.purchase AND number <> NEW.number AND NOT (state = 'cancelled' OR (state = 'failed' AND (charge = 'no' OR verdict IS NOT DISTINCT FROM 'again'))
    OR (state = 'unknown' AND verdict IS NOT DISTINCT FROM 'again'))) BEGIN SELECT RAISE(ABORT, 'an earlier attempt may have been billed'); END;
CREATE TRIGGER purchase_is_not_planned_again BEFORE UPDATE OF state ON purchase WHEN NEW.state IN ('planned', 'reserved', 'cancelled') AND EXISTS (SELECT 1 FROM attempt WHERE purchase = NEW.id AND state <> 'reserved' AND NOT (state = 'cancelled' OR (state = 'failed' AND (charge = 'no' OR verdict IS NOT DISTINCT FROM 'again'))
    OR (state = 'unknown' AND verdict IS NOT DISTINCT FROM 'again'))) BEGIN SELECT RAISE(ABORT, 'an attempt may have been billed'); END;
CREATE TRIGGER purchase_epoch_increases BEFORE UPDATE OF epoch ON purchase WHEN NEW.epoch < OLD.epoch BEGIN SELECT RAISE(ABORT, 'an epoch never decreases'); END;
PRAGMA application_id = 1396984903;
PRAGMA user_version = 2;
COMMIT;
