"""What the trainer computes for rows that see each other is what the host samples with, for UNets and flows alike."""

import pytest
import torch
from small_flows import NAMES, random, relative, told
from small_flows import Case as FlowCase
from small_unets import FAMILIES
from small_unets import Case as UnetCase
from tilewright.host.in_graph.model import unet_denoiser
from tilewright.host.material_sets import material_set_model
from tilewright.host.unet_blocks import compile_blocks, recompute_activations
from tilewright.training.text_rows import TextRows

pytestmark = pytest.mark.slow
BOTH = ("basecolor", "normal")


def applied(model, noisy, sigma, **text):
    """The host's own x_0 of rows that see each other."""
    import comfy.model_management

    shared = material_set_model(model, BOTH, 0.0)
    comfy.model_management.load_models_gpu([shared])
    options = dict(shared.model_options["transformer_options"])
    with torch.no_grad():
        return shared.model.apply_model(
            noisy, sigma, transformer_options={**options, "wrappers": shared.wrappers}, **text
        )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_unet_predicts_as_the_host_samples(name):
    case = UnetCase(name)
    sampling = case.model.get_model_object("model_sampling")
    sigma = sampling.sigmas[case.timesteps]
    text = {"c_crossattn": case.conditioning.context}
    text |= {} if case.conditioning.vector is None else {"y": case.conditioning.vector}
    x = case.noisy * (sigma**2 + 1).sqrt().view(-1, 1, 1, 1)
    expected = applied(case.model, x, sigma, **text)
    with torch.no_grad():
        predicted = unet_denoiser(case.unet)(case.noisy, case.timesteps, case.conditioning, 2)
    assert relative(sampling.calculate_denoised(sigma, predicted, x), expected) < 1e-4
    assert relative(predicted, case.prediction(case.unet).detach()) > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_a_flow_predicts_as_the_host_samples(name):
    """Also where the map's words are of unlike lengths: the shorter text goes on with its last token."""
    case = FlowCase(name, lengths=(5, 9))
    sigma = torch.tensor([0.6, 0.6])
    short, long = case.text.rows
    context = torch.cat([short["context"], short["context"][:, -1:].expand(-1, 4, -1)], 1)
    others = {key: torch.cat([short[key], long[key]]) for key in short if key != "context"}
    if name in ("Lumina2", "ZImage"):
        others["num_tokens"] = 9
    if case.denoise.guidance is not None:
        others["guidance"] = torch.full((2,), float(case.denoise.guidance))
    given = case.noisy.unsqueeze(2) if case.denoise.video else case.noisy
    clean = applied(case.model, given, sigma, c_crossattn=torch.cat([context, long["context"]]), **others)
    expected = (given - clean) / 0.6
    with torch.no_grad(), case.trained.training():
        velocity = case.denoise(case.noisy, sigma, case.text, 2)
        alone = case.denoise(case.noisy, sigma, case.text)
    assert relative(velocity, expected.squeeze(2) if case.denoise.video else expected) < 1e-4
    assert relative(velocity, alone) > 1e-4


@pytest.mark.parametrize("name", ["Flux", "ZImage", "Krea2", "Anima", "SD3"])
def test_blocks_computed_twice_give_the_same_gradients(name):
    """What is computed again must see the siblings where it saw them first, and nowhere else."""

    def gradients(**settings):
        case = FlowCase(name, lengths=(6,), **settings)
        case.network.attach()
        with case.trained.training():
            loss = (case.denoise(case.noisy, case.sigmas, case.text, 2) - case.target).square().mean()
            return torch.autograd.grad(loss, list(case.network.parameters()))

    for once, twice in zip(gradients(), gradients(gradient_checkpointing=True), strict=True):
        torch.testing.assert_close(twice, once, atol=1e-6, rtol=1e-4)


def test_sets_of_unlike_texts_run_apart_and_keep_their_order():
    case = FlowCase("Flux", lengths=(5,))
    rows = TextRows((*told("Flux", rows=2, lengths=(5,)).rows, *told("Flux", rows=2, lengths=(8,)).rows))
    noisy, sigmas = random(4, 16, 8, 8), torch.tensor([0.3, 0.5, 0.7, 0.9])
    with torch.no_grad(), case.trained.training():
        together = case.denoise(noisy, sigmas, rows, 2)
        for pair in (slice(0, 2), slice(2, 4)):
            alone = case.denoise(noisy[pair], sigmas[pair], TextRows(rows.rows[pair]), 2)
            assert relative(together[pair], alone) < 1e-5


@pytest.fixture
def uncompiled(monkeypatch):
    """torch.compile that leaves a function as it is: what stands around the blocks is looked at here."""
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)


def test_compiled_blocks_of_a_unet_see_siblings_too(uncompiled):
    case = UnetCase("SD1")
    with torch.no_grad():
        plain = unet_denoiser(case.unet)(case.noisy, case.timesteps, case.conditioning, 2)
        compile_blocks(case.unet)
        compiled = unet_denoiser(case.unet)(case.noisy, case.timesteps, case.conditioning, 2)
    assert relative(compiled, plain) < 1e-5


@pytest.mark.parametrize("name", ["Flux", "ZImage", "Krea2", "Anima", "QwenImage"])
def test_compiled_blocks_of_a_flow_see_siblings_too(name, uncompiled):
    plain, compiled = FlowCase(name, lengths=(6,)), FlowCase(name, lengths=(6,), acceleration="compile")
    with torch.no_grad(), plain.trained.training():
        velocities = [case.denoise(case.noisy, case.sigmas, case.text, 2) for case in (plain, compiled)]
    assert relative(*velocities) < 1e-5


@pytest.mark.parametrize("name", FAMILIES)
def test_blocks_of_a_unet_computed_twice_give_the_same_gradients(name):
    """Each level of a UNet has its own number of tokens: what is computed again must lie where it lay at first."""

    def gradients(recompute):
        case = UnetCase(name)
        if recompute:
            recompute_activations(case.unet)
        case.network.attach()
        predicted = unet_denoiser(case.unet)(case.noisy, case.timesteps, case.conditioning, 2)
        return torch.autograd.grad(predicted.square().mean(), list(case.network.parameters()))

    for once, twice in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(twice, once, atol=1e-6, rtol=1e-4)
