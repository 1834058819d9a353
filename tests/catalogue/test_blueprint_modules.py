"""The seed blueprints as modules: they run, they train, and they keep their promises."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from symcount.blueprints import cnn, transformer

DIM = 32

Factory = Callable[..., nn.Module]

CNN: dict[str, Factory] = {
    "cnn:noop": cnn.create_noop,
    "cnn:norm": cnn.create_norm,
    "cnn:attention": cnn.create_attention,
    "cnn:depthwise": cnn.create_depthwise,
    "cnn:bottleneck": cnn.create_bottleneck,
    "cnn:conv_small": cnn.create_conv_small,
    "cnn:conv_light": cnn.create_conv_light,
    "cnn:conv_heavy": cnn.create_conv_heavy,
}
TRANSFORMER: dict[str, Factory] = {
    "transformer:noop": transformer.create_noop,
    "transformer:norm": transformer.create_norm,
    "transformer:lora": transformer.create_lora,
    "transformer:lora_large": transformer.create_lora_large,
    "transformer:attention": transformer.create_attention,
    "transformer:mlp_small": transformer.create_mlp_small,
    "transformer:mlp": transformer.create_mlp,
    "transformer:flex_attention": transformer.create_flex_attention,
}
FACTORIES = CNN | TRANSFORMER

STARTS_AS_IDENTITY = [
    "cnn:noop",
    "cnn:norm",
    "cnn:bottleneck",
    "cnn:conv_small",
    "transformer:noop",
    "transformer:norm",
    "transformer:lora",
    "transformer:lora_large",
]

# torch refuses flex_attention on the CPU where a gradient is asked for.
TRAINABLE_ON_CPU = [name for name in FACTORIES if name != "transformer:flex_attention"]

ATTENTIONS = ["transformer:attention", "transformer:flex_attention"]
FEED_FORWARDS = ["transformer:mlp_small", "transformer:mlp"]

pytestmark = pytest.mark.filterwarnings(
    "ignore:flex_attention called without torch.compile:UserWarning"
)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


def make_input(name: str) -> Tensor:
    return torch.randn(2, DIM, 5, 6) if name in CNN else torch.randn(2, 7, DIM)


def perturb_parameters(module: nn.Module) -> nn.Module:
    """Move every parameter off its initial value: zeros block the gradients behind them."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def collect_gradients(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Return the gradients of a loss that weighs each output differently.

    A plain sum would not do: behind a normalisation its gradient is zero.
    """
    output = module(x)
    weights = torch.arange(output.numel()).reshape(output.shape).sin()
    (output * weights).sum().backward()
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


@torch.no_grad()
@pytest.mark.parametrize("name", FACTORIES)
def test_forward_keeps_the_shape_and_stays_finite(name: str) -> None:
    x = make_input(name)
    y = perturb_parameters(FACTORIES[name](DIM))(x)
    assert y.shape == x.shape
    assert y.isfinite().all()


@pytest.mark.parametrize("name", TRAINABLE_ON_CPU)
def test_gradient_reaches_every_parameter(name: str) -> None:
    module = perturb_parameters(FACTORIES[name](DIM))
    gradients = collect_gradients(module, make_input(name).requires_grad_())
    assert gradients.keys() == dict(module.named_parameters()).keys()
    for parameter, gradient in gradients.items():
        assert gradient.isfinite().all(), parameter
        assert gradient.count_nonzero() > 0, parameter


@pytest.mark.parametrize("name", [n for n in STARTS_AS_IDENTITY if not n.endswith(":noop")])
def test_training_leaves_the_identity(name: str) -> None:
    module, x = FACTORIES[name](DIM), make_input(name)
    collect_gradients(module, x)
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    assert not torch.equal(module(x), x)


@torch.no_grad()
@pytest.mark.parametrize("name", STARTS_AS_IDENTITY)
def test_starts_as_identity(name: str) -> None:
    x = make_input(name)
    assert torch.equal(FACTORIES[name](DIM)(x), x)


@torch.no_grad()
def test_squeeze_excitation_starts_by_scaling_every_channel_alike() -> None:
    x = make_input("cnn:attention")
    torch.testing.assert_close(cnn.create_attention(DIM)(x), x * torch.sigmoid(torch.tensor(3.0)))


@pytest.mark.parametrize(
    ("factory", "count"),
    [
        (partial(cnn.create_attention, reduction=8), 288),  # 2 * 32 * 4 + 32
        (partial(cnn.create_attention, reduction=64), 96),  # at least one hidden unit
        (partial(cnn.create_bottleneck, reduction=2), 3392),  # 2 * 32 * 16 + 9 * 16**2 + 64
        (partial(cnn.create_bottleneck, reduction=16), 1152),  # at least eight channels
        (partial(transformer.create_lora, rank=3), 192),
        (partial(transformer.create_lora_large, rank=3), 192),
        (partial(transformer.create_attention, n_head=8), 4224),
        (partial(transformer.create_flex_attention, n_head=8), 4224),
        (partial(transformer.create_mlp_small, expansion=3), 6272),  # 6 * 32**2 + 4 * 32
        (partial(transformer.create_mlp, expansion=3), 6272),
    ],
    ids=lambda value: value.func.__name__ if isinstance(value, partial) else None,
)
def test_hyper_parameters_reach_the_module(factory: Factory, count: int) -> None:
    assert sum(parameter.numel() for parameter in factory(DIM).parameters()) == count


def test_group_ladder_follows_its_definition() -> None:
    ladder = [32, 16, 8, 4, 2, 1]
    for channels in range(1, 601):
        dividing = [n for n in ladder if channels % n == 0]
        wide_enough = [n for n in dividing if channels // n >= 16]
        expected = (wide_enough or dividing)[0]
        assert cnn.select_num_groups(channels) == expected, channels


@pytest.mark.parametrize("name", FACTORIES)
def test_unexpected_keywords_are_rejected_by_name(name: str) -> None:
    with pytest.raises(ValueError) as raised:
        FACTORIES[name](DIM, widht=3, bias=True)
    message = str(raised.value)
    assert message.startswith(f"{name} got unexpected keyword arguments: widht, bias")


def test_rejection_lists_what_the_factory_takes() -> None:
    with pytest.raises(ValueError) as raised:
        transformer.create_mlp(DIM, ratio=4)
    assert str(raised.value) == ("transformer:mlp got unexpected keyword arguments: ratio")


@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention_refuses_a_width_its_heads_do_not_divide(name: str) -> None:
    with pytest.raises(ValueError) as raised:
        FACTORIES[name](30)
    assert str(raised.value) == "dim must be divisible by n_head, got dim=30, n_head=4"


@torch.no_grad()
@pytest.mark.parametrize("name", ATTENTIONS)
@pytest.mark.parametrize("changed", [0, 3, 6])
def test_attention_is_causal(name: str, changed: int) -> None:
    module, x = FACTORIES[name](DIM), make_input(name)
    other = x.clone()
    other[:, changed] += 1.0
    difference = (module(other) - module(x)).abs().amax(dim=(0, 2))
    assert (difference[:changed] == 0).all()
    assert (difference[changed:] > 1e-6).all()


@torch.no_grad()
@pytest.mark.parametrize("time", [1, 7, 130])
def test_flex_attention_computes_the_same_as_attention(time: int) -> None:
    attention, flex = transformer.create_attention(DIM), transformer.create_flex_attention(DIM)
    flex.load_state_dict(attention.state_dict())
    x = torch.randn(2, time, DIM)
    torch.testing.assert_close(flex(x), attention(x))


@pytest.mark.parametrize("name", FEED_FORWARDS)
def test_checkpointing_changes_neither_outputs_nor_gradients(name: str) -> None:
    plain, saving = FACTORIES[name](DIM), FACTORIES[name](DIM, checkpoint=True)
    saving.load_state_dict(plain.state_dict())
    x = make_input(name)
    torch.testing.assert_close(saving(x), plain(x), rtol=0, atol=0)
    torch.testing.assert_close(collect_gradients(saving, x), collect_gradients(plain, x))


@pytest.mark.parametrize("name", FEED_FORWARDS)
def test_checkpointing_recomputes_the_hidden_layer(name: str) -> None:
    module = FACTORIES[name](DIM, checkpoint=True)
    passes = []
    activation = next(part for part in module.modules() if isinstance(part, nn.GELU))
    activation.register_forward_hook(lambda *_: passes.append(1))
    collect_gradients(module, make_input(name))
    assert len(passes) == 2
