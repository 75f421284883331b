"""Rows of a material see each other and nothing else, for every family of the host that can be had small."""

import copy

import comfy.model_management
import pytest
import torch
from small_flows import NAMES, random, relative, small_flow, told
from small_unets import FAMILIES, small_model
from tilewright.common.errors import InputError
from tilewright.host.material_sets import maps_of_lora, material_set_model
from tilewright.host.shared_attention import sharing_options
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledDiffusion
from tilewright.sets.same_places import told_by_siblings

FOUR = ("basecolor", "normal", "height", "roughness")
EVERY = [*FAMILIES, *NAMES]
each_family = pytest.mark.parametrize("name", EVERY)


@pytest.fixture(scope="module")
def models():
    return {name: small_model(name) if name in FAMILIES else small_flow(name) for name in EVERY}


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def is_unet(name):
    return name in FAMILIES


def latents(model, rows, height=8, width=12, seed=0):
    kind = model.model.latent_format
    frames = [1] if kind.latent_dimensions == 3 else []
    return random(rows, kind.latent_channels, *frames, height, width, seed=seed)


def texts(name, rows, seed=0):
    """Of each row its own text, as tensors of the whole batch."""
    if is_unet(name):
        context = {"c_crossattn": random(rows, 7, 32, seed=50 + seed)}
        return context | ({"y": random(rows, 1280 + 6 * 256, seed=70 + seed)} if name == "SDXL" else {})
    parts = [row for row in told(name, rows=rows, lengths=(5,)).rows]
    context = {"c_crossattn" if key == "context" else key: torch.cat([row[key] for row in parts]) for key in parts[0]}
    if name == "Chroma":
        context["guidance"] = torch.zeros(rows)
    if name in ("Lumina2", "ZImage"):
        context["num_tokens"] = 5
    return context


def rows_of(tensors, rows):
    return {key: value[rows] if torch.is_tensor(value) else value for key, value in tensors.items()}


def denoise(model, latent, text, sigma=0.7):
    comfy.model_management.load_models_gpu([model])
    options = {**model.model_options["transformer_options"], "wrappers": model.wrappers}
    options |= {"sample_sigmas": torch.tensor([1.0, 0.7, 0.0]), "sigmas": torch.tensor([sigma])}
    return model.model.apply_model(latent, torch.full((len(latent),), sigma), **text, transformer_options=options)


@each_family
def test_one_map_is_the_plain_model(models, name):
    model, text = models[name], texts(name, 2)
    latent = latents(model, 2)
    alone = material_set_model(model, FOUR[:1], 0.0)
    assert torch.equal(denoise(alone, latent, text), denoise(model, latent, text))


@each_family
def test_identical_rows_stay_identical(models, name):
    model = models[name]
    latent, text = latents(model, 1).repeat_interleave(4, 0), rows_of(texts(name, 1), [0, 0, 0, 0])
    together = denoise(material_set_model(model, FOUR, 0.0), latent, text)
    assert all(relative(row, together[0]) < 1e-5 for row in together)


@each_family
def test_copies_of_a_row_have_nothing_to_tell_it(models, name):
    model = models[name]
    latent, text = latents(model, 1).repeat_interleave(4, 0), rows_of(texts(name, 1), [0, 0, 0, 0])
    together = denoise(material_set_model(model, FOUR, 0.0), latent, text)
    assert relative(together, denoise(model, latent, text)) < 1e-5


@pytest.mark.parametrize("name", FAMILIES)
def test_a_unet_sees_where_a_sibling_lies(models, name):
    """On a torus joint attention would not: a row rolled by itself would change nothing for its siblings."""
    model, text = SeamlessModel.execute(models[name], "both").args[0], texts(name, 2)
    latent = latents(model, 2, 8, 16)
    alone = torch.stack([latent[0], latent[1].roll(8, -1)])
    shared = material_set_model(model, FOUR[:2], 0.0)
    assert relative(denoise(shared, alone, text)[0], denoise(shared, latent, text)[0]) > 1e-4


@each_family
def test_a_lora_whose_maps_saw_each_other_otherwise_is_refused(models, name):
    """In UNets two versions did, in transformers none; of later ones nothing is known."""
    for version, fits in {"1": not is_unet(name), "2": not is_unet(name), "3": True, "4": False}.items():
        model = models[name].clone()
        model.set_attachments("lora_metadata", {"tw_shared_attention": version})
        if fits:
            material_set_model(model, FOUR, 0.0)
            continue
        with pytest.raises(InputError, match=rf"in another way \(tw_shared_attention {version}, here 3\)"):
            material_set_model(model, FOUR, 0.0)


@each_family
def test_unlike_rows_see_each_other(models, name):
    model, text = models[name], texts(name, 3)
    latent = latents(model, 3)
    shared = material_set_model(model, FOUR[:3], 0.0)
    together = denoise(shared, latent, text)
    assert relative(together, denoise(model, latent, text)) > 1e-3
    other = latent.clone()
    other[2] = latents(model, 1, seed=9)[0]
    assert relative(denoise(shared, other, text)[0], together[0]) > 1e-4


@each_family
def test_order_inside_a_material_does_not_matter(models, name):
    model, text = models[name], texts(name, 3)
    latent, order = latents(model, 3), [2, 0, 1]
    shared = material_set_model(model, FOUR[:3], 0.0)
    assert relative(denoise(shared, latent[order], rows_of(text, order)), denoise(shared, latent, text)[order]) < 1e-5


@each_family
def test_materials_of_a_batch_do_not_leak(models, name):
    model, text = models[name], texts(name, 4)
    latent = latents(model, 4)
    shared = material_set_model(model, FOUR[:2], 0.0)
    both = denoise(shared, latent, text)
    for rows in ([0, 1], [2, 3]):
        assert relative(both[rows], denoise(shared, latent[rows], rows_of(text, rows))) < 1e-5


@each_family
def test_the_given_model_stays_as_it_was(models, name):
    model, text = models[name], texts(name, 2)
    latent = latents(model, 2)
    before = denoise(model, latent, text)
    denoise(material_set_model(model, FOUR[:2], 2.0), latent, text)
    assert torch.equal(denoise(model, latent, text), before)


@pytest.mark.parametrize("name", ["SD1", "Flux", "ZImage", "Anima"])
def test_windows_see_the_same_window_of_their_siblings(models, name):
    """Of identical materials in windows each row is what it is alone; of two materials each is what it is alone."""
    model, text = models[name], texts(name, 4)
    latent = latents(model, 4, 16, 24)

    def windowed(model):
        return TiledDiffusion.execute(model, 128, 64, "Mixture of Diffusers", "none", 2).args[0]

    shared = windowed(material_set_model(model, FOUR[:2], 0.0))
    both = denoise(shared, latent, text)
    assert relative(both[:2], denoise(shared, latent[:2], rows_of(text, [0, 1]))) < 1e-5
    if not is_unet(name):
        twins, told_twice = latent[[0, 0]], rows_of(text, [0, 0])
        assert relative(denoise(shared, twins, told_twice), denoise(windowed(model), twins, told_twice)) < 1e-5
    after = denoise(material_set_model(windowed(model), FOUR[:2], 0.0), latent, text)
    assert relative(after, both) < 1e-5


@pytest.mark.parametrize("name", FAMILIES)
def test_a_seamless_model_rolls_all_rows_alike(models, name):
    model, text = models[name], texts(name, 2)
    latent = latents(model, 2, 8, 16)
    shared = material_set_model(SeamlessModel.execute(model, "both").args[0], FOUR[:2], 0.0)
    rolled = denoise(shared, latent.roll((4, 8), (-2, -1)), text).roll((-4, -8), (-2, -1))
    assert relative(rolled, denoise(shared, latent, text)) < 1e-4


@pytest.mark.parametrize("name", ["Flux", "QwenImage", "ZImage", "Anima"])
def test_a_seamless_transformer_closes_all_rows_alike(models, name):
    """Each row, and what it sees of its siblings, lies on the same torus: alike rows give what one row gives."""
    model, latent = models[name], latents(models[name], 1).repeat_interleave(2, 0)
    text = rows_of(texts(name, 1), [0, 0])
    seamless = SeamlessModel.execute(model, "both").args[0]
    assert relative(denoise(material_set_model(seamless, FOUR[:2], 0.0), latent, text),
                    denoise(seamless, latent, text)) < 1e-5  # fmt: skip


def test_a_batch_that_is_no_whole_number_of_materials_is_refused(models):
    model = material_set_model(models["SD1"], FOUR, 0.0)
    with pytest.raises(InputError, match="6 images.*4 maps"):
        denoise(model, latents(model, 6), texts("SD1", 6))


def test_a_model_goes_through_once(models):
    with pytest.raises(InputError, match="already"):
        material_set_model(material_set_model(models["SD1"], FOUR, 0.0), FOUR, 0.0)


def test_options_of_others_stay_in_force(models):
    options = {"patches": {"attn2_patch": ["theirs"]}, "else": 1}
    shared = sharing_options(models["SD1"].model.diffusion_model, 2, options)
    assert shared["patches"]["attn2_patch"] == ["theirs"] and len(shared["patches"]["attn1_patch"]) == 1
    assert options == {"patches": {"attn2_patch": ["theirs"]}, "else": 1}
    assert sharing_options(models["SD1"].model.diffusion_model, 1, options) == options


def test_a_copy_of_the_options_shares_and_each_device_has_its_own_mark(models):
    """Other packs copy options whole; threads of the host fill several devices at once."""
    options = copy.deepcopy(sharing_options(models["SD1"].model.diffusion_model, 2, {}))
    (patch,), attend = options["patches"]["attn1_patch"], options["optimized_attention_override"]
    tokens = random(2, 6, 8)
    assert patch(tokens, tokens, tokens, {}) == (tokens, tokens, tokens)
    patch(tokens.to("meta"), None, None, {})

    def attention(q, k, v, heads):
        return q

    told = attend(attention, tokens, tokens, tokens, 2) - tokens
    torch.testing.assert_close(told, told_by_siblings(tokens, tokens, tokens, 2, 2))
    assert attend(attention, tokens, tokens, tokens, 2) is tokens


def test_a_lora_tells_its_maps(models):
    model = models["SD1"].clone()
    assert maps_of_lora(model) == ""
    model.set_attachments("lora_metadata", {"tw_maps": "basecolor,normal"})
    assert maps_of_lora(model) == "basecolor,normal"
