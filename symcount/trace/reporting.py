"""Make code that does the same as a function, and reports the values that it decides by.

The operands of whatever may decide something by a plain value (a comparison, a truth test, a
subscript, a call of C code, a remainder) are handed to `report` where they stand.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from symcount.record import Source
from symcount.trace.renaming import made_of, nested, original_code, with_constant

_PLAIN_FORMAT = re.compile("[0-9]*d?")
_FLAT = (ast.FloorDiv, ast.Mod, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor)
# Calls of these look at the frame that makes them, or ask for nothing but the kind of a value.
_LEFT_ALONE = frozenset(
    "super locals globals vars dir eval exec isinstance issubclass type print callable id".split()
)
# What is added to the kind of a site whose first operand is an attribute or element of what is
# reported.
HELD = " of what is held"
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
# Methods that code of C calls, and what they return is a part, or is given to Python code alone.
_HANDED_ON = frozenset(
    f"__{name}__"
    for name in "init new getattr getattribute getitem iter next enter get missing setattr delattr "
    "setitem delitem set post_init init_subclass set_name class_getitem reduce reduce_ex getstate "
    "setstate copy deepcopy repr str format call".split()
)
# Of so many functions it is remembered how they report.
_MOST_TWINS = 1 << 14


class Site(NamedTuple):
    """A place that may decide something: its operands are reported. `names` are of what it does.

    Operands that are `constants` are not: they are known by their places. `spread` has the places
    of what is spread over a call.
    """

    kind: str
    source: Source
    names: tuple[str, ...]
    constants: tuple[tuple[int, Any], ...] = ()
    spread: tuple[int, ...] = ()


SITES: list[Site] = []


class Hooks:
    """What is told of a run: an observer of values."""

    observer: Any = None


def _report(site: int, place: int, count: int, value: Any) -> Any:
    if place < 0:  # what is spread over a call: it is gone through here instead of there
        place = ~place
        value = tuple(value) if isinstance(value, Iterator) else value
    observer = Hooks.observer
    if observer is not None:
        observer.report(site, place, count, value)
    return value


_REPORT = "report of symcount"  # no name that code could have


_twins: dict[int, tuple[CodeType, CodeType | None]] = {}


def reporting(functions: Iterable[FunctionType]) -> dict[FunctionType, CodeType]:
    """Return code that does the same and reports, for those functions of which there is source."""
    made = {}
    if len(_twins) > _MOST_TWINS:
        _twins.clear()
    for function in functions:
        code = original_code(function.__code__)
        if id(code) not in _twins:
            twin = _twin_in(_alone(code, function.__qualname__), code)
            _twins[id(code)] = code, twin or _twin_in(_in_file(code), code)
        twin = _twins[id(code)][1]
        if twin is not None:
            made[function] = twin
    return made


def _twin_in(tree: ast.Module | None, code: CodeType) -> CodeType | None:
    """Compile a tree, reporting, and return what is code of it."""
    if tree is None:
        return None
    try:
        reporter = _Reporting(code.co_filename)
        reporter.fresh.update(map(id, _over_what_is_new(tree)))
        tree = reporter.visit(tree)
        whole = compile(tree, code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None
    made = list(nested(whole))
    alike = [twin for twin in made if _key(twin) == _key(code)]
    if len(alike) != 1:
        return None
    reporting = with_constant(alike[0], _REPORT, _report)
    for twin in nested(reporting):
        made_of(twin, twin)
    return reporting


def _alone(code: CodeType, name: str) -> ast.Module | None:
    """Parse the source of a function in what it stands in, and nothing else."""
    *classes, own = name.split("<locals>.")[-1].split(".")
    ends = [lines[-1] for each in nested(code) if (lines := _lines(each))]
    text = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : max(ends, default=0)]
    if not text or "<" in own:
        return None
    around = [f"class {each}:" for each in classes]
    free = [each for each in code.co_freevars if not (classes and each == "__class__")]
    if free or (not around and text[0][0].isspace()):
        around.insert(0, f"def around({', '.join(free)}):")
    around = [f"{' ' * depth}{line}\n" for depth, line in enumerate(around)]
    before = "\n" * (code.co_firstlineno - 1 - len(around))
    try:
        return ast.parse("".join([before, *around, *text]))
    except (SyntaxError, ValueError):
        return None


def _lines(code: CodeType) -> list[int]:
    """The lines of code, in order, to the end of the last statement."""
    if sys.version_info >= (3, 11):
        return sorted({end for _, end, _, _ in code.co_positions() if end})
    return sorted({line for _, _, line in code.co_lines() if line})


def _in_file(code: CodeType) -> ast.Module | None:
    """Parse the file of code, and keep what it stands in."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    tree.body = list(_kept(tree.body, {code.co_firstlineno}))
    return tree


def _key(code: CodeType) -> tuple[Any, ...]:
    return (
        code.co_firstlineno, code.co_name, code.co_varnames, code.co_freevars, code.co_argcount,
    )  # fmt: skip


def _kept(body: Sequence[ast.stmt], lines: set[int]) -> Iterator[ast.stmt]:
    """The statements in which functions start at some lines; of classes, only these methods."""
    for statement in body:
        decorators = getattr(statement, "decorator_list", ())
        first = min([statement.lineno, *(d.lineno for d in decorators)])
        if not any(first <= line <= (statement.end_lineno or first) for line in lines):
            continue
        if isinstance(statement, ast.ClassDef):
            statement.body = list(_kept(statement.body, lines)) or [ast.Pass()]
        yield statement


class _Reporting(ast.NodeTransformer):
    """Rewrites code so that it reports the operands of what may decide something."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.inside: list[str] = []
        self.answers = [False]  # whether the functions around answer code of C
        self.tests: set[int] = set()  # what is in the condition of a `while`
        self.kept: dict[int, bool] = {}  # generators of which all elements are kept as they are
        self.fresh: set[int] = set()  # loops over what was made just before, and kept in a variable

    def _told(
        self, kind: str, at: Any, values: Sequence[ast.expr], *names: str, spread: Any = ()
    ) -> list[Any]:
        """Return what reports values in their places, in the order in which they are evaluated."""
        is_chain = len(values) > 2 and kind == "compare"
        constants = {
            place: value.value
            for place, value in enumerate(values)
            if isinstance(value, ast.Constant) and not is_chain
        }
        asked = [value for place, value in enumerate(values) if place not in constants]
        site = len(SITES)
        where = self.inside[-1] if self.inside else "<module>"
        source = Source(self.file, at.lineno, where)
        SITES.append(Site(kind, source, names, tuple(constants.items()), tuple(spread)))
        spread_here = {id(values[place]) for place in spread}
        places = [~i if id(v) in spread_here else i for i, v in enumerate(asked)]
        told = iter([_call([site, i, len(asked)], v) for i, v in zip(places, asked, strict=True)])
        return [v if place in constants else next(told) for place, v in enumerate(values)]

    def _truth(self, test: ast.expr) -> ast.expr:
        decided = (ast.Compare, ast.BoolOp, ast.Constant)
        is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        if isinstance(test, decided) or is_not:
            return test
        (told,) = self._told("truth", test, [test])
        return told  # type: ignore[no-any-return]

    def visit_FunctionDef(self, node: Any) -> Any:
        self.inside.append(node.name)
        self.answers.append(node.name[:2] == "__" == node.name[-2:] and node.name not in _HANDED_ON)
        node.body = [self.visit(statement) for statement in node.body]
        node.body = [s for item in node.body for s in (item if isinstance(item, list) else [item])]
        node.args.defaults = [self.visit(value) for value in node.args.defaults]
        self.inside.pop()
        self.answers.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Return(self, node: ast.Return) -> Any:
        self.generic_visit(node)
        if node.value is not None and self.answers[-1]:
            (node.value,) = self._told("answer", node, [node.value])
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self.generic_visit(node)
        (node.body,) = self._told("answer", node, [node.body])
        return node

    def visit_Yield(self, node: ast.Yield) -> Any:
        self.generic_visit(node)
        if node.value is not None:
            (node.value,) = self._told("answer", node, [node.value])
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        kept = self.kept.get(id(node), False)
        self.generic_visit(node)
        if not kept:
            (node.elt,) = self._told("answer", node, [node.elt])
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        names = tuple(type(op).__name__ for op in node.ops)
        if len(operands) > 2:  # the middle ones are of two comparisons
            node.left, *node.comparators = self._told("compare", node, operands, *names)
            return node
        kind = "while" if id(node) in self.tests else "compare"
        is_none = any(isinstance(o, ast.Constant) and o.value is None for o in operands)
        if not (names[0] in ("Is", "IsNot") and is_none):
            node.left, *node.comparators = self._told(kind, node, operands, *names)
        else:
            (node.left,) = self._told("none", node, [node.left])
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for a in node.args:
            inner = a.value if isinstance(a, ast.Starred) else a
            if isinstance(inner, ast.GeneratorExp):
                self.kept[id(inner)] = name in _KEEPING
        first = node.args[0] if node.args else None
        is_zipped = isinstance(first, ast.Call) and getattr(first.func, "id", "") == "zip"
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _LEFT_ALONE:
            if node.func.id in ("eval", "exec") and node.args:
                node.args[:1] = self._told("evaluated", node, node.args[:1])
            return node
        if name in _OF_PAIRS and node.args:
            node.args[0] = self._tell_keys(node.args[0], is_zipped)
        for a in node.args:
            if isinstance(a, ast.Starred) and not isinstance(a.value, _MADE_NEW):
                (a.value,) = self._told("spread", node, [a.value])
        # the elements of a generator are reported by themselves
        passed = () if name in _TOGETHER else (ast.GeneratorExp,)
        given = [i for i, a in enumerate(node.args) if not isinstance(a, passed)]
        for keyword in node.keywords:
            if keyword.arg is None:
                (keyword.value,) = self._told("keywords", node, [keyword.value])
        spread = [i for i in given if isinstance(node.args[i], ast.Starred)]
        values: list[Any] = [node.args[i] for i in given]
        values = [v.value if isinstance(v, ast.Starred) else v for v in values]
        keywords = [k.value for k in node.keywords]
        places = [1 + given.index(i) for i in spread]
        places += [1 + len(given) + j for j, k in enumerate(node.keywords) if k.arg is None]
        names = (str(k.arg or "**") for k in node.keywords)
        told = self._told("call", node, [node.func, *values, *keywords], *names, spread=places)
        node.func, *rest = told
        for i, value in zip(given, rest, strict=False):
            if i in spread:
                node.args[i] = ast.copy_location(ast.Starred(value, ast.Load()), node.args[i])
            else:
                node.args[i] = value
        for keyword, value in zip(node.keywords, rest[len(given) :], strict=True):
            keyword.value = value
        return node

    def _tell_keys(self, pairs: Any, is_zipped: bool) -> Any:
        """Have the keys of pairs reported, if they are written down or zipped."""
        first = pairs.args[0] if is_zipped and pairs.args else pairs
        if isinstance(first, ast.GeneratorExp):
            pair = first.elt
            if isinstance(pair, ast.Tuple) and pair.elts:
                pair.elts[:1] = self._told("display", pair, pair.elts[:1])
        elif isinstance(first, ast.Starred):
            return pairs
        else:
            (told,) = self._told("keys", pairs, [first])
            if first is pairs:
                return told
            pairs.args[0] = told
        return pairs

    def visit_Assign(self, node: ast.Assign) -> Any:
        root = _part_of(node)
        self.generic_visit(node)
        if root is not None:
            before, node.value = self._told("follow", node, [root, node.value])
            return [ast.copy_location(ast.Expr(before), node), node]
        for target in node.targets:
            if isinstance(target, ast.Attribute):
                (target.value,) = self._told("put", node, [target.value], target.attr)
        is_unpacked = any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)
        if is_unpacked and not isinstance(node.value, _MADE_NEW):
            (node.value,) = self._told("unpack", node, [node.value])
        elif is_unpacked and isinstance(node.value, ast.Call):
            (node.value,) = self._told("spell", node, [node.value])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        part: Any = node.slice
        if isinstance(part, ast.Tuple) and any(isinstance(e, ast.Slice) for e in part.elts):
            first, part.elts[1:] = part.elts[0], [self._part(each) for each in part.elts[1:]]
            if not isinstance(first, ast.Slice):
                part.elts[0] = self._part(first)
                return node
            part = first
        kind = "delete" if isinstance(node.ctx, ast.Del) else "index"
        if isinstance(part, ast.Slice):
            names = [n for n in ("lower", "upper", "step") if getattr(part, n) is not None]
            bounds = [getattr(part, name) for name in names]
            kind = "slice" if kind == "index" else kind
            node.value, *told = self._told(kind, node, [node.value, *bounds], *names)
            for name, value in zip(names, told, strict=True):
                setattr(part, name, value)
        elif isinstance(node.ctx, ast.Store):
            node.value, node.slice = self._told("store", node, [node.value, part])
        else:
            node.value, node.slice = self._told(kind, node, [node.value, part])
        return node

    def _part(self, part: ast.expr) -> ast.expr:
        """Have what is between the commas of a subscript report."""
        if isinstance(part, ast.Slice):
            for name in ("lower", "upper", "step"):
                if getattr(part, name) is not None:
                    setattr(part, name, self._part(getattr(part, name)))
            return part
        (told,) = self._told("answer", part, [part])
        return told  # type: ignore[no-any-return]

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        kind, name = _arithmetic(node.op)
        node.left, node.right = self._told(kind, node, [node.left, node.right], name)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        kind, name = _arithmetic(node.op)
        target = node.target
        if isinstance(target, ast.Attribute):
            operands, names = [target.value, node.value], (name, target.attr)
            target.value, node.value = self._told(f"{kind}{HELD}", node, operands, *names)
            return node
        if isinstance(target, ast.Subscript):
            operands = [target.value, target.slice, node.value]
            if not isinstance(target.slice, ast.Slice | ast.Tuple):
                told = self._told(f"{kind}{HELD}", node, operands, name)
                target.value, target.slice, node.value = told
            return node
        before = ast.copy_location(ast.Name(target.id, ast.Load()), node)
        before, node.value = self._told(kind, node, [before, node.value], name, "in place")
        return [ast.copy_location(ast.Expr(before), node), node]

    def visit_Set(self, node: ast.Set) -> Any:
        self.generic_visit(node)
        values = [v.value if isinstance(v, ast.Starred) else v for v in node.elts]
        if len(values) > 1 or values[0] is not node.elts[0]:
            for i, told in enumerate(self._told("display", node, values)):
                if isinstance(each := node.elts[i], ast.Starred):
                    each.value = told
                else:
                    node.elts[i] = told
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        self.generic_visit(node)
        if len(node.keys) > 1:
            keys = [k or v for k, v in zip(node.keys, node.values, strict=True)]
            for i, told in enumerate(self._told("display", node, keys)):
                where = node.values if node.keys[i] is None else node.keys
                where[i] = told
        return node

    def visit_List(self, node: ast.List | ast.Tuple) -> Any:
        self.generic_visit(node)
        for each in node.elts if isinstance(node.ctx, ast.Load) else ():
            if isinstance(each, ast.Starred):
                (each.value,) = self._told("spell", each, [each.value])
        return node

    visit_Tuple = visit_List

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Any:
        self.generic_visit(node)
        (node.value,) = self._told("spell", node, [node.value])
        return node

    def visit_SetComp(self, node: ast.SetComp) -> Any:
        self.generic_visit(node)
        (node.elt,) = self._told("display", node, [node.elt])
        return node

    def visit_DictComp(self, node: ast.DictComp) -> Any:
        self.generic_visit(node)
        (node.key,) = self._told("display", node, [node.key])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and any(map(str.isdigit, node.attr)):
            (node.value,) = self._told("attribute", node, [node.value], node.attr)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        self.generic_visit(node)
        is_plain = node.format_spec is None or _PLAIN_FORMAT.fullmatch(_constant(node))
        (node.value,) = self._told("said" if is_plain else "format", node, [node.value])
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        self.generic_visit(node)
        *first, last = node.values  # what the last one is, is for whoever uses it
        node.values = [*map(self._truth, first), last]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = self._truth(node.operand)
        elif not isinstance(node.operand, ast.Constant):
            (node.operand,) = self._told("unary", node, [node.operand])
        return node

    def _with_test(self, node: Any) -> Any:
        self.generic_visit(node)
        node.test = self._truth(self._last(node.test))
        return node

    visit_If = visit_IfExp = visit_Assert = _with_test

    def visit_While(self, node: ast.While) -> Any:
        self.tests.update(id(test) for test in ast.walk(node.test))
        return self._with_test(node)

    def _last(self, test: ast.expr) -> ast.expr:
        if isinstance(test, ast.BoolOp):
            test.values[-1] = self._truth(self._last(test.values[-1]))
        return test

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        node.ifs = [self._truth(self._last(test)) for test in node.ifs]
        return self._gone_through(node)

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        return self._gone_through(node)

    def _gone_through(self, node: Any) -> Any:
        match node.iter:
            case ast.Call(func=ast.Name(name)) if name in _MAKING_NEW:
                return node
            case ast.Call():  # of a function that may keep what it returns
                (node.iter,) = self._told("handed", node.iter, [node.iter])
                (node.iter,) = self._told("spell", node.iter, [node.iter])
            case _ if not (isinstance(node.iter, _MADE_NEW) or id(node) in self.fresh):
                (node.iter,) = self._told("iterate", node.iter, [node.iter])
        return node

    def visit_Match(self, node: ast.Match) -> Any:
        self.generic_visit(node)
        asked = (each.kwd_attrs for each in ast.walk(node) if isinstance(each, ast.MatchClass))
        names = (name for each in asked for name in each)
        (node.subject,) = self._told("match", node.subject, [node.subject], *names)
        return node


# What keeps all elements of a generator as they are.
_KEEPING = frozenset(
    "list tuple dict OrderedDict Sequential ModuleList ModuleDict ParameterList enumerate join "
    "extend update".split()
)
# What asks by itself how many elements a generator has.
_TOGETHER = frozenset("zip zip_longest map compress islice next".split())
# What is made of pairs, and keeps one of those with equal keys.
_OF_PAIRS = frozenset("dict OrderedDict ModuleDict ParameterDict update".split())
# Expressions that make what is gone through, and no others go through it.
_MADE_NEW = ast.Call | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.ListComp | ast.GeneratorExp


_MAKING_NEW = frozenset("enumerate filter iter map range reversed zip".split())
_SIMPLE = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Assert | ast.Pass | ast.For


def _over_what_is_new(tree: ast.Module) -> Iterator[ast.For]:
    """Yield loops over a local variable to which something new was assigned just before.

    Both stand in one block, so whenever the loop begins, the assignment has been made since the
    block did: `pairs = zip(a, b)` and `for x, y in pairs` is `for x, y in zip(a, b)`.
    """
    nodes = list(ast.walk(tree))
    shared = {
        n for each in nodes if isinstance(each, ast.Global | ast.Nonlocal) for n in each.names
    }
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {id(n): n for function in functions for n in ast.walk(function)}.values()
    for block in (getattr(n, name, ()) for n in inner for name in ("body", "orelse", "finalbody")):
        new: set[str] = set()
        for statement in block if isinstance(block, list) else ():
            match statement:
                case ast.For(iter=ast.Name(id=name)) if name in new:
                    yield statement
            if not isinstance(statement, _SIMPLE):
                new.clear()
            names = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
            new -= {n.id for n in names if not isinstance(n.ctx, ast.Load)}
            match statement:
                case ast.Assign(targets=[ast.Name(name)], value=ast.Call(func=ast.Name(made))):
                    new |= {name} - shared if made in _MAKING_NEW else set()


def _part_of(node: ast.Assign) -> ast.expr | None:
    """Return the variable of which a part is assigned to itself, as in `node = node.next`."""
    targets = [t for each in node.targets for t in getattr(each, "elts", [each])]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    is_unpacked = any(isinstance(each, ast.Tuple | ast.List) for each in node.targets)
    for part in (*getattr(node.value, "elts", ()), node.value):
        root = part
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        is_part = root is not part or is_unpacked
        if is_part and isinstance(root, ast.Name) and root.id in names:
            return ast.copy_location(ast.Name(root.id, ast.Load()), node.value)
    return None


def _arithmetic(operation: ast.operator) -> tuple[str, str]:
    name = type(operation).__name__
    return "flat" if isinstance(operation, (*_FLAT, ast.Sub)) else "arithmetic", name


def _constant(value: ast.FormattedValue) -> str:
    """Return the format of a value as far as it is written down; something else if it is not."""
    parts = value.format_spec.values if isinstance(value.format_spec, ast.JoinedStr) else []
    return "".join(str(getattr(part, "value", "?")) for part in parts)


def _call(numbers: Sequence[int], value: ast.expr) -> ast.Call:
    """Call `report` with a value where it stands."""
    args: list[ast.expr] = [ast.Constant(number) for number in numbers]
    call = ast.Call(ast.Name(_REPORT, ast.Load()), args, [])
    for node in (call, call.func, *args):
        ast.copy_location(node, value)
    args.append(value)
    return call
