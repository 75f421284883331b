"""A LoRA to go on from is known by the names and shapes of its layers."""

import pytest
from tilewright.common.errors import InputError
from tilewright.sd_scripts.flow_models import ANIMA, CHROMA, FLUX, LUMINA2, SD3
from tilewright.sd_scripts.start_file import check_start
from tilewright.sd_scripts.tasks import SD1, SD2, SD2_V, SDXL
from tilewright.training.config import NetworkConfig

RANK_4 = NetworkConfig(rank=4)
ATTENTION = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
LAYERS = {
    "lora_unet_double_blocks_0_img_attn_qkv": (FLUX, CHROMA),
    "lora_unet_joint_blocks_0_x_block_attn_qkv": (SD3,),
    "lora_unet_layers_0_attention_qkv": (LUMINA2,),
    "lora_unet_blocks_0_self_attn_q_proj": (ANIMA,),
}
WIDTHS = {768: (SD1,), 1024: (SD2, SD2_V), 2048: (SDXL,)}
FAMILIES = (SD1, SD2, SD2_V, SDXL, FLUX, CHROMA, SD3, LUMINA2, ANIMA)


def lora(layer, rank=4, width=64, kernel=()):
    return {
        f"{layer}.lora_down.weight": (rank, width, *kernel),
        f"{layer}.lora_up.weight": (64, rank, *kernel),
        f"{layer}.alpha": (),
    }


def fits(shapes, family, network=RANK_4):
    try:
        check_start("a.safetensors", shapes, family, network)
    except InputError as error:
        assert "was made for" in str(error)
        return False
    return True


@pytest.mark.parametrize("width", WIDTHS)
def test_a_unets_family_shows_in_the_width_of_its_texts(width):
    assert tuple(family for family in FAMILIES if fits(lora(ATTENTION, width=width), family)) == WIDTHS[width]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_flow_models_family_shows_in_the_names_of_its_blocks(layer):
    assert tuple(family for family in FAMILIES if fits(lora(layer), family)) == LAYERS[layer]


def test_what_does_not_tell_its_family_passes():
    assert all(fits(lora("lora_te_text_model_encoder_layers_0_mlp_fc1"), family) for family in FAMILIES)
    of_a_unet = lora("lora_unet_input_blocks_1_1_proj_in")
    assert [family for family in FAMILIES if fits(of_a_unet, family)] == [SD1, SD2, SD2_V, SDXL]


@pytest.mark.parametrize(
    ("shapes", "network", "words"),
    [
        ({"unet.down_blocks.0.attn2.to_k.lora_A.weight": (4, 768)}, RANK_4, "would begin anew without a word"),
        ({"diffusion_model.layers.0.attention.qkv.lora_A.weight": (4, 64)}, RANK_4, "no layers with the names of"),
        ({"model.diffusion_model.out.2.bias": (4,)}, RANK_4, "but such as model.diffusion_model.out.2.bias"),
        (lora(ATTENTION, rank=8, width=768), RANK_4, "has rank 8, but rank is set to 4. Set it to 8"),
        ({f"{ATTENTION}.hada_w1_a": (64, 4)}, RANK_4, "is a LoHa, but network type is LoRA. Set it to LoHa"),
        (lora(ATTENTION, width=768), NetworkConfig(rank=4, kind="LoKr"), "is a LoRA, but network type is LoKr"),
        (
            lora(ATTENTION, width=768) | {f"{ATTENTION}.dora_scale": (64, 1)},
            RANK_4,
            "is a DoRA, but network type is LoRA",
        ),
        (
            lora(ATTENTION, width=768) | lora("lora_te_a", rank=8),
            RANK_4,
            r"has rank 8, but rank .*lora_te_a\.lora_down",
        ),
        (lora("lora_te_a", kernel=(3, 3)), RANK_4, "has rank 4, but convolution rank is set to 0"),
        ({"lora_te_a.oft_blocks": (4, 8, 8)}, RANK_4, "lora_te_a.oft_blocks, which sd-scripts passes over for a LoRA"),
        ({"lora_te_a.a1.weight": (4, 8)}, RANK_4, "lora_te_a.a1.weight, which sd-scripts passes over"),
        (lora("lora_te_a") | {"lora_te_a.lora_mid.weight": (4, 4)}, RANK_4, "lora_te_a.lora_mid.weight, which"),
        (lora("lora_te_a") | {"lora_te_b.diff": (4, 4)}, RANK_4, "lora_te_b.diff, which sd-scripts passes over"),
    ],
)
def test_what_would_be_passed_over_or_fail_late_is_named(shapes, network, words):
    with pytest.raises(InputError, match=words):
        check_start("a.safetensors", shapes, SD1, network)


def test_convolutions_may_have_a_rank_of_their_own():
    convolution = lora("lora_unet_down_blocks_0_resnets_0_conv1", rank=2, kernel=(3, 3))
    check_start("a.safetensors", convolution | lora(ATTENTION, width=768), SD1, NetworkConfig(rank=4, conv_rank=2))
    check_start("a.safetensors", lora(ATTENTION, width=768), SD1, NetworkConfig(rank=4, kind="DoRA"))
