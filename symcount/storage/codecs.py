"""Read, write and describe values of JSON, each by one codec.

A codec is made of other codecs, in the manner of Kennedy's pickler combinators ("Functional pearl:
Pickler combinators", Journal of Functional Programming 14(6), 2004), with a third direction beside
reading and writing: the JSON Schema. So the three cannot differ.

msgspec, which makes a reader and a schema of one class, was tried and left. It keeps the last of
two fields of one name, takes no union of objects that are told apart by which fields they have, and
has no references into tables. Its errors have words of their own. It takes 24 ms to import, about
half of what opening a file of formulas takes in all.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from symcount.storage.strict_json import MalformedError, short

if TYPE_CHECKING:
    from symcount.algebra.conditions import Condition
    from symcount.algebra.poly import Variable

LONGEST_TEXT = 100_000
LONGEST_NAME = 1_000
LONGEST_LIST = 100_000
DEEPEST_TREE = 200

_NO_CHARACTERS = re.compile("[\0\ud800-\udfff]")


class Tables:
    """Hold what the values of one formula share while it is read or written.

    Attributes:
        rows: the entries of each table so far; as values in reading, as JSON in writing.
        places: where in its table a value was written.
        words: conditions in words, where they hold and where they do not.
        in_words: puts a condition into words that has none.
        symbols: the symbols of the formula.
        loops: the indices of the loops around the tensor that is being read.
        size: the sum of the sizes of all calls.
        depth: how many lists the value is in that is being read.
    """

    def __init__(
        self,
        words: Mapping[Condition, tuple[str, str]] | None = None,
        in_words: Callable[[Condition], tuple[str, str]] | None = None,
    ) -> None:
        self.rows: defaultdict[str, list[Any]] = defaultdict(list)
        self.places: defaultdict[str, dict[Any, int]] = defaultdict(dict)
        self.words: dict[Condition, tuple[str, str]] = dict(words or {})
        self.in_words = in_words
        self.symbols: dict[str, Variable] = {}
        self.loops: list[str] = []
        self.size = 0
        self.depth = 0


_C = TypeVar("_C", bound="Codec")
Direction: TypeAlias = Callable[[Any, Tables], Any]


class Codec:
    """How values of some kind are read from JSON and written as JSON, and their JSON Schema.

    `read` raises `MalformedError` for JSON of another kind. `write` takes what `read` returns.
    `schema` has codecs in the places of their schemas, or functions that return them, or pairs of a
    codec and what is said beside. A codec with a `title` is one of the definitions of the schema.
    """

    def __init__(
        self, schema: Any, read: Direction, write: Direction = lambda value, tables: value
    ) -> None:
        self.schema: Any = schema
        self.read: Direction = read
        self.write: Direction = write
        self.title: str = ""
        self.about: str = ""

    def called(self: _C, title: str = "", about: str = "") -> _C:
        """Give this codec a name and a description, and return it."""
        self.title, self.about = title, about
        return self

    def refined(
        self,
        read: Direction | None = None,
        write: Direction | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> Codec:
        """Return the codec of what `read` makes of the values of this one, and `write` takes apart.

        `limits` are what the schema says beside that of this codec.
        """
        return Codec(
            (self, limits) if limits else self,
            self.read if read is None else lambda v, tables: read(self.read(v, tables), tables),
            self.write if write is None else lambda v, tables: self.write(write(v, tables), tables),
        )


def not_a(value: Any, noun: str) -> MalformedError:
    """Return the error that a value is not what it is to be."""
    return MalformedError(f"{short(value)} is not {noun}")


def read_at(key: str | int, read: Direction, value: Any, tables: Tables) -> Any:
    """Read what is at a key of an object or a list; errors say so."""
    try:
        return read(value, tables)
    except MalformedError as error:
        raise error.within(key) from None


# --- values -------------------------------------------------------------------------------------


def text(most: int = LONGEST_TEXT) -> Codec:
    """Return the codec of a text without surrogates, which are half of a character, and nulls."""

    def read(value: Any, tables: Tables) -> str:
        if type(value) is not str:
            raise not_a(value, "a text")
        if len(value) > most:
            raise MalformedError(f"a text of {len(value)} characters; {most} are the most")
        if _NO_CHARACTERS.search(value):
            raise MalformedError("a text with characters that stand for none")
        return value

    return Codec({"type": "string", "maxLength": most}, read)


def _printable(name: str, tables: Tables) -> str:
    if not name.isprintable():
        raise not_a(name, "a name, which has printable characters only")
    return name


TEXT = text().called("text", "A text of any number of lines.")
NAME = text(LONGEST_NAME).refined(_printable).called("name", "A short text on one line.")


def _between(value: Any, least: int | None, most: int | None) -> int:
    if type(value) is not int:
        raise not_a(value, "an integer")
    if (least is not None and value < least) or (most is not None and value > most):
        raise MalformedError(f"{short(value)} is not between {least} and {most}")
    return value


def integer(least: int | None = None, most: int | None = None) -> Codec:
    """Return the codec of an integer within limits, both included; `true` and `1.0` are none."""
    limits = {"minimum": least, "maximum": most}
    return Codec(
        {"type": "integer", **{key: n for key, n in limits.items() if n is not None}},
        lambda value, tables: _between(value, least, most),
    )


def nonzero(role: str, least: int | None = None, most: int | None = None) -> Codec:
    """Return the codec of an integer that is not 0, in a role such as that of an exponent."""

    def read(value: int, tables: Tables) -> int:
        if value == 0:
            raise MalformedError(f"{role} of 0")
        return value

    return integer(least, most).refined(read, limits={"not": {"const": 0}})


def _number(value: Any, tables: Tables) -> int | float:
    if type(value) not in (int, float):
        raise not_a(value, "a number")
    if type(value) is float and not math.isfinite(value):
        raise MalformedError("a number beyond the range of doubles")
    number: int | float = value
    return number


def _boolean(value: Any, tables: Tables) -> bool:
    if type(value) is not bool:
        raise not_a(value, "true or false")
    return value


NUMBER = Codec({"type": "number"}, _number)
BOOLEAN = Codec({"type": "boolean"}, _boolean)


def one_of(options: Collection[str], noun: str) -> Codec:
    """Return the codec of one of some texts."""

    def read(value: Any, tables: Tables) -> str:
        if type(value) is not str or value not in options:
            raise MalformedError(f"unknown {noun} {short(value)}")
        return value

    return Codec({"enum": list(options)}, read)


class Constant(Codec):
    """A value that tells records apart, or documents."""

    def __init__(self, constant: Any) -> None:
        def read(value: Any, tables: Tables) -> Any:
            if type(value) is not type(constant) or value != constant:
                raise not_a(value, short(constant))
            return constant

        super().__init__({"const": constant}, read, lambda value, tables: constant)


def nullable(codec: Codec) -> Codec:
    """Return the codec of such a value or None."""
    return Codec(
        {"anyOf": [codec, {"type": "null"}]},
        lambda value, tables: None if value is None else codec.read(value, tables),
        lambda value, tables: None if value is None else codec.write(value, tables),
    )


def either(otherwise: Codec, *cases: tuple[type, Collection[type], Codec]) -> Codec:
    """Return the codec of a value whose type says which other codec it is of.

    A case is a type of JSON, the types of what it stands for, and their codec.
    """
    reads = {json_type: codec for json_type, _, codec in cases}
    writes = {made: codec for _, types, codec in cases for made in types}
    return Codec(
        {"anyOf": [otherwise, *dict.fromkeys(reads.values())]},
        lambda value, tables: reads.get(type(value), otherwise).read(value, tables),
        lambda value, tables: writes.get(type(value), otherwise).write(value, tables),
    )


# --- lists --------------------------------------------------------------------------------------


def _listed(value: Any, least: int = 0, most: int = LONGEST_LIST) -> list[Any]:
    if type(value) is not list:
        raise not_a(value, "a list")
    if not least <= len(value) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise MalformedError(f"a list of {len(value)}; it is to have {wanted}")
    return value


def _read_each(
    codecs: Iterable[Codec], items: list[Any], tables: Tables, found: list[Any]
) -> list[Any]:
    """Read items, each of its codec, and add them to what has been found."""
    try:
        for codec, item in zip(codecs, items, strict=False):
            found.append(codec.read(item, tables))
    except MalformedError as error:
        raise error.within(len(found)) from None
    return found


def list_of(codec: Codec, least: int = 0, most: int = LONGEST_LIST) -> Codec:
    """Return the codec of a list of such values, which is a tuple in Python."""

    def read(value: Any, tables: Tables) -> tuple[Any, ...]:
        return tuple(_read_each(repeat(codec), _listed(value, least, most), tables, []))

    return Codec(
        {"type": "array", "items": codec, "minItems": least, "maxItems": most},
        read,
        lambda value, tables: [codec.write(item, tables) for item in value],
    )


def row(*codecs: Codec, rest: Codec | None = None, most: int = 0) -> Codec:
    """Return the codec of a list with a codec for each place, and `rest` for all further ones."""
    least, most = len(codecs), most or len(codecs)
    places = (*codecs, *repeat(rest, most - least)) if rest else codecs

    def read(value: Any, tables: Tables) -> tuple[Any, ...]:
        return tuple(_read_each(places, _listed(value, least, most), tables, []))

    schema = {"type": "array", "prefixItems": [*codecs], "items": rest or False}
    return Codec(
        {**schema, "minItems": least, "maxItems": most},
        read,
        lambda value, tables: [
            codec.write(item, tables) for codec, item in zip(places, value, strict=False)
        ],
    )


PLACE = integer(0).called("index", "A place in a table of the same formula.")


class Table(Codec):
    """A list whose entries are referred to by their places, from what is read after them.

    Attributes:
        reference: the codec of such a place, which stands for the value there.
    """

    def __init__(self, name: str, noun: str, entry: Callable[[], Codec]) -> None:
        self.name: str = name
        self._noun, self._entry = noun, entry
        schema = {"type": "array", "items": entry, "maxItems": LONGEST_LIST}
        super().__init__(schema, self._read, lambda value, tables: tables.rows[name])
        self.reference: Codec = Codec(PLACE, self._referred, self._place)

    def _read(self, value: Any, tables: Tables) -> list[Any]:
        return _read_each(repeat(self._entry()), _listed(value), tables, tables.rows[self.name])

    def _referred(self, value: Any, tables: Tables) -> Any:
        rows = tables.rows[self.name]
        if not rows:
            raise MalformedError(f"there is no {self._noun}")
        return rows[_between(value, 0, len(rows) - 1)]

    def _place(self, value: Any, tables: Tables) -> int:
        places, rows = tables.places[self.name], tables.rows[self.name]
        if value not in places:
            written = self._entry().write(value, tables)
            places[value] = len(rows)
            rows.append(written)
        return places[value]


# --- objects ------------------------------------------------------------------------------------


class Record(Codec):
    """An object with certain fields, of which something is made.

    Args:
        made: what is made; it is called with its attributes.
        fields: the codecs of the fields by their names.
        attributes: the attributes of those fields that are called otherwise.
        optional: the fields that are left out where they have this value.
        make: makes it, of the values of the fields by their names, in the place of `made`.
        reads: the fields that are read before the others.
        writes: the fields that are written before the others.
    """

    def __init__(
        self,
        made: Callable[..., Any],
        fields: Mapping[str, Codec],
        attributes: Mapping[str, str] | None = None,
        optional: Mapping[str, Any] | None = None,
        make: Direction | None = None,
        reads: Collection[str] = (),
        writes: Collection[str] = (),
    ) -> None:
        self.made: Callable[..., Any] = made
        self.fields: Mapping[str, Codec] = fields
        self._attributes = {name: name for name in fields} | dict(attributes or {})
        self._optional = dict(optional or {})
        self._needed = [name for name in fields if name not in self._optional]
        self._reading = sorted(fields.items(), key=lambda field: field[0] not in reads)
        self._writing = sorted(fields.items(), key=lambda field: field[0] not in writes)
        self.make: Direction = make or self._make
        schema = {"type": "object", "properties": fields, "required": self._needed}
        super().__init__(
            {**schema, "additionalProperties": False},
            lambda value, tables: self.make(self.parts(value, tables), tables),
            self._write,
        )

    def require(self, value: Any) -> None:
        """Raise `MalformedError` unless this is an object with all that is needed, and no more."""
        if type(value) is not dict:
            raise not_a(value, "an object")
        for name in value:
            if name not in self.fields:
                known = ", ".join(self.fields)
                raise MalformedError(f"unknown field {short(name)}; known are {known}")
        for name in self._needed:
            if name not in value:
                raise MalformedError(f"the field {name!r} is missing")

    def parts(self, value: Any, tables: Tables) -> dict[str, Any]:
        """Return the values of the fields by their names."""
        self.require(value)
        return {
            name: read_at(name, codec.read, value[name], tables)
            for name, codec in self._reading
            if name in value
        }

    def _make(self, parts: dict[str, Any], tables: Tables) -> Any:
        return self.made(
            **{
                self._attributes[name]: part
                for name, part in parts.items()
                if type(self.fields[name]) is not Constant
            }
        )

    def _write(self, value: Any, tables: Tables) -> dict[str, Any]:
        written = {}
        for name, codec in self._writing:
            part = getattr(value, self._attributes[name], None)
            if name not in self._optional or part != self._optional[name]:
                written[name] = codec.write(part, tables)
        return {name: written[name] for name in self.fields if name in written}


def tagged(tag: str, options: Codec, records: Mapping[Any, Record], problem: str = "") -> Codec:
    """Return the codec of an object with a field, one of `options`, that says which record it is.

    `problem` is what is said of a value without that field.
    """
    by_type = {record.made: record for record in records.values()}
    first = next(iter(records.values()))

    def read(value: Any, tables: Tables) -> Any:
        if type(value) is not dict or tag not in value:
            if problem:
                raise MalformedError(problem)
            first.require(value)
        return records[read_at(tag, options.read, value[tag], tables)].read(value, tables)

    return Codec(
        {"oneOf": list(dict.fromkeys(records.values()))},
        read,
        lambda value, tables: by_type[type(value)].write(value, tables),
    )


def entries(codec: Codec) -> Codec:
    """Return the codec of an object with any field names, which is pairs in Python."""
    key = text(LONGEST_NAME)

    def read(value: Any, tables: Tables) -> tuple[tuple[str, Any], ...]:
        if type(value) is not dict:
            raise not_a(value, "an object")
        return tuple(
            (read_at(name[:100], key.read, name, tables), read_at(name, codec.read, inside, tables))
            for name, inside in value.items()
        )

    return Codec(
        {"type": "object", "propertyNames": key, "additionalProperties": codec},
        read,
        lambda value, tables: {name: codec.write(inside, tables) for name, inside in value},
    )


# --- trees --------------------------------------------------------------------------------------


def tree_of(split: Record, leaf: Codec, title: str = "") -> Codec:
    """Return the codec of a binary tree: a list of its nodes, each after its sides, the root last.

    A split has a condition in `if`, and the places of its sides in `then` and `else`. `title` is
    that of a node.
    """

    def read(value: Any, tables: Tables) -> Any:
        # The entries that are no side of a split yet, and how deep they are.
        waiting: dict[int, tuple[Any, int]] = {}

        def entry(item: Any, tables: Tables) -> tuple[Any, int]:
            if type(item) is dict and "if" in item:
                return _split(split, item, tables, waiting, index)
            return leaf.read(item, tables), 0

        for index, item in enumerate(_listed(value, 1)):
            waiting[index] = read_at(index, entry, item, tables)
        if len(waiting) > 1:
            raise MalformedError(f"entry {min(waiting)} is a side of no split")
        return waiting[len(value) - 1][0]

    def write(value: Any, tables: Tables) -> list[Any]:
        rows: list[Any] = []

        def place(node: Any) -> int:
            if type(node) is split.made:
                sides = {"then": place(node.then), "else": place(node.otherwise)}
                rows.append({**split.write(node, tables), **sides})
            else:
                rows.append(leaf.write(node, tables))
            return len(rows) - 1

        place(value)
        return rows

    node = Codec({"oneOf": [split, leaf]}, read).called(title)
    return Codec(
        {"type": "array", "items": node, "minItems": 1, "maxItems": LONGEST_LIST}, read, write
    )


def _split(
    split: Record, item: Any, tables: Tables, waiting: dict[int, tuple[Any, int]], index: int
) -> tuple[Any, int]:
    parts = split.parts(item, tables)
    depth = 0
    for name in ("then", "else"):
        side = parts[name]
        if side >= index:
            raise MalformedError(f"{short(side)} is not between 0 and {index - 1}", name)
        if side not in waiting:
            raise MalformedError(f"{side} is a side of another split already", name)
        parts[name], below = waiting.pop(side)
        depth = max(depth, 1 + below)
    if depth > DEEPEST_TREE:
        raise MalformedError(f"splits in splits, more than {DEEPEST_TREE} deep")
    return split.make(parts, tables), depth
