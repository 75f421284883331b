"""A setting is one field of a configuration: all that shows or passes it on is made from that."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import tomli_w
from tilewright.common.buckets import Buckets
from tilewright.nodes.help_lines import help_lines
from tilewright.nodes.training import (
    LoraNetwork,
    LoraObjective,
    LoraOptimizer,
    LoraSaving,
    TrainLora,
    TrainLoraKohya,
    TrainModelKohya,
    lora_objective,
)
from tilewright.sd_scripts.settings import KohyaOptions, script_settings
from tilewright.sd_scripts.tasks import LORA, Job
from tilewright.training.config import ConfigError, ObjectiveConfig, TrainingConfig
from tilewright.training.settings import OWN_NAME, metadata_entries, setting

PACK = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class NewObjective(ObjectiveConfig):
    ip_noise_gamma: float = setting(
        0.0,
        "Noise on the input as well, against errors that add up.",
        within=(0.0, 1.0),
        step=0.05,
        label="input perturbation",
        kohya=OWN_NAME,
        recorded=True,
    )


@pytest.fixture
def node(monkeypatch):
    monkeypatch.setattr(lora_objective, "ObjectiveConfig", NewObjective)
    return LoraObjective


@pytest.fixture
def objective(node):
    (objective,) = node.execute(ip_noise_gamma=0.1).result
    return objective


def test_a_new_setting_is_a_widget(node):
    *_, last = node.define_schema().inputs
    assert last.id == "ip_noise_gamma"
    expected = {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.05, "display_name": "input perturbation"}
    assert last.as_dict().items() >= expected.items()
    assert "errors that add up" in last.tooltip


def test_a_new_setting_is_checked(node):
    with pytest.raises(ConfigError, match=r"input perturbation \(ip_noise_gamma\) is 1.5, but must be from 0 to 1"):
        node.execute(ip_noise_gamma=1.5)


def test_a_new_setting_reaches_sd_scripts(objective):
    def toml(config):
        return tomli_w.dumps(script_settings(Job(LORA, "SD1"), config, KohyaOptions(), Buckets())).splitlines()

    config = TrainingConfig(objective=objective)
    assert "ip_noise_gamma = 0.1" in toml(config)
    untold = replace(config, objective=replace(objective, ip_noise_gamma=0.0))
    assert not [line for line in toml(untold) if "ip_noise_gamma" in line]


def test_a_new_setting_is_in_the_metadata(objective):
    assert metadata_entries(objective)["ss_ip_noise_gamma"] == 0.1


def test_a_new_setting_is_on_the_help_page(node):
    line = (
        "- **input perturbation** `ip_noise_gamma`, 0 (0 to 1): Noise on the input as well, against errors that add up."
    )
    assert line in help_lines(node.define_schema()).splitlines()


@pytest.mark.parametrize(
    "node", [LoraNetwork, LoraObjective, LoraOptimizer, LoraSaving, TrainLora, TrainLoraKohya, TrainModelKohya]
)
def test_the_help_page_has_the_lines_that_the_schema_says(node):
    """Where this fails, the lines that it shows belong on the page."""
    schema = node.define_schema()
    page = (PACK / "web" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8")
    lines = help_lines(schema)
    assert lines in page, f"\n{lines}"


def test_a_setting_stands_on_few_lines():
    """Its declaration, what it excludes, and its use."""
    sources = [file for folder in ("training", "sd_scripts", "nodes", "host") for file in (PACK / folder).rglob("*.py")]
    lines = [line for file in sources for line in file.read_text(encoding="utf-8").splitlines()]
    assert len([line for line in lines if "min_snr_gamma" in line]) <= 4
