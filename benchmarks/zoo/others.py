"""Models of other libraries, as data: how each is built, and which of its numbers are sizes.

`name = call` is a model. Calls are written as in Python, with the full path of what is called.
`dim=+512` is a size named `dim`, 512 by default, and `dims=+(64, 128)` is `dims_0` and `dims_1`.
`layers=(vision_layers := 12)` is a size of another name than its keyword; the bare name is used
wherever the same size is needed again.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pkgutil import resolve_name
from typing import Any

MODELS = """
# --- vit-pytorch

ViT = vit_pytorch.vit.ViT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024, depth=+6,
    heads=+16, mlp_dim=+2048)
ViT_patches = vit_pytorch.vit.ViT(image_size=256, patch_size=+32, num_classes=+1000, dim=+1024,
    depth=+6, heads=8, mlp_dim=2048, channels=+3, dim_head=+64)
SimpleViT = vit_pytorch.simple_vit.SimpleViT(image_size=256, patch_size=32, num_classes=+1000,
    dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
NaViT = vit_pytorch.na_vit.NaViT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024,
    depth=+6, heads=+16, mlp_dim=+2048)
NaViT_nested = vit_pytorch.na_vit_nested_tensor.NaViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
NaViT_nested_3d = vit_pytorch.na_vit_nested_tensor_3d.NaViT(image_size=256, max_frames=8,
    patch_size=32, frame_patch_size=2, num_classes=+1000, dim=+1024, depth=+6, heads=+16,
    mlp_dim=+2048, num_registers=+4)
DeepViT = vit_pytorch.deepvit.DeepViT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024,
    depth=+6, heads=+16, mlp_dim=+2048)
CaiT = vit_pytorch.cait.CaiT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024,
    depth=+12, cls_depth=+2, heads=+16, mlp_dim=+2048)
PiT = vit_pytorch.pit.PiT(image_size=224, patch_size=14, dim=+256, num_classes=+1000,
    depth=(3, 3, 3), heads=+16, mlp_dim=+2048)
PiT_depths = vit_pytorch.pit.PiT(image_size=224, patch_size=14, dim=+256, num_classes=+1000,
    depth=+(3, 3, 3), heads=16, mlp_dim=+2048)
LeViT = vit_pytorch.levit.LeViT(image_size=224, num_classes=+1000, stages=3, dim=+(256, 384, 512),
    depth=+4, heads=+(4, 6, 8), mlp_mult=+2)
CvT = vit_pytorch.cvt.CvT(num_classes=+1000, s1_emb_dim=+64, s1_heads=+1, s1_depth=+1,
    s2_emb_dim=+192, s2_heads=+3, s2_depth=+2, s3_emb_dim=+384, s3_heads=+6, s3_depth=+10)
TwinsSVT = vit_pytorch.twins_svt.TwinsSVT(num_classes=+1000, s1_emb_dim=+64, s1_depth=+1,
    s2_emb_dim=+128, s2_depth=+1, s3_emb_dim=+256, s3_depth=+5, s4_emb_dim=+512, s4_depth=+4)
RegionViT = vit_pytorch.regionvit.RegionViT(dim=+(64, 128, 256, 512), depth=+(2, 2, 8, 2),
    num_classes=+1000)
CrossFormer = vit_pytorch.crossformer.CrossFormer(num_classes=+1000, dim=+(64, 128, 256, 512),
    depth=+(2, 2, 8, 2), global_window_size=(8, 4, 2, 1), local_window_size=7)
ScalableViT = vit_pytorch.scalable_vit.ScalableViT(num_classes=+1000, dim=+64,
    heads=(2, 4, 8, 16), depth=+(2, 2, 20, 2), ssa_dim_key=40, ssa_dim_value=32,
    reduction_factor=(8, 4, 2, 1), window_size=(64, 32, None, None), iwsa_dim_key=40,
    iwsa_dim_value=32)
SepViT = vit_pytorch.sep_vit.SepViT(num_classes=+1000, dim=+32, dim_head=+32, heads=(1, 2, 4, 8),
    depth=+(1, 2, 6, 2), window_size=7)
MaxViT = vit_pytorch.max_vit.MaxViT(num_classes=+1000, dim_conv_stem=+64, dim=+96, dim_head=+32,
    depth=+(2, 2, 5, 2), window_size=7)
MaxViT_registers = vit_pytorch.max_vit_with_registers.MaxViT(num_classes=+1000,
    dim_conv_stem=+64, dim=+96, dim_head=+32, depth=+(2, 2, 5, 2), num_register_tokens=+4)
NesT = vit_pytorch.nest.NesT(image_size=224, patch_size=4, dim=+96, heads=+3, num_hierarchies=3,
    block_repeats=+(2, 2, 8), num_classes=+1000)
MobileViT = vit_pytorch.mobile_vit.MobileViT(image_size=(256, 256), dims=+(96, 120, 144),
    channels=(16, 32, 48, 48, 64, 64, 80, 80, 96, 96, 384), num_classes=+1000)
XCiT = vit_pytorch.xcit.XCiT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024,
    depth=+12, cls_depth=+2, heads=+16, mlp_dim=+2048)
CCT = vit_pytorch.cct.CCT(img_size=224, embedding_dim=+384, n_conv_layers=2, kernel_size=7,
    stride=2, padding=3, num_layers=+14, num_heads=+6, mlp_ratio=+3, num_classes=+1000,
    positional_embedding="learnable")
CCT_3d = vit_pytorch.cct_3d.CCT(img_size=224, num_frames=8, embedding_dim=+384, n_conv_layers=2,
    frame_kernel_size=3, kernel_size=7, stride=2, padding=3, num_layers=+14, num_heads=+6,
    mlp_ratio=+3, num_classes=+1000, positional_embedding="learnable")
CrossViT = vit_pytorch.cross_vit.CrossViT(image_size=256, num_classes=+1000, depth=+4,
    sm_dim=+192, sm_patch_size=16, sm_enc_depth=+2, sm_enc_heads=+8, sm_enc_mlp_dim=+2048,
    lg_dim=+384, lg_patch_size=64, lg_enc_depth=+3, lg_enc_heads=+8, lg_enc_mlp_dim=+2048,
    cross_attn_depth=+2, cross_attn_heads=+8)
T2TViT = vit_pytorch.t2t.T2TViT(image_size=224, dim=+512, depth=+5, heads=+8, mlp_dim=+512,
    num_classes=+1000, t2t_layers=((7, 4), (3, 2), (3, 2)))
RvT = vit_pytorch.rvt.RvT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024, depth=+6,
    heads=+16, mlp_dim=+2048)
LocalViT = vit_pytorch.local_vit.LocalViT(image_size=256, patch_size=32, num_classes=+1000,
    dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
ParallelViT = vit_pytorch.parallel_vit.ViT(image_size=256, patch_size=16, num_classes=+1000,
    dim=+1024, depth=+6, heads=+8, mlp_dim=+2048, num_parallel_branches=+2)
LearnableMemoryViT = vit_pytorch.learnable_memory_vit.ViT(image_size=256, patch_size=16,
    num_classes=+1000, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048)
LookViT = vit_pytorch.look_vit.LookViT(image_size=256, num_classes=+1000, dim=+512, depth=+2,
    heads=+8, patch_size=32, highres_patch_size=8, cross_attn_heads=+8)
LoopedViT = vit_pytorch.looped_vit.LoopedViT(num_classes=+1000, dim=+512, image_size=256,
    patch_size=32, pre_loop_depth=+6, num_looped_blocks=+5, post_loop_depth=+6, heads=+8,
    mlp_dim=+2048)
JetViT = vit_pytorch.jet_vit.JetViT(image_size=256, patch_size=32, num_classes=+1000, dim=+512,
    depth=+6, heads=+8, mlp_dim=+2048)
JumboViT = vit_pytorch.jumbo_vit.JumboViT(image_size=256, patch_size=32, num_classes=+1000,
    dim=+512, depth=+6, heads=+8, mlp_dim=+2048, num_jumbo_cls=+1, jumbo_cls_k=+6)
nViT = vit_pytorch.normalized_vit.nViT(image_size=256, patch_size=16, num_classes=+1000,
    dim=+1024, depth=+6, heads=+8, mlp_dim=+2048)
ATSViT = vit_pytorch.ats_vit.ViT(image_size=256, patch_size=16, num_classes=+1000, dim=+1024,
    depth=6, max_tokens_per_depth=(256, 128, 64, 32, 16, 8), heads=+16, mlp_dim=+2048)
PatchMergerViT = vit_pytorch.vit_with_patch_merger.ViT(image_size=256, patch_size=16,
    num_classes=+1000, dim=+1024, depth=+12, heads=+8, patch_merge_layer=6,
    patch_merge_num_tokens=+8, mlp_dim=+2048)
PatchDropoutViT = vit_pytorch.vit_with_patch_dropout.ViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
SmallDatasetViT = vit_pytorch.vit_for_small_dataset.ViT(image_size=256, patch_size=16,
    num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
ViT_1d = vit_pytorch.vit_1d.ViT(seq_len=+256, patch_size=16, num_classes=+1000, dim=+1024,
    depth=+6, heads=+8, mlp_dim=+2048)
ViT_3d = vit_pytorch.vit_3d.ViT(image_size=128, frames=16, image_patch_size=16,
    frame_patch_size=2, num_classes=+1000, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048)
ViT_5 = vit_pytorch.vit_5.ViT(image_size=256, patch_size=32, num_classes=+1000, dim=+1024,
    depth=+6, heads=+16, mlp_dim=+2048, num_registers=+4)
ViTND = vit_pytorch.vit_nd.ViTND(ndim=4, input_shape=(8, 16, 32, 64), patch_size=(2, 4, 4, 8),
    num_classes=+1000, dim=+512, depth=+6, heads=+8, mlp_dim=+2048, channels=+3)
ViTND_rotary = vit_pytorch.vit_nd_rotary.ViTND(ndim=4, input_shape=(8, 16, 32, 64),
    patch_size=(2, 4, 4, 8), num_classes=+1000, dim=+512, depth=+6, heads=+8, mlp_dim=+2048)
ViTND_pope = vit_pytorch.vit_nd_pope.ViTND(ndim=4, input_shape=(8, 16, 32, 64),
    patch_size=(2, 4, 4, 8), num_classes=+1000, dim=+512, depth=+6, heads=+8, mlp_dim=+2048)
ViTDetPool = vit_pytorch.vit_detpool.ViTDetPool(image_size=256, patch_size=32, num_classes=+1000,
    dim=+512, depth=+6, heads=+8, mlp_dim=+2048)
DecorrelatedViT = vit_pytorch.vit_with_decorr.ViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=+512, depth=+6, heads=+8, mlp_dim=+2048)
KeelViT = vit_pytorch.vit_with_keel_post_ln.ViT(image_size=256, patch_size=32, num_classes=+1000,
    dim=+512, depth=+6, heads=+8, mlp_dim=+2048)
SimpleViT_1d = vit_pytorch.simple_vit_1d.SimpleViT(seq_len=256, patch_size=16, num_classes=+1000,
    dim=+1024, depth=+6, heads=+8, mlp_dim=+2048)
SimpleViT_3d = vit_pytorch.simple_vit_3d.SimpleViT(image_size=128, frames=16, image_patch_size=16,
    frame_patch_size=2, num_classes=+1000, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048)
SimpleUViT = vit_pytorch.simple_uvit.SimpleUViT(image_size=256, patch_size=32, num_classes=+1000,
    dim=+1024, depth=+6, heads=+16, mlp_dim=+2048, num_register_tokens=+4)
SimpleViT_fft = vit_pytorch.simple_vit_with_fft.SimpleViT(image_size=256, patch_size=8,
    freq_patch_size=8, num_classes=+1000, dim=+1024, depth=+1, heads=+8, mlp_dim=+2048)
SimpleViT_hyper = vit_pytorch.simple_vit_with_hyper_connections.SimpleViT(image_size=256,
    patch_size=32, num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048,
    num_residual_streams=+8)
SimpleViT_qk_norm = vit_pytorch.simple_vit_with_qk_norm.SimpleViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
SimpleViT_registers = vit_pytorch.simple_vit_with_register_tokens.SimpleViT(image_size=256,
    patch_size=32, num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048,
    num_register_tokens=+4)
SimpleViT_relative = vit_pytorch.simple_vit_with_relative_proj_pos_bias.SimpleViT(image_size=256,
    patch_size=32, num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048,
    num_distance_basis=+16)
SimpleViT_sparse = vit_pytorch.simple_vit_with_sparse_gating.SimpleViTWithSparseGating(
    image_size=256, patch_size=32, num_classes=+1000, dim=+1024, depth=+6, heads=+16,
    mlp_dim=+2048)
SimpleViT_value_residual = vit_pytorch.simple_vit_with_value_residual.SimpleViT(image_size=256,
    patch_size=32, num_classes=+1000, dim=+1024, depth=+6, heads=+16, mlp_dim=+2048)
SimpleViT_attn_residual = vit_pytorch.simple_vit_attn_residual.SimpleViTAttnResidual(
    image_size=256, patch_size=32, num_classes=+1000, dim=+1024, depth=+6, heads=+16,
    mlp_dim=+2048)
ViViT = vit_pytorch.vivit.ViViT(image_size=128, frames=16, image_patch_size=16,
    frame_patch_size=2, num_classes=+1000, dim=+1024, spatial_depth=+6, temporal_depth=+6,
    heads=+8, mlp_dim=+2048)
AST = vit_pytorch.vaat.AST(dim=+512, depth=+6, heads=+8, mlp_dim=+2048, num_classes=+50)
VAT = vit_pytorch.vat.VAT(vit=vit_pytorch.vat.ViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=(vit_dim := 256), depth=(vit_depth := 4), heads=(vit_heads := 8),
    mlp_dim=(vit_mlp_dim := 1024)), dim=+512, depth=vit_depth, heads=+8, dim_head=+64,
    dim_action=+20, mlp_dim=+2048)
MAE = vit_pytorch.mae.MAE(encoder=vit_pytorch.vit.ViT(image_size=256, patch_size=32,
    num_classes=1000, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048), decoder_dim=+512,
    decoder_depth=+6)
SimMIM = vit_pytorch.simmim.SimMIM(encoder=vit_pytorch.vit.ViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048))
MP3 = vit_pytorch.mp3.MP3(vit=vit_pytorch.mp3.ViT(num_classes=+1000, image_size=256,
    patch_size=8, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048), masking_ratio=0.75)
Distillation = vit_pytorch.distill.DistillableViT(image_size=256, patch_size=32,
    num_classes=+1000, dim=+1024, depth=+6, heads=+8, mlp_dim=+2048)

# --- x-transformers

Decoder = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8))
Encoder = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Encoder(dim=+512, depth=+12, heads=+8))
ViTransformer = x_transformers.ViTransformerWrapper(image_size=256, patch_size=32,
    num_classes=+1000, attn_layers=x_transformers.Encoder(dim=+512, depth=+6, heads=+8))
XTransformer = x_transformers.XTransformer(dim=+512, enc_num_tokens=+256, enc_depth=+6,
    enc_heads=+8, enc_max_seq_len=+1024, dec_num_tokens=(vocab := 256), dec_depth=+6,
    dec_heads=+8, dec_max_seq_len=1024)
Decoder_modern = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=1024,
    use_abs_pos_emb=False, attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8,
    attn_kv_heads=+2, rotary_pos_emb=True, use_rmsnorm=True, ff_glu=True, ff_swish=True,
    ff_no_bias=True))
Decoder_memory = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    num_memory_tokens=+20, attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8,
    attn_num_mem_kv=+16))
Decoder_residual = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8, gate_residual=True))
Decoder_macaron = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8, macaron=True))
Decoder_sandwich = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8, sandwich_norm=True))
Encoder_relative = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Encoder(dim=+512, depth=+6, heads=+8, rel_pos_bias=True,
    rel_pos_num_buckets=+32))
Encoder_dynamic_bias = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=1024,
    attn_layers=x_transformers.Encoder(dim=+512, depth=+6, heads=+8, dynamic_pos_bias=True))
Encoder_talking = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    attn_layers=x_transformers.Encoder(dim=+512, depth=+6, heads=+8, attn_pre_talking_heads=True))
Encoder_tied = x_transformers.TransformerWrapper(num_tokens=+20000, max_seq_len=+1024,
    tie_embedding=True, emb_dim=+128, attn_layers=x_transformers.Encoder(dim=+512, depth=+6,
    heads=+8, attn_dim_head=+64))
Continuous = x_transformers.ContinuousTransformerWrapper(dim_in=+32, dim_out=+100,
    max_seq_len=+1024, attn_layers=x_transformers.Encoder(dim=+512, depth=+12, heads=+8))
MultiInput = x_transformers.MultiInputTransformerWrapper(num_tokens={"note": (notes := 20000),
    "pitch": (pitches := 128)}, max_seq_len=+1024, attn_layers=x_transformers.Decoder(dim=+512,
    depth=+6, heads=+8))
XVal = x_transformers.XValTransformerWrapper(num_tokens=+4, numerical_token_id=3,
    max_seq_len=+1024, attn_layers=x_transformers.Decoder(dim=+512, depth=+12, heads=+8))
NeoMLP = x_transformers.NeoMLP(dim_in=+5, dim_hidden=+16, dim_out=+5, depth=+5, dim_model=+64)
Autoregressive = x_transformers.AutoregressiveWrapper(net=x_transformers.TransformerWrapper(
    num_tokens=+20000, max_seq_len=+1024, attn_layers=x_transformers.Decoder(dim=+512, depth=+6,
    heads=+8, alibi_pos_bias=True)))
"""


@cache
def models() -> dict[str, ast.Call]:
    """The calls that build the models, by `library/name`."""
    found: dict[str, ast.Call] = {}
    for statement in ast.parse(MODELS).body:
        assert isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        library = path(statement.value.func).partition(".")[0]
        found[f"{library}/{path(statement.targets[0])}"] = statement.value
    return found


def sizes(call: ast.Call) -> dict[str, int | tuple[int, ...]]:
    """The sizes that a model has, in the order in which they are written, with their defaults."""
    found: list[tuple[int, int, str, ast.expr]] = []
    for node in ast.walk(call):
        match node:
            case ast.keyword(arg=str(name), value=ast.UnaryOp(op=ast.UAdd(), operand=default)):
                found.append((node.lineno, node.col_offset, name, default))
            case ast.NamedExpr(target=ast.Name(id=name), value=default):
                found.append((node.lineno, node.col_offset, name, default))
    return {name: ast.literal_eval(default) for *_, name, default in sorted(found)}


def made(node: ast.expr, given: Mapping[str, Any], keyword: str | None = None) -> Any:
    """What an expression of the table stands for at given sizes."""
    match node:
        case ast.Call():
            arguments = {str(k.arg): made(k.value, given, k.arg) for k in node.keywords}
            return resolve_name(path(node.func))(*(made(a, given) for a in node.args), **arguments)
        case ast.UnaryOp(op=ast.UAdd(), operand=default):
            size = given[str(keyword)]
            return tuple(size) if isinstance(default, ast.Tuple) else size
        case ast.NamedExpr(target=ast.Name(id=name)) | ast.Name(id=name):
            return given[name]
        case ast.Dict():
            return {
                ast.literal_eval(k): made(v, given)
                for k, v in zip(node.keys, node.values, strict=True)
                if k is not None
            }
        case ast.Attribute():
            return resolve_name(path(node))
        case ast.List():
            return [made(item, given) for item in node.elts]
        case ast.Tuple():
            return tuple(made(item, given) for item in node.elts)
    return ast.literal_eval(node)


def path(node: ast.expr) -> str:
    """A name with dots, as text."""
    return ast.unparse(node)
