"""Generate `formulas.schema.json`, the published JSON Schema of stored formulas.

    python -m symcount.storage.schema

writes it again after a change of the definition.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from symcount.storage.codecs import Codec
from symcount.storage.definition import DOCUMENT, VERSION

PATH = Path(__file__).with_name("formulas.schema.json")


def schema() -> dict[str, Any]:
    """Return the schema of a file of formulas."""
    definitions: dict[str, Any] = {}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Formulas of symcount, version {VERSION}",
        **_plain(DOCUMENT, definitions),
        "$defs": dict(sorted(definitions.items())),
    }


def _plain(part: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with schemas for codecs, those with a title as references."""
    if isinstance(part, Codec):
        return _of_codec(part, definitions)
    if isinstance(part, tuple):
        codec, limits = part
        return {**_of_codec(codec, definitions), **limits}
    if callable(part):
        return _plain(part(), definitions)
    if isinstance(part, list):
        return [_plain(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: _plain(inside, definitions) for name, inside in part.items()}
    for union in ("anyOf", "oneOf"):  # of unions is one union
        options = found.get(union, [])
        found |= {union: [o for option in options for o in _options(option)]} if options else {}
    return found


def _options(schema: dict[str, Any]) -> list[dict[str, Any]]:
    options: list[dict[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return options


def _of_codec(codec: Codec, definitions: dict[str, Any]) -> dict[str, Any]:
    about = {"description": codec.about} if codec.about else {}
    if not codec.title:
        return {**about, **_plain(codec.schema, definitions)}
    if codec.title not in definitions:
        definitions[codec.title] = {}  # it may refer to itself
        definitions[codec.title] = {**about, **_plain(codec.schema, definitions)}
    return {"$ref": f"#/$defs/{codec.title}"}


def text() -> str:
    """Return the schema as it is published, with a line for each definition."""
    *outer, (_, definitions) = schema().items()
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in definitions.items()]
    head = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in outer]
    inside = ",\n    ".join(lines)
    return "{\n  " + ",\n  ".join([*head, f'"$defs": {{\n    {inside}\n  }}']) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
