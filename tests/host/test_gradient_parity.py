"""The trainer's UNet against three other ways to the same numbers: plain PyTorch, PEFT, and the host's own loader.

On small models of each family's shape, random weights, the same inputs, noise and timesteps.
"""

import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import pytest
import torch
from small_unets import CONFIGS, CPU, DIFFERENT, FAMILIES, UNET, Case, relative, small_model
from tilewright.host import training as host_training
from tilewright.host import unet_blocks
from tilewright.host.in_graph.model import unet_layers
from tilewright.training.config import NetworkConfig, TrainingConfig
from tilewright.training.lora import LoraNetwork
from tilewright.training.noise import NoiseSchedule
from unet_sizes import FULL_SIZE

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_those_of_merged_weights_in_plain_pytorch(family):
    case = Case(family)
    paths = {layer: path for path, layer in case.unet.named_modules()}
    ours = case.gradients()
    merged = {}
    for name, lora in case.network.lora_layers.items():
        change = (lora.lora_up__weight.flatten(1) @ lora.lora_down__weight.flatten(1)) * (2.0 / 4)
        weight = case.layers[name].weight
        merged[f"{paths[case.layers[name]]}.weight"] = weight + change.view_as(weight)

    def unet(*inputs, **options):
        return torch.func.functional_call(case.unet, merged, inputs, options)

    unet.parameters = case.unet.parameters
    loss = (case.prediction(unet) - case.target).square().mean()
    reference = torch.autograd.grad(loss, list(case.network.parameters()))
    assert max(relative(got, ref) for got, ref in zip(ours.values(), reference, strict=True)) <= 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_those_of_peft(family):
    import peft  # which takes seconds

    case = Case(family)
    ours = case.gradients()
    paths = {layer: path for path, layer in case.unet.named_modules()}
    targets = [paths[layer] for layer in case.layers.values()]
    wrapped = peft.inject_adapter_in_model(peft.LoraConfig(r=4, lora_alpha=2.0, target_modules=targets), case.unet)
    modules = dict(wrapped.named_modules())
    pairs = {}
    for name, lora in case.network.lora_layers.items():
        theirs = modules[paths[case.layers[name]]]
        theirs.lora_A["default"].weight.data.copy_(lora.lora_down__weight)
        theirs.lora_B["default"].weight.data.copy_(lora.lora_up__weight)
        pairs[f"lora_layers.{name}.lora_down__weight"] = theirs.lora_A["default"].weight
        pairs[f"lora_layers.{name}.lora_up__weight"] = theirs.lora_B["default"].weight
    loss = (case.prediction(wrapped) - case.target).square().mean()
    reference = dict(zip(pairs, torch.autograd.grad(loss, list(pairs.values())), strict=True))
    assert max(relative(ours[name], reference[name]) for name in pairs) <= 1e-4


@pytest.mark.parametrize(
    ("family", "kind"), [*((family, "LoRA") for family in FAMILIES), ("SD1", "DoRA"), ("SD1", "LoHa"), ("SD1", "LoKr")]
)
def test_the_host_applies_what_the_trainer_did(family, kind):
    """The trainer's own forward, with LoRA layers, against the host's, with the file's weights merged by its loader."""
    case = Case(family, kind=kind, conv_rank=2)
    patched, _ = comfy.sd.load_lora_for_models(case.model, None, case.network.kohya_state(), 1.0, 0)
    assert len(patched.patches) == len(case.layers)
    facts = host_training.unet_facts(case.model)
    alpha = (
        NoiseSchedule.from_sigmas(facts.sigmas, facts.prediction)
        .alphas_cumprod[case.timesteps]
        .view(-1, 1, 1, 1)
        .float()
    )
    comfy.model_management.load_models_gpu([patched])
    with torch.no_grad():
        denoised = patched.model.apply_model(
            case.noisy / alpha.sqrt(),  # the host's noisy latents keep the signal's scale
            facts.sigmas[case.timesteps],
            c_crossattn=case.conditioning.context,
            y=case.conditioning.vector,
        )
    comfy.model_management.unload_all_models()
    if family == "SD2-v":
        expected = (alpha.sqrt() * case.noisy - denoised) / (1 - alpha).sqrt()
    else:
        expected = (case.noisy - alpha.sqrt() * denoised) / (1 - alpha).sqrt()
    assert relative(case.attached(), expected) < 1e-5


def test_kohya_has_a_name_for_every_layer_of_sd1_and_sdxl():
    names = {family: set(Case(family).layers) for family in ("SD1", "SDXL")}
    assert "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q" in names["SD1"]
    assert "lora_unet_mid_block_attentions_0_proj_in" in names["SD1"]
    assert "lora_unet_input_blocks_1_1_transformer_blocks_0_ff_net_0_proj" in names["SDXL"]
    assert "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_out_0" in names["SDXL"]


@pytest.mark.parametrize(("family", "count"), [("SD1", 192), ("SDXL", 722)])
def test_a_full_size_model_has_as_many_modules_as_kohyas_files(family, count):
    shape = {**UNET, **DIFFERENT[family], **FULL_SIZE[family]}
    kind = comfy.model_base.SDXL if family == "SDXL" else comfy.model_base.BaseModel
    config = CONFIGS[family](shape)
    config.unet_config.update(shape)
    with torch.device("meta"):
        model = comfy.model_patcher.CoreModelPatcher(kind(config, device="meta"), CPU, CPU)
    layers = unet_layers(model, model.model.diffusion_model, TrainingConfig())
    assert len(layers) == count


def test_recomputed_activations_give_the_same_gradients():
    case = Case("SD1")
    kept = case.gradients()
    unet_blocks.recompute_activations(case.unet)
    recomputed = case.gradients()
    assert all(torch.equal(kept[name], recomputed[name]) for name in kept)


def test_the_training_unet_shares_the_models_weights():
    case = Case("SD1")
    own = case.model.model.diffusion_model.state_dict()
    shared = case.unet.state_dict()
    assert all(shared[name].data_ptr() == own[name].data_ptr() for name in own)


def test_a_lora_already_on_the_model_is_trained_on_top_of():
    case = Case("SD1")
    patched, _ = comfy.sd.load_lora_for_models(case.model, None, case.network.kohya_state(), 1.0, 0)
    unet = host_training.unet_for_training(patched, CPU, torch.float32)
    assert relative(case.prediction(unet), case.attached()) < 1e-5


def test_the_host_applies_what_the_trainer_did_in_bfloat16():
    """Both round: the host its merged weights, the trainer its sums. They are no further apart than that explains."""
    case = Case("SD1")
    exact = case.attached()
    half = small_model("SD1", torch.bfloat16)
    unet = host_training.unet_for_training(half, CPU, torch.bfloat16)
    network = LoraNetwork(unet_layers(half, unet, TrainingConfig()), NetworkConfig(4, 2.0), seed=0)
    network.load_kohya_state(case.network.kohya_state())
    network.attach()
    ours = case.prediction(unet)
    merged, _ = comfy.sd.load_lora_for_models(half, None, case.network.kohya_state(), 1.0, 0)
    theirs = case.prediction(host_training.unet_for_training(merged, CPU, torch.bfloat16))
    rounding = max(relative(ours, exact), relative(theirs, exact))  # a percent: bfloat16 itself resolves half of one
    assert relative(ours, theirs) < 1.5 * rounding
    assert relative(ours, theirs) ** 2 < 1e-3


def test_half_precision_stays_near_single_precision():
    case = Case("SD1")
    exact = case.attached()
    half = host_training.unet_for_training(case.model, CPU, torch.bfloat16)
    network = LoraNetwork(unet_layers(case.model, half, TrainingConfig()), NetworkConfig(4, 2.0), seed=0)
    network.load_kohya_state(case.network.kohya_state())
    network.attach()
    assert relative(case.prediction(half), exact) < 0.05
