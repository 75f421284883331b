"""Which script trains which flow model, and what is refused because there is none."""

import pytest
from tilewright.common.errors import InputError
from tilewright.sd_scripts.flow_models import ANIMA, CHROMA, FLOW_MODELS, FLUX, LUMINA2, SD3, flow_network
from tilewright.sd_scripts.tasks import CONTROLNET, DREAMBOOTH, FINE_TUNE, LORA, TEXTUAL_INVERSION, Job
from tilewright.training.config import NetworkConfig


@pytest.mark.parametrize(
    "family, lora, model, module",
    [
        (FLUX, "flux_train_network.py", "flux_train.py", "networks.lora_flux"),
        (CHROMA, "flux_train_network.py", None, "networks.lora_flux"),
        (SD3, "sd3_train_network.py", "sd3_train.py", "networks.lora_sd3"),
        (LUMINA2, "lumina_train_network.py", "lumina_train.py", "networks.lora_lumina"),
        (ANIMA, "anima_train_network.py", "anima_train.py", "networks.lora_anima"),
    ],
)
def test_each_family_has_its_scripts(family, lora, model, module):
    assert Job(LORA, family).script == lora
    assert flow_network(family, NetworkConfig()) == module
    for task in (DREAMBOOTH, FINE_TUNE):
        if model:
            assert Job(task, family).script == model
        else:
            with pytest.raises(InputError, match=f"no {task} training for {family}. It has a LoRA."):
                Job(task, family)


@pytest.mark.parametrize("family", FLOW_MODELS)
def test_there_is_no_script_for_words_and_controls(family):
    for task in (TEXTUAL_INVERSION, CONTROLNET):
        with pytest.raises(InputError, match=f"sd-scripts has no {task} training for {family}"):
            Job(task, family)


def test_a_whole_model_lies_where_its_loader_looks():
    folders = {family: Job(DREAMBOOTH, family).folder for family in (FLUX, SD3, LUMINA2, ANIMA)}
    assert folders == dict.fromkeys((FLUX, LUMINA2, ANIMA), "diffusion_models") | {SD3: "checkpoints"}
    assert {Job(LORA, family).folder for family in FLOW_MODELS} == {"loras"}


@pytest.mark.parametrize(
    "network, words",
    [
        (NetworkConfig(kind="LoHa"), "network type is LoHa"),
        (NetworkConfig(conv_rank=4), "conv_dim is 4"),
        (NetworkConfig(blocks="up"), "trained blocks is 'up'"),
    ],
)
def test_other_kinds_of_lora_are_refused(network, words):
    with pytest.raises(InputError, match=f"{words}, but sd-scripts trains plain LoRAs on all blocks of Flux.1"):
        flow_network(FLUX, network)
