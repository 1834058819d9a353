"""Find out where a text that is made of a symbol ends: in a message, or in the name of a module.

What ends there decides nothing. That is read from the syntax tree of the very statements the text
goes through: those of the function that makes it, and of its callers while it is returned. A text
that goes anywhere else, or whose source is not known, has no end that is known.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import inspect
import linecache
import logging
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, repeat
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple, TypeAlias

from torch import nn

from symcount.executed import Executed, Use
from symcount.trace.bytecode import position_in
from symcount.trace.proxies import is_of_tracer

_MESSAGE = "in the message of an exception"
_OUTPUT = "in what is printed or logged"
_NOWHERE = "that nothing reads"
# Modules that make texts of what they are given to write.
_MACHINERY = frozenset(["logging", "warnings"])
NAME = "in the name of a module or parameter"

# The text or the hash of the number of an iteration, which is another in each.
ITERATION = "number of an iteration"
# The kinds of concretisations of texts that end there.
HARMLESS = frozenset([ITERATION, *(f"text {end}" for end in (_MESSAGE, _OUTPUT, _NOWHERE, NAME))])

# An expression, and the nodes around it, from the module to its parent.
_Place: TypeAlias = "tuple[ast.AST, ...]"

_LOGGING = frozenset(["debug", "info", "warning", "warn", "error", "critical", "exception", "log"])
_NAMING = {"add_module": 0, "register_module": 0, "register_buffer": 0, "register_parameter": 0}
_TEXT_FUNCTIONS = frozenset(["str", "repr", "format"])
_TEXT_METHODS = frozenset(["format", "join"])
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
# By these, code sees variables or an exception that it does not name.
SEES_VARIABLES = frozenset(["locals", "vars", "eval", "exec"])
_SEES_FRAMES = frozenset(["f_locals"])
_SEES_EXCEPTION = frozenset(
    "exc_info format_exc print_exc print_exception format_exception format_exception_only "
    "TracebackException print_last last_value excepthook __context__".split()
)
# Code of Python's own does not decide by the message of an exception that others have raised.
_OF_PYTHON = sys.stdlib_module_names | {"torch"}
_PASSIVE = (contextlib.nullcontext, contextlib.redirect_stdout, contextlib.redirect_stderr)
# Before Python 3.11 there is no `except*`.
TRY_STAR: Any = getattr(ast, "TryStar", ast.Try)
# A text that goes through more variables and callers than this has no end that is known.
_FURTHEST = 6


class Search(NamedTuple):
    """How the end of a text is found: what leads out of the run, and the modules it comes to."""

    outlets: Outlets
    executed: Executed
    owners: list[nn.Module]

    def uses(self, names: frozenset[str]) -> bool:
        """Tell whether code of the factory uses one of these names, in any function that ran."""
        return bool(self.executed.once(_uses, names))


def _uses(executed: Executed, names: frozenset[str]) -> bool:
    return any(
        (
            not names.isdisjoint(code.co_names)
            or (names is _SEES_EXCEPTION and _names_exception(code, use))
        )
        and str(use.names.get("__name__")).split(".")[0] not in _OF_PYTHON
        for code, use in executed.items()
    )


def _names_exception(code: CodeType, use: Use) -> bool:
    """Tell whether code may call `sys.exception`, which Python has from 3.11 on."""
    asks = getattr(sys, "exception", None)
    named = "exception" in code.co_names and ("sys" in code.co_names or "sys" in code.co_varnames)
    return asks is not None and (named or any(use.names.get(n) is asks for n in code.co_names))


def end_of_text(frame: FrameType, search: Search) -> str | None:
    """Say where the text that a frame is making ends, or None if that is not known.

    The modules that are given it as a name are added to the owners of the search.
    """
    asking = next(f for f in _callers(frame) if f.f_globals.get("__name__") not in _MACHINERY)
    place = place_of(asking)
    end = None
    if place is not None and isinstance(place[-1], ast.Call):
        end = end_at_sink(place[-1], asking, search.outlets)
    if end is None and asking is frame and place is not None and _is_text(place[-1]):
        end = _end(frame, place, 0, search)
    is_raised = end is _MESSAGE or (end is _OUTPUT and warnings_are_errors())
    if is_raised and any(_examines_exceptions(f, search) for f in _callers(frame)):
        return None
    return end


def raises_type_error(frame: FrameType) -> bool:
    """Tell whether all that runs is for the message of a TypeError, raised by code around."""
    for caller in _callers(frame):
        place = place_of(caller)
        for node in place or ():
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                return evaluated(node.exc.func, caller) is TypeError
    return False


def warnings_are_errors() -> bool:
    return any(action == "error" for action, *_ in warnings.filters)


def _is_text(node: ast.AST) -> bool:
    """Tell whether an expression makes a text of what is in it."""
    is_text = isinstance(node, ast.JoinedStr | ast.FormattedValue | ast.BinOp)
    return is_text or (isinstance(node, ast.Call) and keeps_text(node))


def _callers(frame: FrameType) -> Iterator[FrameType]:
    """Yield the frames of the factory, from within; the tracer's own are none of its."""
    here: FrameType | None = frame
    while here is not None and here.f_globals.get("__name__") != "symcount.factory.call":
        if not is_of_tracer(here.f_code):
            yield here
        here = here.f_back


def _end(frame: FrameType | None, place: _Place | None, depth: int, search: Search) -> str | None:
    if frame is None or place is None or depth > _FURTHEST:
        return None
    for parent, child in _upwards(place):
        if isinstance(parent, ast.Raise):
            return _MESSAGE
        if isinstance(parent, ast.Assert):
            return _MESSAGE if parent.msg is child else None
        if isinstance(parent, ast.Expr):
            return _NOWHERE
        if isinstance(parent, ast.Return):
            back = next(islice(_callers(frame), 1, None), None)
            return None if back is None else _end(back, place_of(back), depth + 1, search)
        if isinstance(parent, ast.Assign | ast.AnnAssign):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return _end_of_variables(frame, place, targets, depth, search)
        if isinstance(parent, ast.Call) and not keeps_text(parent):
            held = _put_into(parent)
            if held is not None:
                return _end_of_variables(frame, place, [held], depth, search, is_list=True)
            if any(isinstance(node, ast.Raise) and node.exc is parent for node in place):
                return _MESSAGE
            return _end_of_argument(frame, parent, child, search)
        if isinstance(parent, ast.Subscript):
            return _end_of_key(frame, parent, search)
        if not _passes_text(parent, child):
            return None
    return None


def whole_text(place: _Place) -> tuple[ast.expr, ast.AST]:
    """The text that an expression becomes part of, and the expression that takes it."""
    for parent, child in _upwards(place):
        keeps = isinstance(parent, ast.Call) and keeps_text(parent)
        if not keeps and not isinstance(parent, ast.BinOp | ast.JoinedStr | ast.FormattedValue):
            assert isinstance(child, ast.expr)
            return child, parent
    raise AssertionError("an expression is part of a statement")


def _upwards(place: _Place) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield each parent with its child, from within."""
    return zip(place[-2::-1], place[:0:-1], strict=True)


def _passes_text(parent: ast.AST, child: ast.AST) -> bool:
    """Tell whether the value of an expression is a text that holds the text of its part."""
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, ast.Add | ast.Mod)
    if isinstance(parent, ast.IfExp):
        return child is not parent.test
    parts = ast.JoinedStr | ast.FormattedValue | ast.Call | ast.Tuple | ast.keyword
    return isinstance(parent, parts)


def keeps_text(call: ast.Call) -> bool:
    """Tell whether a call returns a text that holds the texts of its arguments."""
    if isinstance(call.func, ast.Name):
        return call.func.id in _TEXT_FUNCTIONS
    return (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Constant)
        and call.func.attr in _TEXT_METHODS
    )


def _put_into(call: ast.Call) -> ast.Name | None:
    """The variable that holds the list to which a call appends something."""
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "append":
        return function.value if isinstance(function.value, ast.Name) else None
    return None


def _end_of_argument(
    frame: FrameType, call: ast.Call, child: ast.AST, search: Search
) -> str | None:
    sink = end_at_sink(call, frame, search.outlets)
    if sink is not None:
        return sink
    function = call.func
    place = next((i for i, a in enumerate(call.args) if a is child), None)
    if isinstance(function, ast.Attribute) and place == _NAMING.get(function.attr, -1):
        return _end_in(evaluated(function.value, frame), search)
    if isinstance(function, ast.Name) and function.id == "setattr" and place == 1:
        return _end_in(evaluated(call.args[0], frame), search)
    return None


def _end_of_key(frame: FrameType, target: ast.Subscript, search: Search) -> str | None:
    """Say where the key ends under which a module is stored in an `nn.ModuleDict`."""
    owner = evaluated(target.value, frame)
    is_stored = isinstance(target.ctx, ast.Store) and isinstance(owner, nn.ModuleDict)
    return _end_in(owner, search) if is_stored else None


def _end_in(owner: object, search: Search) -> str | None:
    """Say that a text is a name in a module, if it is one."""
    if not isinstance(owner, nn.Module):
        return None
    search.owners.append(owner)
    return NAME


def _end_of_variables(
    frame: FrameType,
    place: _Place,
    targets: Sequence[ast.AST],
    depth: int,
    search: Search,
    is_list: bool = False,
) -> str | None:
    """Say where the text in local variables ends: in all places that read them alike, or None.

    If it is in lists, these have to be made here, lest somebody else reads them.
    """
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    scope = _scope(place)
    if not isinstance(scope, FUNCTIONS) or len(names) != len(targets):
        return None
    if search.uses(_SEES_FRAMES):
        return None
    ends: set[str | None] = set()
    is_made_here = False
    for around, node in within(scope):
        if isinstance(node, ast.Global | ast.Nonlocal) and not set(names).isdisjoint(node.names):
            return None
        if not isinstance(node, ast.Name):
            continue
        if node.id in SEES_VARIABLES:
            return None
        if node.id in names and isinstance(node.ctx, ast.Load):
            if not (len(around) > 1 and isinstance(around[-2], ast.Call) and _put_into(around[-2])):
                ends.add(_end(frame, (*around, node), depth + 1, search))
        elif node.id in names and is_list:
            if not _is_new_list(around[-1]):
                return None
            is_made_here = is_made_here or _scope(around) is scope
    arguments = scope.args
    given = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    is_own = is_made_here and not any(argument.arg in names for argument in given)
    if None in ends or (is_list and not is_own):
        return None
    if NAME in ends:
        return NAME if _MESSAGE not in ends else None
    return next(iter(sorted(filter(None, ends))), _NOWHERE)


def _scope(place: _Place) -> ast.AST | None:
    """The function, or the body of a class, that something is in."""
    scopes = (*FUNCTIONS, ast.ClassDef)
    return next((node for node in reversed(place) if isinstance(node, scopes)), None)


def _is_new_list(statement: ast.AST) -> bool:
    """Tell whether a statement assigns a list that it makes."""
    return isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(
        statement.value, ast.List
    )


def within(scope: ast.AST) -> Iterator[tuple[_Place, ast.AST]]:
    """Yield every node in a scope, and those around it."""
    waiting: list[_Place] = [(scope,)]
    while waiting:
        place = waiting.pop()
        yield place[:-1], place[-1]
        waiting += [(*place, child) for child in ast.iter_child_nodes(place[-1])]


# --- where texts end --------------------------------------------------------------------------


class Outlets:
    """Remembers where output, warnings and logs went when a run started.

    A factory that has them go elsewhere may read what they say.
    """

    def __init__(self) -> None:
        self._output = sys.stdout, sys.stderr
        self._warnings = _ways_of_warnings()
        loggers = (logging.root, *logging.root.manager.loggerDict.values())
        self._listeners = {
            (id(logger), id(listener))
            for logger in loggers
            if isinstance(logger, logging.Logger)
            for listener in _listeners(logger)
        }

    @property
    def writes_as_before(self) -> bool:
        """Tell whether what is printed goes where it went."""
        return self._output == (sys.stdout, sys.stderr)

    @property
    def warns_as_before(self) -> bool:
        """Tell whether the same becomes of warnings as before."""
        return self.writes_as_before and self._warnings == _ways_of_warnings()

    def logs_as_before(self, logger: logging.Logger) -> bool:
        """Tell whether nobody listens to a logger who did not listen to any before."""
        here: logging.Logger | None = logger
        while here is not None:
            if not {(id(here), id(x)) for x in _listeners(here)} <= self._listeners:
                return False
            here = here.parent if here.propagate else None
        return self.writes_as_before


def _listeners(logger: logging.Logger) -> tuple[Any, ...]:
    return (*logger.handlers, *logger.filters)


def _ways_of_warnings() -> tuple[Any, ...]:
    shown = warnings.showwarning, getattr(warnings, "_showwarnmsg_impl", None)
    return *shown, [each for each in warnings.filters if each[0] == "error"]


def end_at_sink(call: ast.Call, frame: FrameType, outlets: Outlets) -> str | None:
    """Say where a text ends that a call prints, warns of or logs, for nobody in the run to read."""
    function = evaluated(call.func, frame)
    if function is builtins.print:
        elsewhere = any(k.arg in ("file", None) for k in call.keywords)
        return _OUTPUT if outlets.writes_as_before and not elsewhere else None
    if function is warnings.warn:
        return _OUTPUT if outlets.warns_as_before else None
    if not isinstance(call.func, ast.Attribute):
        return None
    owner = evaluated(call.func.value, frame)
    logger = logging.root if owner is logging else owner
    is_log = isinstance(logger, logging.Logger) and outlets.logs_as_before(logger)
    return _OUTPUT if is_log and call.func.attr.removesuffix("_once") in _LOGGING else None


def _examines_exceptions(frame: FrameType, search: Search) -> bool:
    """Tell whether somebody around a frame may look at what an exception says."""
    place = place_of(frame)
    if place is None:
        return True
    for depth, (node, child) in enumerate(pairwise(place)):
        if isinstance(node, ast.With | ast.AsyncWith):
            ignored = all(map(_ignores_exceptions, node.items, repeat(frame)))
            if child in node.body and not ignored:
                return True
        if isinstance(node, ast.Try | TRY_STAR) and child in node.body:
            if (TRY_STAR is not ast.Try and isinstance(node, TRY_STAR)) or search.uses(
                _SEES_EXCEPTION
            ):
                return True
            places = ((*place[:depth], node, handler) for handler in node.handlers)
            if any(_looks_at_exception(frame, p, h, search) for p, h in zip(places, node.handlers)):  # noqa: B905
                return True
    return False


def _ignores_exceptions(item: ast.withitem, frame: FrameType) -> bool:
    """Tell whether no exception says anything to a context manager."""
    return lets_pass(item, frame) or _manager(item, frame) is contextlib.suppress


def lets_pass(item: ast.withitem, frame: FrameType) -> bool:
    """Tell whether a context manager is known to let each exception pass."""
    made_by = _manager(item, frame)
    of_torch = str(getattr(made_by, "__module__", "")).split(".")[0] in ("torch", "warnings")
    return of_torch or any(made_by is known for known in _PASSIVE) or _passes_on(made_by)


def _passes_on(made_by: Any) -> bool:
    """Tell whether a context manager is a generator without a handler, or returns nothing."""
    if isinstance(made_by, type):
        function = getattr(made_by, "__exit__", None)
        return isinstance(function, FunctionType) and _returns_nothing(function.__code__)
    if isinstance(made_by, FunctionType) and made_by.__code__.co_filename == contextlib.__file__:
        made_by = getattr(made_by, "__wrapped__", None)  # of `contextlib.contextmanager`
    return isinstance(made_by, FunctionType) and _handles_nothing(made_by.__code__)


@functools.lru_cache(maxsize=256)
def _returns_nothing(code: CodeType) -> bool:
    """Tell whether a function, and no generator, has a source in which it returns nothing true."""
    function = _definition(code)
    if function is None or code.co_flags & inspect.CO_GENERATOR:
        return False
    returned = (node.value for node in ast.walk(function) if isinstance(node, ast.Return))
    return all(
        value is None or (isinstance(value, ast.Constant) and not value.value) for value in returned
    )


@functools.lru_cache(maxsize=256)
def _handles_nothing(code: CodeType) -> bool:
    """Tell whether a generator has a source in which no exception is caught, or left for good."""
    function = _definition(code)
    if function is None or not code.co_flags & inspect.CO_GENERATOR:
        return False
    left = (ast.ExceptHandler, ast.With, ast.Return, ast.Break, ast.Continue)
    return not any(isinstance(node, left) for node in ast.walk(function))


def _definition(code: CodeType) -> ast.AST | None:
    """Return the statement that defines a function, if its source is known."""
    try:
        (statement,) = ast.parse(textwrap.dedent(inspect.getsource(code))).body
    except (OSError, SyntaxError, ValueError):
        return None
    return statement if isinstance(statement, ast.FunctionDef) else None


def _manager(item: ast.withitem, frame: FrameType) -> Any:
    made = item.context_expr
    if frame.f_code.co_filename == contextlib.__file__:  # of a function that a manager decorates
        manager: Any = frame.f_locals.get("self")
        is_of_generator = type(manager) is contextlib._GeneratorContextManager
        return manager.func if is_of_generator else None
    return evaluated(made.func, frame) if isinstance(made, ast.Call) else None


def _looks_at_exception(
    frame: FrameType, place: _Place, handler: ast.ExceptHandler, search: Search
) -> bool:
    return any(
        getattr(node, "attr", getattr(node, "id", None)) in _SEES_EXCEPTION
        or (
            isinstance(node, ast.Name)
            and node.id == handler.name
            and _end(frame, (*place[:-1], *around, node), 1, search._replace(owners=[])) is None
        )
        for around, node in within(handler)
    )


# --- expressions ------------------------------------------------------------------------------


def evaluated(expression: ast.expr, frame: FrameType, unknown: Any = None) -> Any:
    """The value of a name, or of an attribute of a module or object that is no property."""
    if isinstance(expression, ast.Constant):
        return expression.value
    if isinstance(expression, ast.Name):
        for names in (frame.f_locals, frame.f_globals, vars(builtins)):
            if expression.id in names:
                return names[expression.id]
    elif isinstance(expression, ast.Attribute):
        owner = evaluated(expression.value, frame, unknown)
        held = getattr(owner, "__dict__", {})
        if expression.attr in held:
            return held[expression.attr]
        if isinstance(owner, nn.Module):
            return dict(owner.named_children()).get(expression.attr, unknown)
    return unknown


def place_of(frame: FrameType) -> _Place | None:
    """The expression that a frame is evaluating, and the nodes around it."""
    return place_in(frame.f_code, frame.f_lasti)


def place_in(code: CodeType, offset: int) -> _Place | None:
    """The expression that an instruction is part of, and the nodes around it."""
    at = position_in(code, offset)
    if at is None or None in at:
        return None
    return _found(code.co_filename, (at[0], at[2]), (at[1], at[3]))


@functools.lru_cache(maxsize=1 << 12)
def _found(file: str, start: Any, end: Any) -> _Place | None:
    """The innermost node of a file that goes from here to there, and those around it."""
    tree = _tree(file)
    if tree is None:
        return None
    place: list[ast.AST] = [tree]
    while True:
        inner = next(
            (
                child
                for child in _descendants(place[-1])
                if _begin(child) <= start and end <= _end_at(child)
            ),
            None,
        )
        if inner is None:
            break
        place.append(inner)
    innermost = place[-1]
    if innermost is tree:
        return None
    same = (_begin(innermost), _end_at(innermost)) == (start, end)
    return tuple(place) if same or isinstance(innermost, ast.JoinedStr) else None


def _descendants(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below one that have a place in the file, the outermost of them."""
    if isinstance(node, ast.JoinedStr):
        return  # the places of its parts are those of the whole, before Python 3.12
    for child in ast.iter_child_nodes(node):
        if hasattr(child, "lineno"):
            yield child
        else:
            yield from _descendants(child)


def _begin(node: Any) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", None)
    return _begin(decorators[0]) if decorators else (node.lineno, node.col_offset)


def _end_at(node: Any) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset


@functools.lru_cache(maxsize=64)
def _tree(file: str) -> ast.AST | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None
