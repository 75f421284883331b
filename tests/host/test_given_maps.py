"""Sampling materials with the host's own sampler: known maps, prompts of each row, guidance, and what is refused."""

import comfy.model_management
import comfy.sample
import pytest
import torch
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from comfy_extras.nodes_sag import SelfAttentionGuidance
from random_networks import random_control_network
from small_flows import random, relative, small_flow, told
from small_unets import UNET, small_model
from tilewright.common.errors import InputError
from tilewright.host.material_sets import material_set_model
from tilewright.nodes.seamless import SeamlessModel

MAPS = ("basecolor", "normal", "height")


@pytest.fixture(scope="module")
def model():
    return small_model("SD1")


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def prompts(seed=1, rows=3, **options):
    return [[random(rows, 7, 32, seed=seed), options]]


def mask_of(*sampled):
    return torch.tensor(sampled, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)


def sample(model, latent=None, mask=None, cfg=3.0, sampler="euler", seed=5, steps=3, positive=None, negative=None):
    latent = torch.zeros(3, 4, 8, 8) if latent is None else latent
    noise = random(*latent.shape, seed=seed)
    return comfy.sample.sample(
        model, noise, steps, cfg, sampler, "normal", positive or prompts(), negative or prompts(2), latent,
        noise_mask=mask, disable_pbar=True, seed=seed,
    )  # fmt: skip


class Spy:
    """What a denoiser is given at every call: latents and timesteps."""

    def __init__(self, monkeypatch, network):
        self.calls, plain = [], type(network).forward

        def forward(own, x, timesteps=None, *others, **named):
            if own is network:
                self.calls.append((x.clone(), timesteps.clone()))
            return plain(own, x, timesteps, *others, **named)

        monkeypatch.setattr(type(network), "forward", forward)


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpmpp_2m"])
def test_given_maps_come_out_as_they_went_in(model, sampler):
    latent = random(3, 4, 8, 8, seed=7)
    sampled = sample(material_set_model(model, MAPS, 0.0), latent, mask_of(0, 1, 1), sampler=sampler)
    assert torch.equal(sampled[0], latent[0])
    assert not torch.equal(sampled[1], latent[1])


def test_given_maps_are_seen_clean_at_every_step(model, monkeypatch):
    latent, spy = random(3, 4, 8, 8, seed=7), Spy(monkeypatch, model.model.diffusion_model)
    sample(material_set_model(model, MAPS, 0.0), latent, mask_of(0, 1, 0))
    scaled = model.model.process_latent_in(latent)
    assert len(spy.calls) == 3
    for x, timesteps in spy.calls:
        for rows in (slice(0, 3), slice(3, 6)):  # the prompt and the negative prompt in one call
            assert torch.equal(x[rows][[0, 2]], scaled[[0, 2]]) and (timesteps[rows][[0, 2]] == 0).all()
    assert all(timesteps[1] > 0 for _, timesteps in spy.calls[:2])  # the one that is sampled


def test_what_is_given_changes_the_others_and_only_in_its_own_material(model):
    shared = material_set_model(model, MAPS[:2], 0.0)
    one = random(4, 4, 8, 8, seed=7)
    other = one.clone()
    other[0] = random(4, 8, 8, seed=8)
    texts = {"positive": prompts(1, 4), "negative": prompts(2, 4)}
    first, second = (sample(shared, latent, mask_of(0, 1, 0, 1), **texts) for latent in (one, other))
    assert relative(second[1], first[1]) > 1e-4
    assert relative(second[2:], first[2:]) < 1e-5


def test_a_mask_over_part_of_a_row_is_the_hosts_own(model):
    """A row that is sampled in part is inpainted as ever, with its noise."""
    mask = mask_of(1, 1, 1).clone()
    mask[0, :, :, :4] = 0
    latent, alone = random(3, 4, 8, 8, seed=7), material_set_model(model, MAPS[:1], 0.0)
    texts = {"positive": prompts(1, 3), "negative": prompts(2, 3)}
    assert torch.equal(sample(alone, latent, mask, **texts), sample(model, latent, mask, **texts))


def test_a_prompt_and_its_negative_in_calls_of_their_own_are_the_same(model, monkeypatch):
    """As where memory is short: the host then runs them one after the other."""
    shared, latent = material_set_model(model, MAPS, 0.0), random(3, 4, 8, 8, seed=7)
    together = sample(shared, latent, mask_of(0, 1, 1))
    monkeypatch.setattr(model.model, "memory_required", lambda *given, **named: 2**60)
    assert relative(sample(shared, latent, mask_of(0, 1, 1)), together) < 1e-4


def test_an_area_of_a_given_map_is_seen_clean_too(model, monkeypatch):
    latent, spy = random(3, 4, 8, 8, seed=7), Spy(monkeypatch, model.model.diffusion_model)
    area = {"area": (8, 4, 0, 4), "strength": 1.0}
    texts = {"positive": prompts(1, **area), "negative": prompts(2, **area)}
    sample(material_set_model(model, MAPS, 0.0), latent, mask_of(0, 1, 1), **texts)
    scaled = model.model.process_latent_in(latent)
    assert all(torch.equal(x[0], scaled[0, :, :, 4:]) for x, _ in spy.calls)


def test_given_rolled_rows_roll_the_others(model):
    shared = material_set_model(SeamlessModel.execute(model, "both").args[0], MAPS, 0.0)
    latent, noise = random(3, 4, 8, 8, seed=7), random(3, 4, 8, 8, seed=5)
    still, rolled = (
        comfy.sample.sample(
            shared, noise.roll(shift, (-2, -1)), 2, 3.0, "euler", "normal", prompts(), prompts(2),
            latent.roll(shift, (-2, -1)), noise_mask=mask_of(0, 1, 1), disable_pbar=True, seed=1,
        )
        for shift in ((0, 0), (4, 4))
    )  # fmt: skip
    assert relative(rolled.roll((-4, -4), (-2, -1)), still) < 1e-4


def test_a_control_net_guides_all_rows(model):
    from comfy.controlnet import ControlNet

    network = random_control_network({**UNET, "num_heads": 4, "num_head_channels": -1})
    control = ControlNet(network, load_device=torch.device("cpu")).set_cond_hint(torch.rand(1, 3, 64, 64), 1.0, (0, 1))
    shared = material_set_model(model, MAPS, 0.0)
    guided = sample(shared, positive=prompts(1, control=control), negative=prompts(2, control=control))
    assert guided.isfinite().all() and relative(guided, sample(shared)) > 1e-3


def test_data_maps_have_a_guidance_of_their_own(model):
    plain, gentle = (material_set_model(model, MAPS, scale) for scale in (0.0, 1.5))
    one_step = {"steps": 1}
    strong, weak, mixed = sample(plain, cfg=4.0, **one_step), sample(plain, cfg=1.5, **one_step), sample(
        gentle, cfg=4.0, **one_step
    )  # fmt: skip
    assert relative(mixed[:1], strong[:1]) < 1e-5 and relative(mixed[1:], weak[1:]) < 1e-5
    assert relative(sample(gentle, cfg=1.0), sample(plain, cfg=1.0)) < 1e-5


def test_guidance_of_another_node_is_told_each_scale(model):
    rescaled = model.clone()
    rescaled.set_model_sampler_cfg_function(lambda given: given["uncond"] + given["cond_scale"] * given["cond"])
    gentle = material_set_model(rescaled, MAPS, 2.0)
    strong, weak, mixed = (
        sample(material_set_model(rescaled, MAPS, 0.0), cfg=4.0, steps=1),
        sample(material_set_model(rescaled, MAPS, 0.0), cfg=2.0, steps=1),
        sample(gentle, cfg=4.0, steps=1),
    )
    assert relative(mixed[:1], strong[:1]) < 1e-5 and relative(mixed[1:], weak[1:]) < 1e-5


def test_prompts_without_a_row_for_each_map_are_refused(model):
    with pytest.raises(InputError, match="positive prompt has 1 text,.*Material Set Prompt"):
        sample(material_set_model(model, MAPS, 0.0), positive=prompts(1, 1))


def test_latents_of_another_number_of_maps_are_refused(model):
    with pytest.raises(InputError, match="4 images.*3 maps.*Empty Material Set Latent"):
        sample(material_set_model(model, MAPS, 0.0), torch.zeros(4, 4, 8, 8))


@pytest.mark.parametrize("first", [True, False])
def test_nodes_that_change_self_attention_are_refused(model, first):
    def tiled(model):
        clone = model.clone()
        clone.set_model_attn1_patch(lambda q, k, v, options: (q, k, v))
        return clone

    both = material_set_model(tiled(model), MAPS, 0.0) if first else tiled(material_set_model(model, MAPS, 0.0))
    with pytest.raises(InputError, match="HyperTile"):
        sample(both)


@pytest.mark.parametrize("node", [PerturbedAttentionGuidance, SelfAttentionGuidance])
@pytest.mark.parametrize("first", [True, False])
def test_guidance_by_another_self_attention_is_refused(model, node, first):
    given = (3.0, 2.0) if node is SelfAttentionGuidance else (3.0,)
    if first:
        both = material_set_model(node.execute(model, *given).args[0], MAPS, 0.0)
    else:
        both = node.execute(material_set_model(model, MAPS, 0.0), *given).args[0]
    with pytest.raises(InputError, match="Perturbed Attention"):
        sample(both)


@pytest.mark.parametrize("name", ["Flux", "ZImage"])
def test_a_flow_sees_given_maps_clean_too(name, monkeypatch):
    flow = small_flow(name)
    network, latent = flow.model.diffusion_model, random(2, 16, 8, 8, seed=7)
    spy, texts = Spy(monkeypatch, network), told(name, rows=2, lengths=(5,))
    context = torch.cat([row["context"] for row in texts.rows])
    pooled = {"pooled_output": torch.cat([row["y"] for row in texts.rows])} if name == "Flux" else {}
    text = [[context, pooled]]
    sampled = comfy.sample.sample(
        material_set_model(flow, MAPS[:2], 0.0), random(2, 16, 8, 8), 2, 1.0, "euler", "simple", text, text, latent,
        noise_mask=mask_of(0, 1), disable_pbar=True, seed=1,
    )  # fmt: skip
    assert torch.equal(sampled[0], latent[0])
    told_times = [timesteps[0] for _, timesteps in spy.calls]
    scaled = flow.model.process_latent_in(latent)
    assert told_times == [0.0] * 2 and all(torch.equal(x[0], scaled[0]) for x, _ in spy.calls)
