"""Runs one of sd-scripts' scripts with the draws of another trainer: `drawing_as_told.py DRAWS SCRIPT ARGUMENTS...`.

DRAWS is a safetensors file with `latents.N`, `noise.N` and `timesteps.N` of every step N. The script itself is not
changed; three of its random choices are taken from it: the noise and the timesteps, for each image those of the
recorded latent that is nearest to its own; and the VAE's latents, which are the mean instead of a sample. The largest
distance between a latent and the recorded one is printed at the end.
"""

import os
import runpy
import sys
from pathlib import Path


def main():
    draws, script = sys.argv[1:3]
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path(script).parent))
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
    from library import train_util

    DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()
    told = Draws(draws)
    train_util.get_noise_noisy_latents_and_timesteps = told.noise_and_timesteps
    runpy.run_path(script, run_name="__main__")
    print(
        f"{told.step} steps as told, latents of spread {told.spread:.3f} at most {told.farthest:.2e} apart", flush=True
    )


class Draws:
    def __init__(self, file):
        from safetensors.torch import load_file

        self.recorded, self.step, self.farthest, self.spread = load_file(file), 0, 0.0, 0.0

    def noise_and_timesteps(self, args, noise_scheduler, latents):
        """What sd-scripts' function of this place returns: noise, noisy latents, timesteps."""
        known, noise, timesteps = (self.recorded[f"{name}.{self.step}"] for name in ("latents", "noise", "timesteps"))
        distances = (latents[:, None] - known[None]).abs().flatten(2).amax(2)
        nearest = distances.argmin(1)
        self.farthest = max(self.farthest, distances.amin(1).max().item())
        self.spread = latents.std().item()
        self.step += 1
        noise, timesteps = noise[nearest].to(latents), timesteps[nearest].to(latents.device)
        return noise, noise_scheduler.add_noise(latents, noise, timesteps), timesteps


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
