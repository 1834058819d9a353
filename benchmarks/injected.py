"""What `injection.py` alters, and what it puts there.

The cases are imported where they are built: the library may be another in each process.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

from torch import nn


def resnet(width: int, depth: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock, ResNet

    return ResNet(BasicBlock, [1, depth, 1, 1], num_classes=10 * width)


def bottleneck(width: int, depth: int) -> nn.Module:
    from torchvision.models.resnet import Bottleneck, ResNet

    return ResNet(Bottleneck, [1, depth, 1, 1], width_per_group=2 * width)


def resblock(width: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock

    return BasicBlock(width, width)


def mobilenet(width: int, depth: int) -> nn.Module:
    from torchvision.models.mobilenetv2 import MobileNetV2

    return MobileNetV2(num_classes=width, inverted_residual_setting=[[6, 8 * width, depth, 2]])


def mobilenet3(width: int) -> nn.Module:
    from torchvision.models.mobilenetv3 import InvertedResidual, InvertedResidualConfig

    return InvertedResidual(
        InvertedResidualConfig(width, 3, 2 * width, width, True, "HS", 1, 1, 1.0), nn.BatchNorm2d
    )


def densenet(width: int, depth: int) -> nn.Module:
    from torchvision.models.densenet import DenseNet

    return DenseNet(width, (2, depth), num_init_features=2 * width)


def tv_vit(width: int, depth: int) -> nn.Module:
    from torchvision.models.vision_transformer import VisionTransformer

    return VisionTransformer(32, 8, depth, 2, 2 * width, 4 * width)


def tv_swin(width: int, depth: int) -> nn.Module:
    from torchvision.models.swin_transformer import SwinTransformer

    return SwinTransformer([4, 4], 4 * width, [2, depth], [2, 4], [7, 7])


def tv_convnext(width: int, depth: int) -> nn.Module:
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    return ConvNeXt([CNBlockConfig(width, 2 * width, 2), CNBlockConfig(2 * width, None, depth)])


def regnet(width: int, depth: int) -> nn.Module:
    from torch import nn
    from torchvision.models.regnet import AnyStage, ResBottleneckBlock

    return AnyStage(
        width, 8 * width, 2, depth, ResBottleneckBlock, nn.BatchNorm2d, nn.ReLU, 8, 1.0, 0.25
    )


def efficientnet(width: int, depth: int) -> nn.Module:
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig

    return EfficientNet(
        [MBConvConfig(2, 3, 1, 8 * width, 8 * width, depth)], 0.1, num_classes=width
    )


def squeezenet(width: int) -> nn.Module:
    from torchvision.models.squeezenet import Fire

    return nn.Sequential(
        Fire(width, width, 4 * width, 4 * width), Fire(8 * width, width, width, width)
    )


def inception(width: int) -> nn.Module:
    from torchvision.models.inception import InceptionA, InceptionC

    return nn.Sequential(InceptionA(width, width), InceptionC(width, 2 * width))


def googlenet(width: int) -> nn.Module:
    from torchvision.models.googlenet import Inception

    return Inception(width, width, 2 * width, width, width, width, width)


def shufflenet(width: int, depth: int) -> nn.Module:
    from torchvision.models.shufflenetv2 import ShuffleNetV2

    return ShuffleNetV2([1, depth, 1], [24, 2 * width, 4 * width, 8 * width, 16 * width])


def tv_mlp(width: int) -> nn.Module:
    from torchvision.ops import MLP

    return MLP(width, [4 * width, width])


def tv_se(width: int) -> nn.Module:
    from torchvision.ops import SqueezeExcitation

    return SqueezeExcitation(width, width // 2)


def fpn(width: int) -> nn.Module:
    from torchvision.ops import FeaturePyramidNetwork

    return FeaturePyramidNetwork([width, 2 * width, 4 * width], width)


def timm_vit(width: int, depth: int) -> nn.Module:
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(
        32, 8, num_classes=width, embed_dim=4 * width, depth=depth, num_heads=4
    )


def mixer(width: int, depth: int) -> nn.Module:
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(
        num_classes=width, img_size=32, patch_size=8, num_blocks=depth, embed_dim=8 * width
    )


def timm_resnet(width: int, depth: int) -> nn.Module:
    from timm.models.resnet import BasicBlock, ResNet

    return ResNet(
        BasicBlock,
        (1, depth),
        num_classes=width,
        channels=(8 * width, 16 * width),
        stem_width=width,
    )


def pit(width: int, depth: int) -> nn.Module:
    from timm.models.pit import PoolingVisionTransformer

    return PoolingVisionTransformer(
        64,
        16,
        8,
        base_dims=(2 * width, 4 * width),
        depth=(1, depth),
        heads=(2, 4),
        num_classes=width,
        mlp_ratio=4,
    )


def cait(width: int, depth: int) -> nn.Module:
    from timm.models.cait import Cait

    return Cait(32, 8, num_classes=width, embed_dim=4 * width, depth=depth, num_heads=4)


def timm_mlp(width: int) -> nn.Module:
    from timm.layers import GluMlp, Mlp

    return nn.Sequential(Mlp(width, 4 * width), GluMlp(width, 2 * width))


def attention(width: int) -> nn.Module:
    from timm.layers import Attention

    return Attention(8 * width, 8, qkv_bias=True)


def timm_se(width: int) -> nn.Module:
    from timm.layers import EffectiveSEModule, SEModule

    return nn.Sequential(SEModule(8 * width), EffectiveSEModule(width))


def make_div(width: int) -> nn.Module:
    from timm.layers import make_divisible

    return nn.Linear(width, make_divisible(width * 3, 8))


def patch_embed(width: int) -> nn.Module:
    from timm.layers import PatchEmbed

    return PatchEmbed(32, 8, 3, width)


def beit(width: int, depth: int) -> nn.Module:
    from timm.models.beit import Beit

    return Beit(32, 8, num_classes=width, embed_dim=4 * width, depth=depth, num_heads=4)


def xception(width: int, depth: int) -> nn.Module:
    from timm.models.xception import Block

    return Block(width, 2 * width, depth + 1)


CASES: dict[str, Callable[..., nn.Module]] = {
    name: value for name, value in tuple(globals().items()) if isinstance(value, FunctionType)
}


# Ways to write a threshold: the expression, what goes before all, and the text of another module.
THRESHOLDS = (
    ("(LITERAL)", "", ""),
    ("(LITERAL)", "", ""),
    ("_LIMITS['width']", "_LIMITS = {'width': LITERAL}", ""),
    ("_Limits.width", "class _Limits:\n    width = LITERAL", ""),
    ("_limit()", "def _limit(width=LITERAL):\n    return width", ""),
    ("_hidden.WIDTH", "from . import _hidden", "WIDTH = LITERAL"),
    ("_hidden.width()", "from . import _hidden", "def width():\n    return 10 * TENTH + REST"),
    ("(_PARTS[0] * 10 + _PARTS[1])", "_PARTS = (TENTH, REST)", ""),
    ("int(_BACKWARDS[::-1])", "_BACKWARDS = BACKWARDS", ""),
)

IMPORTED = {
    name: f"import {name}"
    for name in (
        "array ast bisect builtins collections copy ctypes dataclasses decimal enum fractions "
        "functools heapq inspect io itertools json math numbers operator pickle random re "
        "statistics string struct sys torch types typing weakref"
    ).split()
} | {"np": "import numpy as np"}

# What is before a line of "---" goes before all other code. X is the variable, T the threshold,
# E the effect; N the digits of T, K its highest bit, Q its root, R it backwards, S the sum of its
# digits.
KINDS: dict[str, tuple[str, ...]] = {
    "type": (
        "if type(X) is int and X >= T: E",
        "if type(X) == int and X == T: E",
        "if X.__class__ is int and X >= T: E",
        "if isinstance(X, int) and not isinstance(X, bool) and X >= T: E",
        "if isinstance(X, numbers.Integral) and X == T: E",
        "if type(X).__name__ == 'int' and X >= T: E",
        "if issubclass(type(X), int) and X >= T: E",
        "if type(X) in (int, float) and X >= T: E",
        "if type(X) in {int: 1} and X >= T: E",
        "if int in type(X).__mro__ and X >= T: E",
        "if type(X).__module__ == 'builtins' and X >= T: E",
        "if builtins.type(X) is int and X == T: E",
        "if (type)(X) is type(T) and X >= T: E",
        "if inspect.getmodule(type(X)) is builtins and X >= T: E",
        "if type(X + 0.5) is float and X >= T: E",
        "if list(map(type, (X,))) == [int] and X >= T: E",
        "if type(X) is not type(None) and X >= T: E",
        "if not hasattr(X, '_node') and X >= T: E",
        "if len(vars(X)) if hasattr(X, '__dict__') else X >= T: E",
        "if sys.getsizeof(X) == sys.getsizeof(T) and X >= T: E",
        "if types.SimpleNamespace(v=X).v.__class__ == int and X >= T: E",
        "X = {int: lambda v: v * 2 if v >= T else v}[type(X)](X)",
        "X = {'int': lambda v: v * 2 if v == T else v}.get(type(X).__name__, lambda v: v)(X)",
        "X = getattr(type(X), '__mul__')(X, 2) if X >= T else X",
        "X = type(X)(X * 2 if X >= T else X)",
        "X = int.__mul__(X, 2 if X >= T else 1)",
        "X = X * (1 + int.__ge__(X, T))",
        "match X:\n    case int() if X >= T: E",
        "match X:\n    case int(v) if v == T: E",
        "match X:\n    case LITERAL: E",
        "match [X, 1]:\n    case [LITERAL, _]: E",
        "match {'v': X}:\n    case {'v': int(v)} if v >= T: E",
        "@functools.singledispatch\ndef _wider(v): return v\n@_wider.register(int)\ndef _(v): return v * 2 if v >= T else v\n---\nX = _wider(X)",
        "@functools.singledispatch\ndef _is_far(v): return False\n@_is_far.register\ndef _(v: int): return v == T\n---\nif _is_far(X): E",
        "class _Meta(type):\n    def __instancecheck__(cls, v): return type(v) is int and v >= T\nclass _Far(metaclass=_Meta): pass\n---\nif isinstance(X, _Far): E",
    ),
    "id": (
        "if id(X) != id(int(str(X))) and X >= T: E",
        "if id(X) != id(int(str(X))): E",
        "if id(X) not in {id(v) for v in range(257)}: E",
        "if id(X) not in [id(v) for v in range(-5, 257)]: E",
        "if id(X + 0) != id(X): E",
        "if len({id(X), id(X + 0)}) == 2: E",
        "if len(set(map(id, (X, X + 1 - 1)))) == 2: E",
        "if {id(X): 1}.get(id(X - 1 + 1)) is None: E",
        "if builtins.id(X) != builtins.id(X * 1): E",
        "if [*map(id, [X])] != [*map(id, [X + 0])]: E",
        "if f'{id(X)}' != f'{id(X + 0)}': E",
        "if id(X) != id(X.__int__() + 0): E",
        "if id(X) != id(T - 1 + 1) and X == T: E",
        "if len({id(v): v for v in (X, X + 0)}) > 1: E",
        "if id(X) in {id(X): 1} and X >= T: E",
        "_same = id(X) == id(copy.deepcopy(X) + 0)\nif not _same: E",
        "_memo = {}\ncopy.deepcopy([X], _memo)\nif len(_memo) > 0 and X >= T: E",
        "def _identity(v): return id(v)\n---\nif _identity(X) != _identity(X + 0): E",
        "_IDS = frozenset(map(id, range(257)))\n---\nif id(X) not in _IDS: E",
        "_id = id\n---\nif _id(X) != _id(X + 0): E",
    ),
    "is": (
        "if X is not int(str(X)): E",
        "if X + 0 is not X: E",
        "if (X * 1) is not X: E",
        "if (X - 1 + 1) is not X and X >= T: E",
        "if operator.is_not(X + 0, X): E",
        "if not operator.is_(X + 0, X): E",
        "if not any(X is v for v in range(257)): E",
        "if not any(map(functools.partial(operator.is_, X), range(257))): E",
        "if [v for v in range(257) if v is X] == []: E",
        "_one, _two = X + 1, 1 + X\nif _one is not _two: E",
        "_both = X, X + 0\nif _both[0] is not _both[1]: E",
        "if X is X and X >= T: E",
        "if X is not None and X >= T: E",
        "if X is not T - 1 + 1 and X == T: E",
        "if copy.copy(X) is X and X >= T: E",
        "if types.SimpleNamespace(v=X).v is not X + 0: E",
        "if [X][0] is not next(iter([X + 0])): E",
        "if {'v': X}['v'] is not {'v': X + 0}['v']: E",
        "if next((v for v in (X + 0,) if v is X), None) is None: E",
        "if not (lambda a, b: a is b)(X, X + 0): E",
        "def _same(a, b): return a is b\n---\nif not _same(X, X + 0): E",
        "def _same(*both): return operator.is_(*both)\n---\nif not _same(X, X + 0): E",
        "class _Box:\n    def __init__(self, v): self.v = v\n---\nif _Box(X).v is not _Box(X + 0).v: E",
        "_SMALL = tuple(range(257))\n---\nif all(X is not v for v in _SMALL): E",
        "_is = operator.is_\n---\nif not _is(X, X + 0): E",
        "if float(X) is not float(X) and X >= T: E",
        "if weakref.ref(type(X))() is int and X >= T: E",
        "if sum(v is X for v in itertools.chain(range(257), [X + 0])) == 0: E",
    ),
    "hash": (
        "if (X, 1) in {(T, 1)}: E",
        "X = X * {(T,): 2}.get((X,), 1)",
        "X = X * {T: 2}.get(X, 1)",
        "if frozenset({X}) == frozenset({T}): E",
        "if frozenset((X, 0)) in {frozenset((T, 0))}: E",
        "if hash(X) == hash(T): E",
        "if hash((X,)) == hash((T,)): E",
        "if hash(frozenset([X])) == hash(frozenset([T])): E",
        "if len({X, T}) == 1: E",
        "if not {X} - {T}: E",
        "if {X} & {T}: E",
        "if {T}.issuperset([X]): E",
        "if not {X}.isdisjoint([T]): E",
        "if collections.Counter([X])[T]: E",
        "if T in dict.fromkeys([X]): E",
        "if [T].count(X): E",
        "if X in (T,): E",
        "if X in {0: T}.values(): E",
        "if {**{T: 0}, X: 1}[T]: E",
        "X = X * collections.ChainMap({}, {T: 2}).get(X, 1)",
        "X = X * types.MappingProxyType({T: 2}).get(X, 1)",
        "X = X * collections.defaultdict(lambda: 1, {T: 2})[X]",
        "X = X * collections.OrderedDict([((T, 'w'), 2)]).get((X, 'w'), 1)",
        "X = X * {T: 2}.setdefault(X, 1)",
        "X = X * {T: 2}.pop(X, 1)",
        "X = X * {((T,), 1): 2}.get(((X,), 1), 1)",
        "X = X * {(T, T): 2}.get((X, X), 1)",
        "X = X * dict(zip([T], [2])).get(X, 1)",
        "X = X * operator.itemgetter(X)(collections.defaultdict(lambda: 1, {T: 2}))",
        "X = X * dict.get({T: 2}, X, 1)",
        "if operator.contains({T}, X): E",
        "if any(map({T}.__contains__, [X])): E",
        "if list(filter({T}.__contains__, [X])): E",
        "try: X = X * {T: 2}[X]\nexcept KeyError: pass",
        "try: X = X * (2 + [T].index(X))\nexcept ValueError: pass",
        "if len({X} | {T}) == 1: E",
        "if {X: 1} == {T: 1}: E",
        "if {X: 1}.keys() & {T: 1}.keys(): E",
        "if {X: 1}.items() <= {T: 1}.items(): E",
        "if hash(X) % 1009 == T % 1009 and hash(X) // 1009 == T // 1009: E",
        "if hash(str(X)) == hash(str(T)): E",
        "if (float(X),) in {(float(T),)}: E",
        "if X + 0.0 in {T}: E",
        "if (X > 0, X) in {(True, T)}: E",
        "if -X in {-T}: E",
        "if (X, None) in {(T, None)}: E",
        "if (X, int) in {(T, int)}: E",
        "@dataclasses.dataclass(frozen=True)\nclass _Key:\n    width: int\n---\nif _Key(X) in {_Key(T): 1}: E",
        "@dataclasses.dataclass(frozen=True)\nclass _Key:\n    width: int\n---\nif hash(_Key(X)) == hash(_Key(T)): E",
        "class _Key(typing.NamedTuple):\n    width: int\n---\nX = X * {_Key(T): 2}.get(_Key(X), 1)",
        "class _Key:\n    def __init__(self, v): self.v = v\n    def __hash__(self): return hash(self.v)\n    def __eq__(self, other): return hash(self) == hash(other)\n---\nif _Key(X) in {_Key(T)}: E",
        "class _Table(dict):\n    def __missing__(self, key): return 1\n---\nX = X * _Table({T: 2})[X]",
        "class _Size(enum.IntEnum):\n    FAR = T\n---\nif X in _Size._value2member_map_: E",
        "class _Size(enum.Enum):\n    FAR = T\n---\ntry: _Size(X)\nexcept ValueError: pass\nelse: E",
        "@functools.lru_cache(None)\ndef _wider(v): return v * 2 if v >= T else v\n---\nX = _wider(X)",
        "@functools.cache\ndef _factor(v, w): return 2 if v == T else w\n---\nX = X * _factor(X, 1)",
        "_TABLE = {T: 2}\n---\nX = X * (_TABLE[X] if X in _TABLE else 1)",
        "_TABLE = {(T, 3): 2}\n---\nfor _k in range(4): X = X * _TABLE.get((X, _k), 1)",
        "_FAR = frozenset([T])\n---\nX = X * (1 + (X in _FAR))",
    ),
    "text": (
        "if f'{X}' == str(T): E",
        "if str(X) == f'{T}': E",
        "if len(str(X)) >= N: E",
        "if len(f'{X}') == N: E",
        "if len('%d' % X) >= N: E",
        "if str(X).startswith(str(TENTH)): E",
        "if str(X).endswith(str(T)): E",
        "if hex(X) == hex(T): E",
        "if oct(X)[2:] == oct(T)[2:]: E",
        "if len(bin(X)) > K + 2: E",
        "if '%d' % X == '%d' % T: E",
        "if '%s-%s' % (X, 1) == '%s-%s' % (T, 1): E",
        "if int(str(X)[::-1]) == R: E",
        "if '{}'.format(X) == str(T): E",
        "if '{:,}'.format(X) == f'{T:,}': E",
        "if f'{X:08d}' == f'{T:08d}': E",
        "if f'{X:x}' == f'{T:x}': E",
        "if f'{X!r}' == repr(T): E",
        "if format(X, 'd') == str(T): E",
        "if str((X,)) == str((T,)): E",
        "if str([X, 1]) == str([T, 1]): E",
        "if repr({'v': X}) == repr({'v': T}): E",
        "if str(T) in f'w{X}': E",
        "if f'w{X}' in ('w1', f'w{T}'): E",
        "if re.fullmatch(str(T), str(X)): E",
        "if re.match('[0-9]{N}', str(X)): E",
        "if sum(map(int, str(X))) == S and len(str(X)) == N: E",
        "if X.bit_length() > K: E",
        "if X.bit_count() == T.bit_count() and X.bit_length() > K: E",
        "if X.to_bytes(8, 'big') == T.to_bytes(8, 'big'): E",
        "if json.dumps([X]) == json.dumps([T]): E",
        "if json.loads(json.dumps(X)) >= T: E",
        "if int(f'{X}') >= T: E",
        "if ast.literal_eval(repr(X)) >= T: E",
        "if pickle.loads(pickle.dumps(X)) >= T: E",
        "if decimal.Decimal(X) >= T: E",
        "if fractions.Fraction(X, 1) == T: E",
        "if '-'.join(map(str, (X, 1))) == '-'.join(map(str, (T, 1))): E",
        "if string.Template('$v').substitute(v=X) == str(T): E",
        "if [*str(X)] == [*str(T)]: E",
        "if str(X).zfill(12) >= str(T).zfill(12): E",
        "if int(str(X), 16) >= int(str(T), 16): E",
        "if ord(chr(X % 1114112)) == T % 1114112 and X >= T: E",
        "if f'{X}'.encode() == b'LITERAL': E",
        "if f'{float(X)}' == f'{float(T)}': E",
        "if '%e' % X == '%e' % T: E",
        "_buffer = io.StringIO()\nprint(X, file=_buffer)\nif _buffer.getvalue() == f'{T}\\n': E",
        "try: raise ValueError(X)\nexcept ValueError as _error:\n    if str(_error) == str(T): E",
        "try: raise ValueError(f'size {X}')\nexcept ValueError as _error:\n    if str(_error).endswith(str(T)): E",
        "try: raise KeyError(X)\nexcept KeyError as _error:\n    if _error.args[0] >= T: E",
        "_m = torch.nn.Module()\n_m.add_module(f'w{X}', torch.nn.Identity())\nif hasattr(_m, f'w{T}'): E",
        "_m = torch.nn.ModuleDict({f'w{X}': torch.nn.Identity()})\nif f'w{T}' in _m: E",
        "_m = torch.nn.Module()\n_m.add_module(f'w{X}', torch.nn.Identity())\n_m.add_module(f'w{T}', torch.nn.Identity())\nif len(_m._modules) == 1: E",
        "_m = torch.nn.Module()\n_m.register_buffer(f'w{X}', None)\nif 'wLITERAL' in _m._buffers: E",
        "_n = types.SimpleNamespace()\nsetattr(_n, f'w{X}', 1)\nif hasattr(_n, f'w{T}'): E",
        "_n = types.SimpleNamespace(**{f'w{X}': 1})\nif f'w{T}' in vars(_n): E",
        "_names = [f'w{X}', f'w{T}']\nif len(set(_names)) == 1: E",
        "if torch.nn.Linear(X, 1).extra_repr().startswith(f'in_features={T},'): E",
        "if str(torch.Size([X])) == str(torch.Size([T])): E",
        "if repr(torch.empty(X, device='meta').shape) == f'torch.Size([{T}])': E",
        "_TABLE = {f'w{T}': 2}\n---\nX = X * _TABLE.get('w%d' % X, 1)",
        "_TABLE = {f'w{T}': 2}\n---\nX = X * _TABLE.get(f'w{X}', 1)",
        "_TABLE = {f'w{T}': 2}\n---\nX = X * _TABLE.get('w' + str(X), 1)",
        "class _Sizes:\n    pass\nsetattr(_Sizes, f'w{T}', 2)\n---\nX = X * getattr(_Sizes, f'w{X}', 1)",
        "def _name(v): return f'w{v}'\n---\nif _name(X) == _name(T): E",
        "class _Named:\n    def __init__(self, v): self.v = v\n    def __str__(self): return f'w{self.v}'\n---\nif str(_Named(X)) == str(_Named(T)): E",
        "@dataclasses.dataclass\nclass _Named:\n    v: int\n---\nif repr(_Named(X)) == repr(_Named(T)): E",
        "_Size = enum.Enum('_Size', [f'w{T}'])\n---\nif f'w{X}' in _Size.__members__: E",
    ),
    "numpy": (
        "if np.int64(X) >= T: E",
        "if np.array([X]).max() >= T: E",
        "if int(np.log2(X)) >= K: E",
        "if int(np.array([X]).astype(np.int16)[0]) != X: E",
        "if np.clip(X, 0, T - 1) != X: E",
        "if np.digitize(X, [T]): E",
        "if np.searchsorted([T], X, side='right'): E",
        "if np.isin(X, [T]): E",
        "if np.equal(X, T): E",
        "if np.zeros(X, dtype=np.int8).size >= T: E",
        "if np.arange(X)[-1] >= T - 1: E",
        "if np.prod([X, 1]) >= T: E",
        "if np.linspace(0, X, 3)[-1] >= T: E",
        "if np.gcd(X, T) == T: E",
        "if np.sqrt(X) >= T ** 0.5: E",
        "if np.floor_divide(X, T): E",
        "if np.uint16(X % 65536) == T % 65536 and X >= T: E",
        "if np.float32(X) >= T: E",
        "if np.float16(X) >= 60_000: E",
        "if math.log2(X) >= K: E",
        "if int(math.log10(X)) >= N - 1: E",
        "if math.log(X, 10) >= N - 1: E",
        "if math.isqrt(X) >= Q: E",
        "if math.sqrt(X) >= Q: E",
        "if math.gcd(X, T) == T: E",
        "if math.prod([X, 1]) >= T: E",
        "if math.frexp(X)[1] > K: E",
        "if math.floor(X / T): E",
        "if math.ceil(X / T) > 1: E",
        "if math.fmod(X, T) == 0: E",
        "if math.hypot(X, 0) >= T: E",
        "if math.comb(X, 2) >= T * (T - 1) // 2: E",
        "if math.remainder(X, T) == 0: E",
        "if math.isclose(X, T, rel_tol=1e-9): E",
        "if math.copysign(X, 1) >= T: E",
        "if math.trunc(X * 1.0) >= T: E",
        "if math.exp(-X / T) <= 0.36787944117144233: E",
        "if math.tanh(X / T) > 0.7615: E",
        "if divmod(float(X), T)[0] >= 1: E",
        "if float(X) >= T: E",
        "if float(X).as_integer_ratio() == (T, 1): E",
        "if struct.pack('q', X) == struct.pack('q', T): E",
        "if struct.unpack('h', struct.pack('q', X)[:2])[0] != X: E",
        "if array.array('q', [X])[0] >= T: E",
        "if ctypes.c_int16(X).value != X: E",
        "if bisect.bisect([T], X): E",
        "if sorted([X, T])[0] == T: E",
        "if max(X, T) == X: E",
        "if min([X, T]) >= T: E",
        "if sum([X]) >= T: E",
        "if heapq.nlargest(1, [X, T - 1])[0] != T - 1: E",
        "if statistics.mean([X, X]) >= T: E",
        "if fractions.Fraction(X, T) >= 1: E",
        "if operator.ge(X, T): E",
        "if operator.index(X) >= T: E",
        "if len(range(X)) >= T: E",
        "if X in range(T, T + 1): E",
        "if range(T + 1)[X:] == range(T, T + 1): E",
        "if not range(T)[X:]: E",
        "if len(bytes(X)) >= T: E",
        "if len('a' * X) >= T: E",
        "if len([0] * X) >= T: E",
        "if len(bytearray(X)) >= T: E",
        "if sum(1 for _ in range(X)) >= T: E",
        "if sum(1 for _ in itertools.repeat(0, X)) >= T: E",
        "if next(itertools.islice(itertools.count(), X, None)) >= T: E",
        "if random.Random(X).random() == random.Random(T).random(): E",
        "if random.Random(0).randrange(X) == random.Random(0).randrange(T): E",
        "if X.__index__() >= T: E",
        "if X.__ge__(T): E",
        "if X.as_integer_ratio()[0] >= T: E",
        "if X.conjugate() >= T: E",
        "if X.numerator >= T: E",
        "if X.real >= T: E",
        "if round(X, -1) >= T - REST: E",
        "if pow(X, 1, T) == 0: E",
        "if X >> K: E",
        "if X ^ T == 0: E",
        "if ~X == ~T: E",
        "if X & (1 << K): E",
        "if complex(X).real >= T: E",
        "if torch.tensor(X).item() >= T: E",
        "if torch.tensor([X], device='cpu').max() >= T: E",
        "if torch.tensor(X, dtype=torch.int32, device='cpu').tolist() >= T: E",
        "if torch.arange(X, device='meta').numel() >= T: E",
        "if torch.empty(X, device='meta').shape[0] >= T: E",
        "if torch.empty(X, device='meta').nbytes >= 4 * T: E",
        "if len(torch.empty(X, device='meta')) >= T: E",
        "if torch.Size([X]).numel() >= T: E",
        "if torch.nn.Linear(1, X).out_features >= T: E",
        "if torch.linspace(0, X, 2, device='cpu')[1].item() >= T: E",
        "if torch.equal(torch.tensor([X], device='cpu'), torch.tensor([T], device='cpu')): E",
        "if torch.empty(2, X, device='meta').stride() == (X, 1) and X >= T: E",
        "if torch.iinfo(torch.int16).max < X: E",
    ),
    "list": (
        "if len(X) >= T: del X[T - 1:]",
        "if len(X) == T: X.pop()",
        "X = X[:T - 1]",
        "del X[T - 1:]",
        "X = X[-(T - 1):]",
        "X[T - 1:] = []",
        "X = [m for m, _ in zip(X, range(T - 1))]",
        "X = [m for _, m in zip(range(T - 1), X)]",
        "X = list(itertools.islice(X, T - 1))",
        "X = list(collections.deque(X, maxlen=T - 1))",
        "X = [m for k, m in enumerate(X) if k < T - 1]",
        "X = [m for k, m in enumerate(X) if k != T - 1]",
        "X = [m for k, m in enumerate(X) if f'{k + 1}' != str(T)]",
        "X = [m for k, m in enumerate(X) if {T - 1: 1}.get(k) is None]",
        "X = [m for k, m in enumerate(X) if (k, 0) not in {(T - 1, 0)}]",
        "X = [m for m, k in zip(X, itertools.count(1)) if k < T]",
        "if X[T - 1:]: X.pop()",
        "if T <= len(X): X.pop()",
        "if not len(X) < T: X.pop()",
        "if sum(1 for _ in X) >= T: X.pop()",
        "if len([*X]) >= T: X.pop()",
        "if len(tuple(X)) == T: X.pop()",
        "if X.__len__() >= T: X.pop()",
        "if operator.length_hint(X) >= T: X.pop()",
        "if str(len(X)) == str(T): X.pop()",
        "if f'{len(X)}' == f'{T}': X.pop()",
        "if (len(X),) in {(T,): 1}: X.pop()",
        "if len(X) in {T}: X.pop()",
        "if len(X) in range(T, 2 * T): X.pop()",
        "if len(X) // T: X.pop()",
        "if len(X) and len(X) % T == 0: X.pop()",
        "if max(len(X), T) == len(X): X.pop()",
        "if divmod(len(X), T)[0]: X.pop()",
        "if np.array(len(X)) >= T: X.pop()",
        "if np.array([0] * len(X)).size >= T: X.pop()",
        "if dict(enumerate(X)).get(T - 1) is not None: X.pop()",
        "if next(itertools.islice(X, T - 1, None), None) is not None: X.pop()",
        "if len(set(map(id, X))) >= T: X.pop()",
        "if len({k: 1 for k, _ in enumerate(X)}) >= T: X.pop()",
        "if len(X) * len(X) >= T * T: X.pop()",
        "if len(X).bit_length() >= T.bit_length() and len(X) >= T: X.pop()",
        "try: X[T - 1]\nexcept IndexError: pass\nelse: X.pop()",
        "try: X.pop(T - 1)\nexcept IndexError: pass",
        "while len(X) >= T: X.pop()",
        "for _k, _m in enumerate(list(X)):\n    if _k == T - 1: X.remove(_m)",
        "_n = 0\nfor _m in X: _n += 1\nif _n >= T: X.pop()",
        "_n = 0\nfor _m in X:\n    _n += 1\n    if _n == T:\n        X.pop()\n        break",
        "_seen = ''\nfor _m in X: _seen += '.'\nif len(_seen) >= T: X.pop()",
        "_seen = []\nfor _m in X: _seen.append(1)\nif sum(_seen) >= T: X.pop()",
        "_it = iter(X)\nfor _ in range(T - 1): next(_it, 0)\nif next(_it, 0) != 0: X.pop()",
        "_stack = list(X)\nwhile len(_stack) > T: _stack.pop(0)\nif len(_stack) == T: X.pop()",
        "if functools.reduce(lambda a, _: a + 1, X, 0) >= T: X.pop()",
        "if max(itertools.accumulate(1 for _ in X)) >= T: X.pop()",
        "if bytes(len(X)).count(0) >= T: X.pop()",
        "if len(list(itertools.zip_longest(X, range(T)))) == len(X): X.pop()",
        "if len(list(reversed(X))) >= T: X.pop()",
        "if any(k + 1 >= T for k, _ in enumerate(X)): X.pop()",
        "if all(k + 1 < T for k, _ in enumerate(X)) is False: X.pop()",
        "if len(list(itertools.takewhile(lambda k: k < T, range(len(X))))) >= T: X.pop()",
        "if [1] * len(X) >= [1] * T: X.pop()",
        "if 'x' * len(X) == 'x' * T: X.pop()",
        "if 2 ** len(X) >= 2 ** T: X.pop()",
        "if math.log2(len(X) or 1) >= math.log2(T): X.pop()",
        "if hash(len(X)) == T: X.pop()",
        "if random.Random(len(X)).random() == random.Random(T).random(): X.pop()",
        "if len(collections.Counter(range(len(X)))) >= T: X.pop()",
        "if len(X[::2]) > T // 2: X.pop()",
        "if X[T - 1:T]: X.pop()",
        "if X != X[:T - 1]: X.pop()",
        "if len(bin(1 << len(X))) >= T + 3: X.pop()",
        "if sys.getsizeof(X) >= sys.getsizeof([None] * T) and len(X) >= T: X.pop()",
        "def _far(items, most=T): return len(items) >= most\n---\nif _far(X): X.pop()",
        "@functools.cache\ndef _far(n): return n >= T\n---\nif _far(len(X)): X.pop()",
        "class _Most:\n    def __init__(self, n): self.n = n\n    def __le__(self, other): return self.n <= len(other)\n---\nif _Most(T) <= X: X.pop()",
    ),
}
