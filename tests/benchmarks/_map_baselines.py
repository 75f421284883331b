"""What the other maps of a basecolor might be without a LoRA: what benchmarks of material sets compare with."""

import torch
from tilewright.common.axes import Axes
from tilewright.evaluation.features import texture_features
from tilewright.material.height_from_image import remove_light, stretch
from tilewright.material.map_inputs import luminance

BOTH = Axes(x=True, y=True)
PATCH, RIDGE, PIXELS = 7, 1.0, 400  # pixels to each side, weight of the penalty, places drawn of each render


class Baselines:
    """What a basecolor's other maps might be without a LoRA; what there is to fit is fitted to the training renders."""

    def __init__(self, training):
        self.features = texture_features(torch.cat([maps["basecolor"] for maps in training]))
        self.spread = self.features.std(0).clamp(min=1e-9)
        self.training = training
        self.roughness = torch.stack([maps["roughness"].mean() for maps in training]).mean()
        self.weights = self._ridge(training)

    @staticmethod
    def _height(basecolor):
        return stretch(remove_light(luminance(basecolor), 0.8, 0.05, BOTH), 0.002).clamp(0, 1)

    @staticmethod
    def _patches(basecolor):
        """(N, P + 1) the patch round each pixel of (1, 3, H, W), and a one."""
        padded = torch.nn.functional.pad(basecolor, (PATCH,) * 4, mode="circular")
        rows = torch.nn.functional.unfold(padded, 2 * PATCH + 1)[0].T
        return torch.cat([rows, torch.ones(len(rows), 1)], 1)

    def _ridge(self, training):
        generator = torch.Generator().manual_seed(0)
        inputs, targets = [], []
        for maps in training:
            places = torch.randint(maps["height"].numel(), (PIXELS,), generator=generator)
            inputs.append(self._patches(maps["basecolor"])[places])
            true = torch.cat([maps["height"], maps["roughness"]], 1)
            targets.append(true[0].flatten(1).T[places])
        x, y = torch.cat(inputs).double(), torch.cat(targets).double()
        penalty = RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
        penalty[-1, -1] = 0
        return torch.linalg.solve(x.T @ x + penalty, x.T @ y).float()

    def __call__(self, basecolor):
        """Maps by the name of each baseline."""
        grey = torch.full_like(basecolor[:, :1], float(self.roughness))
        nearest = ((self.features - texture_features(basecolor)) / self.spread).square().mean(1).argmin()
        height, roughness = (self._patches(basecolor) @ self.weights).T.view(1, 2, *basecolor.shape[-2:]).split(1, 1)
        return {
            "flat maps": {"height": torch.full_like(grey, 0.5), "roughness": grey},
            "Height from Image": {"height": self._height(basecolor), "roughness": grey},
            "nearest training material": self.training[nearest],
            "ridge on patches": {"height": height, "roughness": roughness},
        }
