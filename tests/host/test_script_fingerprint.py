"""A run through sd-scripts is found again by what makes its weights, also one that an earlier version began."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tilewright.common.map_files import Reading
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.sd_scripts.fingerprint import script_fingerprint
from tilewright.host.sd_scripts.order import ScriptOrder
from tilewright.sd_scripts.settings import KohyaOptions
from tilewright.sd_scripts.tasks import LORA, SD1, Job
from tilewright.training.config import ObjectiveConfig, TrainingConfig

# By the version before `maps` and `sharing_dropout`, of the run below.
WRITTEN = "d33ea50fa38435de3eeb642664f502d6777e71e55239f4e8cef02a7429e334d0"


@pytest.fixture
def order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("brick.png", "model.safetensors"):
        Path(name).write_bytes(b"12345")
        os.utime(name, ns=(10**18, 10**18))
    sample = Sample(Path("brick.png"), "normal", (64, 64), caption="brick", repeats=2)
    return ScriptOrder(LORA, TextureDataset((sample,)), "model.safetensors", "bricks", TrainingConfig(), KohyaOptions())


def fingerprint(order, held_back=None):
    return script_fingerprint(order, Job(LORA, SD1), order.options, Path("model.safetensors"), ["--a", "1"], held_back)


def test_the_run_of_an_earlier_version_is_found(order):
    assert fingerprint(order) == WRITTEN


def test_what_does_not_make_the_weights_does_not_count(order):
    config = replace(order.config, steps=7, memory="12", objective=ObjectiveConfig(sharing_dropout=0.5))
    assert fingerprint(replace(order, config=config)) == WRITTEN


def test_what_makes_the_weights_counts(order):
    sample = order.dataset.samples[0]
    turned = replace(sample, reading=Reading(flip_green=True))
    layer = replace(sample, reading=Reading(layer="crack"))
    orders = [replace(order, dataset=TextureDataset((one,))) for one in (turned, layer, replace(sample, caption="x"))]
    orders.append(replace(order, config=replace(order.config, objective=ObjectiveConfig(loss="l1"))))
    found = {WRITTEN, fingerprint(order, {0}), *map(fingerprint, orders)}
    assert len(found) == 6
