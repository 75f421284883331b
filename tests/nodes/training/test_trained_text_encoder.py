"""Training the text encoder beside the UNet."""

import logging

import comfy.sd
import pytest
import torch
from small_runs import same, weights
from tilewright.host import training as host_training
from tilewright.training.config import NetworkConfig, ObjectiveConfig

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]
FIRST = "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight"


def test_the_text_encoder_trains_and_the_host_loads_it(runs, caplog):
    before = weights(runs.clip.cond_stage_model)
    options = {"network": NetworkConfig(text_encoder=True), "objective": ObjectiveConfig(clip_skip=2, max_tokens=150)}
    lora = runs.train_with(options, learning_rate=1e-2).state
    assert same(runs.clip.cond_stage_model.state_dict(), before)
    assert lora[FIRST].abs().max() > 0

    with caplog.at_level(logging.WARNING):
        _, patched = comfy.sd.load_lora_for_models(runs.model, runs.clip, lora, 1.0, 1.0)
    assert not [record for record in caplog.records if "not loaded" in record.message.lower()]
    with torch.inference_mode():
        texts = [one.encode_from_tokens(one.tokenize("stripes")) for one in (runs.clip, patched)]
    assert not torch.equal(*texts)


def test_it_rests_after_its_share_of_the_run(runs):
    rested, whole = (
        runs.train_with(
            {"network": NetworkConfig(text_encoder=True), "objective": ObjectiveConfig(text_encoder_until=until)},
            name=f"until {until}",
            steps=steps,
        ).state
        for until, steps in ((0.5, 2), (1.0, 1))
    )
    assert torch.equal(rested[FIRST], whole[FIRST])  # its second step did not move it
    other = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight"
    assert not torch.equal(rested[other], whole[other])


def test_the_trained_text_encoder_is_the_hosts_own(runs):
    tokens = runs.clip.tokenize("red bricks, worn")
    cpu = torch.device("cpu")
    with torch.inference_mode():
        expected = host_training.text_encoding(runs.clip, 2)(tokens)
    stage = host_training.text_encoders_for_training(runs.clip, cpu)
    context, pooled = host_training.trained_text_encoding(stage, host_training.last_layer(runs.clip, 2), cpu)(tokens)
    torch.testing.assert_close(context, expected[0])
    torch.testing.assert_close(pooled, expected[1])
    shared = dict(stage.named_parameters())
    own = runs.clip.cond_stage_model.named_parameters()
    assert all(shared[name].data_ptr() == value.data_ptr() for name, value in own)
