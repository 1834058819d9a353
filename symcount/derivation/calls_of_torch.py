"""Say what the code of torch does with the plain numbers that it is given.

Nobody reports what torch's own code decides. So a number that moves with a loop and is given to it
is an assumption, unless it is here: a size, of which all that is asked is whether it is negative; a
rate, which is asked whether it is between 0 and 1; or something that is held and never looked at.
"""

from __future__ import annotations

# Functions and classes that hold, join or initialise, and decide nothing by what they are given.
HOLDING = frozenset(
    "Sequential ModuleList ModuleDict ParameterList ParameterDict Module Parameter Buffer Identity "
    "register_parameter register_buffer register_module register_forward_hook "
    "register_forward_pre_hook modules children named_children state_dict add_module add_modules "
    "named_parameters named_modules parameters modules apply cat concat concatenate stack hstack "
    "vstack device no_grad manual_seed "
    "normal_ uniform_ constant_ trunc_normal_ zeros_ ones_ xavier_uniform_ xavier_normal_ "
    "kaiming_uniform_ kaiming_normal_ orthogonal_ eye_ dirac_ sparse_".split()
)
# Methods that find what has a name.
BY_NAME = frozenset("get_submodule get_parameter get_buffer".split())
# Methods of its containers that add to them.
ADDING = frozenset("append extend insert update __setitem__".split())
# Functions of tensors that compute each element by itself: they decide no size.
ELEMENTWISE = frozenset(
    "add sub mul div pow exp log sin cos sqrt rsqrt neg abs outer flip tril triu ones_like "
    "zeros_like empty_like full_like".split()
)
# The places of sizes in a call, and their keywords.
_SIZES: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "Linear": ((1, 2), ("in_features", "out_features")),
    "Bilinear": ((1, 2, 3), ("in1_features", "in2_features", "out_features")),
    "Embedding": ((1, 2), ("num_embeddings", "embedding_dim")),
    "LayerNorm": ((1,), ("normalized_shape",)),
    "RMSNorm": ((1,), ("normalized_shape",)),
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "_BatchNorm", "_NormBase"),
        ((1,), ("num_features",)),
    ),
    **dict.fromkeys(
        ("Conv1d", "Conv2d", "Conv3d"),
        ((1, 2), ("in_channels", "out_channels", "dilation", "padding")),
    ),
    **dict.fromkeys(
        ("empty", "zeros", "ones", "rand", "randn"), (tuple(range(1, 9)), ("size",))
    ),
    "full": ((1, 2), ("size", "fill_value")),
    "eye": ((1, 2), ()),
    "arange": ((1,), ("end",)),
    "linspace": ((3,), ("steps",)),
    "tensor": ((1,), ("data",)),
    "as_tensor": ((1,), ("data",)),
    **dict.fromkeys(("FloatTensor", "DoubleTensor", "Tensor"), ((1,), ())),
}  # fmt: skip
# Of these some are data, which another type of numbers may change.
OF_DATA = frozenset(["full", "tensor", "as_tensor"])
RATES = frozenset(["p", "dropout", "drop_prob"])
# Methods of tensors that hand on what a tensor holds, or its sizes.
PLAIN_METHODS = frozenset(
    "tolist item numpy cpu float double clone detach contiguous size "
    "dim numel nelement element_size view reshape unsqueeze t transpose permute new_empty "
    "new_zeros new_ones requires_grad_ data_ptr mul add".split()
)


def sizes_of(name: str, place: int, keyword: str) -> bool:
    """Return whether an argument of a function is a size, or ends as nothing else."""
    places, keywords = _SIZES.get(name, ((), ()))
    return keyword in keywords if keyword else place in places
