"""What a node shows while sd-scripts trains for it: a line of text, the course of the loss, its newest samples."""

import time

import comfy.utils
import torch

from ....training.plot import plot_losses
from ...common.images import read_image
from ...host import training as host_training
from .output import Reading
from .run_folder import Leg, RunFolder

PICTURE_EVERY = 3.0  # seconds
PICTURE_SIZE = 768
SHOWN_SAMPLES = 4


class KohyaView:
    """Tells the node how the script is getting on with a leg of its run."""

    def __init__(self, run: RunFolder, leg: Leg, node_id: str | None) -> None:
        self.run, self.leg, self.node_id = run, leg, node_id
        self.bar: comfy.utils.ProgressBar | None = None
        self.shown: tuple[int, int] = (-1, 0)
        self.pictured = self.began = time.monotonic()

    def say(self, text: str) -> None:
        """Show a line in the node."""
        host_training.tell_node(self.node_id, text)

    def show(self, reading: Reading) -> None:
        """Show what has been read, where it is news."""
        samples = self.run.samples()
        news = (reading.step, len(samples))
        if not reading.total or news == self.shown:
            return
        if reading.step == 0:
            self.began = time.monotonic()
        end = self.leg.end_of(reading.total)
        self.bar = self.bar or comfy.utils.ProgressBar(end, node_id=self.node_id)
        now = time.monotonic()
        due = now - self.pictured > PICTURE_EVERY or news[1] != self.shown[1] or self.leg.start + reading.step == end
        picture = ("JPEG", self._picture(reading, samples), PICTURE_SIZE) if due else None
        self.pictured = now if due else self.pictured
        self.bar.update_absolute(self.leg.start + reading.step, preview=picture)
        self.say(self._line(reading, now - self.began))
        self.shown = news

    def _line(self, reading: Reading, seconds: float) -> str:
        step, end = self.leg.start + reading.step, self.leg.end_of(reading.total)
        parts = [f"step {step}/{end}"]
        if reading.step and seconds > 0:
            speed = reading.step / seconds
            left = time.strftime("%H:%M:%S", time.gmtime(max(0, end - step) / speed))
            parts += [f"{speed:.2f} it/s", f"{left} left"]
        if reading.average is not None:
            parts.append(f"mean loss {reading.average:.4f}")
        if reading.validation:
            parts.append(f"validation {reading.validation[-1][1]:.4f}")
        return " · ".join(parts)

    def _picture(self, reading: Reading, samples: list):  # noqa: ANN202 - a PIL image, imported only when one is made
        from PIL import Image

        rows = [plot_losses(reading.losses, self.run.target.stem, reading.validation)[0]]
        if samples:
            rows.append(_strip([read_image(file)[:3] for file in samples[-SHOWN_SAMPLES:]], rows[0].shape[1]))
        return Image.fromarray((torch.cat(rows) * 255).round().byte().numpy())


def _strip(pictures: list[torch.Tensor], width: int) -> torch.Tensor:
    """Pictures (3, H, W) side by side, each scaled to the same width, together `width`: (H, width, 3)."""
    one = width // len(pictures)
    scaled = [_scaled(picture, one) for picture in pictures]
    height = max(picture.shape[1] for picture in scaled)
    row = torch.zeros(3, height, width)
    for number, picture in enumerate(scaled):
        row[:, : picture.shape[1], number * one : (number + 1) * one] = picture
    return row.movedim(0, -1)


def _scaled(picture: torch.Tensor, width: int) -> torch.Tensor:
    height = max(1, picture.shape[1] * width // picture.shape[2])
    return torch.nn.functional.interpolate(picture[None], (height, width), mode="area")[0]
