import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tilewright.dataset.procedural.render import render_material
from tilewright.host.demo_model import WEIGHTS, initial_state, load_demo_model, load_weights, save_weights

EMBEDDING = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


def test_the_weights_ship_with_their_licence_in_twelve_megabytes():
    assert WEIGHTS.stat().st_size <= 12_000_000
    with safe_open(WEIGHTS, "pt") as file:
        assert file.metadata()["license"] == "MIT"
        assert "procedural materials" in file.metadata()["provenance"]


def test_untrained_weights_are_those_of_their_seed():
    one, same, other = initial_state(3), initial_state(3), initial_state(4)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one[EMBEDDING], other[EMBEDDING])


def test_saving_keeps_the_words_that_were_trained_and_seeds_the_others(tmp_path):
    state = initial_state()
    state[EMBEDDING] = state[EMBEDDING] + 1
    save_weights(tmp_path / "model.safetensors", state, torch.tensor([5, 7]), {"license": "MIT"})
    assert load_file(tmp_path / "model.safetensors")[EMBEDDING].shape[0] == 2
    loaded = load_weights(tmp_path / "model.safetensors")
    torch.testing.assert_close(loaded[EMBEDDING][7], state[EMBEDDING][7], atol=1e-3, rtol=1e-3)  # half precision
    assert torch.equal(loaded[EMBEDDING][6], initial_state()[EMBEDDING][6])


def test_it_behaves_like_an_sd1_checkpoint():
    model, clip, vae = load_demo_model()
    with torch.inference_mode():
        context = clip.encode_from_tokens(clip.tokenize("bricks, red-brown brick"))
        latent = vae.encode(torch.full((1, 64, 64, 3), 0.5))
        image = vae.decode(latent)
    assert context.shape == (1, 77, 128)
    assert latent.shape == (1, 4, 8, 8)
    assert image.shape == (1, 64, 64, 3)
    assert model.get_model_object("latent_format").scale_factor == 0.18215


def test_the_autoencoder_gives_back_renders_it_has_not_seen():
    _, _, vae = load_demo_model()
    for material in ("bricks", "cobblestone", "rock"):
        image = render_material(material, 600_000_001, 256, maps=("basecolor",)).maps["basecolor"].movedim(0, -1)[None]
        with torch.inference_mode():
            back = vae.decode(vae.encode(image))
        assert -10 * (back - image).square().mean().log10() > 20  # dB
