"""What the scripts of flow models are told, and what is refused because they would not heed it."""

import pytest
from tilewright.common.buckets import Buckets
from tilewright.common.errors import InputError
from tilewright.sd_scripts.flow_models import ANIMA, CHROMA, FLUX, LUMINA2, SD3, FlowFacts
from tilewright.sd_scripts.flow_settings import flow_arguments
from tilewright.sd_scripts.settings import KohyaOptions, script_settings
from tilewright.sd_scripts.tasks import DREAMBOOTH, LORA, Job
from tilewright.training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, TrainingConfig
from tilewright.training.flow import FlowTimes

FLUX_FACTS = FlowFacts(FlowTimes("by resolution"), 1.0)
OTHER_FACTS = FlowFacts()


def told(family, facts=OTHER_FACTS, task=LORA, batch_size=1, text_encoder=False, accumulation=1, **objective):
    network = NetworkConfig(text_encoder=text_encoder)
    optimizer = OptimizerConfig(accumulation=accumulation)
    objective = ObjectiveConfig(**objective)
    config = TrainingConfig(batch_size=batch_size, network=network, optimizer=optimizer, objective=objective)
    return flow_arguments(Job(task, family, facts), config)


def test_velocities_are_compared_and_each_familys_own_draws_asked_for():
    assert told(FLUX, FLUX_FACTS) == {
        "model_prediction_type": "raw",
        "timestep_sampling": "flux_shift",
        "guidance_scale": 1.0,
        "cache_text_encoder_outputs": True,
    }
    chroma = told(CHROMA, FlowFacts(FlowTimes("logit-normal"), 0.0))
    assert (chroma["model_type"], chroma["apply_t5_attn_mask"], chroma["guidance_scale"]) == ("chroma", True, 0.0)
    assert chroma["timestep_sampling"] == "sigmoid"
    lumina = told(LUMINA2, FlowFacts(FlowTimes("shifted", 6.0)))
    assert lumina == {"timestep_sampling": "shift", "discrete_flow_shift": 6.0, "cache_text_encoder_outputs": True}


def test_sd3s_loss_is_weighed_into_that_of_velocities():
    sd3 = {"weighting_scheme": "sigma_sqrt", "min_timestep": 10, "cache_text_encoder_outputs": True}
    assert told(SD3) == sd3
    assert told(SD3, timestep_sampling="uniform", shift=3.0) == sd3 | {"training_shift": 3.0}
    with pytest.raises(InputError, match="draws like that only with a loss that leaves fine grain out"):
        told(SD3, timestep_sampling="logit-normal")
    with pytest.raises(InputError, match="Set batch_size to 1 and gradient_accumulation_steps of LoRA Optimizer to 6"):
        told(SD3, task=DREAMBOOTH, batch_size=2, accumulation=3)
    assert told(SD3, task=DREAMBOOTH)["weighting_scheme"] == "sigma_sqrt"


@pytest.mark.parametrize(
    "asked, arguments",
    [
        ({"timestep_sampling": "uniform"}, {"timestep_sampling": "uniform"}),
        ({"timestep_sampling": "logit-normal"}, {"timestep_sampling": "sigmoid"}),
        ({"timestep_sampling": "shifted"}, {"timestep_sampling": "shift", "discrete_flow_shift": 3.0}),
        ({"timestep_sampling": "shifted", "shift": 1.0}, {"timestep_sampling": "sigmoid"}),
        ({"timestep_sampling": "shifted", "shift": 2.0}, {"timestep_sampling": "shift", "discrete_flow_shift": 2.0}),
        ({"timestep_sampling": "by resolution"}, {"timestep_sampling": "flux_shift"}),
    ],
)  # fmt: skip
def test_every_draw_has_its_name(asked, arguments):
    names = ("timestep_sampling", "discrete_flow_shift")
    assert {name: value for name, value in told(ANIMA, **asked).items() if name in names} == arguments


@pytest.mark.parametrize(
    "family, objective, words",
    [
        (FLUX, {"timestep_sampling": "uniform", "shift": 2.0}, "does not shift uniform noise levels"),
        (FLUX, {"noise_offset": 0.1}, "noise_offset of LoRA Objective is set, which flux_train_network.py does not"),
        (FLUX, {"clip_skip": 2, "max_tokens": 150}, "clip_skip and max_token_length of LoRA Objective are set"),
        (FLUX, {"sigma_weighting": "bell"}, "weighting_scheme 'bell'"),
        (FLUX, {"sigma_weighting": "cosmap"}, "weighting_scheme 'cosmap'"),
        (LUMINA2, {"guidance": 2.0}, "guidance_scale 2"),
        (SD3, {"loss": "l1"}, "loss_type l1"),
        (ANIMA, {"min_snr_gamma": 5.0}, "SNR|snr"),
    ],
)
def test_what_a_script_would_not_heed_is_refused(family, objective, words):
    with pytest.raises(InputError, match=words):
        told(family, **objective)


def test_weights_and_guidance_reach_the_script_that_heeds_them():
    assert told(ANIMA, sigma_weighting="cosmap")["weighting_scheme"] == "cosmap"
    assert told(FLUX, FLUX_FACTS, guidance=3.5)["guidance_scale"] == 3.5
    assert told(FLUX)["guidance_scale"] == 0.0  # schnell is told none


def test_text_encoders_are_trained_where_there_is_a_script_for_it():
    assert told(FLUX, FLUX_FACTS, text_encoder=True)["cache_text_encoder_outputs"] is True
    for family, task in ((LUMINA2, LORA), (SD3, DREAMBOOTH)):
        with pytest.raises(InputError, match="trains none of"):
            told(family, task=task, text_encoder=True)


def test_captions_that_change_are_not_encoded_once():
    assert "cache_text_encoder_outputs" not in {
        name for name, value in told(FLUX, shuffle_caption=True).items() if value
    }
    assert not told(FLUX, caption_dropout=0.1)["cache_text_encoder_outputs"]
    assert told(ANIMA, caption_dropout=0.1)["cache_text_encoder_outputs"] is True


def settings(family, task=LORA, **options):
    return script_settings(Job(task, family, FLUX_FACTS), TrainingConfig(), KohyaOptions(**options), Buckets())


def test_a_flow_models_script_is_told_nothing_of_attention_and_writes_safetensors():
    assert "sdpa" not in settings(FLUX) and settings(FLUX)["network_module"] == "networks.lora_flux"
    assert settings(FLUX, file_format="ckpt")["save_model_as"] == "ckpt"
    with pytest.raises(InputError, match="always uses PyTorch's own"):
        settings(FLUX, attention="xformers")
    with pytest.raises(InputError, match="writes safetensors only"):
        settings(FLUX, DREAMBOOTH, file_format="ckpt")
    assert "network_module" not in settings(FLUX, DREAMBOOTH)
