"""Collections: the rows of any of them. Names in the statements come from the declaration only, values are bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.collections import Collection
from ..engine.fields import Switch, Text
from ..engine.values import Value
from . import rev
from .connection import storable
from .database import Tx


@dataclass(frozen=True)
class Item:
    """One row: `values` by column. `owner` is its profile's name, '' where a collection belongs to none.

    `id` is a number where items are named by one, else a text that nobody sees.
    """

    id: int | str
    owner: str
    position: int
    created: float
    values: Mapping[str, Value]


def items(
    tx: Tx, collection: Collection, *, owner: str | None = None, text: str = "", limit: int = 10_000
) -> list[Item]:
    """The items in their order, those of one profile (its id) or of all. `text` must be in one of their texts."""
    where, values = ["1"], []
    if owner is not None:
        where.append("it.profile = ?")
        values.append(owner)
    if text:
        texts = [name for name, field in collection.columns.members.items() if isinstance(field, Text)]
        where.append(f"({' OR '.join(f'instr(lower(it.{name}), lower(?)) > 0' for name in texts)})")
        values += [text] * len(texts)
    order = "profiles.name, it.position, it.id" if collection.owned else "it.position, it.id"
    found = tx.execute(
        f"{_select(collection)} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?", (*values, limit)
    ).fetchall()
    return [_item(collection, row) for row in found]


def get(tx: Tx, collection: Collection, id: int | str) -> Item | None:
    row = tx.execute(f"{_select(collection)} WHERE it.id = ?", (id,)).fetchone()
    return _item(collection, row) if row else None


def called(tx: Tx, collection: Collection, name: str) -> Item | None:
    """The item with exactly this name, where items are named."""
    row = tx.execute(f"{_select(collection)} WHERE it.{collection.named_by} = ?", (name,)).fetchone()
    return _item(collection, row) if row else None


def order(tx: Tx, collection: Collection, item: Item) -> dict[int | str, int]:
    """The list that an item is in: ids in their order, and their positions."""
    where = "WHERE profile = (SELECT id FROM profiles WHERE name = ?)" if collection.owned else ""
    values = (item.owner,) if collection.owned else ()
    rows = tx.execute(f"SELECT id, position FROM {collection.name} {where} ORDER BY position, id LIMIT 10000", values)
    return {row[0]: row[1] for row in rows.fetchall()}


def count(tx: Tx, collection: Collection, owner: str | None = None) -> int:
    where = "" if owner is None else "WHERE profile = ?"
    found = tx.execute(f"SELECT count(*) FROM {collection.name} {where}", () if owner is None else (owner,))
    return int(found.fetchone()[0])


def insert(
    tx: Tx, collection: Collection, values: Mapping[str, Value], owner: str | None, id: str | None, now: float
) -> int | str:
    """Add an item at the end of its list; its id. `values` has every column; without an `id` it gets a number."""
    where = "" if owner is None else "WHERE profile = ?"
    own = () if owner is None else (owner,)
    (last,) = tx.execute(f"SELECT coalesce(max(position), 0) FROM {collection.name} {where}", own).fetchone()
    columns: dict[str, Any] = {"id": id, "position": last + 1, "created": now, "rev": _changed(tx, collection)}
    columns |= {name: _stored(values[name]) for name in collection.columns.members}
    if owner is not None:
        columns["profile"] = owner
    marks = ", ".join("?" * len(columns))
    done = tx.execute(f"INSERT INTO {collection.name} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))
    return id if id is not None else int(done.lastrowid or 0)


def update(tx: Tx, collection: Collection, id: int | str, values: Mapping[str, Value]) -> None:
    """Write some columns of an item."""
    known = {name: _stored(values[name]) for name in collection.columns.members if name in values}
    names = ", ".join(f"{name} = ?" for name in [*known, "rev"])
    tx.execute(f"UPDATE {collection.name} SET {names} WHERE id = ?", (*known.values(), _changed(tx, collection), id))


def delete(tx: Tx, collection: Collection, id: int | str) -> None:
    _changed(tx, collection)
    tx.execute(f"DELETE FROM {collection.name} WHERE id = ?", (id,))


def arrange(tx: Tx, collection: Collection, order: Mapping[int | str, int]) -> None:
    """Give items their positions."""
    bumped = _changed(tx, collection)
    tx.executemany(
        f"UPDATE {collection.name} SET position = ?, rev = ? WHERE id = ?",
        [(position, bumped, id) for id, position in order.items()],
    )


def _select(collection: Collection) -> str:
    columns = ", ".join(f"it.{name}" for name in ("id", "position", "created", *collection.columns.members))
    owner = "profiles.name" if collection.owned else "''"
    join = "JOIN profiles ON profiles.id = it.profile" if collection.owned else ""
    return f"SELECT {columns}, {owner} AS owner FROM {collection.name} AS it {join}"


def _item(collection: Collection, row: Any) -> Item:
    values = {
        name: bool(row[name]) if isinstance(field, Switch) else row[name]
        for name, field in collection.columns.members.items()
    }
    return Item(row["id"], row["owner"], row["position"], row["created"], values)


def _stored(value: Value) -> Any:
    return storable(value) if isinstance(value, str) else value


def _changed(tx: Tx, collection: Collection) -> int:
    """The rev for what this transaction writes; the feed tells it of the whole collection, a deleted item included."""
    bumped = rev.bump(tx)
    tx.execute("INSERT OR REPLACE INTO collections VALUES (?, ?)", (collection.name, bumped))
    return bumped
