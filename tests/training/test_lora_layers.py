"""Each kind's forward and gradients against its published formula merged into the weights."""

import pytest
import torch
from tilewright.training.lora_layers import KINDS
from torch import nn

RANK, ALPHA = 2, 3.0
LAYERS = {
    "linear": (lambda: nn.Linear(12, 8), (4, 5, 12)),
    "convolution": (lambda: nn.Conv2d(12, 8, 3, padding=1), (2, 12, 6, 6)),
}


def lora(weight, p):
    return weight + ALPHA / RANK * (p["lora_up__weight"].flatten(1) @ p["lora_down__weight"].flatten(1)).view_as(weight)


def dora(weight, p):
    moved = lora(weight, p)
    lengths = moved.transpose(0, 1).flatten(1).norm(dim=1).view(1, -1, *(1 for _ in weight.shape[2:]))
    return p["dora_scale"] * moved / lengths


def loha(weight, p):
    product = (p["hada_w1_a"] @ p["hada_w1_b"]) * (p["hada_w2_a"] @ p["hada_w2_b"])
    return weight + ALPHA / RANK * product.view_as(weight)


def lokr(weight, p):
    block = (p["lokr_w2_a"] @ p["lokr_w2_b"]).view(-1, weight.shape[1] // p["lokr_w1"].shape[1], *weight.shape[2:])
    rows = [torch.cat([value * block for value in row], 1) for row in p["lokr_w1"]]
    return weight + ALPHA / RANK * torch.cat(rows, 0)


FORMULAS = {"LoRA": lora, "DoRA": dora, "LoHa": loha, "LoKr": lokr}


def lora_layer(kind, layer):
    return KINDS[kind](layer, RANK, ALPHA, 0.0, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer_kind", LAYERS)
def test_output_and_gradients_are_those_of_the_formula(kind, layer_kind):
    torch.manual_seed(0)
    make, shape = LAYERS[layer_kind]
    layer, x = make().requires_grad_(False), torch.randn(shape)
    lora = lora_layer(kind, layer)
    for parameter in lora.parameters():
        nn.init.normal_(parameter, std=0.3)
    parameters = dict(lora.named_parameters())

    expected = torch.func.functional_call(layer, {"weight": FORMULAS[kind](layer.weight, parameters)}, x)
    output = lora.beside(layer.forward, x)
    torch.testing.assert_close(output, layer(x) + lora(x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output, expected, atol=1e-4, rtol=1e-4)
    for got, reference in zip(
        torch.autograd.grad(output.square().mean(), list(parameters.values())),
        torch.autograd.grad(expected.square().mean(), list(parameters.values())),
        strict=True,
    ):
        assert (got - reference).norm() <= 1e-4 * reference.norm()


@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_layer_adds_nothing(kind):
    layer = nn.Linear(12, 8)
    assert lora_layer(kind, layer)(torch.randn(3, 12)).abs().max() < 1e-5


def test_dropout_leaves_the_mean_and_is_off_when_measuring():
    layer = nn.Linear(64, 4).requires_grad_(False)
    lora = KINDS["LoRA"](layer, 32, 32.0, 0.5, torch.Generator().manual_seed(0))
    nn.init.normal_(lora.lora_up__weight)
    x = torch.randn(1, 64)
    torch.manual_seed(0)
    dropped = torch.stack([lora(x) for _ in range(4000)])
    lora.eval()
    assert torch.equal(lora(x), lora(x))
    assert (dropped.mean(0) - lora(x)).norm() < 0.1 * lora(x).norm()
