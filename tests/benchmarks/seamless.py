"""What wraps and what does not: one denoising step of small models of every family, rolled before and rolled after.

The error is the largest difference between both, on latents of unit variance; "plain" is that of the model as it was.
Bytes are what the clone holds beyond what it shares with the original. Run with `python run.py bench seamless`.
"""

from _measured import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.t2i_adapter.adapter import Adapter
from random_networks import UNET_FAMILIES, random_control_network, random_state

ROLL = (8, -16)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def roll_error(function, given):
    result = function(given)
    coarser = given.shape[-1] // result.shape[-1]
    rolled = result.roll([steps // coarser for steps in ROLL], (2, 3))
    return float((function(given.roll(ROLL, (2, 3))) - rolled).abs().max())


def filled(network):
    network.load_state_dict(random_state(network))
    return network.eval()


def unet_step(network):
    vector = noise(1, 64, seed=2) if network.num_classes else None
    return lambda latent: network(latent, torch.tensor([500.0]), noise(1, 8, 128, seed=1), y=vector)


def row(name, network, step, given):
    from tilewright.common.axes import Axes
    from tilewright.common.wrapped_convolutions import replaced, wrapped_convolutions

    before, plain = step(given), roll_error(step, given)
    patches = wrapped_convolutions(network, Axes(True, True), "The model")
    with replaced(network, patches):
        wrapped = roll_error(step, given)
    same = torch.equal(step(given), before)
    weights = sum(value.nbytes for value in network.state_dict().values())
    held = sum(value.nbytes for patch in patches.values() for value in vars(patch).values() if torch.is_tensor(value))
    print(
        f"{name:14}{len(patches):9}{weights / 1e6:9.1f}{held:8}{plain:10.1e}{wrapped:10.1e}  {'yes' if same else 'NO'}"
    )


@torch.inference_mode()
def main():
    from tilewright.host.demo_model import UNET

    print(
        f"{'':14}{'patches':>9}{'MB':>9}{'+ bytes':>8}{'plain':>10}{'seamless':>10}  original bit-identical afterwards"
    )
    for family, changes in UNET_FAMILIES.items():
        config = {**UNET, **changes}
        network = filled(UNetModel(**config, dtype=torch.float32))
        row(family, network, unet_step(network), noise(1, config["in_channels"], 32, 48))
    control = random_control_network(UNET)

    def guided(latent):
        hint = latent[:, :3].repeat_interleave(8, 2).repeat_interleave(8, 3)
        return control(latent, hint, torch.tensor([500.0]), noise(1, 8, 128, seed=1))["middle"][0]

    row("ControlNet", control, guided, noise(1, 4, 32, 48))
    adapter = filled(Adapter(channels=[32, 64, 128], nums_rb=1, cin=192, ksize=1, sk=True, use_conv=False, xl=False))

    def adapted(latent):
        return adapter(latent[:, :3].repeat_interleave(8, 2).repeat_interleave(8, 3))["input"][0]

    row("T2I adapter", adapter, adapted, noise(1, 4, 32, 48))


if __name__ == "__main__":
    main()
