"""Small flow transformers of diffusers' own classes, the twins of those of `small_flows`, with its converters.

Each gives the model, what converts the host's weights for it, and how its velocity is asked for.
"""

import re
from types import CodeType, FunctionType

import torch

# Where diffusers' classes fix a size that the host leaves open.
SIZES = {
    "Flux": {"mlp_ratio": 4.0},
    "FluxSchnell": {"mlp_ratio": 4.0},
    "Chroma": {"mlp_ratio": 4.0},
    "ZImage": {"multiple_of": 2, "ffn_dim_multiplier": 8 / 3},
}


def resized(convert, sizes):
    """A converter that counts with the real model's sizes, counting with ours instead."""

    def counted(constant):
        if isinstance(constant, CodeType):
            return constant.replace(co_consts=tuple(map(counted, constant.co_consts)))
        return sizes.get(constant, constant) if isinstance(constant, int) else constant

    code = counted(convert.__code__)
    return FunctionType(code, convert.__globals__, None, None, convert.__closure__)


def with_scales(convert):
    """A converter that knows the host's norms by the name that files have for their weights."""

    def converted(state):
        pattern = r"(query_norm|key_norm|norms\.\d+)\.weight$"
        return convert({re.sub(pattern, r"\1.scale", name): value for name, value in state.items()})

    return converted


def grid(height, width, axes=3):
    """The places of patches in a latent, (height * width / 4, axes), rows and columns on axes 1 and 2."""
    ids = torch.zeros(height // 2, width // 2, axes)
    ids[..., 1] += torch.arange(height // 2)[:, None]
    ids[..., 2] += torch.arange(width // 2)[None]
    return ids.view(-1, axes)


def packed(latents):
    b, c, h, w = latents.shape
    return latents.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, c * 4)


def unpacked(tokens, like):
    b, c, h, w = like.shape
    return tokens.view(b, h // 2, w // 2, c, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(b, c, h, w)


def flux(name):
    from diffusers import FluxTransformer2DModel
    from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers as convert

    guided = name == "Flux"
    made = FluxTransformer2DModel(
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        joint_attention_dim=24,
        pooled_projection_dim=16,
        guidance_embeds=guided,
        axes_dims_rope=(8, 12, 12),
    )

    def velocity(model, x, sigmas, text):
        told = {"guidance": torch.ones(len(x))} if guided else {}
        ids = {"img_ids": grid(*x.shape[-2:]), "txt_ids": torch.zeros(text["context"].shape[1], 3)}
        out = model(packed(x), text["context"], text["y"], sigmas, **ids, **told, return_dict=False)[0]
        return unpacked(out, x)

    return made, with_scales(resized(convert, {3072: 64})), velocity


def chroma(name):
    from diffusers import ChromaTransformer2DModel
    from diffusers.loaders.single_file_utils import convert_chroma_transformer_checkpoint_to_diffusers as convert
    from diffusers.models.embeddings import get_timestep_embedding

    made = ChromaTransformer2DModel(
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        joint_attention_dim=24,
        axes_dims_rope=(8, 12, 12),
        approximator_hidden_dim=32,
        approximator_layers=1,
    )
    # The host counts to the real model's 344 modulations whatever the depth, and takes the last two for its last layer.
    places = torch.arange(344) * 1000
    told = get_timestep_embedding(places, 32, flip_sin_to_cos=True, downscale_freq_shift=0)
    made.time_text_embed.mod_proj[-2:] = told[-2:]

    def velocity(model, x, sigmas, text):
        ids = {"img_ids": grid(*x.shape[-2:]), "txt_ids": torch.zeros(text["context"].shape[1], 3)}
        return unpacked(model(packed(x), text["context"], sigmas, **ids, return_dict=False)[0], x)

    return made, with_scales(resized(convert, {3072: 64})), velocity


def flux2(name):
    from diffusers import Flux2Transformer2DModel
    from diffusers.loaders.single_file_utils import convert_flux2_transformer_checkpoint_to_diffusers as convert

    made = Flux2Transformer2DModel(
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        joint_attention_dim=24,
        mlp_ratio=2.0,
        axes_dims_rope=(8, 8, 8, 8),
        guidance_embeds=False,
    )

    def velocity(model, x, sigmas, text):
        b, c, h, w = x.shape
        image = torch.zeros(h, w, 4)
        image[..., 1] += torch.arange(h)[:, None]
        image[..., 2] += torch.arange(w)[None]
        words = torch.zeros(text["context"].shape[1], 4)
        words[:, 3] = torch.arange(len(words))
        tokens = x.flatten(2).transpose(1, 2)
        ids = {"img_ids": image.view(-1, 4), "txt_ids": words}
        out = model(tokens, text["context"], sigmas, **ids, return_dict=False)[0]
        return out.transpose(1, 2).reshape(x.shape)

    return made, convert, velocity


def qwen(name):
    from diffusers import QwenImageTransformer2DModel

    made = QwenImageTransformer2DModel(
        num_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        joint_attention_dim=24,
        axes_dims_rope=(8, 12, 12),
    )

    def velocity(model, x, sigmas, text):
        h, w = x.shape[-2:]
        mask = torch.ones(text["context"].shape[:2], dtype=torch.bool)
        shapes = [[(1, h // 2, w // 2)]] * len(x)
        out = model(packed(x), text["context"], mask, sigmas, img_shapes=shapes, return_dict=False)[0]
        return unpacked(out, x)

    return made, dict, velocity  # the names are the same


def z_image(name):
    from diffusers import ZImageTransformer2DModel
    from diffusers.loaders.single_file_utils import convert_z_image_transformer_checkpoint_to_diffusers as convert

    made = ZImageTransformer2DModel(dim=256, n_layers=2, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=24)

    def velocity(model, x, sigmas, text):
        images = [row.unsqueeze(1) for row in x]
        out = model(images, 1 - sigmas, list(text["context"]), return_dict=False)[0]
        return -torch.stack(list(out)).squeeze(2)

    def padded(state):
        """Their embedding of time has 1024 numbers inside, of which ours has the first."""
        state = dict(state)
        for part, more in {"0.weight": (0, 0, 0, 768), "0.bias": (0, 768), "2.weight": (0, 768)}.items():
            state[f"t_embedder.mlp.{part}"] = torch.nn.functional.pad(state[f"t_embedder.mlp.{part}"], more)
        return convert(state)

    return made, padded, velocity


def lumina(name):
    from diffusers import Lumina2Transformer2DModel
    from diffusers.loaders.single_file_utils import convert_lumina2_to_diffusers as convert

    made = Lumina2Transformer2DModel(
        hidden_size=64,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=16,
        ffn_dim_multiplier=0.25,
        axes_dim_rope=(8, 12, 12),
        cap_feat_dim=24,
    )

    def velocity(model, x, sigmas, text):
        mask = torch.ones(text["context"].shape[:2], dtype=torch.bool)
        return -model(x, 1 - sigmas, text["context"], mask, return_dict=False)[0]

    return made, resized(convert, {2304: 64, 768: 32}), velocity


def sd3(name):
    from diffusers import SD3Transformer2DModel
    from diffusers.loaders.single_file_utils import convert_sd3_transformer_checkpoint_to_diffusers as convert

    made = SD3Transformer2DModel(
        sample_size=32,
        num_layers=2,
        attention_head_dim=64,
        num_attention_heads=2,
        joint_attention_dim=24,
        caption_projection_dim=128,
        pooled_projection_dim=16,
        pos_embed_max_size=16,
        dual_attention_layers=(0,),
        qk_norm="rms_norm",
    )

    def velocity(model, x, sigmas, text):
        return model(x, text["context"], text["y"], 1000 * sigmas, return_dict=False)[0]

    return made, convert, velocity


def krea2(name):
    from diffusers import Krea2Transformer2DModel
    from diffusers.loaders.single_file_utils import convert_krea2_transformer_checkpoint_to_diffusers as convert

    made = Krea2Transformer2DModel(
        num_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=128,
        timestep_embed_dim=32,
        text_hidden_dim=12,
        num_text_layers=2,
        text_num_attention_heads=2,
        text_num_key_value_heads=2,
        text_intermediate_size=128,
        axes_dims_rope=(8, 12, 12),
    )

    def velocity(model, x, sigmas, text):
        words = text["context"].unflatten(-1, (2, 12))
        ids = torch.cat([torch.zeros(words.shape[1], 3), grid(*x.shape[-2:])])
        return unpacked(model(packed(x), words, sigmas, ids, return_dict=False)[0], x)

    return made, convert, velocity


def anima(name):
    """Anima is Cosmos Predict 2 behind an adapter of its text, which has been read before a training begins."""
    from diffusers import CosmosTransformer3DModel
    from diffusers.loaders.single_file_utils import convert_cosmos_transformer_checkpoint_to_diffusers as convert

    made = CosmosTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=48,
        num_layers=2,
        mlp_ratio=2.0,
        text_embed_dim=24,
        adaln_lora_dim=16,
        rope_scale=(1.0, 4.0, 4.0),
        extra_pos_embed_type=None,
    )

    def without_adapter(state):
        return convert({key: value for key, value in state.items() if not key.startswith("llm_adapter.")})

    def velocity(model, x, sigmas, text):
        whole = torch.zeros(1, 1, *x.shape[-2:])
        out = model(x.unsqueeze(2), sigmas, text["context"], padding_mask=whole, return_dict=False)[0]
        return out.squeeze(2)

    return made, without_adapter, velocity


THEIRS = {
    "Flux": flux,
    "FluxSchnell": flux,
    "Chroma": chroma,
    "Flux2": flux2,
    "QwenImage": qwen,
    "ZImage": z_image,
    "Lumina2": lumina,
    "SD3": sd3,
    "Krea2": krea2,
    "Anima": anima,
}
