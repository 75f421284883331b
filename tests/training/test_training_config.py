import dataclasses
import math

import pytest
from tilewright.training.config import ConfigError, NetworkConfig, OptimizerConfig, TrainingConfig


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (TrainingConfig, {"steps": 0}),
        (TrainingConfig, {"batch_size": 0}),
        (TrainingConfig, {"seed": -1}),
        (NetworkConfig, {"rank": 0}),
        (NetworkConfig, {"alpha": 0.0}),
        (OptimizerConfig, {"learning_rate": math.nan}),
        (OptimizerConfig, {"learning_rate": 0.0}),
        (OptimizerConfig, {"weight_decay": -0.1}),
    ],
)
def test_a_bad_setting_is_named_with_the_value_found(kind, setting):
    ((name, value),) = setting.items()
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        kind(**setting)


def test_a_resolution_between_two_latent_sizes_is_told_the_nearest():
    with pytest.raises(ConfigError, match="such as 512"):
        TrainingConfig(resolution=500)


def test_a_configuration_cannot_change_once_it_is_checked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().steps = 0
