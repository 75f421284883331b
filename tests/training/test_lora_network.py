"""A LoRA layer against the same change merged into the weights: W + alpha / rank * up @ down."""

import pytest
import torch
from tilewright.training.config import ConfigError, NetworkConfig
from tilewright.training.lora import LoraNetwork
from torch import nn

RANK, ALPHA = 3, 6.0
LAYERS = {
    "linear": (lambda: nn.Linear(8, 5), (4, 7, 8)),
    "projection": (lambda: nn.Conv2d(8, 5, 1), (4, 8, 6, 6)),
    "convolution": (lambda: nn.Conv2d(8, 5, 3, stride=2, padding=1), (4, 8, 6, 6)),
    "wrapped convolution": (lambda: nn.Conv2d(8, 5, 3, padding=1, padding_mode="circular"), (4, 8, 6, 6)),
}


def trained_network(layer):
    network = LoraNetwork({"lora_unet_layer": layer}, NetworkConfig(RANK, ALPHA, conv_rank=RANK), seed=0)
    nn.init.normal_(network.lora_layers["lora_unet_layer"].lora_up__weight)
    return network


def with_merged_weight(layer, lora, x):
    delta = (
        (lora.lora_up__weight.flatten(1) @ lora.lora_down__weight.flatten(1)).view(layer.weight.shape) * ALPHA / RANK
    )
    return torch.func.functional_call(layer, {"weight": layer.weight + delta}, x)


@pytest.mark.parametrize("name", LAYERS)
def test_output_and_gradients_equal_those_of_merged_weights(name):
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer, x = make().requires_grad_(False), torch.randn(shape)
    network = trained_network(layer)
    lora = network.lora_layers["lora_unet_layer"]

    expected = with_merged_weight(layer, lora, x)
    reference = torch.autograd.grad(expected.square().mean(), list(lora.parameters()))
    network.attach()
    output = layer(x)
    gradients = torch.autograd.grad(output.square().mean(), list(lora.parameters()))

    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(gradients, reference)


def test_an_untrained_network_adds_nothing_and_a_detached_one_leaves_no_trace():
    layer, x = nn.Linear(8, 5), torch.randn(2, 8)
    before = layer(x)
    network = LoraNetwork({"layer": layer}, NetworkConfig(RANK, ALPHA), seed=0)
    network.attach()
    assert torch.equal(layer(x), before)
    nn.init.ones_(network.lora_layers["layer"].lora_up__weight)
    assert not torch.equal(layer(x), before)
    network.detach()
    assert torch.equal(layer(x), before)
    assert "forward" not in vars(layer)


def test_a_patch_that_was_there_before_is_there_afterwards():
    layer, x = nn.Linear(8, 5), torch.randn(2, 8)
    layer.forward = patch = lambda _: torch.ones(2, 5)
    network = LoraNetwork({"layer": layer}, NetworkConfig(RANK, ALPHA), seed=0)
    network.attach()
    nn.init.ones_(network.lora_layers["layer"].lora_up__weight)
    assert not torch.equal(layer(x), torch.ones(2, 5))
    network.detach()
    assert layer.forward is patch


def test_kohya_names_shapes_and_alpha():
    state = trained_network(nn.Conv2d(8, 5, 3)).kohya_state()
    assert state["lora_unet_layer.lora_down.weight"].shape == (RANK, 8, 3, 3)
    assert state["lora_unet_layer.lora_up.weight"].shape == (5, RANK, 1, 1)
    assert state["lora_unet_layer.alpha"] == ALPHA
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}


def test_a_state_round_trips():
    layer = nn.Linear(8, 5)
    network, other = trained_network(layer), LoraNetwork({"lora_unet_layer": layer}, NetworkConfig(RANK, ALPHA), 9)
    other.load_kohya_state(network.kohya_state())
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True))


def test_a_state_of_more_layers_names_what_is_left_out():
    layer = nn.Linear(8, 5)
    state = trained_network(layer).kohya_state()
    other = LoraNetwork({"lora_unet_layer": layer}, NetworkConfig(RANK, ALPHA), 9)
    other.load_kohya_state(
        {**state, "lora_te_layer.alpha": torch.ones(()), "lora_te_layer.lora_up.weight": torch.ones(1)}
    )
    assert other.left_out == ["lora_te_layer.lora_up.weight"]


@pytest.mark.parametrize("odd", ["dora_scale", "lora_mid.weight", "lora_up.bias", "bias"])
def test_a_state_that_holds_more_of_a_layer_is_refused(odd):
    layer = nn.Linear(8, 5)
    state = trained_network(layer).kohya_state() | {f"lora_unet_layer.{odd}": torch.ones(5, 1)}
    other = LoraNetwork({"lora_unet_layer": layer}, NetworkConfig(RANK, ALPHA), 9)
    with pytest.raises(ConfigError, match=f"holds lora_unet_layer.{odd}, which this kind of LoRA has no place for"):
        other.load_kohya_state(state)


def test_the_seed_decides_the_start():
    starts = [
        LoraNetwork({"l": nn.Linear(8, 5)}, NetworkConfig(), seed).lora_layers["l"].lora_down__weight
        for seed in (0, 0, 1)
    ]
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


def test_weights_stay_float32_while_the_product_is_made_in_the_precision_of_the_input():
    layer = nn.Linear(8, 5).bfloat16().requires_grad_(False)
    network = trained_network(layer)
    network.attach()
    output = layer(torch.randn(2, 8, dtype=torch.bfloat16))
    output.sum().backward()
    assert output.dtype == torch.bfloat16
    assert {parameter.grad.dtype for parameter in network.parameters()} == {torch.float32}
