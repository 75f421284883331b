"""Which family of Stable Diffusion a checkpoint is of, by the host's own rules."""

import pytest
import torch
from safetensors.torch import save_file
from sd_scripts_stand_in.checkout import write_checkpoint
from tilewright.common.errors import InputError
from tilewright.host.sd_scripts.files import TEXT_ENCODERS, checkpoint_family
from tilewright.sd_scripts.tasks import AUTO, SDXL

SD2_ENCODER = "cond_stage_model.model.ln_final.weight"
SDXL_ENCODER = "conditioner.embedders.1.model.ln_final.weight"
LAST_NORM = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"


@pytest.mark.parametrize("family", ["SD1", "SD2", "SDXL"])
def test_a_checkpoint_says_its_family_unless_it_is_told(tmp_path, family):
    file = tmp_path / "model.safetensors"
    write_checkpoint(file, family)
    assert checkpoint_family(file, AUTO) == family
    assert checkpoint_family(file, SDXL) == SDXL
    with pytest.raises(InputError, match="Choose its family"):
        checkpoint_family(tmp_path / "model.ckpt", AUTO)


@pytest.mark.parametrize("name", TEXT_ENCODERS)
def test_the_host_finds_the_text_encoder_of_a_family_by_the_same_weight(name):
    takers = [kind for _, kind in TEXT_ENCODERS.values() if kind({}).process_clip_state_dict({name: torch.ones(1)})]
    assert TEXT_ENCODERS[name][1] in takers


def family_of(folder, **weights):
    file = folder / "model.safetensors"
    save_file(weights, file)
    return checkpoint_family(file, AUTO)


def test_sd2_that_predicts_velocity_is_known_by_the_spread_of_a_bias(tmp_path):
    wide, narrow = torch.tensor([-1.0, 1.0]), torch.tensor([-0.01, 0.01])
    encoder = {SD2_ENCODER: torch.ones(1)}
    assert family_of(tmp_path, **encoder, **{LAST_NORM: wide}) == "SD2 v-prediction"
    assert family_of(tmp_path, **encoder, **{LAST_NORM: narrow}) == "SD2"
    inpainting = {"model.diffusion_model.input_blocks.0.0.weight": torch.ones(1, 9, 1, 1)}
    assert family_of(tmp_path, **encoder, **{LAST_NORM: wide}, **inpainting) == "SD2"


def test_sdxl_that_predicts_velocity_is_refused_because_sd_scripts_would_train_it_as_noise(tmp_path):
    with pytest.raises(InputError, match="Use Train Texture LoRA"):
        family_of(tmp_path, **{SDXL_ENCODER: torch.ones(1), "v_pred": torch.ones(1)})


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="with its text encoder"):
        family_of(tmp_path, **{LAST_NORM: torch.ones(2)})
