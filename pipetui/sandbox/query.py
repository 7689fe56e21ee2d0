"""BQLv2, checked and evaluated (contract, section 6): a row for each distinct combination of the dimensions.

Count and rows come from the same compiled query. With `url` among the dimensions, rows are made page by page and
nothing is kept; without it, the pages of each group are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from operator import add, eq, ge, gt, le, lt, mul, sub, truediv
from typing import Any, TypeAlias

from .data import Collection, Column, Period, Project
from .errors import ApiError, at, required

Where: TypeAlias = Callable[[int], bool]
Metric: TypeAlias = Callable[[Sequence[int]], Any]
"""From the pages of a group to its value."""

SORTABLE = 3_000_000
"""Rows that are sorted in memory."""

NUMBERS = ("integer", "float")


class Query:
    """A checked query. Raises ApiError with the service's codes where the body is wrong."""

    def __init__(self, project: Project, body: object) -> None:
        self._project = project
        self._periods: list[Period] = []
        self.collections = self._collections(body)
        assert isinstance(body, dict)
        query = body["query"]
        self.columns = [self._column(name, ("query", "dimensions")) for name in query["dimensions"]]
        for column in self.columns:
            if column.field.kind == "metric":
                raise at(("query", "dimensions"), f"{column.field.id} is not a dimension.")
        self._names = [name["field"] if isinstance(name, dict) else name for name in query["dimensions"]]
        self.metric_labels: list[tuple[str, str, str]] = []
        """Of each metric: name, id, id with its collection."""
        self._metrics = [self._metric(spec, top=True) for spec in query["metrics"]]
        self._where = self._filter(query.get("filters") or {})
        if query.get("post_filters"):
            raise ApiError("1022", {"post_filters": ["The sandbox does not know them."]})
        self._sort = [self._sort_key(spec, query) for spec in query.get("sort") or []]
        self.by_url = any(column.field.id == "url" for column in self.columns)
        self.links_graph = any(column.field.id.endswith(".graph.url") for column in self.columns)

    @property
    def width(self) -> int:
        """How many of a row's values are dimensions."""
        return len(self.columns)

    @property
    def labels(self) -> list[tuple[str, str, str]]:
        """Of each column of the rows: verbose, slug, slug with its collection."""
        dimensions = [
            (column.field.name, column.field.id, name) for column, name in zip(self.columns, self._names, strict=True)
        ]
        return dimensions + self.metric_labels

    @property
    def has_booleans(self) -> bool:
        return any(column.field.type == "boolean" for column in self.columns)

    @property
    def is_text(self) -> bool:
        """All columns are texts, and there are at least two."""
        return len(self.columns) > 1 and not self._metrics and all(c.field.type == "string" for c in self.columns)

    def count(self) -> int:
        """How many rows() there are."""
        if not self.by_url:
            return len(self._groups())
        sizes = [column.size for column in self.columns]
        return sum(math.prod([size(page) for size in sizes]) for page in self.pages())

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Flat: dimensions, then metrics. Without a sort in the order of the pages."""
        if not self._sort:
            return self._unsorted()
        if self.count() > SORTABLE:
            raise ApiError("1043")
        rows = list(self._unsorted())
        for index, descending in reversed(self._sort):
            empty = [row for row in rows if row[index] is None]
            rows = [row for row in rows if row[index] is not None]
            rows.sort(key=lambda row: row[index], reverse=descending)
            rows += empty
        return iter(rows)

    def sorted_pages(self) -> list[int]:
        """The pages that pass the filters, in the order of the sort, which may name dimensions only."""
        pages = list(self.pages())
        for index, descending in reversed(self._sort):
            values = self.columns[index].values
            empty = [page for page in pages if values(page)[0] is None]
            pages = [page for page in pages if values(page)[0] is not None]
            pages.sort(key=lambda page: values(page)[0], reverse=descending)
            pages += empty
        return pages

    def _unsorted(self) -> Iterator[tuple[Any, ...]]:
        values = [column.values for column in self.columns]
        if self.by_url:
            for page in self.pages():
                metrics = [(metric((page,)),) for metric in self._metrics]
                yield from product(*[value(page) for value in values], *metrics)
            return
        for combination, pages in self._groups().items():
            yield (*combination, *(metric(pages) for metric in self._metrics))

    def _groups(self) -> dict[tuple[Any, ...], list[int]]:
        groups: dict[tuple[Any, ...], list[int]] = {} if self.columns else {(): []}
        values = [column.values for column in self.columns]
        for page in self.pages():
            for combination in product(*[value(page) for value in values]):
                groups.setdefault(combination, []).append(page)
        return groups

    def pages(self) -> Iterator[int]:
        """The pages that pass the filters."""
        sets = [collection.keys(self._periods) for collection in self.collections]
        pages: Iterable[int] = sets[0]
        if len(sets) > 1:
            ranges = [keys for keys in sets if isinstance(keys, range)]
            longest = max(map(len, ranges), default=0)
            beyond = {page for keys in sets if not isinstance(keys, range) for page in keys if page >= longest}
            pages = [*range(longest), *sorted(beyond)] if beyond else range(longest)
        return filter(self._where, pages)

    # What the body says

    def _collections(self, body: object) -> list[Collection]:
        if not isinstance(body, dict):
            raise ApiError("1024")
        _only(body, ("collections", "periods", "query"), ())
        for name, kind in (("collections", list), ("query", dict)):
            if not isinstance(body.get(name), kind):
                raise required(name)
        query = body["query"]
        for name in ("dimensions", "metrics"):
            if not isinstance(query.get(name), list):
                raise required("query", name)
        _only(query, ("dimensions", "metrics", "filters", "post_filters", "sort"), ("query",))
        if not query["dimensions"] and not query["metrics"]:
            raise ApiError("1016")
        for where, name in ((body, "periods"), (query, "sort")):
            if not isinstance(where.get(name) or [], list):
                raise at((name,), "A list is expected.")
        found = []
        for id in map(str, body["collections"]):
            if id not in self._project.collections:
                raise ApiError("1021", {"collection": id})
            found.append(self._project.collections[id])
        if not found:
            raise required("collections")
        self._periods = [_period(given) for given in body.get("periods") or []]
        if not self._periods and any(collection.timestamped for collection in found):
            raise required("periods")
        return found

    def _column(self, name: object, place: tuple[str, ...]) -> Column:
        """The column of a dimension, a filter's field or a metric's."""
        if isinstance(name, dict):
            if set(name) != {"field"}:
                raise ApiError("1022", {place[-1]: ["The sandbox knows no functions here."]})
            name = name["field"]
        if not isinstance(name, str):
            raise at(place, "Not a valid field.")
        if name == "url":
            widest = max(self.collections, key=lambda collection: collection.pages.count)
            found = widest.column("url", None)
        elif name.startswith("segments."):
            found = self._project.collections["global"].column(name, None)
        else:
            found = None
            for collection in sorted(self.collections, key=lambda collection: len(collection.id), reverse=True):
                if name.startswith(collection.id + "."):
                    field, period = name[len(collection.id) + 1 :], None
                    if collection.timestamped and (match := re.match(r"period_(\d{1,2})\.", field)):
                        index, field = int(match[1]), field[match.end() :]
                        period = self._periods[index] if index < len(self._periods) else None
                    elif field not in collection.fields and field != "metadata.title.nb":
                        break
                    found = self._within(collection, collection.column(field, period))
                    break
        if found is None:
            raise ApiError("1029", {"field": name})
        return found

    def _within(self, collection: Collection, column: Column | None) -> Column | None:
        """Of a page that another collection of the query brought, and this one does not have, nothing is known."""
        if column is None or len(self.collections) == 1:
            return column
        count, values, size = collection.pages.count, column.values, column.size
        return Column(
            column.field,
            lambda page: values(page) if page < count else (None,),
            lambda page: size(page) if page < count else 1,
        )

    def _metric(self, spec: object, *, top: bool = False) -> Metric:
        if isinstance(spec, str):
            spec = {"field": spec}
        if not isinstance(spec, dict):
            raise at(("query", "metrics"), "Not a valid metric.")
        if "function" in spec:
            _only(spec, ("function", "args", "name", "filters"), ("query", "metrics"))
            label = str(spec.get("name") or spec["function"])
            metric = self._function(str(spec["function"]), spec.get("args") or [])
            labels = (label, label, label)
        else:
            _only(spec, ("field", "name", "filters"), ("query", "metrics"))
            column = self._column(spec.get("field"), ("query", "metrics"))
            if column.field.kind != "metric":
                raise at(("query", "metrics"), f"{spec['field']} is not a metric.")
            metric = _quotient(column) if column.field.ratio else _sum(column)
            label = str(spec.get("name") or column.field.name)
            labels = (label, column.field.id, str(spec["field"]))
        if top:
            self.metric_labels.append(labels)
        if not spec.get("filters"):
            return metric
        where = self._filter(spec["filters"])
        return lambda pages: metric([page for page in pages if where(page)])

    def _function(self, name: str, args: Any) -> Metric:
        if not isinstance(args, list):
            raise at(("query", "metrics", "args"), "A list is expected.")
        if name in ("add", "sub", "mul", "div"):
            first, second = (self._operand(arg) for arg in _two(args, name))
            return lambda pages: _arithmetic(name, first(pages), second(pages))
        if not args:
            raise ApiError("1022", {"function": name})
        column = self._column(args[0], ("query", "metrics"))
        if name in _COMPARISONS:
            expected, compare = _two(args, name)[1], _COMPARISONS[name]
            return lambda pages: sum(compare(value, expected) for value in _values(column, pages))
        if name == "count_null":
            return lambda pages: sum(column.values(page)[0] is None for page in pages)
        if name not in _REDUCE:
            raise ApiError("1022", {"function": name})
        if name in ("sum", "avg") and column.field.type not in NUMBERS:
            raise ApiError("1022", {"function": name, "field": column.field.id})
        reduce = _REDUCE[name]
        return lambda pages: reduce(_values(column, pages))

    def _operand(self, spec: object) -> Metric:
        return (lambda pages: spec) if isinstance(spec, int | float) else self._metric(spec)

    def _filter(self, spec: object) -> Where:
        if spec == {}:
            return lambda page: True
        if not isinstance(spec, dict):
            raise at(("query", "filters"), "Not a valid filter.")
        for name, all_of in (("and", True), ("or", False)):
            if name in spec:
                _only(spec, (name,), ("query", "filters"))
                if not isinstance(spec[name], list):
                    raise at(("query", "filters", name), "A list is expected.")
                parts = [self._filter(part) for part in spec[name]]
                together = all if all_of else any
                return lambda page: together(part(page) for part in parts)
        if "not" in spec:
            _only(spec, ("not",), ("query", "filters"))
            inner = self._filter(spec["not"])
            return lambda page: not inner(page)
        _only(spec, ("field", "predicate", "value"), ("query", "filters"))
        if "field" not in spec:
            raise required("query", "filters", "field")
        column = self._column(spec["field"], ("query", "filters"))
        predicate, value = str(spec.get("predicate", "eq")), spec.get("value")
        scope, _, bare = predicate.rpartition(".")
        if scope not in ("", "any", "all") or bool(scope) != column.field.multiple:
            raise ApiError("1022", {"predicate": predicate})
        together = all if scope == "all" else any
        test, values = _test(bare, value, column), column.values
        if column.field.ratio:
            quotient = _quotient(column)
            return lambda page: test(quotient((page,)))
        if not column.field.multiple:
            return lambda page: test(values(page)[0])
        return lambda page: together(test(each) for each in values(page))

    def _sort_key(self, spec: object, query: dict[str, Any]) -> tuple[int, bool]:
        """The index in a row, and whether it descends."""
        if isinstance(spec, int) and not isinstance(spec, bool):
            spec = {"type": "dimensions", "index": spec}
        if not isinstance(spec, dict) or spec.get("order", "asc") not in ("asc", "desc"):
            raise at(("query", "sort"), "Not a valid sort.")
        descending = spec.get("order") == "desc"
        if "field" in spec:
            names = [*query["dimensions"], *query["metrics"]]
            if spec["field"] not in names:
                raise ApiError("1029", {"field": spec["field"]})
            return names.index(spec["field"]), descending
        kind, index = spec.get("type"), spec.get("index")
        size = {"dimensions": self.width, "metrics": len(self._metrics)}.get(str(kind), 0)
        if not isinstance(index, int) or not 0 <= index < size:
            raise at(("query", "sort"), "There is no such column.")
        return index + (self.width if kind == "metrics" else 0), descending


def _only(given: dict[str, Any], known: tuple[str, ...], path: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise at((*path, name), "Unknown field.")


def _two(args: list[Any], name: str) -> list[Any]:
    if len(args) != 2:
        raise ApiError("1022", {"function": name})
    return args


def _period(given: object) -> Period:
    if isinstance(given, list) and len(given) == 2:
        try:
            first, last = (datetime.strptime(str(day).replace("-", ""), "%Y%m%d").date() for day in given)
        except ValueError:
            pass
        else:
            if first <= last:
                return first, last
    raise at(("periods",), "Not a valid period.")


def _values(column: Column, pages: Iterable[int]) -> Iterator[Any]:
    return (value for page in pages for value in column.values(page) if value is not None)


def _sum(column: Column) -> Metric:
    return lambda pages: _total(_values(column, pages))


def _quotient(column: Column) -> Metric:
    def quotient(pages: Sequence[int]) -> float | None:
        pairs = list(_values(column, pages))
        below = sum(pair[1] for pair in pairs)
        return sum(pair[0] for pair in pairs) / below if below else None

    return quotient


def _total(values: Iterable[Any]) -> Any:
    """None, as the service says it, where there is nothing to add."""
    found = list(values)
    return sum(found) if found else None


def _mean(values: Iterable[Any]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


_REDUCE: dict[str, Callable[[Iterator[Any]], Any]] = {
    "count": lambda values: sum(1 for _ in values),
    "count_distinct": lambda values: len(set(values)),
    "count_distinct_approx": lambda values: len(set(values)),
    "count_true": lambda values: sum(value is True for value in values),
    "count_false": lambda values: sum(value is False for value in values),
    "sum": _total,
    "avg": _mean,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "first": lambda values: next(values, None),
}

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "count_eq": lambda value, other: value == other,
    "count_gt": lambda value, other: value > other,
    "count_gte": lambda value, other: value >= other,
    "count_lt": lambda value, other: value < other,
    "count_lte": lambda value, other: value <= other,
}


def _arithmetic(name: str, first: Any, second: Any) -> Any:
    if first is None or second is None or (name == "div" and not second):
        return None
    operations: dict[str, Callable[[Any, Any], Any]] = {"add": add, "sub": sub, "mul": mul, "div": truediv}
    return operations[name](first, second)


def _test(predicate: str, expected: Any, column: Column) -> Callable[[Any], bool]:
    """What a value must be like. Nothing but `exists` is true of no value."""
    kind = column.field.type

    def check(*values: Any) -> None:
        for value in values:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            fits = number if kind in NUMBERS else isinstance(value, bool if kind == "boolean" else str)
            if not fits:
                raise ApiError("1022", {"field": column.field.id, "value": [f"A {kind} is expected."]})

    if predicate == "exists":
        return lambda value: (value is not None) == (expected is not False)
    if predicate == "between":
        if not isinstance(expected, list) or len(expected) != 2:
            raise ApiError("1022", {"predicate": predicate})
        check(*expected)
        low, high = expected
        return lambda value: value is not None and low <= value <= high
    check(expected)
    if predicate == "re":
        try:
            pattern = re.compile(expected)
        except (re.error, TypeError):
            raise ApiError("1015") from None
        return lambda value: value is not None and pattern.search(value) is not None
    tests = _ORDERED if kind in NUMBERS else {"eq": eq} if kind == "boolean" else _ORDERED | _TEXTS
    if predicate not in tests:
        raise ApiError("1022", {"predicate": predicate})
    test = tests[predicate]
    return lambda value: value is not None and test(value, expected)


_ORDERED: dict[str, Callable[[Any, Any], bool]] = {"eq": eq, "lt": lt, "lte": le, "gt": gt, "gte": ge}
_TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, part: part in value,
    "starts": lambda value, part: value.startswith(part),
    "ends": lambda value, part: value.endswith(part),
}
