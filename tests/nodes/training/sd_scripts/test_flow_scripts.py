"""The sd-scripts nodes with flow models, on the stand-in: which script runs with which files and settings."""

from dataclasses import replace
from pathlib import Path

import pytest
from sd_scripts_stand_in.flow_model_files import TRANSFORMERS, offer_models, write_models
from tilewright.common.errors import InputError
from tilewright.nodes.training.train_sd_scripts import TrainLoraKohya, TrainModelKohya
from tilewright.training.config import ObjectiveConfig

pytestmark = pytest.mark.slow

ENCODERS = {
    "Flux.1": ("t5xxl", "clip_l"),
    "Chroma": ("t5xxl",),
    "SD3": ("clip_l", "clip_g", "t5xxl"),
    "Lumina 2": ("gemma2",),
    "Anima": ("qwen3",),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture
def inputs(checkout, output, models, dataset, monkeypatch):
    offer_models(monkeypatch, models)

    def of(family, **others):
        files = (f"{name}.safetensors" for name in ENCODERS[family])
        widgets = dict(zip(("text_encoder", "text_encoder_2", "text_encoder_3"), files, strict=False))
        place = {"checkpoint": "SD3.safetensors"} if family == "SD3" else {"diffusion_model": f"{family}.safetensors"}
        widgets |= {"checkpoint": "none", **place, "vae": f"{'video' if family == 'Anima' else 'image'}.safetensors"}
        widgets |= {"dataset": dataset, "name": "ziegel", "steps": 3, "batch_size": 1, "resolution": 64, "seed": 0}
        return widgets | {"learning_rate": 1e-4} | others

    return of


def train_lora(inputs, family, **others):
    return TrainLoraKohya.execute(**inputs(family, rank=4, alpha=4.0, **others)).result


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_a_lora_is_trained_by_the_familys_script_with_its_files(inputs, checkout, output, models, family):
    lora, path, _, report = train_lora(inputs, family)
    (call,) = checkout.trainings
    told = call["settings"]
    stem = {"Chroma": "flux", "Flux.1": "flux", "Lumina 2": "lumina"}.get(family, family.lower())
    assert call["script"] == f"{stem}_train_network.py" and family in report
    assert path == str(output / "loras" / "ziegel.safetensors") and lora
    assert Path(told["pretrained_model_name_or_path"]).name == f"{family}.safetensors"
    for argument in ENCODERS[family]:
        assert told[argument] == str(models / "text_encoders" / f"{argument}.safetensors")
    assert told.get("ae", told.get("vae")).endswith("video.safetensors" if family == "Anima" else "image.safetensors")
    assert told["cache_text_encoder_outputs"] is True and "sdpa" not in told


def test_flux_is_told_the_time_and_guidance_of_train_texture_lora(inputs, checkout):
    train_lora(inputs, "Flux.1")
    told = checkout.trainings[0]["settings"]
    names = ("timestep_sampling", "model_prediction_type", "guidance_scale", "network_module", "weighting_scheme")
    assert [told.get(name) for name in names] == ["flux_shift", "raw", 1.0, "networks.lora_flux", None]
    train_lora(inputs, "Flux.1", name="b", objective=ObjectiveConfig(timestep_sampling="shifted", shift=2.0))
    told = checkout.trainings[1]["settings"]
    assert (told["timestep_sampling"], told["discrete_flow_shift"]) == ("shift", 2.0)


def test_a_missing_tokenizer_is_never_asked_of_a_hub(inputs, checkout):
    train_lora(inputs, "Lumina 2")
    environment = checkout.trainings[0]["environment"]
    assert environment["HF_HUB_OFFLINE"] == "1" and Path(environment["HF_HUB_CACHE"]).name == "tokenizers"


@pytest.mark.parametrize("family", ["Flux.1", "SD3"])
def test_a_whole_model_goes_where_its_loader_looks(inputs, checkout, output, family):
    path, _, _ = TrainModelKohya.execute(training={"training": "DreamBooth"}, **inputs(family)).result
    assert checkout.trainings[0]["script"] == f"{'flux' if family == 'Flux.1' else 'sd3'}_train.py"
    assert path == str(output / ("diffusion_models" if family == "Flux.1" else "checkpoints") / "ziegel.safetensors")


def test_another_text_encoder_is_another_run(inputs, checkout, models):
    train_lora(inputs, "Chroma")
    train_lora(inputs, "Chroma")
    assert len(checkout.trainings) == 1
    other = models / "text_encoders" / "other.safetensors"
    other.write_bytes((models / "text_encoders" / "t5xxl.safetensors").read_bytes())
    train_lora(inputs, "Chroma", text_encoder="other.safetensors")
    assert [Path(call["settings"]["t5xxl"]).name for call in checkout.trainings] == [
        "t5xxl.safetensors",
        "other.safetensors",
    ]


def test_what_does_not_fit_is_told_before_anything_starts(inputs, checkout, dataset):
    first, *_ = dataset.samples
    for words, asked in {
        "sd-scripts has no ControlNet training for Flux.1": {"task": "ControlNet", "conditioning": dataset},
        "Choose a file of models/text_encoders": {"task": "DreamBooth", "text_encoder": "none"},
    }.items():
        with pytest.raises(InputError, match=words):
            TrainModelKohya.execute(training={"training": asked.pop("task")}, **inputs("Flux.1", **asked))
    regular = replace(dataset, samples=(replace(first, regularisation=True), *dataset.samples[1:]))
    with pytest.raises(InputError, match="regularisation images"):
        TrainModelKohya.execute(training={"training": "fine-tune"}, **inputs("Flux.1", dataset=regular))
    assert not checkout.calls
