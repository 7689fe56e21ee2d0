"""From files to tables: `pages` (id, url, listed), `edges` (source, target, times, weight), `facts` of listed pages.

The edge files are read twice rather than kept: once for the addresses, once for the pairs of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..text import one_line
from .database import Database
from .errors import BadInput, LinksError
from .sniff import WEIGHTS, CsvFile, sniff

Progress: TypeAlias = Callable[[str, float], None]
"""Is told what is being done, and the share of the call that is done, from 0 to 1."""

MAX_PAGES = 2**31 - 2
HASH = "hash({})"
_REJECTS = "store_rejects = true, rejects_table = 'rejects', rejects_scan = 'reject_scans'"


@dataclass(frozen=True)
class EdgeFile:
    """What was read: `rows` are those with the right number of columns, `malformed` the lines that are none,
    `unusable` rows without a source or with a weight that is no number from 1e-9 to 1e15, `targetless` those of pages
    that link to nothing."""

    name: str
    source: str
    target: str
    weight: str | None
    rows: int
    malformed: int
    unusable: int
    targetless: int


@dataclass(frozen=True)
class NodeFile:
    """A file about pages. `duplicates` are further rows of a page: one of them counts."""

    name: str
    page: str
    status: str | None
    segment: str | None
    rows: int
    malformed: int
    unusable: int
    duplicates: int


@dataclass(frozen=True)
class Loaded:
    edge_files: tuple[EdgeFile, ...]
    node_files: tuple[NodeFile, ...]
    has_status: bool
    has_segment: bool
    extra: tuple[str, ...]
    """Names of further columns of the node files; `facts` has them as x0, x1, …, texts."""


@dataclass(frozen=True)
class _Seen:
    """What the first look at an edge file counted: rows, lines that are none, empty sources, empty targets."""

    rows: int
    malformed: int
    sources: int
    targets: int


def load(
    db: Database,
    edges: Sequence[Path],
    nodes: Sequence[Path],
    *,
    source: str | None,
    target: str | None,
    progress: Progress,
) -> Loaded:
    """Fill the tables. BadInput for files that can't be used; rows that can't be are counted."""
    edge_csvs = [sniff(path) for path in edges]
    node_csvs = [sniff(path) for path in nodes]
    ends = [file.ends(source, target) for file in edge_csvs]
    progress("Reading the node files", 0.0)
    node_files = tuple(_read_nodes(db, index, file) for index, file in enumerate(node_csvs))
    progress("Collecting addresses", 0.1)
    seen = _collect_addresses(db, edge_csvs, ends, len(node_csvs))
    if db.value("SELECT count(*) FROM pages") > MAX_PAGES:
        raise LinksError("These are more than 2 billion pages: split the files.")
    progress("Reading the links", 0.4)
    edge_files = _read_edges(db, edge_csvs, ends, seen)
    progress("Joining the node files", 0.9)
    extra = _join_facts(db, node_csvs)
    progress("Loaded", 1.0)
    return Loaded(
        edge_files,
        node_files,
        has_status=any(file.status is not None for file in node_files),
        has_segment=any(file.segment is not None for file in node_files),
        extra=extra,
    )


def _scan(file: CsvFile, *, options: str, strict: bool) -> tuple[str, list[object]]:
    """A table function for the file, with columns c0, c1, …, and its parameters: nothing of the file becomes SQL."""
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(file.names)))
    return (
        f"read_csv(?, auto_detect = false, header = false, columns = {{{columns}}}, delim = ?, quote = '\"', "
        f"escape = '\"', nullstr = '', skip = {file.skip}, compression = ?, encoding = ?, ignore_errors = true, "
        f"strict_mode = {str(strict).lower()}, {options})",
        [str(file.path), file.delimiter, file.compression, file.encoding],
    )


def _create(db: Database, table: str, file: CsvFile, query: str, *, counted: bool = False) -> int:
    """CREATE TABLE AS `query`, in which FILE stands for the rows. Returns how many lines are malformed, if asked to."""
    for strict in (True, False):
        db.run("DROP TABLE IF EXISTS rejects; DROP TABLE IF EXISTS reject_scans")
        scan, parameters = _scan(file, options=_REJECTS if counted else "store_rejects = false", strict=strict)
        try:
            db.run(f"CREATE OR REPLACE TABLE {table} AS {query.replace('FILE', scan)}", parameters)
            break
        except BadInput as error:
            raise BadInput(f"{file.path.name}: {error}") from None
        except LinksError as error:
            # Line ends of both kinds in one file stop the strict parser, not the other one.
            if not strict or "strict_mode" not in str(error.__cause__):
                raise
    return int(db.value("SELECT count(DISTINCT line) FROM rejects")) if counted else 0


def _cell(index: int) -> str:
    """SQL for a cell without white space around it, NULL for an empty one. `trim` is dear: only where it is needed."""
    cell = f"c{index}"
    return (
        f"CASE WHEN {cell}[1] <= ' ' OR {cell}[-1] <= ' ' THEN nullif(trim({cell}, E' \\t\\r\\n'), '') ELSE {cell} END"
    )


def _read_nodes(db: Database, index: int, file: CsvFile) -> NodeFile:
    """Into the table node_file_N: url, and the other columns under their positions."""
    page, status, segment = file.page(), file.status(), file.segment()
    others = [f"c{i}" for i in range(len(file.names)) if i != page]
    select = ", ".join([f"{_cell(page)} AS url", *others])
    table = f"node_file_{index}"
    malformed = _create(db, table, file, f"SELECT {select} FROM FILE", counted=True)
    rows, named, different = db.row(f"SELECT count(*), count(url), count(DISTINCT url) FROM {table}")
    if named > different:
        # The least row of a page counts: the same one each time.
        packed = ", ".join(f"'{name}': {name}" for name in others) or "'none': 0"
        unpacked = "".join(f", one.{name}" for name in others)
        db.run(
            f"CREATE OR REPLACE TABLE {table} AS SELECT url{unpacked} FROM "
            f"(SELECT url, min({{{packed}}}) AS one FROM {table} GROUP BY url)"
        )
    names = file.names
    return NodeFile(
        file.path.name,
        page=names[page],
        status=None if status is None else names[status],
        segment=None if segment is None else names[segment],
        rows=rows,
        malformed=malformed,
        unusable=rows - named,
        duplicates=named - different,
    )


def _pairs(file: CsvFile, ends: tuple[int, int]) -> tuple[str, str, str]:
    """SQL for a row's source, target and weight. A row with an unusable weight has none of them."""
    source, target = map(_cell, ends)
    position = _weight(file, ends)
    if position is None:
        return source, target, "1"
    weight = f"TRY_CAST(c{position} AS DOUBLE)"
    usable = f"{weight} BETWEEN 1e-9 AND 1e15"  # sums and quotients of them stay finite
    return f"CASE WHEN {usable} THEN {source} END", f"CASE WHEN {usable} THEN {target} END", weight


def _weight(file: CsvFile, ends: tuple[int, int]) -> int | None:
    position = file.find(WEIGHTS)
    return None if position in ends else position


def _key(db: Database) -> str:
    """SQL that stands for an address in a join: its hash, a tenth of the memory, unless two addresses have the same."""
    pages, keys = db.row(f"SELECT count(*), count(DISTINCT {HASH.format('url')}) FROM pages")
    return HASH if pages == keys else "{}"


def _collect_addresses(
    db: Database, files: Sequence[CsvFile], ends: Sequence[tuple[int, int]], node_files: int
) -> list[_Seen]:
    """The table `pages`, numbered in the order of the addresses."""
    seen, addresses = [], []
    for index, (file, columns) in enumerate(zip(files, ends, strict=True)):
        source, target, _ = _pairs(file, columns)
        table = f"ends_{index}"
        malformed = _create(
            db, table, file,
            "SELECT url, count(*) AS times, count(*) FILTER (is_target) AS targets FROM (SELECT unnest("
            f"[{{'url': {source}, 'is_target': false}}, {{'url': {target}, 'is_target': true}}], recursive := true) "
            "FROM FILE) GROUP BY url",
            counted=True,
        )  # fmt: skip
        both = db.value(f"SELECT coalesce(sum(times), 0) FROM {table}")
        times, targets = (db.rows(f"SELECT times, targets FROM {table} WHERE url IS NULL") or [(0, 0)])[0]
        seen.append(_Seen(int(both) // 2, malformed, sources=int(times - targets), targets=int(targets)))
        addresses.append(f"SELECT url, false AS listed FROM {table}")
    addresses += [f"SELECT url, true FROM node_file_{index}" for index in range(node_files)]
    db.run(
        "CREATE TABLE pages AS SELECT (row_number() OVER (ORDER BY url) - 1)::INTEGER AS id, url, listed FROM "
        f"(SELECT url, bool_or(listed) AS listed FROM ({' UNION ALL '.join(addresses)}) "
        "WHERE url IS NOT NULL GROUP BY url)"
    )
    for index in range(len(files)):
        db.run(f"DROP TABLE ends_{index}")
    return seen


def _read_edges(
    db: Database, files: Sequence[CsvFile], ends: Sequence[tuple[int, int]], seen: Sequence[_Seen]
) -> tuple[EdgeFile, ...]:
    """`edges`: each pair of pages once, with how often it came and the sum of its weights; stored sorted by source."""
    found, tables = [], []
    key = _key(db)
    by_id = f"(SELECT id, {key.format('url')} AS key FROM pages)"
    has_weight = any(_weight(file, columns) is not None for file, columns in zip(files, ends, strict=True))
    for index, (file, columns, counts) in enumerate(zip(files, ends, seen, strict=True)):
        source, target, weight = _pairs(file, columns)
        table = f"pairs_{index}"
        total = ", sum(weight) AS weight" if has_weight else ""
        _create(
            db, table, file,
            f"SELECT s.id AS source, t.id AS target, count(*)::INTEGER AS times{total} FROM "
            f"(SELECT {source} AS source, {target} AS target, {weight}::DOUBLE AS weight FROM FILE) r "
            f"JOIN {by_id} s ON s.key = {key.format('r.source')} JOIN {by_id} t ON t.key = {key.format('r.target')} "
            "GROUP BY s.id, t.id",
        )  # fmt: skip
        tables.append(table)
        links = int(db.value(f"SELECT coalesce(sum(times), 0) FROM {table}"))
        position = _weight(file, columns)
        found.append(
            EdgeFile(
                file.path.name,
                source=file.names[columns[0]],
                target=file.names[columns[1]],
                weight=None if position is None else file.names[position],
                rows=counts.rows,
                malformed=counts.malformed,
                unusable=counts.sources,
                targetless=counts.rows - counts.sources - links,
            )
        )
    together = " UNION ALL ".join(f"SELECT * FROM {table}" for table in tables)
    if len(tables) > 1:
        total = ", sum(weight) AS weight" if has_weight else ""
        together = (
            f"SELECT source, target, sum(times)::INTEGER AS times{total} FROM ({together}) GROUP BY source, target"
        )
    db.run(f"CREATE TABLE pairs AS SELECT * FROM ({together}) ORDER BY source, target")
    for table in tables:
        db.run(f"DROP TABLE {table}")
    weight = "weight" if has_weight else "times::DOUBLE AS weight"
    db.run(f"CREATE VIEW edges AS SELECT rowid AS id, source, target, times, {weight} FROM pairs")
    return tuple(found)


def _join_facts(db: Database, files: Sequence[CsvFile]) -> tuple[str, ...]:
    """The table `facts`: page, status, segment and the other columns of all node files, a row a page listed."""
    statuses, segments, others, names = [], [], [], list[str]()
    joins = ""
    for index, file in enumerate(files):
        page, of_status, of_segment = file.page(), file.status(), file.segment()
        joins += f" LEFT JOIN node_file_{index} AS f{index} ON f{index}.url = p.url"
        for position, name in enumerate(file.names):
            column = f"f{index}.c{position}"
            if position == of_status:
                statuses.append(f"TRY_CAST(TRY_CAST({column} AS DOUBLE) AS INTEGER)")
            elif position == of_segment:
                segments.append(f"nullif(trim({column}), '')")
            elif position != page:
                others.append(column)
                names.append(unlike(one_line(name, 80) or f"column {position + 1}", names))
    status = f"coalesce({', '.join(statuses)})" if statuses else "NULL"
    segment = f"coalesce({', '.join(segments)})" if segments else "NULL"
    columns = [
        "p.id AS page",
        f"(SELECT s FROM (SELECT {status} AS s) WHERE s BETWEEN 100 AND 599)::SMALLINT AS status",
        f"{segment}::VARCHAR AS segment",
        *(f"{column} AS x{number}" for number, column in enumerate(others)),
    ]
    db.run(f"CREATE TABLE facts AS SELECT {', '.join(columns)} FROM pages p{joins} WHERE p.listed")
    for index in range(len(files)):
        db.run(f"DROP TABLE node_file_{index}")
    return tuple(names)


def unlike(name: str, others: Sequence[str]) -> str:
    """`name`, numbered where another one is the same but for case."""
    taken = {other.casefold() for other in others}
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name} {number}"
    return free
