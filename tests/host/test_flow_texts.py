"""What the trainer tells a transformer of a caption is what the host's sampler would tell it."""

from types import SimpleNamespace

import pytest
import torch
from small_flows import CPU, random, relative, small_flow
from tilewright.common.errors import InputError
from tilewright.host.flow.families import flow_family
from tilewright.host.in_graph.flow_texts import FlowTexts, check_flow_clip
from tilewright.training.config import TrainingConfig

MASK = torch.tensor([[1, 1, 1, 0, 0]])
ENCODED = {
    "Flux": {"cond": random(1, 7, 24), "pooled_output": random(1, 16)},
    "Flux2": {"cond": random(1, 7, 24), "pooled_output": None},
    "Anima": {
        "cond": random(1, 7, 24),
        "pooled_output": None,
        "t5xxl_ids": torch.arange(6, dtype=torch.int),
        "t5xxl_weights": torch.ones(6),
    },
    "QwenImage": {"cond": random(1, 5, 24), "pooled_output": None, "attention_mask": MASK},
    "SD3": {"cond": random(1, 7, 24), "pooled_output": random(1, 16)},
}


def texts(name):
    """A CLIP whose encoder says what `ENCODED` holds, whatever it is asked."""
    clip = SimpleNamespace(
        tokenizer=SimpleNamespace(llama_template=""),
        tokenize=lambda caption: {"words": [[(1, 1.0)]]},
        encode_from_tokens=lambda tokens, **_: dict(ENCODED[name]) if _ else ENCODED[name]["cond"],
    )
    model = small_flow(name)
    return FlowTexts(model, clip, flow_family(model), TrainingConfig(), CPU), model, clip


def told(name):
    made, _, _ = texts(name)
    return made(["moss"], [(64, 64)]).rows[0]


def test_flux_is_told_context_and_pooled_text_but_no_guidance():
    row = told("Flux")
    assert set(row) == {"context", "y"}
    assert torch.equal(row["context"], ENCODED["Flux"]["cond"])
    assert not row["context"].is_inference()


def test_flux2_has_its_text_at_the_end_of_512_tokens():
    row = told("Flux2")
    assert set(row) == {"context"}
    assert row["context"].shape == (1, 512, 24)
    assert torch.equal(row["context"][:, -7:], ENCODED["Flux2"]["cond"])


def test_animas_own_part_of_the_text_encoder_has_read_the_text():
    made, model, _ = texts("Anima")
    row = made(["moss"], [(64, 64)]).rows[0]
    given = ENCODED["Anima"]
    with torch.no_grad():
        expected = model.model.diffusion_model.preprocess_text_embeds(given["cond"], given["t5xxl_ids"][None])
    assert set(row) == {"context"}
    assert row["context"].shape == (1, 512, 24)
    assert relative(row["context"], expected) < 1e-6


def test_a_mask_stays_in_whole_numbers():
    """In floats the network would add it to the scores."""
    assert torch.equal(told("QwenImage")["attention_mask"], MASK)


def test_a_text_of_another_width_is_refused():
    made, model, clip = texts("SD3")
    check_flow_clip(model, clip, made.family)
    with pytest.raises(InputError, match="takes 24"):
        check_flow_clip(
            model, SimpleNamespace(**{**vars(clip), "encode_from_tokens": lambda _: random(1, 3, 8)}), made.family
        )
