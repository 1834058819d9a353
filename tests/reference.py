"""What is known of the sixteen seed blueprints, to check derived formulas against.

`param_estimate` is the constant once written by hand, kept as data. Formulas were read off the
layers; the counts are those of freshly built modules, for every size in `SIZES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SIZES = (16, 30, 64, 100, 384, 512, 4096)


@dataclass(frozen=True)
class Seed:
    """A seed blueprint.

    Attributes:
        formula: the count in `dim` and the hyper-parameters, as a Python expression in integers.
        counts: the counts at `SIZES` with default hyper-parameters; None where the factory
            raises `ValueError`.
        hyper_parameters: what the factory takes beside `dim` that matters to the count.
    """

    name: str
    param_estimate: int
    formula: str
    counts: tuple[int | None, ...]
    hyper_parameters: Mapping[str, int] = field(default_factory=dict)

    def count(self, dim: int, **hyper_parameters: int) -> int:
        """Evaluate the formula, whether or not the factory would accept the arguments."""
        return evaluate(self.formula, dim=dim, **{**self.hyper_parameters, **hyper_parameters})


def evaluate(formula: str, **values: int) -> int:
    return int(eval(formula, {"__builtins__": {}, "max": max}, values))


_NORM = (33, 61, 129, 201, 769, 1025, 8193)
_ATTENTION = (1088, None, 16640, 40400, 591360, 1050624, 67125248)

SEEDS = (
    Seed("cnn:noop", 0, "0", (0,) * 7),
    Seed("cnn:norm", 130, "2*dim + 1", _NORM),
    Seed(
        "cnn:attention",
        2000,
        "dim*(2*max(1, dim//reduction) + 1)",
        (144, 450, 2112, 5100, 74112, 131584, 8392704),
        {"reduction": 4},
    ),
    Seed(
        "cnn:depthwise",
        4800,
        "dim**2 + 11*dim",
        (432, 1230, 4800, 11100, 151680, 267776, 16822272),
    ),
    Seed(
        "cnn:bottleneck",
        4500,
        "2*dim*max(8, dim//reduction) + 9*max(8, dim//reduction)**2 + 2*dim",
        (864, 1116, 4480, 10825, 157440, 279552, 17833984),
        {"reduction": 4},
    ),
    Seed(
        "cnn:conv_small",
        4200,
        "dim**2 + 2*dim",
        (288, 960, 4224, 10200, 148224, 263168, 16785408),
    ),
    Seed(
        "cnn:conv_light",
        37000,
        "9*dim**2 + 2*dim",
        (2336, 8160, 36992, 90200, 1327872, 2360320, 151003136),
    ),
    Seed(
        "cnn:conv_heavy",
        74000,
        "18*dim**2 + 4*dim",
        (4672, 16320, 73984, 180400, 2655744, 4720640, 302006272),
    ),
    Seed("transformer:noop", 0, "0", (0,) * 7),
    Seed("transformer:norm", 800, "2*dim + 1", _NORM),
    Seed(
        "transformer:lora",
        6000,
        "2*dim*rank",
        (256, 480, 1024, 1600, 6144, 8192, 65536),
        {"rank": 8},
    ),
    Seed(
        "transformer:lora_large",
        25000,
        "2*dim*rank",
        (1024, 1920, 4096, 6400, 24576, 32768, 262144),
        {"rank": 32},
    ),
    Seed("transformer:attention", 591000, "4*dim**2 + 4*dim", _ATTENTION, {"n_head": 4}),
    Seed(
        "transformer:mlp_small",
        591000,
        "2*expansion*dim**2 + (expansion + 1)*dim",
        (1072, 3690, 16576, 40300, 590976, 1050112, 67121152),
        {"expansion": 2},
    ),
    Seed(
        "transformer:mlp",
        1200000,
        "2*expansion*dim**2 + (expansion + 1)*dim",
        (2128, 7350, 33088, 80500, 1181568, 2099712, 134238208),
        {"expansion": 4},
    ),
    Seed("transformer:flex_attention", 591000, "4*dim**2 + 4*dim", _ATTENTION, {"n_head": 4}),
)

# Ticket B3-DRL-02 reported that the constant of cnn:attention was 65 times too small at 512
# channels, with the right counts, and recommended a formula that counts a bias the module does
# not have.
REPORTED_COUNTS = {64: 2112, 512: 131_584}
RECOMMENDED_FORMULA = "2*dim*(dim//reduction) + dim + dim//reduction"
RECOMMENDED_COUNTS = {64: 2128, 512: 131_712}
