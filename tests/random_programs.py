"""Random factories as source: `Writer` writes one, with loops, decisions and helper functions."""

from __future__ import annotations

import random
from typing import Any

NAMES = ("a", "b", "c")
HEADER = """import math
import torch
from torch import nn

SEEN = []
LADDER = (16, 8, 4, 3, 2)


class Config:
    def __init__(self, width, depth):
        self.width, self.depth = width, depth


"""


class Writer:
    """Writes the source of one random factory."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.names = list(NAMES[: self.draw.choice((1, 1, 2, 2, 3))])
        self.lines: list[str] = []
        self.locals = list(self.names)
        self.helpers: list[Helper] = []

    def pick(self, *options: Any) -> Any:
        return self.draw.choice(options)

    def number(self) -> int:
        return int(self.pick(1, 2, 2, 3, 4, 5, 7, 8, 16, 32, 64))

    def expression(self, depth: int = 2) -> str:
        """An integer expression of the locals so far."""
        if depth == 0 or self.draw.random() < 0.15:
            return str(self.pick(*self.locals, *self.locals, self.number()))
        if self.helpers and self.draw.random() < 0.25:
            return self.call(*self.locals, self.expression(depth - 1))
        x, y = self.expression(depth - 1), self.expression(depth - 1)
        n, name = self.number(), self.pick(*self.locals)
        return str(
            self.pick(
                f"({x} + {y})",
                f"({x} * {n})",
                f"({x} * {name})",
                f"({x} - {n})",
                f"({x} // {n})",
                f"({x} // {name})",
                f"({x} % {n})",
                f"({x} % {name})",
                f"max({x}, {y})",
                f"max({n}, {x})",
                f"min({x}, {y})",
                f"-(-{x} // {n})",
                f"(({x} + {n} - 1) // {n} * {n})",
                f"int({x} * {self.pick(0.29, 0.25, 0.5, 1.5, 2.67, 4.0, 0.1)})",
                f"int({x} / {n})",
                f"int(({x} % {n} - {self.number()}) / 2)",
                f"int({x} / {name})",
                f"int({self.pick('2 * x / 3', 'abs(x) ** 0.5', '1.3 * x')})".replace("x", x, 1),
                f"round({x} * {self.pick(0.5, 0.3, 1.1)})",
                f"round({x} / {n})",
                f"math.ceil({x} / {n})",
                f"math.floor({x} * {self.pick(0.75, 0.9)})",
                f"math.isqrt(abs({x}))",
                f"math.gcd({x}, {n})",
                f"({x} & {self.pick(1, 3, 7, 12)})",
                f"({x} ^ {n})",
                f"({x} >> {self.pick(1, 2)})",
                f"abs({x} - {y})",
                f"{name}.bit_length()",
                f"({x} if {self.test()} else {y})",
                f"sum([{x}, {y}])",
                f"divmod({x}, {n})[{self.pick(0, 1)}]",
            )
        )

    def call(self, *operands: str) -> str:
        """A call of a helper with some of these operands, and numbers."""
        helper = self.pick(*self.helpers)
        numbers = [str(self.number()), str(self.number()), "0.75", "1.3"]
        given = [self.pick(*operands, *numbers[: self.pick(1, 4)]) for _ in helper.parameters]
        given[0] = self.pick(*operands)
        if helper.of_config:
            given[0] = f"Config({given[0]}, {self.pick(*operands, *numbers[:2])})"
        elif self.draw.random() < 0.2:
            given[-1] = f"{helper.parameters[-1]}={given[-1]}"
        return f"{helper.name}({', '.join(given)})"

    def test(self) -> str:
        """A condition."""
        x, y = self.pick(*self.locals), self.pick(*self.locals)
        n = self.number()
        return str(
            self.pick(
                f"{x} > {n}",
                f"{x} <= {n}",
                f"{x} == {n}",
                f"{x} % {n} == 0",
                f"{x} % {n}",
                f"{x} != {y}",
                f"{x} < {y}",
                f"{x} % {y} == 0",
                f"{x} // {n} * {n} == {x}",
                f"{x} > {n} and {y} % 2 == 0",
                f"{x} * 0.3 > {n}",
                f"{x} / {n} >= 2",
                f"({x} & ({x} - 1)) == 0",
                f"{n} < {x} < {4 * n}",
                f"not {x} % 2",
                f"{x} in ({n}, {2 * n})",
                f"({x} / {n}).is_integer()",
            )
        )

    def size(self) -> str:
        x = self.expression()
        return str(self.pick(x, f"max(1, {x})", f"abs({x}) + 1"))

    def layer(self) -> str:
        x, y, n = self.size(), self.size(), self.number()
        return str(
            self.pick(
                f"nn.Linear({x}, {y})",
                f"nn.Linear({x}, {n}, bias={self.pick(True, False, self.test())})",
                f"nn.Conv2d({x}, {y}, {self.pick(1, 3, 5)})",
                f"nn.Conv2d({n}, {x}, 3, groups={self.pick(1, 2, n)})",
                f"nn.Conv1d({x}, {x}, {self.pick(1, 3)}, groups={self.pick(*self.locals)})",
                f"nn.LayerNorm({x})",
                f"nn.LayerNorm(({x}, {n}))",
                f"nn.Embedding({x}, {y})",
                f"nn.BatchNorm2d({x})",
                f"nn.GroupNorm({n}, {x})",
                f"nn.MultiheadAttention({x}, {self.pick(1, 2, 4, *self.locals)})",
                f"nn.GRU({x}, {y})",
                f"nn.ParameterList([torch.empty({x}, {n})])",
                f"nn.ParameterList([torch.empty({x}).repeat({n}), torch.zeros({y})[:{n}]])",
                f"nn.ParameterList(torch.empty({n} * 3, {x}).chunk(3))",
            )
        )

    def statement(self, indent: str, depth: int = 2) -> None:
        kind = self.draw.random()
        if kind < 0.35:
            name = f"v{len(self.locals)}"
            self.lines.append(f"{indent}{name} = {self.expression()}")
            if indent == "    ":
                self.locals.append(name)
        elif kind < 0.75 or depth == 0:
            self.lines.append(f"{indent}m.append({self.layer()})")
        elif kind < 0.83:
            self.lines.append(f"{indent}if {self.test()}:")
            self.lines.append(f"{indent}    raise ValueError('refused')")
        elif kind < 0.93:
            self.lines.append(f"{indent}if {self.test()}:")
            self.statement(indent + "    ", depth - 1)
            if self.draw.random() < 0.4:
                self.lines.append(f"{indent}elif {self.test()}:")
                self.statement(indent + "    ", depth - 1)
            if self.draw.random() < 0.6:
                self.lines.append(f"{indent}else:")
                self.statement(indent + "    ", depth - 1)
        elif kind < 0.97:
            self.loop(indent, depth)
        else:
            self.lines.append(f"{indent}for i in range({self.pick(2, 3)}):")
            x = self.pick(*self.locals)
            layer = self.pick(
                f"nn.Linear({x} * 2**i, {x} + i)", f"nn.LayerNorm({x} // (i + 1) + 1)"
            )
            self.lines.append(f"{indent}    m.append({layer})")

    def loop(self, indent: str, depth: int) -> None:
        """A loop over a symbol, with layers and decisions that depend on its index, or do not."""
        name, n = self.pick(*self.names), self.pick(1, 2, 3, 4)
        bound = self.pick(
            name, name, name, f"1, {name}", f"{name} // {n}", f"max(1, {name} - {n})",
            f"{n}, {name} + {n}", f"0, {name}, {n}", f"min({name}, {n + 3})", f"{name} % {n + 2}",
        )  # fmt: skip
        index = self.pick("i", "j")
        over = self.pick(f"range({bound})", f"range({bound})", f"reversed(range({bound}))")
        self.lines.append(f"{indent}for {index} in {over}:")
        inside = indent + "    "
        test = self.pick(
            f"{index} == {name} - 1", f"{index} == 0", f"{index} % {n + 1} == 0",
            f"({index} + 1) % {n + 1} == {n}", f"{index} < {n}", f"{index} >= {name} // 2",
            f"{index} < {self.pick(*self.names)}", f"{index}", f"{index} + {n} >= {name}",
            self.test(),
        )  # fmt: skip
        x, kind = self.pick(*self.locals), self.draw.random()
        if self.helpers and self.draw.random() < 0.5:
            size = self.call(index, index, x, f"({x} + {index})", f"({index} // {n})")
            self.lines.append(f"{inside}m.append(nn.Linear({x}, abs({size}) + {n}))")
        elif kind < 0.3:
            self.lines.append(f"{inside}m.append({self.layer()})")
        elif kind < 0.4:
            self.lines.append(f"{inside}m.append(nn.Linear({x} + {index}, {index} + 1))")
        elif kind < 0.5:
            self.lines.append(f"{inside}m.append(nn.LayerNorm({x} * 2**min({index}, 5)))")
        elif kind < 0.7:
            self.lines.append(f"{inside}m.append(nn.Linear({x}, {n} if {test} else {x}))")
        elif kind < 0.85 or depth == 0:
            self.lines.append(f"{inside}if {test}:")
            self.lines.append(f"{inside}    {self.pick('continue', f'm.append({self.layer()})')}")
            self.lines.append(f"{inside}m.append({self.layer()})")
        elif kind < 0.93:
            self.lines.append(f"{inside}{x} = {self.pick(f'{x} + {n}', str(n), x, f'2 * {x}')}")
            self.lines.append(f"{inside}m.append(nn.LayerNorm({x}))")
        else:
            self.loop(inside, depth - 1)

    def source(self) -> str:
        texts = []
        for number in range(self.pick(0, 0, 1, 2, 3)):
            helper = Helper(self.draw, f"helper{number}", tuple(self.helpers))
            texts.append(helper.source() + "\n\n")
            self.helpers.append(helper)
        if self.helpers:
            self.lines.append("    SEEN.clear()")
        for _ in range(self.draw.choice((1, 2, 3, 4, 5))):
            self.statement("    ")
        self.lines.append(f"    m.append({self.layer()})")
        head = f"def factory({', '.join(self.names)}):"
        return HEADER + "\n".join(
            [*texts, head, "    m = nn.ModuleList()", *self.lines, "    return m", ""]
        )


class Helper(Writer):
    """Writes the source of a function of numbers, or of one that is not quite that."""

    def __init__(self, draw: random.Random, name: str, helpers: tuple[Helper, ...]) -> None:
        super().__init__(draw)
        self.name = name
        self.parameters = list(("p", "q", "r")[: self.pick(1, 2, 2, 3)])
        self.of_config = self.draw.random() < 0.15
        self.names = list(self.parameters)
        if self.of_config:
            self.names[:1] = "w", "d"
            self.lines.append("    w, d = p.width, p.depth")
        self.locals = list(self.names)
        # calls of calls of calls are large at once
        self.helpers = [h for h in helpers if not h.of_config and not h.helpers][:1]

    def step(self, indent: str, depth: int = 1) -> None:
        """A statement that returns, or goes on."""
        x, n, kind = self.pick(*self.locals), self.number(), self.draw.random()
        add = self.lines.append
        if kind < 0.3:
            name = f"v{len(self.lines)}"
            add(f"{indent}{name} = {self.expression(1)}")
            if indent == "    ":
                self.locals.append(name)
        elif kind < 0.6 and depth:
            add(f"{indent}if {self.test()}:")
            self.step(indent + "    ", depth - 1)
            if self.draw.random() < 0.3:
                add(f"{indent}elif {self.test()}:")
                add(f"{indent}    return {self.expression(1)}")
            if self.draw.random() < 0.4:
                add(f"{indent}else:")
                self.step(indent + "    ", depth - 1)
        elif kind < 0.7:
            add(f"{indent}return {self.expression(1)}")
        elif kind < 0.76:
            add(f"{indent}for k in {self.pick('LADDER', (8, 4, 2), (64, 7))}:")
            add(f"{indent}    if {self.pick(f'{x} % k == 0', f'{x} > k', f'{x} * 0.5 >= k')}:")
            add(f"{indent}        return {self.pick('k', f'{x} // k', f'{x} + k')}")
        elif kind < 0.8:
            add(f"{indent}{x} = {self.pick(f'{x} + {n}', f'{x} % {n}')}")
        elif kind < 0.84:
            add(f"{indent}if {self.test()}:")
            add(f"{indent}    raise ValueError('refused')")
        elif kind < 0.88:
            tried = self.pick(f"{n} // ({x} - {n})", f"(5, 6, 7)[{x} % 4]", f"math.isqrt({x} - 9)")
            caught = self.pick("except ZeroDivisionError", "except Exception", "except", "finally")
            add(f"{indent}t = {n}")
            add(f"{indent}try:")
            add(f"{indent}    t = {tried}")
            add(f"{indent}{caught}:")
            add(f"{indent}    t = t + 1")
            add(f"{indent}{self.pick('return t', f'if t > {n}: return {x} + t')}")
        elif kind < 0.91:
            add(f"{indent}new = max({n}, int({x} + {n} / 2) // {n} * {n})")
            add(f"{indent}if new < {self.pick(0.9, 0.95, 1.0, 0.5)} * {x}:")
            add(f"{indent}    new += {n}")
            add(f"{indent}return new")
        elif kind < 0.93:
            add(f"{indent}while int({x}) % {n}:")
            add(f"{indent}    {x} = int({x}) + 1")
        elif kind < 0.95:
            add(f"{indent}return sum({x} // k for k in LADDER if {x} {self.pick('%', '>')} k)")
        elif kind < 0.97:
            add(f"{indent}SEEN.append(1)")
        else:
            add(f"{indent}return {self.pick('len(SEEN)', f'{x} / 2', f'{x} > {n}', 'None')}")

    def source(self) -> str:
        for _ in range(self.pick(1, 2, 3)):
            self.step("    ")
        last = self.pick(self.expression(), *self.locals)
        given = list(self.parameters)
        if len(given) > 1 and self.draw.random() < 0.3:
            given[-1] += f"={self.number()}"
        return "\n".join(
            [f"def {self.name}({', '.join(given)}):", *self.lines, f"    return {last}"]
        )
