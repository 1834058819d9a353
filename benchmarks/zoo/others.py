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
    enc_heads=+8, enc_max_seq_len=+1024, dec_num_tokens=+256, dec_depth=+6,
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

# --- torch-geometric

GCN = torch_geometric.nn.GCN(in_channels=+1433, hidden_channels=+16, num_layers=+2,
    out_channels=+7)
GraphSAGE = torch_geometric.nn.GraphSAGE(in_channels=+602, hidden_channels=+256, num_layers=+3,
    out_channels=+41)
GIN = torch_geometric.nn.GIN(in_channels=+7, hidden_channels=+64, num_layers=+5, out_channels=+2)
GAT = torch_geometric.nn.GAT(in_channels=+1433, hidden_channels=+64, num_layers=+2,
    out_channels=+7, heads=+8)
GATv2 = torch_geometric.nn.GAT(in_channels=+50, hidden_channels=+64, num_layers=+3,
    out_channels=+121, heads=+4, v2=True)
EdgeCNN = torch_geometric.nn.EdgeCNN(in_channels=+3, hidden_channels=+64, num_layers=+3,
    out_channels=+40)
GCN_jumping = torch_geometric.nn.GCN(in_channels=+1433, hidden_channels=+16, num_layers=+4,
    out_channels=+7, norm="batch_norm", jk="cat")
GraphUNet = torch_geometric.nn.GraphUNet(in_channels=+1433, hidden_channels=+32, out_channels=+7,
    depth=+3)
MLP = torch_geometric.nn.MLP(in_channels=+16, hidden_channels=+32, out_channels=+128,
    num_layers=+3)
PMLP = torch_geometric.nn.models.PMLP(in_channels=+16, hidden_channels=+32, out_channels=+7,
    num_layers=+3)
AttentiveFP = torch_geometric.nn.AttentiveFP(in_channels=+39, hidden_channels=+200,
    out_channels=+1, edge_dim=+10, num_layers=+2, num_timesteps=+2)
DimeNet = torch_geometric.nn.DimeNet(hidden_channels=+128, out_channels=+1, num_blocks=+6,
    num_bilinear=+8, num_spherical=2, num_radial=+3)
ViSNet = torch_geometric.nn.models.ViSNet(num_heads=+8, num_layers=+6, hidden_channels=+128,
    num_rbf=+32)
GPSE = torch_geometric.nn.models.GPSE(dim_in=+20, dim_out=+51, dim_inner=+512, layers_mp=+20)
LINKX = torch_geometric.nn.LINKX(num_nodes=+2000, in_channels=+64, hidden_channels=+32,
    out_channels=+7, num_layers=+2, num_edge_layers=+1, num_node_layers=+1)
LightGCN = torch_geometric.nn.LightGCN(num_nodes=+5000, embedding_dim=+64, num_layers=+3)
NeuralFingerprint = torch_geometric.nn.models.NeuralFingerprint(in_channels=+39,
    hidden_channels=+64, out_channels=+32, num_layers=+3)
Polynormer = torch_geometric.nn.models.Polynormer(in_channels=+128, hidden_channels=+64,
    out_channels=+10, local_layers=+7, global_layers=+2, heads=+2)
SGFormer = torch_geometric.nn.models.SGFormer(in_channels=+128, hidden_channels=+64,
    out_channels=+10, trans_num_layers=+2, trans_num_heads=+1, gnn_num_layers=+3)
LPFormer = torch_geometric.nn.models.LPFormer(in_channels=+128, hidden_channels=+64,
    num_gnn_layers=+2, num_transformer_layers=+1, num_heads=+1)
SignedGCN = torch_geometric.nn.SignedGCN(in_channels=+64, hidden_channels=+64, num_layers=+2)
RENet = torch_geometric.nn.RENet(num_nodes=+7000, num_rels=+240, hidden_channels=+200, seq_len=10,
    num_layers=+1)
ARLinkPredictor = torch_geometric.nn.models.ARLinkPredictor(in_channels=+128,
    hidden_channels=+64, out_channels=+32, num_layers=+2)
RGCNConv = torch_geometric.nn.RGCNConv(in_channels=+16, out_channels=+32, num_relations=+90,
    num_bases=+30)
TransformerConv = torch_geometric.nn.TransformerConv(in_channels=+64, out_channels=+32, heads=+4,
    edge_dim=+16, beta=True)

# --- denoising-diffusion-pytorch

Unet = denoising_diffusion_pytorch.Unet(dim=+64, dim_mults=(1, 2, 4, 8), channels=+3,
    attn_dim_head=+32, attn_heads=+4)
Unet_mults = denoising_diffusion_pytorch.Unet(dim=+64, dim_mults=+(1, 2, 4), channels=3)
Unet_learned = denoising_diffusion_pytorch.Unet(dim=+64, init_dim=+48, channels=+3,
    learned_sinusoidal_cond=True, learned_sinusoidal_dim=+16, self_condition=True)
Unet1D = denoising_diffusion_pytorch.Unet1D(dim=+64, dim_mults=(1, 2, 4, 8), channels=+32,
    attn_dim_head=+32, attn_heads=+4)
Unet_guided = denoising_diffusion_pytorch.guided_diffusion.Unet(dim=+64, channels=+3,
    learned_variance=True)
Unet_classes = denoising_diffusion_pytorch.classifier_free_guidance.Unet(dim=+64,
    num_classes=+10, channels=+3, attn_heads=+4, attn_dim_head=+32)
Unet_repaint = denoising_diffusion_pytorch.repaint.Unet(dim=+64, dim_mults=(1, 2, 4, 8),
    channels=+3, attn_heads=+4)
UViT = denoising_diffusion_pytorch.simple_diffusion.UViT(dim=+64, channels=+3, vit_depth=+6,
    attn_heads=+4, attn_dim_head=+32, ff_mult=+4)
KarrasUnet = denoising_diffusion_pytorch.karras_unet.KarrasUnet(image_size=64, dim=+192,
    dim_max=+768, num_classes=+1000, channels=+4, num_blocks_per_stage=+4)
KarrasUnet1D = denoising_diffusion_pytorch.karras_unet_1d.KarrasUnet1D(seq_len=64, dim=+192,
    dim_max=+768, num_classes=+1000, channels=+4, num_blocks_per_stage=+4)
KarrasUnet3D = denoising_diffusion_pytorch.karras_unet_3d.KarrasUnet3D(image_size=64, frames=32,
    dim=+96, dim_max=+768, num_classes=+1000, channels=+4,
    num_blocks_per_stage=(2, 2, 2, 2), num_downsamples=3)
GaussianDiffusion1D = denoising_diffusion_pytorch.GaussianDiffusion1D(seq_length=128,
    timesteps=1000, model=denoising_diffusion_pytorch.Unet1D(dim=+64, channels=+32))
ElucidatedDiffusion = denoising_diffusion_pytorch.ElucidatedDiffusion(image_size=64,
    channels=3, net=denoising_diffusion_pytorch.Unet(dim=+64, channels=3, attn_heads=+4,
    learned_sinusoidal_cond=True, learned_sinusoidal_dim=+16))

# --- litgpt

GPT = litgpt.GPT(config=litgpt.Config(block_size=2048, n_layer=+16, n_head=+32, n_embd=+4096,
    vocab_size=+50254))
Pythia = litgpt.GPT(config=litgpt.Config.from_name("pythia-160m", n_layer=+12, n_head=+12,
    n_embd=+768, padded_vocab_size=+50304))
Llama2 = litgpt.GPT(config=litgpt.Config.from_name("Llama-2-7b-hf", block_size=1024, n_layer=+32,
    n_head=+32, n_embd=+4096, intermediate_size=+11008, padded_vocab_size=+32000))
Llama3 = litgpt.GPT(config=litgpt.Config.from_name("Llama-3-8B", block_size=1024, n_layer=+32,
    n_head=+32, n_query_groups=+8, n_embd=+4096, intermediate_size=+14336))
TinyLlama = litgpt.GPT(config=litgpt.Config.from_name("tiny-llama-1.1b", n_layer=+22, n_head=+32,
    n_embd=+2048, n_query_groups=+4, intermediate_size=+5632))
Falcon = litgpt.GPT(config=litgpt.Config.from_name("falcon-7b", n_layer=+32, n_head=+71,
    n_embd=+4544))
Phi2 = litgpt.GPT(config=litgpt.Config.from_name("phi-2", n_layer=+32, n_head=+32, n_embd=+2560,
    intermediate_size=+10240))
Gemma = litgpt.GPT(config=litgpt.Config.from_name("Gemma-2b", block_size=1024, n_layer=+18,
    n_head=+8, head_size=+256, n_embd=+2048, intermediate_size=+16384))
Gemma2 = litgpt.GPT(config=litgpt.Config.from_name("Gemma-2-2b", block_size=1024, n_layer=+26,
    n_embd=+2304, intermediate_size=+9216, padded_vocab_size=+256000))
Mixtral = litgpt.GPT(config=litgpt.Config.from_name("Mixtral-8x7B-v0.1", block_size=1024,
    n_layer=+32, n_embd=+4096, intermediate_size=+14336, n_expert=+8))
Qwen = litgpt.GPT(config=litgpt.Config.from_name("Qwen2.5-0.5B", block_size=1024, n_layer=+24,
    n_embd=+896, intermediate_size=+4864, padded_vocab_size=+151936))
Qwen3 = litgpt.GPT(config=litgpt.Config.from_name("Qwen3-0.6B", block_size=1024, n_layer=+28,
    n_head=+16, n_query_groups=+8, head_size=+128, n_embd=+1024, intermediate_size=+3072))
StableLM = litgpt.GPT(config=litgpt.Config.from_name("stablelm-base-alpha-3b", n_layer=+16,
    n_head=+32, n_embd=+4096))
LoRA = litgpt.lora.GPT(config=litgpt.lora.Config(block_size=1024, n_layer=+16, n_head=+16,
    n_embd=+1024, vocab_size=+50254, lora_r=+8, lora_alpha=16, lora_query=True, lora_value=True,
    lora_mlp=True))
Adapter = litgpt.adapter.GPT(config=litgpt.adapter.Config(block_size=1024, n_layer=+16,
    n_head=+16, n_embd=+1024, vocab_size=+50254, adapter_prompt_length=+10))
AdapterV2 = litgpt.adapter_v2.GPT(config=litgpt.adapter_v2.Config(block_size=1024, n_layer=+16,
    n_head=+16, n_embd=+1024, vocab_size=+50254, adapter_prompt_length=+10))

# --- torchtune

llama2 = torchtune.models.llama2.llama2(vocab_size=+32000, num_layers=+32, num_heads=+32,
    num_kv_heads=+32, embed_dim=+4096, max_seq_len=2048)
llama2_classifier = torchtune.models.llama2.llama2_classifier(num_classes=+2, vocab_size=+32000,
    num_layers=+32, num_heads=+32, num_kv_heads=+32, embed_dim=+4096, max_seq_len=2048)
llama3 = torchtune.models.llama3.llama3(vocab_size=+128256, num_layers=+32, num_heads=+32,
    num_kv_heads=+8, embed_dim=+4096, intermediate_dim=+14336, max_seq_len=2048)
llama3_1 = torchtune.models.llama3_1.llama3_1(vocab_size=+128256, num_layers=+32, num_heads=+32,
    num_kv_heads=+8, embed_dim=+4096, intermediate_dim=+14336, max_seq_len=2048)
llama3_2 = torchtune.models.llama3_2.llama3_2(vocab_size=+128256, num_layers=+16, num_heads=+32,
    num_kv_heads=+8, embed_dim=+2048, intermediate_dim=+8192, max_seq_len=2048)
llama3_2_vision_encoder = torchtune.models.llama3_2_vision.llama3_2_vision_encoder(patch_size=14,
    num_heads=+16, clip_embed_dim=+1280, clip_num_layers=32, clip_hidden_states=[3, 7, 15, 23, 30],
    num_layers_projection=+8, decoder_embed_dim=+4096, tile_size=560)
llama3_2_vision_decoder = torchtune.models.llama3_2_vision.llama3_2_vision_decoder(
    vocab_size=+128256, num_layers=+32, fusion_interval=4, num_special_tokens=+8, num_heads=+32,
    num_kv_heads=+8, embed_dim=+4096, max_seq_len=2048, encoder_max_seq_len=1000,
    intermediate_dim=+14336)
mistral = torchtune.models.mistral.mistral(vocab_size=+32000, num_layers=+32, num_heads=+32,
    num_kv_heads=+8, embed_dim=+4096, intermediate_dim=+14336, max_seq_len=2048)
mistral_classifier = torchtune.models.mistral.mistral_classifier(num_classes=+2,
    vocab_size=+32000, num_layers=+32, num_heads=+32, num_kv_heads=+8, embed_dim=+4096,
    intermediate_dim=+14336, max_seq_len=2048)
gemma = torchtune.models.gemma.gemma(vocab_size=+256000, num_layers=+18, num_heads=+8,
    head_dim=+256, num_kv_heads=+1, embed_dim=+2048, intermediate_dim=+16384, max_seq_len=2048)
gemma2 = torchtune.models.gemma2.gemma2(vocab_size=+256000, num_layers=+26, num_heads=+8,
    head_dim=+256, num_kv_heads=+4, embed_dim=+2304, intermediate_dim=+9216, max_seq_len=2048)
phi3 = torchtune.models.phi3.phi3(vocab_size=+32064, num_layers=+32, num_heads=+32,
    num_kv_heads=+32, embed_dim=+3072, intermediate_dim=+8192, max_seq_len=2048)
qwen2 = torchtune.models.qwen2.qwen2(vocab_size=+151936, num_layers=+24, num_heads=+14,
    num_kv_heads=+2, embed_dim=+896, intermediate_dim=+4864, max_seq_len=2048)
t5_encoder = torchtune.models.t5.t5_encoder(embed_dim=+768, mlp_dim=+2048, num_heads=+12,
    head_dim=+64, num_layers=+12, rel_pos_num_buckets=+32, rel_pos_max_dist=128,
    vocab_size=+32128, norm_eps=1e-06, max_seq_len=512)
clip_text_encoder = torchtune.models.clip.clip_text_encoder(embed_dim=+768, num_heads=+12,
    num_layers=+12, vocab_size=+49408, max_seq_len=+77)
clip_vision_encoder = torchtune.models.clip.clip_vision_encoder(tile_size=224, patch_size=14,
    embed_dim=+1024, num_layers=+24, num_heads=+16, max_num_tiles=+4, in_channels=+3)
lora_llama3 = torchtune.models.llama3.lora_llama3(lora_attn_modules=["q_proj", "v_proj"],
    apply_lora_to_mlp=True, vocab_size=+128256, num_layers=+32, num_heads=+32, num_kv_heads=+8,
    embed_dim=+4096, intermediate_dim=+14336, max_seq_len=2048, lora_rank=+8, lora_alpha=16.0)
flux_autoencoder = torchtune.models.flux._autoencoder.FluxAutoencoder(img_shape=(3, 256, 256),
    encoder=torchtune.models.flux._autoencoder.FluxEncoder(ch_in=+3, ch_z=(latent := 16),
    channels=[128, 256, 512, 512], n_layers_per_down_block=+2, scale_factor=0.36,
    shift_factor=0.12), decoder=torchtune.models.flux._autoencoder.FluxDecoder(ch_out=+3,
    ch_z=latent, channels=[512, 512, 256, 128], n_layers_per_up_block=+3, scale_factor=0.36,
    shift_factor=0.12))

# --- torchaudio

Conformer = torchaudio.models.Conformer(input_dim=+80, num_heads=+4, ffn_dim=+128, num_layers=+4,
    depthwise_conv_kernel_size=+31)
ConvTasNet = torchaudio.models.ConvTasNet(num_sources=+2, enc_kernel_size=16, enc_num_feats=+512,
    msk_num_feats=+128, msk_num_hidden_feats=+512, msk_num_layers=+8, msk_num_stacks=+3)
DeepSpeech = torchaudio.models.DeepSpeech(n_feature=+128, n_hidden=+2048, n_class=+40)
Emformer = torchaudio.models.Emformer(input_dim=+512, num_heads=+8, ffn_dim=+2048, num_layers=+20,
    segment_length=4)
EmformerRNNT = torchaudio.models.emformer_rnnt_model(input_dim=+80, encoding_dim=+1024,
    num_symbols=+4097, segment_length=16, right_context_length=4, time_reduction_input_dim=+128,
    time_reduction_stride=4, transformer_num_heads=+8, transformer_ffn_dim=+2048,
    transformer_num_layers=+20, transformer_dropout=0.1, transformer_activation="gelu",
    transformer_left_context_length=30, transformer_max_memory_size=0,
    transformer_weight_init_scale_strategy="depthwise", transformer_tanh_on_mem=True,
    symbol_embedding_dim=+512, num_lstm_layers=+3, lstm_layer_norm=True,
    lstm_layer_norm_epsilon=0.001, lstm_dropout=0.3)
HDemucs = torchaudio.models.HDemucs(sources=["drums", "bass", "other", "vocals"],
    audio_channels=+2, channels=+48, depth=6, dconv_depth=+2, dconv_comp=+4)
Tacotron2 = torchaudio.models.Tacotron2(n_mels=+80, n_symbol=+148, symbol_embedding_dim=+512,
    encoder_embedding_dim=+512, encoder_n_convolution=+3, decoder_rnn_dim=+1024,
    attention_rnn_dim=+1024, attention_hidden_dim=+128, prenet_dim=+256,
    postnet_n_convolution=+5, postnet_embedding_dim=+512)
Wav2Letter = torchaudio.models.Wav2Letter(num_classes=+40, input_type="mfcc", num_features=+13)
WaveRNN = torchaudio.models.WaveRNN(upsample_scales=[5, 5, 8], n_classes=+512, hop_length=200,
    n_res_block=+10, n_rnn=+512, n_fc=+512, n_freq=+128, n_hidden=+128, n_output=+128)
Wav2Vec2 = torchaudio.models.wav2vec2_model(extractor_mode="group_norm",
    extractor_conv_layer_config=None, extractor_conv_bias=False, encoder_embed_dim=+768,
    encoder_projection_dropout=0.1, encoder_pos_conv_kernel=128, encoder_pos_conv_groups=16,
    encoder_num_layers=+12, encoder_num_heads=+12, encoder_attention_dropout=0.1,
    encoder_ff_interm_features=+3072, encoder_ff_interm_dropout=0.1, encoder_dropout=0.1,
    encoder_layer_norm_first=False, encoder_layer_drop=0.1, aux_num_out=+32)
WavLM = torchaudio.models.wavlm_model(extractor_mode="group_norm",
    extractor_conv_layer_config=None, extractor_conv_bias=False, encoder_embed_dim=+768,
    encoder_projection_dropout=0.1, encoder_pos_conv_kernel=128, encoder_pos_conv_groups=16,
    encoder_num_layers=+12, encoder_num_heads=+12, encoder_num_buckets=+320,
    encoder_max_distance=800, encoder_attention_dropout=0.1, encoder_ff_interm_features=+3072,
    encoder_ff_interm_dropout=0.1, encoder_dropout=0.1, encoder_layer_norm_first=False,
    encoder_layer_drop=0.1, aux_num_out=+32)
SquimObjective = torchaudio.models.squim_objective_model(feat_dim=+256, win_len=64, d_model=+64,
    nhead=+4, hidden_dim=+256, num_blocks=+2, rnn_type="LSTM", chunk_size=71)

# --- monai

UNet = monai.networks.nets.UNet(spatial_dims=3, in_channels=+1, out_channels=+2,
    channels=+(16, 32, 64, 128, 256), strides=(2, 2, 2, 2), num_res_units=2)
AttentionUnet = monai.networks.nets.AttentionUnet(spatial_dims=2, in_channels=+1,
    out_channels=+2, channels=+(16, 32, 64, 128), strides=(2, 2, 2))
BasicUNet = monai.networks.nets.BasicUNet(spatial_dims=3, in_channels=+1, out_channels=+2,
    features=+(32, 32, 64, 128, 256, 32))
BasicUNetPlusPlus = monai.networks.nets.BasicUNetPlusPlus(spatial_dims=3, in_channels=+1,
    out_channels=+2, features=+(32, 32, 64, 128, 256, 32))
DynUNet = monai.networks.nets.DynUNet(spatial_dims=3, in_channels=+1, out_channels=+2,
    kernel_size=(3, 3, 3, 3), strides=(1, 2, 2, 2), upsample_kernel_size=(2, 2, 2),
    filters=+(32, 64, 128, 256))
AutoEncoder = monai.networks.nets.AutoEncoder(spatial_dims=2, in_channels=+1, out_channels=+1,
    channels=+(8, 16, 32), strides=(2, 2, 2))
VarAutoEncoder = monai.networks.nets.VarAutoEncoder(spatial_dims=2, in_shape=(1, 64, 64),
    out_channels=+1, latent_size=+32, channels=+(8, 16, 32), strides=(2, 2, 2))
AutoencoderKL = monai.networks.nets.AutoencoderKL(spatial_dims=2, in_channels=+1,
    out_channels=+1, channels=(128, 256, 512), num_res_blocks=+(2, 2, 2),
    attention_levels=(False, False, True), latent_channels=+3, norm_num_groups=32)
DiffusionModelUNet = monai.networks.nets.DiffusionModelUNet(spatial_dims=2, in_channels=+1,
    out_channels=+1, num_res_blocks=+2, channels=(128, 256, 256),
    attention_levels=(False, True, True), num_head_channels=+64)
VQVAE = monai.networks.nets.VQVAE(spatial_dims=2, in_channels=+1, out_channels=+1,
    channels=+(96, 96, 192), num_res_layers=+3, num_res_channels=+(96, 96, 192),
    num_embeddings=+32, embedding_dim=+64)
DecoderOnlyTransformer = monai.networks.nets.DecoderOnlyTransformer(num_tokens=+256,
    max_seq_len=+1024, attn_layers_dim=+96, attn_layers_depth=+12, attn_layers_heads=+8)
Classifier = monai.networks.nets.Classifier(in_shape=(1, 64, 64), classes=+10,
    channels=+(8, 16, 32), strides=(2, 2, 2))
Regressor = monai.networks.nets.Regressor(in_shape=(1, 64, 64), out_shape=(4,),
    channels=+(8, 16, 32), strides=(2, 2, 2))
Generator = monai.networks.nets.Generator(latent_shape=(64,), start_shape=(8, 8, 8),
    channels=+(32, 16, 8, 1), strides=(2, 2, 2, 1))
FullyConnectedNet = monai.networks.nets.FullyConnectedNet(in_channels=+10, out_channels=+5,
    hidden_channels=+(32, 64, 128))
VarFullyConnectedNet = monai.networks.nets.VarFullyConnectedNet(in_channels=+10, out_channels=+10,
    latent_size=+16, encode_channels=+(64, 32), decode_channels=+(32, 64))
DenseNet = monai.networks.nets.DenseNet(spatial_dims=3, in_channels=+1, out_channels=+2,
    init_features=+64, growth_rate=+32, block_config=+(6, 12, 24, 16))
ResNet = monai.networks.nets.ResNet(block="bottleneck", layers=+[3, 4, 6, 3],
    block_inplanes=+[64, 128, 256, 512], n_input_channels=+3, num_classes=+400)
SENet = monai.networks.nets.SENet(spatial_dims=2, in_channels=+3, block="se_resnetxt_bottleneck",
    layers=+[3, 4, 6, 3], groups=32, reduction=+16, inplanes=+64, num_classes=+1000)
SegResNet = monai.networks.nets.SegResNet(spatial_dims=3, init_filters=+8, in_channels=+1,
    out_channels=+2, blocks_down=+(1, 2, 2, 4), blocks_up=+(1, 1, 1))
SegResNetDS = monai.networks.nets.SegResNetDS(spatial_dims=3, init_filters=+32, in_channels=+1,
    out_channels=+2, blocks_down=+(1, 2, 2, 4))
SegResNetVAE = monai.networks.nets.SegResNetVAE(input_image_size=(128, 128, 128), vae_nz=+256,
    init_filters=+8, in_channels=+1, out_channels=+2, blocks_down=+(1, 2, 2, 4),
    blocks_up=+(1, 1, 1))
HighResNet = monai.networks.nets.HighResNet(spatial_dims=3, in_channels=+1, out_channels=+160)
VNet = monai.networks.nets.VNet(spatial_dims=3, in_channels=+1, out_channels=+2)
UNETR = monai.networks.nets.UNETR(in_channels=+1, out_channels=+14, img_size=(96, 96, 96),
    feature_size=+16, hidden_size=+768, mlp_dim=+3072, num_heads=+12)
MedNeXt = monai.networks.nets.MedNeXt(spatial_dims=3, init_filters=+32, in_channels=+1,
    out_channels=+2, encoder_expansion_ratio=+2, blocks_down=+(2, 2, 2, 2),
    blocks_up=+(2, 2, 2, 2))
ViT = monai.networks.nets.ViT(in_channels=+1, img_size=(96, 96, 96), patch_size=(16, 16, 16),
    hidden_size=+768, mlp_dim=+3072, num_layers=+12, num_heads=+12, classification=True,
    num_classes=+2)
ViTAutoEnc = monai.networks.nets.ViTAutoEnc(in_channels=+1, img_size=(96, 96, 96),
    patch_size=(16, 16, 16), hidden_size=+768, mlp_dim=+3072, num_layers=+12, num_heads=+12,
    deconv_chns=+16)
MaskedAutoEncoderViT = monai.networks.nets.MaskedAutoEncoderViT(in_channels=+1,
    img_size=(96, 96, 96), patch_size=(16, 16, 16), hidden_size=+768, mlp_dim=+512,
    num_layers=+12, num_heads=+12, decoder_hidden_size=+384, decoder_mlp_dim=+512,
    decoder_num_layers=+4, decoder_num_heads=+12, pos_embed_type="learnable",
    decoder_pos_embed_type="learnable")
PatchDiscriminator = monai.networks.nets.PatchDiscriminator(spatial_dims=2, channels=+64,
    in_channels=+1, num_layers_d=+3)
EfficientNet = monai.networks.nets.EfficientNetBN(model_name="efficientnet-b0", pretrained=False,
    in_channels=+3, num_classes=+1000)
FlexibleUNet = monai.networks.nets.FlexibleUNet(in_channels=+3, out_channels=+2,
    backbone="resnet34", decoder_channels=+(256, 128, 64, 32, 16))
VoxelMorphUNet = monai.networks.nets.VoxelMorphUNet(spatial_dims=3, in_channels=+2,
    unet_out_channels=+32, channels=(16, 32, 32, 32, 32, 32), final_conv_channels=(16, 16))
RegUNet = monai.networks.nets.RegUNet(spatial_dims=3, in_channels=+2, num_channel_initial=+32,
    depth=+3, out_channels=+3)
LocalNet = monai.networks.nets.LocalNet(spatial_dims=3, in_channels=+2, num_channel_initial=+32,
    extract_levels=(0, 1, 2, 3), out_channels=+3)
SPADENet = monai.networks.nets.SPADENet(spatial_dims=2, in_channels=+1, out_channels=+1,
    label_nc=+6, input_shape=(64, 64), channels=[16, 32, 64], z_dim=+32)
HoVerNet = monai.networks.nets.HoVerNet(mode="fast", in_channels=+3, np_out_channels=+2,
    out_classes=+5)

# --- segmentation-models-pytorch

Unet = segmentation_models_pytorch.Unet(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_channels=+(256, 128, 64, 32, 16))
Unet_scse = segmentation_models_pytorch.Unet(encoder_name="efficientnet-b0",
    encoder_weights=None, in_channels=+3, classes=+1, decoder_attention_type="scse",
    decoder_channels=+(256, 128, 64, 32, 16))
UnetPlusPlus = segmentation_models_pytorch.UnetPlusPlus(encoder_name="resnet18",
    encoder_weights=None, in_channels=+3, classes=+1, decoder_channels=+(256, 128, 64, 32, 16))
MAnet = segmentation_models_pytorch.MAnet(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_channels=+(256, 128, 64, 32, 16),
    decoder_pab_channels=+64)
Linknet = segmentation_models_pytorch.Linknet(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1)
FPN = segmentation_models_pytorch.FPN(encoder_name="resnet50", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_pyramid_channels=+256,
    decoder_segmentation_channels=+128)
PSPNet = segmentation_models_pytorch.PSPNet(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, psp_out_channels=+512)
PAN = segmentation_models_pytorch.PAN(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_channels=+32)
DeepLabV3 = segmentation_models_pytorch.DeepLabV3(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_channels=+256)
DeepLabV3Plus = segmentation_models_pytorch.DeepLabV3Plus(encoder_name="mobilenet_v2",
    encoder_weights=None, in_channels=+3, classes=+1, decoder_channels=+256)
UPerNet = segmentation_models_pytorch.UPerNet(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_channels=+256)
Segformer = segmentation_models_pytorch.Segformer(encoder_name="resnet34", encoder_weights=None,
    in_channels=+3, classes=+1, decoder_segmentation_channels=+256)

# --- open-clip

CLIP = open_clip.model.CLIP(embed_dim=+512,
    vision_cfg=open_clip.model.CLIPVisionCfg(layers=(vision_layers := 12),
    width=(vision_width := 768), patch_size=32), text_cfg=open_clip.model.CLIPTextCfg(
    layers=(text_layers := 12), width=(text_width := 512), heads=(text_heads := 8),
    vocab_size=+49408))
CustomTextCLIP = open_clip.model.CustomTextCLIP(embed_dim=+512,
    vision_cfg=open_clip.model.CLIPVisionCfg(layers=(vision_layers := 12),
    width=(vision_width := 768), patch_size=16), text_cfg=open_clip.model.CLIPTextCfg(
    layers=(text_layers := 12), width=(text_width := 512), heads=(text_heads := 8),
    context_length=+77, vocab_size=+49408))
CLIP_ResNet = open_clip.model.CLIP(embed_dim=+1024,
    vision_cfg=open_clip.model.CLIPVisionCfg(layers=[3, 4, 6, 3], width=(vision_width := 64)),
    text_cfg=open_clip.model.CLIPTextCfg(layers=(text_layers := 12), width=(text_width := 512),
    heads=(text_heads := 8)))
CoCa = open_clip.coca_model.CoCa(embed_dim=+512,
    multimodal_cfg=open_clip.coca_model.MultimodalCfg(context_length=76, width=(width := 512),
    heads=(heads := 8), layers=(decoder_layers := 12)),
    vision_cfg=open_clip.model.CLIPVisionCfg(layers=(vision_layers := 12),
    width=(vision_width := 768), patch_size=32, attentional_pool=True, output_tokens=True),
    text_cfg=open_clip.model.CLIPTextCfg(layers=(text_layers := 12), width=width, heads=heads,
    embed_cls=True, output_tokens=True))
VisionTransformer = open_clip.transformer.VisionTransformer(image_size=224, patch_size=32,
    width=+768, layers=+12, heads=+12, mlp_ratio=4.0, output_dim=+512)
TextTransformer = open_clip.transformer.TextTransformer(context_length=+77, vocab_size=+49408,
    width=+512, heads=+8, layers=+12, output_dim=+512)
MultimodalTransformer = open_clip.transformer.MultimodalTransformer(width=+512, layers=+12,
    heads=+8, context_length=+77, output_dim=+512)
ModifiedResNet = open_clip.modified_resnet.ModifiedResNet(layers=+[3, 4, 6, 3], output_dim=+1024,
    heads=+32, image_size=224, width=+64)

# --- peft

LoRA_Llama = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=+32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=+16)), peft_config=peft.LoraConfig(r=+8,
    target_modules=["q_proj", "v_proj"]))
LoRA_all = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.LoraConfig(r=+8,
    target_modules="all-linear"))
DoRA = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.LoraConfig(r=+8,
    use_dora=True, init_lora_weights=False, target_modules=["q_proj", "v_proj"]))
LoRA_GPT2 = peft.get_peft_model(model=transformers.GPT2LMHeadModel(config=transformers.GPT2Config(
    n_embd=+768, n_layer=+12, n_head=+12)), peft_config=peft.LoraConfig(r=+8,
    fan_in_fan_out=True, target_modules=["c_attn"]))
LoRA_BERT = peft.get_peft_model(model=transformers.BertForSequenceClassification(
    config=transformers.BertConfig(vocab_size=+30522, hidden_size=+768, num_hidden_layers=+12,
    num_attention_heads=+12, intermediate_size=+3072)), peft_config=peft.LoraConfig(
    task_type="SEQ_CLS", r=+16, target_modules=["query", "value"]))
LoRA_ViT = peft.get_peft_model(model=transformers.ViTForImageClassification(
    config=transformers.ViTConfig(hidden_size=+768, num_hidden_layers=+12,
    num_attention_heads=+12, intermediate_size=+3072)), peft_config=peft.LoraConfig(r=+16,
    target_modules=["q_proj", "v_proj"], modules_to_save=["classifier"]))
AdaLoRA = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.AdaLoraConfig(init_r=+12,
    total_step=1000, target_modules=["q_proj", "v_proj"]))
IA3 = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.IA3Config(
    target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]))
LoHa = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.LoHaConfig(r=+8,
    target_modules=["q_proj", "v_proj"]))
LoKr = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.LoKrConfig(r=+8,
    target_modules=["q_proj", "v_proj"]))
OFT = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.OFTConfig(
    oft_block_size=+32, target_modules=["q_proj", "v_proj"]))
VeRA = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.VeraConfig(r=+256,
    target_modules=["q_proj", "v_proj"]))
PromptTuning = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=+32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.PromptTuningConfig(
    task_type="CAUSAL_LM", num_virtual_tokens=+20))
PrefixTuning = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=+32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=+16)), peft_config=peft.PrefixTuningConfig(
    task_type="CAUSAL_LM", num_virtual_tokens=+20))
PTuning = peft.get_peft_model(model=transformers.LlamaForCausalLM(
    config=transformers.LlamaConfig(vocab_size=+32000, hidden_size=+1024, intermediate_size=+2816,
    num_hidden_layers=+8, num_attention_heads=16)), peft_config=peft.PromptEncoderConfig(
    task_type="CAUSAL_LM", num_virtual_tokens=+20, encoder_hidden_size=+128))

# --- diffusers

UNet2D = diffusers.UNet2DModel(sample_size=64, in_channels=+3, out_channels=+3,
    layers_per_block=+2, block_out_channels=+(224, 448, 672, 896))
UNet2D_groups = diffusers.UNet2DModel(sample_size=64, in_channels=+3, out_channels=+3,
    layers_per_block=+2, norm_num_groups=+32, attention_head_dim=+8,
    block_out_channels=(224, 448, 672, 896))
UNet2DCondition = diffusers.UNet2DConditionModel(sample_size=64, in_channels=+4, out_channels=+4,
    cross_attention_dim=+1280, layers_per_block=+2, attention_head_dim=+8)
UNet2DCondition_widths = diffusers.UNet2DConditionModel(sample_size=64,
    block_out_channels=+(320, 640, 1280, 1280), cross_attention_dim=+1280)
UNet3DCondition = diffusers.UNet3DConditionModel(in_channels=+4, out_channels=+4,
    cross_attention_dim=+1024, layers_per_block=+2, attention_head_dim=64)
UNet1D = diffusers.UNet1DModel(in_channels=+2, out_channels=+2, extra_in_channels=16,
    block_out_channels=+(32, 32, 64))
UVit2D = diffusers.UVit2DModel(hidden_size=+1024, cond_embed_dim=+768, encoder_hidden_size=+768,
    vocab_size=+8256, codebook_size=+8192, num_hidden_layers=+22, num_attention_heads=+16,
    intermediate_size=+2816)
Kandinsky3UNet = diffusers.Kandinsky3UNet(in_channels=+4, time_embedding_dim=+1536,
    cross_attention_dim=+4096, encoder_hid_dim=+4096)
MotionAdapter = diffusers.MotionAdapter(motion_layers_per_block=+2, motion_max_seq_length=+32,
    motion_num_attention_heads=+8)
ControlNet = diffusers.ControlNetModel(in_channels=+4, conditioning_channels=+3,
    layers_per_block=+2, cross_attention_dim=+1280)
AutoencoderKL = diffusers.AutoencoderKL(in_channels=+3, out_channels=+3,
    down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
    up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"), block_out_channels=+(128, 256),
    layers_per_block=+2, latent_channels=+4)
AutoencoderTiny = diffusers.AutoencoderTiny(in_channels=+3, out_channels=+3, latent_channels=+4,
    encoder_block_out_channels=(64, 64, 64, 64), num_encoder_blocks=+(1, 3, 3, 3),
    num_decoder_blocks=+(3, 3, 3, 1))
AutoencoderOobleck = diffusers.AutoencoderOobleck(encoder_hidden_size=+128, decoder_channels=+128,
    decoder_input_channels=+64, audio_channels=+2)
AutoencoderKLWan = diffusers.AutoencoderKLWan(base_dim=+96, z_dim=16, dim_mult=[1, 2, 4, 4],
    num_res_blocks=+2)
AutoencoderKLMochi = diffusers.AutoencoderKLMochi(in_channels=15, out_channels=+3,
    layers_per_block=+(3, 3, 4, 6, 3))
AutoencoderDC = diffusers.AutoencoderDC(in_channels=+3, latent_channels=+32,
    encoder_block_out_channels=(128, 256, 512), decoder_block_out_channels=(128, 256, 512),
    encoder_layers_per_block=+(2, 2, 2), decoder_layers_per_block=+(3, 3, 3),
    encoder_qkv_multiscales=((), (), ()), decoder_qkv_multiscales=((), (), ()))
VQModel = diffusers.VQModel(in_channels=+3, out_channels=+3, block_out_channels=+(64,),
    layers_per_block=+1, num_vq_embeddings=+256)
DiT = diffusers.DiTTransformer2DModel(num_attention_heads=+16, attention_head_dim=+72,
    in_channels=+4, num_layers=+28, sample_size=32, patch_size=+2)
PixArt = diffusers.PixArtTransformer2DModel(num_attention_heads=+16, attention_head_dim=72,
    in_channels=+4, out_channels=+8, num_layers=+28, caption_channels=+4096)
SD3 = diffusers.SD3Transformer2DModel(sample_size=128, patch_size=2, in_channels=+16,
    num_layers=+18, attention_head_dim=64, num_attention_heads=+18, joint_attention_dim=+4096,
    caption_projection_dim=1152, pooled_projection_dim=+2048)
Flux = diffusers.FluxTransformer2DModel(in_channels=+64, num_layers=+19, num_single_layers=+38,
    attention_head_dim=128, num_attention_heads=+24, joint_attention_dim=+4096,
    pooled_projection_dim=+768)
Flux2 = diffusers.Flux2Transformer2DModel(in_channels=+128, num_layers=+8, num_single_layers=+48,
    attention_head_dim=128, num_attention_heads=+48, joint_attention_dim=+15360)
Chroma = diffusers.ChromaTransformer2DModel(in_channels=+64, num_layers=+19,
    num_single_layers=+38, num_attention_heads=+24, joint_attention_dim=+4096,
    approximator_hidden_dim=+5120, approximator_layers=+5)
AuraFlow = diffusers.AuraFlowTransformer2DModel(sample_size=64, in_channels=+4,
    num_mmdit_layers=+4, num_single_dit_layers=+32, attention_head_dim=+256,
    num_attention_heads=+12, joint_attention_dim=+2048, caption_projection_dim=+3072)
CogVideoX = diffusers.CogVideoXTransformer3DModel(num_attention_heads=+30, attention_head_dim=64,
    in_channels=+16, out_channels=+16, time_embed_dim=+512, text_embed_dim=+4096, num_layers=+30)
CogView4 = diffusers.CogView4Transformer2DModel(in_channels=+16, out_channels=+16, num_layers=+30,
    attention_head_dim=40, num_attention_heads=+64, text_embed_dim=+4096, time_embed_dim=+512)
HunyuanVideo = diffusers.HunyuanVideoTransformer3DModel(in_channels=+16, out_channels=+16,
    num_attention_heads=+24, num_layers=+20, num_single_layers=+40, num_refiner_layers=+2,
    text_embed_dim=+4096)
LTXVideo = diffusers.LTXVideoTransformer3DModel(in_channels=+128, out_channels=+128,
    num_attention_heads=+32, attention_head_dim=+64, cross_attention_dim=+2048, num_layers=+28)
Lumina2 = diffusers.Lumina2Transformer2DModel(in_channels=+16, hidden_size=2304, num_layers=+26,
    num_refiner_layers=+2, num_attention_heads=24, num_kv_heads=+8, cap_feat_dim=+1024)
Mochi = diffusers.MochiTransformer3DModel(num_attention_heads=+24, attention_head_dim=+128,
    num_layers=+48, pooled_projection_dim=+1536, in_channels=+12, text_embed_dim=+4096)
Prior = diffusers.PriorTransformer(num_attention_heads=+32, attention_head_dim=+64,
    num_layers=+20, embedding_dim=+768, num_embeddings=+77, additional_embeddings=+4)
QwenImage = diffusers.QwenImageTransformer2DModel(in_channels=+64, out_channels=+16,
    num_layers=+60, attention_head_dim=128, num_attention_heads=+24, joint_attention_dim=+3584)
Sana = diffusers.SanaTransformer2DModel(in_channels=+32, out_channels=+32,
    num_attention_heads=+70, attention_head_dim=+32, num_layers=+20,
    num_cross_attention_heads=20, cross_attention_head_dim=112, cross_attention_dim=2240,
    caption_channels=+2304)
StableAudio = diffusers.StableAudioDiTModel(in_channels=+64, num_layers=+24,
    attention_head_dim=+64, num_attention_heads=+24, num_key_value_attention_heads=+12,
    out_channels=+64, cross_attention_dim=+768, global_states_input_dim=+1536)
T5FilmDecoder = diffusers.T5FilmDecoder(input_dims=+128, targets_length=+256, d_model=+768,
    num_layers=+12, num_heads=+12, d_kv=+64, d_ff=+2048)
Wan = diffusers.WanTransformer3DModel(num_attention_heads=+40, attention_head_dim=128,
    in_channels=+16, out_channels=+16, text_dim=+4096, freq_dim=+256, ffn_dim=+13824,
    num_layers=+40)
ZImage = diffusers.ZImageTransformer2DModel(in_channels=+16, dim=3840, n_layers=+30,
    n_refiner_layers=+2, n_heads=30, n_kv_heads=30, cap_feat_dim=+2560)
Transformer2D = diffusers.Transformer2DModel(num_attention_heads=+16, attention_head_dim=+88,
    in_channels=+320, num_layers=+1, cross_attention_dim=+768, norm_num_groups=32)
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
    return {
        name: tuple(size) if isinstance(size := ast.literal_eval(default), list) else size
        for *_, name, default in sorted(found, key=lambda it: it[:2])
    }


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
