"""Actions on the files of the run on the screen, and no others: list, head, statistics of columns. They only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.fields import Group, Number, Text
from ..engine.refusals import Refusal
from ..text import count, counted, one_line, size
from .action import Action, Args, Done, Scope

if TYPE_CHECKING:
    from ..service import Service
    from ..service.files import Column

NAME = Text(maximum=300, hint="a file's name, as files_list has it", label="file")
COMMON = 5
LONGEST_CELL = 120


def _run(scope: Scope) -> str:
    if not scope.run:
        raise Refusal("No run is on the screen: files are those of the run that is.")
    return scope.run


async def _list(service: Service, scope: Scope, args: Args) -> Done:
    files = await service.files.of(_run(scope))
    found = [{"file": file.name, "bytes": file.size, "rows": file.rows} for file in files]
    said = f"{count(len(files))} {'file' if len(files) == 1 else 'files'} of this run"
    return Done(said, found, "\n".join(f"{file.name}  {size(file.size)}" for file in files))


async def _head(service: Service, scope: Scope, args: Args) -> Done:
    head = await service.files.head(_run(scope), args["file"], int(args["rows"]))
    rows = [[one_line(cell, LONGEST_CELL) for cell in row] for row in head.rows]
    result: dict[str, Any] = {"file": args["file"]}
    if head.columns is None:
        result["lines"] = [row[0] for row in rows]
        noun = "line" if len(rows) == 1 else "lines"
    else:
        columns = [one_line(cell, LONGEST_CELL) for cell in head.columns]
        result |= {"columns": columns, "rows": rows}
        noun = "row" if len(rows) == 1 else "rows"
        rows = [columns, *rows]
    said = f"{count(len(head.rows))} {noun} from the start of {args['file']}"
    return Done(said, result, "\n".join("  ".join(row) for row in rows))


async def _statistics(service: Service, scope: Scope, args: Args) -> Done:
    found = await service.files.statistics(_run(scope), args["file"], args.get("column", ""))
    columns = [_said(column) for column in found.columns]
    result: dict[str, Any] = {"file": args["file"], "rows": found.rows, "columns": columns}
    if not found.complete:
        result["note"] = "The file is longer: these are its first rows."
    which = args.get("column") or counted(len(columns), "column")
    said = f"Statistics of {which} in {args['file']}, {counted(found.rows, 'row')}"
    lines = [" · ".join(f"{name} {_short(value)}" for name, value in column.items()) for column in columns]
    return Done(said, result, "\n".join(lines))


def _said(column: Column) -> dict[str, Any]:
    kinds = len(column.kinds)
    said: dict[str, Any] = {
        "column": one_line(column.name, LONGEST_CELL),
        "empty": column.empty,
        "different": f"more than {count(kinds)}" if column.more_kinds else kinds,
    }
    if column.is_numeric and column.numbers:
        said |= {"numbers": column.numbers, "lowest": column.lowest, "highest": column.highest}
        said["mean"] = float(f"{column.mean:.10g}")
    else:
        said["longest"] = column.longest
    if not column.more_kinds:
        common = column.kinds.most_common(COMMON)
        said["most_common"] = [[one_line(cell, LONGEST_CELL), times] for cell, times in common if times > 1]
    return said


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{cell} ({count(times)})" for cell, times in value) or "–"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


ACTIONS = (
    Action(
        "files_list",
        "List the files that the run on the screen has produced.",
        Group(),
        read=_list,
        offered=True,
        of_run=True,
    ),
    Action(
        "files_head",
        "Show the first rows of a file of the run on the screen.",
        Group(file=NAME, rows=Number(5, whole=True, minimum=1, maximum=50, hint="how many at most", label="rows")),
        read=_head,
        offered=True,
        of_run=True,
    ),
    Action(
        "files_statistics",
        "Tell what the columns of a table (CSV, Parquet) of this run hold: counts, ranges, most common values.",
        Group(
            file=NAME,
            column=Text(optional=True, maximum=300, hint="a column's name; left out: all of them", label="column"),
        ),
        read=_statistics,
        offered=True,
        of_run=True,
    ),
)
