"""JSON values: how they are written, compared and given their types back."""

from __future__ import annotations

import hashlib
import json
import types
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

Value: TypeAlias = Any
"""What `json.dumps` takes: None, bool, int, float, str, list, dict with str keys. Any, because who reads it says its
type: `run.value("urls", list[str])`."""

T = TypeVar("T")


def encode(value: Value) -> str:
    """The one way in which we write JSON. ASCII, so that lone surrogates survive; no NaN or infinity (ValueError)."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def decode(text: str) -> Value:
    return json.loads(text)


def copy(value: Value) -> Value:
    """A copy that shares nothing. TypeError or ValueError when it is not JSON."""
    return decode(encode(value))


def digest(*values: Value) -> str:
    """A hash of values, the same for the same JSON whatever the order of its keys: 32 hex digits."""
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def conform(value: Value, expected: type[T]) -> T:
    """`value`, checked to be an `expected`: a plain type, a generic of plain types, a union or a TypedDict.

    TypeError with the place where it is not. An int is accepted where a float is expected, as in typing.
    """
    _conform(value, expected, "value")
    return cast(T, value)


def _conform(value: Value, expected: Any, at: str) -> None:
    if expected is Any:
        return
    origin, arguments = get_origin(expected), get_args(expected)
    if origin in (Union, types.UnionType):
        if not any(_fits(value, member) for member in arguments):
            raise TypeError(f"{at} is {_name(value)}, not {expected}")
    elif is_typeddict(expected):
        _conform(value, dict, at)
        for key, member in get_type_hints(expected).items():
            if key in value:
                _conform(value[key], member, f"{at}[{key!r}]")
            elif key in expected.__required_keys__:
                raise TypeError(f"{at} lacks {key!r}")
    elif origin is list:
        _conform(value, list, at)
        for index, item in enumerate(value):
            _conform(item, arguments[0], f"{at}[{index}]")
    elif origin is dict:
        _conform(value, dict, at)
        for key, item in value.items():
            _conform(item, arguments[1], f"{at}[{key!r}]")
    elif expected is None or expected is type(None):
        if value is not None:
            raise TypeError(f"{at} is {_name(value)}, not null")
    else:
        wanted = (int, float) if expected is float else expected
        if not isinstance(value, wanted) or (isinstance(value, bool) and expected in (int, float)):
            raise TypeError(f"{at} is {_name(value)}, not {expected.__name__}")


def _fits(value: Value, expected: Any) -> bool:
    try:
        _conform(value, expected, "value")
    except TypeError:
        return False
    return True


def _name(value: Value) -> str:
    return "null" if value is None else type(value).__name__
