"""Flow transformers in training against diffusers with PEFT: the same weights by its own converters, the same LoRA.

The converters move rows of weights about (fused and split projections). What each row has become is read off them: they
convert weights that hold the numbers of their own rows as well.
"""

import pytest
import torch
from diffusers_twins import SIZES, THEIRS
from small_flows import Case, relative, small_flow

pytest.importorskip("diffusers", reason="diffusers is not installed")
pytestmark = pytest.mark.slow
ROWS = 1 << 20  # more than a weight has: number = weight * ROWS + row


def rows_of(state, convert):
    """Of each weight as diffusers has it, from which of ours its rows come: name -> (our name, rows)."""
    names = list(state)
    marked = {}
    for number, (name, value) in enumerate(state.items()):
        rows = torch.arange(value.shape[0] if value.ndim else 1, dtype=torch.float64) + number * ROWS
        marked[name] = rows.view(-1, *[1] * (value.ndim - 1)).expand(value.shape).clone() if value.ndim else rows[0]
    found = {}
    for name, value in convert(marked).items():
        if value.ndim == 2:
            first = value[:, 0].long()
            found[name.removesuffix(".weight")] = names[first[0] // ROWS].removesuffix(".weight"), first % ROWS
    return found


def with_peft(case, theirs, rows):
    """PEFT's layers in `theirs` with our LoRA's weights; pairs of them by (our layer, our rows)."""
    import peft

    ours = {layer: path for path, layer in case.net.named_modules()}
    loras = {ours[case.layers[name]]: lora for name, lora in case.network.lora_layers.items()}
    chosen = {name: (path, own) for name, (path, own) in rows.items() if path in loras}
    assert {path for path, _ in chosen.values()} == set(loras)
    wrapped = peft.inject_adapter_in_model(peft.LoraConfig(r=4, lora_alpha=2.0, target_modules=list(chosen)), theirs)
    modules, pairs = dict(wrapped.named_modules()), []
    for name, (path, own) in chosen.items():
        down, up = modules[name].lora_A["default"].weight, modules[name].lora_B["default"].weight
        down.data.copy_(loras[path].lora_down__weight)
        up.data.copy_(loras[path].lora_up__weight[own])
        pairs.append((path, own, down, up))
    return wrapped, loras, pairs


@pytest.mark.parametrize("name", THEIRS)
def test_velocity_and_gradients_are_those_of_diffusers_with_peft(name):
    case = Case(name, lengths=(32, 32), model=small_flow(name, **SIZES.get(name, {})))
    theirs, convert, velocity = THEIRS[name](name)
    state = {key: value.clone() for key, value in case.model.model.diffusion_model.state_dict().items()}
    rows = rows_of(state, convert)
    missing = theirs.load_state_dict(convert(dict(state)), strict=False)
    assert not missing.missing_keys, missing
    theirs.requires_grad_(False).eval()
    _, text = next(case.text.groups())
    with torch.no_grad():
        plain = case.denoise(case.noisy, case.sigmas, case.text)
        assert relative(velocity(theirs, case.noisy, case.sigmas, text), plain) < 1e-4
    wrapped, loras, pairs = with_peft(case, theirs, rows)
    loss = (velocity(wrapped, case.noisy, case.sigmas, text) - case.target).square().mean()
    weights = [weight for *_, down, up in pairs for weight in (down, up)]
    gradients = iter(torch.autograd.grad(loss, weights, allow_unused=True))
    reference = {path: [torch.zeros_like(part) for part in lora.parameters()] for path, lora in loras.items()}
    for path, own, *_ in pairs:
        down, up = next(gradients), next(gradients)
        if down is not None:
            by_name = dict(zip((name for name, _ in loras[path].named_parameters()), reference[path], strict=True))
            by_name["lora_down__weight"] += down
            by_name["lora_up__weight"][own] = up
    ours = case.gradients()
    names = {path: name for name, lora in case.network.lora_layers.items() for path in loras if loras[path] is lora}
    for path, parts in reference.items():
        for (part, _), expected in zip(loras[path].named_parameters(), parts, strict=True):
            assert relative(ours[f"lora_layers.{names[path]}.{part}"], expected) < 1e-4, (path, part)
