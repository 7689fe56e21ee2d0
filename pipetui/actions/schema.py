"""The arguments of an action: told to a model as JSON Schema, and checked strictly, whoever gives them.

Both are made from the action's fields. Nothing is taken for what it is not: no `"yes"` for true, no `"3"` or true for a
number, no label for an option, no invisible characters, nothing that the action does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.fields import Choice, Field, Invalid, Number, Switch, Text, TextArea
from ..engine.values import encode
from ..text import count, hidden, meant, one_line
from .action import Action
from .given import MOST, Given

LARGEST = 64 * 1024
"""Characters of JSON that the arguments of one call may have."""


def schema(action: Action) -> dict[str, Any]:
    """The JSON Schema of the arguments."""
    properties = {name: _property(field) for name, field in action.params.members.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": action.required,
        "additionalProperties": False,
    }


def tool(action: Action) -> dict[str, Any]:
    """The action as Ollama takes it."""
    return {
        "type": "function",
        "function": {"name": action.name, "description": action.help, "parameters": schema(action)},
    }


def _property(field: Field) -> dict[str, Any]:
    """What a model is told of one argument: no more than it needs, every word of it takes room in its window."""
    said: dict[str, Any] = {"description": field.hint or field.label or field.accepts}
    if field.default is not None:
        said["default"] = field.default
    match field:
        case Text():
            said |= {"type": "string", "maxLength": field.maximum}
            said |= {"minLength": field.minimum} if field.minimum > 1 else {}
            return said | ({"pattern": f"^(?:{field.pattern})$"} if field.pattern else {})
        case TextArea():
            return said | {"type": "array", "items": {"type": "string"}, "maxItems": field.maximum}
        case Number():
            bounds = {"minimum": field.minimum, "maximum": field.maximum}
            said |= {name: bound for name, bound in bounds.items() if bound is not None}
            return said | {"type": "integer" if field.whole else "number"}
        case Choice():
            return said | {"type": "string", "enum": [option for option, _ in field.pairs]}
        case Switch():
            return said | {"type": "boolean"}
        case Given():
            return said | {"type": ["string", "number", "boolean", "array", "object"]}
    raise TypeError(f"An action takes no {type(field).__name__}.")


def checked(action: Action, arguments: Any) -> dict[str, Any]:
    """The arguments as the action takes them: those that were given, and the defaults of others. Invalid.

    An optional one that is null counts as not given.
    """
    _check_shape(action, arguments)
    members = action.params.members
    for name in arguments:
        if name not in members:
            raise Invalid(f"{action.name} takes no {one_line(name, 60)!r}{meant(name, members)}", at=name)
    result: dict[str, Any] = {}
    for name, field in members.items():
        given = arguments.get(name)
        if given is None:
            if name in action.required:
                raise Invalid(f"{action.name} wants {name}: {field.hint or field.accepts}.", at=name)
            if field.default is not None:
                result[name] = field.default
            continue
        try:
            result[name] = _strict(field, given)
        except Invalid as invalid:
            raise Invalid(f"{name}: {invalid}", at=name) from None
    return result


def _check_shape(action: Action, arguments: Any) -> None:
    """Invalid unless it is an object of JSON, not too large, of text that can be seen and stored."""
    if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
        raise Invalid(f"The arguments of {action.name} must be an object.")
    try:
        length = len(encode(dict(arguments)))
    except (TypeError, ValueError, RecursionError):  # NaN, a number of thousands of digits, a hundred levels
        raise Invalid(f"The arguments of {action.name} are not plain JSON.") from None
    if length > LARGEST:
        raise Invalid(f"The arguments of {action.name} have {count(length)} characters; {count(LARGEST)} are the most.")
    pending = list(arguments.items())
    while pending:
        name, value = pending.pop()
        if isinstance(value, list):
            pending += [(name, item) for item in value]
        elif isinstance(value, dict):
            pending += [(name, item) for item in (*value, *value.values())]
        elif isinstance(value, str) and (found := hidden().search(value.replace("\r\n", "\n"))):
            what = f"U+{ord(found.group()):04X}"
            raise Invalid(f"{one_line(name, 60)} has a character that can't be seen ({what}): leave it out.", at=name)


def _strict(field: Field, given: Any) -> Any:
    """`given` as the field stores it; Invalid also where a person's input would be given its type."""
    match field:
        case Number():
            if isinstance(given, bool) or not isinstance(given, int | float):
                raise Invalid(f"This must be {field.accepts}.")
            if not abs(given) <= MOST:  # NaN is neither more nor less
                raise Invalid("This number is too large.")
        case Choice():
            if given not in [option for option, _ in field.pairs]:
                raise Invalid(_no_option(field, given))
    return field.check(given)


def _no_option(field: Choice, given: Any) -> str:
    if not isinstance(given, str):
        return f"This must be {field.accepts}."
    return f"There is no {one_line(given, 60)!r} here{meant(given, [option for option, _ in field.pairs])}"
