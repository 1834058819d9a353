"""`memory`: bytes of weights, gradients and optimizer state, against torch and the ZeRO paper."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from symcount import ArgumentError, DomainError, ParamCount, derive
from symcount.questions.training_memory import STATES


def model(d, n=3, heads=2):
    if d % heads:
        raise ValueError("not divisible")
    module = nn.Sequential(
        nn.Embedding(7, d),
        nn.Sequential(*[nn.Linear(d, d + i) for i in range(n)]),
        nn.BatchNorm1d(d),
        nn.Linear(d // heads, 3, dtype=torch.float64),
    )
    module[0].requires_grad_(False)
    return module


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(model)


def linear(n):
    return nn.Linear(n, 1, bias=False)


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd+momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "rmsprop+momentum": lambda p: torch.optim.RMSprop(p, momentum=0.9),
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
    "adam+amsgrad": lambda p: torch.optim.Adam(p, amsgrad=True),
    "adamw": torch.optim.AdamW,
    "adamw+amsgrad": lambda p: torch.optim.AdamW(p, amsgrad=True),
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
}


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", STATES)
def test_it_is_what_torch_holds_after_a_step(count, name: str, dtype: torch.dtype | None) -> None:
    module = model(6, n=2)
    if dtype is not None:
        module = module.to(dtype)
    optimizer = OPTIMIZERS[name]([p for p in module.parameters() if p.requires_grad])
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    states = [
        tensor
        for state in optimizer.state.values()
        for key, tensor in state.items()
        if isinstance(tensor, torch.Tensor) and key not in ("step", "mu_product")
    ]
    memory = count.memory(dtype, name)
    assert memory.weights(6, n=2) == sum(p.nbytes for p in module.parameters())
    assert memory.gradients(6, n=2) == sum(
        p.grad.nbytes for p in module.parameters() if p.grad is not None
    )
    assert memory.optimizer(6, n=2) == sum(tensor.nbytes for tensor in states)
    assert memory.total(6, n=2) == (
        memory.weights(6, n=2) + memory.gradients(6, n=2) + memory.optimizer(6, n=2)
    )


def test_it_is_figure_1_of_the_zero_paper() -> None:
    # Rajbhandari et al. 2020, figure 1: 7.5 billion parameters, 64 devices, K = 12.
    count = derive(linear)
    gigabytes = {0: 120.0, 1: 31.4, 2: 16.6, 3: 1.9}
    for stage, published in gigabytes.items():
        memory = count.memory("float16", "adam", shards=64, zero=stage, master_weights=True)
        assert round(memory.total(7_500_000_000) / 1e9, 1) == published


@pytest.mark.parametrize("shards", [1, 2, 3, 8, 1000])
@pytest.mark.parametrize("zero", [0, 1, 2, 3])
def test_each_device_holds_as_much_as_the_largest_piece(count, zero: int, shards: int) -> None:
    memory = count.memory("bfloat16", shards=shards, zero=zero, master_weights=True)
    named = count.memory("bfloat16", shards="N", zero=zero, master_weights=True)
    for size in ((2, 1), (6, 2), (64, 5)):
        trainable, frozen = count.trainable(*size), count.frozen(*size)

        def piece(elements: int, stage: int) -> int:
            pieces = [len(range(i, elements, shards)) for i in range(shards)]
            return max(pieces) if zero >= stage else elements

        assert memory.weights(*size) == 2 * piece(trainable, 3) + 2 * piece(frozen, 3)
        assert memory.gradients(*size) == 2 * piece(trainable, 2)
        assert memory.optimizer(*size) == 12 * piece(trainable, 1)
        for one, other in ((memory.total, named.total), (memory.weights, named.weights)):
            assert other(*size, N=shards) == one(*size)


def test_dtypes_that_are_kept_are_divided_apart(count) -> None:
    memory = count.memory(shards=4, zero=3)
    of = count.by_dtype()
    frozen, single, double = count.frozen(6), of["float32"](6), of["float64"](6)
    single -= frozen
    ceil = [-(-size // 4) for size in (frozen, single, double)]
    assert memory.weights(6) == 4 * ceil[0] + 4 * ceil[1] + 8 * ceil[2]
    assert memory.optimizer(6) == 2 * (4 * ceil[1] + 8 * ceil[2])


def test_gradients_of_another_dtype() -> None:
    memory = derive(linear).memory("bfloat16", "adamw", gradients="float32", master_weights=True)
    assert [str(m) for m in (memory.weights, memory.gradients, memory.optimizer, memory.total)] == [
        "2*n", "4*n", "12*n", "18*n"
    ]  # fmt: skip
    assert memory.assumed == (
        "bfloat16 weights, float32 gradients, adamw in float32 with master weights, no ZeRO"
    )


def test_its_formulas_are_formulas(count) -> None:
    memory = count.memory(optimizer="sgd", shards=2, zero=1)
    assert str(memory) == (
        "bytes per device: own dtypes of weights, sgd, ZeRO stage 1 over 2 devices\n"
        f"  weights    {memory.weights}\n"
        f"  gradients  {memory.gradients}\n"
        "  optimizer  0\n"
        f"  total      {memory.total}"
    )
    assert memory.total.domain == count.domain
    assert memory.total.expr.free_symbols == count.expr.free_symbols
    assert memory.total.certificate == count.certificate
    assert set(memory.total.breakdown().modules) >= {"weights", "gradients"}
    assert memory.total.substitute(d="2*k", n=2)(3) == memory.total(6, 2)
    with pytest.raises(DomainError, match="d=7, n=3, heads=2 is outside the domain"):
        memory.total(7)


def test_it_is_of_what_the_formula_is_of(count) -> None:
    part, rest = count.select("1.*").memory(), count.without("1.*").memory()
    assert part.total(6) + rest.total(6) == count.memory().total(6)
    assert count.trainable.memory().weights(6) == count.trainable.nbytes(6)
    frozen = count.frozen.memory()
    assert frozen.total(6) == frozen.weights(6) == count.frozen.nbytes(6)
    assert frozen.gradients(6) == frozen.optimizer(6) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"optimizer": "adafactor"},
            r"memory\(optimizer='adafactor'\): what it keeps is not model",
        ),
        ({"optimizer": None}, "those that are: sgd, sgd[+]momentum"),
        (
            {"dtype": "int9"},
            r"memory\(dtype='int9'\): use one of float64, float32, bfloat16, float16",
        ),
        ({"gradients": torch.int32}, r"memory\(gradients=torch.int32\): use one of float64"),
        ({"zero": 4}, r"memory\(zero=4\): the stages of ZeRO are 1, 2 and 3; 0 is none"),
        ({"zero": True}, r"memory\(zero=True\): the stages"),
        ({"zero": 1.0}, r"memory\(zero=1.0\): the stages"),
        ({"zero": [1]}, r"memory\(zero=\[1\]\): the stages"),
        ({"shards": 0}, r"memory\(shards=0\): use a positive integer, or the name of a new symbol"),
        ({"shards": 2.0}, r"memory\(shards=2.0\): use a positive integer"),
        ({"shards": "d"}, r"memory\(shards='d'\): use a positive integer"),
        ({"shards": "for"}, r"memory\(shards='for'\): use a positive integer"),
        ({"master_weights": 1}, r"memory\(master_weights=1\): use True or False"),
    ],
    ids=str,
)
def test_bad_options(count, options, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        count.memory(**options)


def test_it_is_of_formulas_of_parameters(count) -> None:
    for formula, noun in (
        (count.nbytes, "bytes"),
        (count.buffers, "buffer elements"),
        (count.memory().total, "bytes"),
    ):
        with pytest.raises(ArgumentError, match=f"and this one is of {noun}; call it on what"):
            formula.memory()


def test_complex_parameters_have_no_real_copies() -> None:
    count = derive(lambda d: nn.Linear(d, 1, dtype=torch.complex64))
    assert count.memory().weights(3) == 8 * 4
    for options in ({"dtype": "float16"}, {"master_weights": True}):
        with pytest.raises(ArgumentError, match="'weight' is complex64, which has no real copy"):
            count.memory(**options)


def test_names_are_taken_as_people_type_them(count) -> None:
    usual = count.memory("bfloat16", "adamw")
    for dtype, optimizer in [
        ("bf16", "AdamW"),
        ("BF16", "torch.optim.AdamW"),
        (torch.bfloat16, torch.optim.AdamW),
    ]:
        assert count.memory(dtype, optimizer) == usual
    assert count.memory("fp16", "SGD+Momentum") == count.memory("float16", "sgd+momentum")
    assert count.memory("half") == count.memory("float16")
    assert count.memory("float") == count.memory("fp32") == count.memory(torch.float)
    for other in (torch.optim.Adafactor, int, torch.optim.SGD([torch.zeros(1)], lr=0.1)):
        with pytest.raises(ArgumentError, match="what it keeps is not modelled"):
            count.memory(None, other)


@pytest.mark.parametrize("name", ["fp8", "float8_e4m3fn", torch.float8_e5m2, "int8", torch.uint8])
def test_eight_bits_are_a_byte(name: object) -> None:
    memory = derive(linear).memory(name)
    assert memory.weights(4097) == 4097
    trained = 0 if "int" in str(name) else 4097
    assert (memory.gradients(4097), memory.optimizer(4097)) == (trained, 2 * trained)


@pytest.mark.parametrize("name", ["int4", "uint4", "nf4", "fp4", "NF4"])
def test_four_bits_are_half_a_byte_and_the_last_one_is_whole(name: str) -> None:
    twelve = derive(lambda: nn.Linear(3, 4, bias=False))
    assert (twelve(), twelve.memory(name).weights()) == (12, 6)
    memory = derive(linear).memory(name)
    assert [memory.total(n) for n in (1, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]
    three = derive(lambda n: nn.ParameterList(torch.zeros(n) for _ in range(3)))
    assert three.memory(name).weights(5) == 8  # fifteen end to end, and not three times three


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 6, 7])
def test_odd_bits_are_rounded_up(bits: int) -> None:
    weights = derive(linear).memory(f"int{bits}").weights
    assert [weights(n) for n in range(1, 40)] == [-(-n * bits // 8) for n in range(1, 40)]


def test_pieces_of_elements_of_four_bits() -> None:
    weights = derive(linear).memory("nf4", shards=4, zero=3).weights
    assert [weights(n) for n in range(1, 40)] == [((n + 3) // 4 + 1) // 2 for n in range(1, 40)]


def test_integers_are_trained_only_in_gradients_of_floats() -> None:
    count = derive(linear)
    assert "int4 weights, no gradients, no ZeRO" in str(count.memory("int4"))
    trained = count.memory("int4", gradients="bf16")
    assert [part(8) for part in (trained.weights, trained.gradients, trained.optimizer)] == [
        4, 16, 32
    ]  # fmt: skip
    mixed = count.memory("int8", "adam", gradients="bf16", master_weights=True)
    assert mixed.total(8) == 8 * (1 + 2 + 12)


def test_a_frozen_base_in_four_bits_and_adapters_in_sixteen() -> None:
    def lora(d, r=8):
        base = nn.Linear(d, d, bias=False).requires_grad_(False)
        return nn.ModuleList([base, nn.Linear(d, r, bias=False), nn.Linear(r, d, bias=False)])

    count = derive(lora)
    assert count.frozen.memory("nf4").total(64) == 64 * 64 // 2
    assert count.trainable.memory("bf16").total(64) == 2 * 64 * 8 * (2 + 2 + 4)


def test_the_bytes_are_not_compared_with_the_parameters_that_the_factory_builds(
    count: ParamCount,
) -> None:
    memory = count.memory(dtype="bfloat16")
    for part in (memory.total, memory.weights, memory.optimizer):
        assert part.origin is None and part.certificate.counts == ()
    assert count.origin is not None and count.certificate.counts
