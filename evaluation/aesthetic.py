"""The LAION aesthetic predictor (V2): one number for how much people liked pictures whose CLIP embedding lies there.

Its five layers have no nonlinearity between them in the published "linearMSE" files, so they are one affine map of the
normalised ViT-L/14 embedding; the "reluMSE" file has one. It learnt from photographs, logos and paintings: a number to
publish, not one to choose textures by.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..common.errors import InputError

EMBEDDING = 768  # of ViT-L/14, after its projection
SIZES = [EMBEDDING, 1024, 128, 64, 16, 1]


@dataclass(frozen=True)
class AestheticHead:
    """The layers' weights and biases; rectified: with a ReLU between any two of them."""

    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    rectified: bool = False

    @classmethod
    def from_state(cls, state: Mapping[str, torch.Tensor], name: str) -> "AestheticHead":
        """From the tensors of a file called `name`. Raises `InputError` for another kind of file."""
        numbers = sorted(int(key.split(".")[1]) for key in state if re.fullmatch(r"layers\.\d+\.weight", key))
        layers = tuple((state[f"layers.{n}.weight"].double(), state[f"layers.{n}.bias"].double()) for n in numbers)
        sizes = [weight.shape[1] for weight, _ in layers] + [weight.shape[0] for weight, _ in layers[-1:]]
        if sizes != SIZES:
            found = f"has layers of {sizes}" if sizes else "holds no layers of that kind"
            raise InputError(
                f"aesthetic is {name}, which is not a LAION aesthetic predictor for ViT-L/14: it {found}, and they are "
                f"{SIZES}. The file is called sac+logos+ava1-l14-linearMSE, in the repository "
                "improved-aesthetic-predictor."
            )
        return cls(layers, "relu" in name.lower())

    def __call__(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(B,) scores, about 1 to 10, of embeddings (B, 768) of any length."""
        values = torch.nn.functional.normalize(embeddings.double(), dim=1)
        for number, (weight, bias) in enumerate(self.layers):
            values = values @ weight.T + bias
            if self.rectified and number < len(self.layers) - 1:
                values = values.clamp(min=0)
        return values[:, 0]
