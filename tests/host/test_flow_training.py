"""Flow transformers in training against three other ways to the same numbers: the host's sampler, its LoRA loader, and
autograd that allows what the host's blocks do in place.
"""

import math

import comfy.model_management
import comfy.quant_ops
import comfy.sd
import pytest
import torch
from small_flows import NAMES, Case, applied, relative, small_flow
from tilewright.host.flow.families import FAMILIES, flow_family
from tilewright.host.flow.trainable import blocks_of, keep_residuals, recompute_blocks, sampling_mode, training_mode
from tilewright.host.unet_blocks import compile_each
from tilewright.training.lora import LoraNetwork
from tilewright.training.text_rows import TextRows

pytestmark = pytest.mark.slow
IN_PLACE = ["Flux", "FluxSchnell", "Flux2", "Chroma"]


@pytest.fixture(scope="module")
def cases():
    return {name: Case(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_denoiser_predicts_the_hosts_velocity(cases, name):
    case = cases[name]
    with torch.no_grad():
        ours = case.denoise(case.noisy, case.sigmas, case.text)
    assert relative(ours, applied(case.model, case.noisy, case.sigmas, case.text, case.denoise.guidance)) < 2e-6


@pytest.mark.parametrize("name", NAMES)
def test_the_host_applies_a_lora_file_as_the_trainer_did(cases, name):
    """No key of the file is left over, and the host's output with it is the trainer's own."""
    case = cases[name]
    patched, _ = comfy.sd.load_lora_for_models(case.model, None, case.network.kohya_state(), 1.0, 0)
    assert len(patched.patches) == len(case.layers)
    host = applied(patched, case.noisy, case.sigmas, case.text, case.denoise.guidance)
    assert relative(case.velocity().detach(), host) < 1e-5
    assert relative(host, applied(case.model, case.noisy, case.sigmas, case.text, case.denoise.guidance)) > 1e-2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("recomputed", [False, True])
def test_gradients_are_those_where_mutation_is_allowed(name, recomputed):
    """The reference: the host's own blocks, untouched, whose overwritten tensors autograd is told to keep copies of."""
    ours = Case(name, gradient_checkpointing=recomputed).gradients()
    plain = Case(name)
    for block in plain.net.modules():
        vars(block).pop("forward", None)  # what keep_residuals put there
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        reference = plain.gradients()
    assert max(relative(ours[name], reference[name]) for name in ours) < 1e-5
    assert min(gradient.norm() for gradient in ours.values()) > 0  # every chosen layer learns


@pytest.mark.parametrize("name", IN_PLACE)
def test_without_the_remedies_recomputation_falsifies_gradients_or_fails(cases, name):
    """What the remedies are for: if the host stops adding in place, this test fails and they can go."""
    right = cases[name].gradients()
    case = Case(name)
    for block in case.net.modules():
        vars(block).pop("forward", None)
    from torch.utils.checkpoint import checkpoint

    for part in case.trained.family.blocks:
        for block in getattr(case.net, part):
            run = block.forward
            block.forward = lambda *inputs, run=run, **named: checkpoint(run, *inputs, use_reentrant=False, **named)
    try:
        wrong = case.gradients()
    except (RuntimeError, torch.utils.checkpoint.CheckpointError):
        return
    assert max(relative(wrong[name], right[name]) for name in right) > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(cases, name):
    case = cases[name]
    gradient = case.gradients()
    slope = sum(value.square().sum() for value in gradient.values()).sqrt().item()

    def loss(step):
        """After a step along the gradient."""
        with torch.no_grad():
            for key, parameter in case.network.named_parameters():
                parameter += step / slope * gradient[key]
            found = (case.velocity() - case.target).square().mean().item()
            for key, parameter in case.network.named_parameters():
                parameter -= step / slope * gradient[key]
        return found

    assert (loss(1e-2) - loss(-1e-2)) / 2e-2 == pytest.approx(slope, rel=1e-2)


@pytest.mark.parametrize("name", NAMES)
def test_one_latent_is_learnt_by_heart(name):
    """What a LoRA makes of it, which is within reach of another one that begins with no effect."""
    case = Case(name, network={"rank": 16, "alpha": 16.0})
    case.noisy, case.sigmas, case.text = case.noisy[:1], case.sigmas[:1], TextRows(case.text.rows[:1])
    case.target = case.velocity().detach()
    case.network = LoraNetwork(case.layers, case.config.network, seed=5)
    optimizer = torch.optim.Adam(case.network.parameters(), lr=1e-2)
    first = (case.velocity() - case.target).square().mean().item()
    for _ in range(30):
        for parameter, gradient in zip(case.network.parameters(), case.gradients().values(), strict=True):
            parameter.grad = gradient
        optimizer.step()
    assert (case.velocity() - case.target).square().mean().item() < 0.1 * first


@pytest.mark.parametrize("name", NAMES)
def test_batching_changes_no_row(cases, name):
    """Rows with texts of unlike lengths, in one batch and alone."""
    case = cases[name]
    with torch.no_grad():
        together = case.denoise(case.noisy, case.sigmas, case.text)
        for row in range(2):
            one = slice(row, row + 1)
            alone = case.denoise(case.noisy[one], case.sigmas[one], TextRows(case.text.rows[one]))
            assert relative(together[one], alone) < 2e-6


def test_the_host_is_as_it_was_after_training_even_after_an_error():
    kernels = comfy.quant_ops.ck
    before = kernels.rms_rope_split_half, comfy.model_management.in_training
    with pytest.raises(KeyError), training_mode():
        assert comfy.model_management.in_training
        assert kernels.rms_rope_split_half is not before[0]
        with sampling_mode():  # pictures on the way
            assert (kernels.rms_rope_split_half, comfy.model_management.in_training) == (before[0], False)
        assert comfy.model_management.in_training
        raise KeyError
    assert (kernels.rms_rope_split_half, comfy.model_management.in_training) == before
    with sampling_mode():  # outside of any training
        assert (kernels.rms_rope_split_half, comfy.model_management.in_training) == before


def test_kernels_with_a_gradient_give_what_the_hosts_fast_ones_do(cases):
    for case in cases.values():
        with torch.no_grad():
            fast = case.denoise(case.noisy, case.sigmas, case.text)
            with training_mode():
                slow = case.denoise(case.noisy, case.sigmas, case.text)
        assert relative(slow, fast) < 2e-6


def test_the_copy_shares_the_models_weights_and_leaves_it_alone():
    for name in NAMES:
        model = small_flow(name)
        before = {key: value.clone() for key, value in model.model.diffusion_model.state_dict().items()}
        case = Case(name, model=model)
        case.gradients()
        after = model.model.diffusion_model.state_dict()
        assert all(torch.equal(before[key], after[key]) for key in before)
        shared = case.net.state_dict()
        assert all(shared[key].data_ptr() == after[key].data_ptr() for key in after)


def test_every_family_is_told_by_its_class():
    found = [flow_family(small_flow(name)) for name in NAMES]
    assert set(found) == set(FAMILIES)


SHIFTS = {  # s of a family's own draw at 1024 px, 4096 patches: what its authors, or most trainers, train with
    "Flux": math.exp(1.15),
    "FluxSchnell": 1.0,
    "Flux2": math.exp(1.15),
    "Chroma": 1.0,
    "Lumina2": 6.0,
    "ZImage": 1.0,
    "QwenImage": math.exp(0.5 + 0.4 * 3840 / 7936),
    "Krea2": math.exp(0.5 + 0.65 * 3840 / 6144),
    "Anima": 1.0,
    "SD3": 1.0,
}


@pytest.mark.parametrize("name", NAMES)
def test_timesteps_of_a_family_are_drawn_by_their_closed_form(cases, name):
    """P(sigma < q) is the normal's share below logit(q) - log(s)."""
    case = cases[name]
    side = 64 if name == "Flux2" else 128  # its latents are as small as others' patches
    sigmas = case.trained.schedule(case.config).draw(40000, (side, side), torch.Generator().manual_seed(0))
    for level in (0.25, 0.5, 0.75):
        below = 0.5 * (1 + math.erf((math.log(level / (1 - level)) - math.log(SHIFTS[name])) / math.sqrt(2)))
        assert (sigmas < level).float().mean().item() == pytest.approx(below, abs=0.01)


def test_remedies_are_for_blocks_alone():
    case = Case("Flux")
    keep_residuals(case.net, case.trained.family.blocks)
    recompute_blocks(case.net, case.trained.family.blocks)
    changed = {type(block).__name__ for block in case.net.modules() if "forward" in vars(block)}
    assert changed == {"LayerNorm", "DoubleStreamBlock", "SingleStreamBlock"}


ONE_BLOCK = {
    "Flux": {"depth": 1, "depth_single_blocks": 1},
    "FluxSchnell": {"depth": 1, "depth_single_blocks": 1},
    "Flux2": {"depth": 1, "depth_single_blocks": 1},
    "Chroma": {"depth": 1, "depth_single_blocks": 1},
    "Lumina2": {"n_layers": 1, "n_refiner_layers": 1},
    "ZImage": {"n_layers": 1, "n_refiner_layers": 1},
    "QwenImage": {"num_layers": 2},  # of the last one most of the text's layers lead nowhere
    "Krea2": {"layers": 1},
    "Anima": {"num_blocks": 1},
    "SD3": {"depth": 2},
}


@pytest.mark.parametrize("name", ONE_BLOCK)
def test_compiled_blocks_give_the_same_gradients(name):
    """torch.compile's tracing, without the compiler behind it; recomputation stays outside the compiled blocks."""
    model = small_flow(name, **ONE_BLOCK[name])
    case, plain = (Case(name, lengths=(5, 5), model=model) for _ in range(2))
    compile_each(blocks_of(case.net, case.trained.family.blocks), backend="eager")
    recompute_blocks(case.net, case.trained.family.blocks)
    found, reference = case.gradients(), plain.gradients()
    assert max(relative(found[name], reference[name]) for name in found) < 1e-5
