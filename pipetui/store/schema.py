"""The tables. Entry n of MIGRATIONS brings a database from `user_version` n to n + 1; entries are never changed."""

from __future__ import annotations

FIRST = """
CREATE TABLE counter (rev INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (0);

CREATE TABLE profiles (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    created  REAL NOT NULL,
    rev      INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    id         TEXT PRIMARY KEY,
    profile    TEXT NOT NULL REFERENCES profiles (id),
    app_name   TEXT NOT NULL,
    part       TEXT NOT NULL,
    folder     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    record     TEXT NOT NULL,
    next_step  TEXT NOT NULL,      -- for lists: the open step's id, 'finalize', or 'locked'
    created    REAL NOT NULL,
    updated    REAL NOT NULL,
    archived   REAL,
    binned     REAL,
    rev        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_by_key ON runs (profile, app_name, part) WHERE binned IS NULL;
CREATE INDEX runs_by_age ON runs (updated DESC, id);
CREATE INDEX runs_by_profile ON runs (profile, updated DESC, id);
CREATE INDEX runs_by_workflow ON runs (profile, app_name, updated DESC, id);
CREATE INDEX runs_by_rev ON runs (rev);

CREATE TABLE events (
    run       TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    at        REAL NOT NULL,
    actor     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    step      TEXT,
    forward   TEXT NOT NULL,
    backward  TEXT NOT NULL,
    undoes    TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE drafts (
    run    TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step   TEXT NOT NULL,
    given  TEXT NOT NULL,
    at     REAL NOT NULL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE temp (
    run    TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE cached (
    run     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL,         -- of the values above: another one and the entry no longer counts
    value   TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE keyvalue (
    space  TEXT NOT NULL,          -- an APP_NAME, or '' for the app's own
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (space, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
    sha256    TEXT PRIMARY KEY,
    filename  TEXT NOT NULL,
    text      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    run         TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step        TEXT NOT NULL,
    version     INTEGER NOT NULL,  -- of the run, with the event that queued it
    source      TEXT NOT NULL REFERENCES sources (sha256),
    state       TEXT NOT NULL,
    queued      REAL NOT NULL,
    started     REAL,
    ended       REAL,
    deaths      INTEGER NOT NULL DEFAULT 0,   -- in a row, with nothing recorded between them
    recorded    INTEGER NOT NULL DEFAULT 0,   -- finished lines of the ledger when it was last claimed
    pid         INTEGER,                      -- of the process that runs it
    done        REAL NOT NULL DEFAULT 0,
    total       REAL NOT NULL DEFAULT 0,
    text        TEXT NOT NULL DEFAULT '',
    question    TEXT,
    error       TEXT NOT NULL DEFAULT '',
    result      TEXT,
    cancel      REAL,              -- when a person asked for it
    superseded  REAL,              -- since when its result is not wanted
    rev         INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_run ON jobs (run);
CREATE INDEX jobs_by_state ON jobs (state, queued);
CREATE INDEX jobs_by_rev ON jobs (rev);

CREATE TABLE ledger (
    job       TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    key       TEXT NOT NULL,       -- a hash of the inputs
    attempt   TEXT NOT NULL,
    marker    TEXT NOT NULL,
    inputs    TEXT NOT NULL,
    certain   INTEGER NOT NULL,    -- work that must not be repeated
    finished  INTEGER NOT NULL,
    value     TEXT NOT NULL,
    at        REAL NOT NULL,
    PRIMARY KEY (job, name, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
    job    TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (job, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    run     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,         -- the path below the run's folder
    job     TEXT REFERENCES jobs (id) ON DELETE SET NULL,
    step    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    sha256  TEXT NOT NULL,
    rows    INTEGER,
    at      REAL NOT NULL,
    rev     INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_by_rev ON artifacts (rev);

CREATE TABLE gone (
    run  TEXT PRIMARY KEY,         -- purged runs, so that the feed can tell
    rev  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

CHAT = """
CREATE TABLE conversations (
    id       TEXT PRIMARY KEY,
    run      TEXT REFERENCES runs (id) ON DELETE CASCADE,   -- NULL: a general one
    name     TEXT NOT NULL,
    created  REAL NOT NULL,
    updated  REAL NOT NULL,
    opened   INTEGER NOT NULL,     -- a count: the highest of a run is the one in use
    rev      INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_by_run ON conversations (run, opened DESC);
CREATE INDEX conversations_by_age ON conversations (updated DESC, id);
CREATE INDEX conversations_by_rev ON conversations (rev);

CREATE TABLE messages (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,   -- the search leans on it: never used again
    id            TEXT NOT NULL UNIQUE,
    conversation  TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    seq           INTEGER NOT NULL,
    role          TEXT NOT NULL,
    author        TEXT NOT NULL,
    state         TEXT NOT NULL,
    text          TEXT NOT NULL,
    parts         TEXT NOT NULL,
    why           TEXT NOT NULL,
    pinned        INTEGER NOT NULL,
    created       REAL NOT NULL,
    usage         TEXT NOT NULL,
    scope         TEXT NOT NULL,   -- of an answer: where its asker was
    origin        TEXT UNIQUE,     -- what a job said: a job that runs again says it once
    owner         TEXT NOT NULL DEFAULT '',   -- the app that receives a streamed answer
    touched       REAL NOT NULL DEFAULT 0,    -- when it last said that it does
    rev           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_place ON messages (conversation, seq);
CREATE INDEX messages_live ON messages (state) WHERE state IN ('waiting', 'streaming');
CREATE INDEX messages_by_rev ON messages (rev);

CREATE VIRTUAL TABLE found USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');

CREATE TABLE proposals (
    id            TEXT PRIMARY KEY,
    conversation  TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message       TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    action        TEXT NOT NULL,
    arguments     TEXT NOT NULL,
    title         TEXT NOT NULL,
    before        TEXT NOT NULL,
    after         TEXT NOT NULL,
    target        TEXT NOT NULL,   -- a hash of what is changed, as it was
    state         TEXT NOT NULL,
    result        TEXT NOT NULL,
    created       REAL NOT NULL,
    expires       REAL NOT NULL,
    decided       REAL,
    rev           INTEGER NOT NULL
) STRICT;
CREATE INDEX proposals_by_conversation ON proposals (conversation, created);
CREATE INDEX proposals_open ON proposals (expires) WHERE state = 'open';
CREATE INDEX proposals_by_rev ON proposals (rev);
"""

COLLECTIONS = """
ALTER TABLE profiles ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE profiles ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
ALTER TABLE profiles ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE profiles SET position = (
    SELECT count(*) FROM profiles AS other WHERE (other.created, other.name) <= (profiles.created, profiles.name)
);

CREATE TABLE tasks (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,   -- people and models name a task by it: never used again
    profile   TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    text      TEXT NOT NULL,
    priority  INTEGER NOT NULL,
    done      INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    created   REAL NOT NULL,
    rev       INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_by_place ON tasks (profile, position);

CREATE TABLE collections (
    name  TEXT PRIMARY KEY,        -- of a table whose rows came, changed or went
    rev   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (FIRST, CHAT, COLLECTIONS)
