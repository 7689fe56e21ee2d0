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

MIGRATIONS: tuple[str, ...] = (FIRST,)
