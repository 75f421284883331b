"""Circular padding for a network's convolutions.

Only the padding changes. A replacement takes the place of a convolution's `_conv_forward`, below everything that
decides about its weights (casting, quantisation, LoRA), so it goes on working with all of them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch

from .axes import Axes, wrap_pad
from .errors import InputError

ConvForward = Callable[..., torch.Tensor]
"""(image or video, weight, bias) -> result"""


@dataclass(frozen=True)
class WrappedConvolution:
    """`_conv_forward` of a 2-D convolution that pads with the opposite side along `axes`, as before along the others.

    padding is (left, right, top, bottom) in pixels. `padded_outside` says that the network has already laid
    that padding, of zeros, around the input.
    """

    axes: Axes
    padding: tuple[int, int, int, int]
    edge: str
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padded_outside: bool = False

    def __call__(self, image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        if self.padded_outside:
            left, right, top, bottom = self.padding
            image = image[..., top : image.shape[-2] - bottom, left : image.shape[-1] - right]
        padded = wrap_pad(image, self.padding, self.axes, self.edge)
        return torch.nn.functional.conv2d(padded, weight, bias, self.stride, 0, self.dilation, self.groups)


@dataclass(frozen=True)
class WrappedFrames:
    """`_conv_forward` of a convolution over time and space that wraps each frame along `axes`.

    padding is (left, right, top, bottom) in pixels. In time nothing is padded here. autopad "causal_zero", with which
    ComfyUI asks for zeros before the first frame, leaves out the taps of the weight that would meet them.
    """

    axes: Axes
    padding: tuple[int, int, int, int]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def __call__(
        self, video: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, autopad: str | None = None
    ) -> torch.Tensor:
        taps = weight[:, :, -video.shape[2] :] if autopad == "causal_zero" else weight
        padded = wrap_pad(video, self.padding, self.axes, "zeros")
        return torch.nn.functional.conv3d(padded, taps, bias, self.stride, 0, self.dilation, self.groups)


@dataclass(frozen=True)
class PlainConvolution:
    """`_conv_forward` of a convolution as its class has it. By its type torch.compile tells it from a wrapped one."""

    method: ConvForward

    def __call__(
        self, image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, **given: Any
    ) -> torch.Tensor:
        return self.method(image, weight, bias, **given)


def wrapped_convolutions(
    network: torch.nn.Module, axes: Axes, what: str, padded_outside: Collection[str] = ()
) -> dict[str, ConvForward]:
    """The replacements that make `network` wrap along `axes`: attribute path -> what to put there.

    The network itself is left as it is. `padded_outside` names the strided convolutions whose input the network
    pads by a zero column on the right and a zero row below. `what` names the input in messages. Raises
    `InputError` when one spatial layer cannot be made to wrap, or when there is none.
    """
    replacements: dict[str, ConvForward] = {}
    for name, layer in network.named_modules():
        if not isinstance(layer, torch.nn.modules.conv._ConvNd) or not _reaches_neighbours(layer):
            continue
        if _is_causal(layer):
            replacements[f"{name}._conv_forward"] = _wrapped_frames(layer, axes)
            continue
        if not isinstance(layer, torch.nn.Conv2d) or not _can_wrap(layer, name in padded_outside):
            raise InputError(
                f"{what} cannot be made seamless: its layer {name} ({type(layer).__name__}, kernel "
                f"{layer.kernel_size}, padding {layer.padding!r} with {layer.padding_mode}) has no known wrapped form. "
                "Use a model of the Stable Diffusion 1, 2 or XL family."
            )
        replacements[f"{name}._conv_forward"] = _wrapped(layer, axes, name in padded_outside)
    if not replacements:
        raise InputError(
            f"{what} cannot be made seamless: {type(network).__name__} has no convolutions that could wrap. "
            "Use a model of the Stable Diffusion 1, 2 or XL family."
        )
    return replacements


def wrap_in_place(network: torch.nn.Module, axes: Axes, what: str) -> None:
    """Make `network` itself wrap along `axes`, for good: for one that nobody else uses. Raises as above."""
    for path, replacement in wrapped_convolutions(network, axes, what).items():
        owner, _, attribute = path.rpartition(".")
        setattr(network.get_submodule(owner), attribute, replacement)


def plain_convolutions(network: torch.nn.Module, paths: Iterable[str]) -> dict[str, ConvForward]:
    """What the attribute `paths` of `wrapped_convolutions` hold in a network that was never touched."""
    layers = {path: network.get_submodule(path.rpartition(".")[0]) for path in paths}
    return {
        path: PlainConvolution(cast(Any, type(layer))._conv_forward.__get__(layer)) for path, layer in layers.items()
    }


@contextmanager
def replaced(network: torch.nn.Module, replacements: Mapping[str, Callable[..., object]]) -> Iterator[None]:
    """Put `replacements` (attribute path -> function) in place while the block runs."""
    before = []
    for path, replacement in replacements.items():
        owner, _, attribute = path.rpartition(".")
        layer = network.get_submodule(owner)
        before.append((layer, attribute, vars(layer).get(attribute)))
        setattr(layer, attribute, replacement)
    try:
        yield
    finally:
        for layer, attribute, own in before:
            if own is None:
                delattr(layer, attribute)
            else:
                setattr(layer, attribute, own)


def _reaches_neighbours(layer: torch.nn.modules.conv._ConvNd) -> bool:
    """Whether an output pixel depends on pixels outside its own cell in height or width."""
    spatial = list(zip(layer.kernel_size, layer.stride, strict=True))[-2:]
    return any(kernel > stride for kernel, stride in spatial)


def _is_causal(layer: torch.nn.modules.conv._ConvNd) -> bool:
    """Whether a convolution over time and space pads zeros around each frame and nothing in time."""
    return (
        isinstance(layer, torch.nn.Conv3d)
        and layer.padding_mode == "zeros"
        and layer.padding[0] == 0
        and any(layer._reversed_padding_repeated_twice)
    )


def _wrapped_frames(conv: torch.nn.modules.conv._ConvNd, axes: Axes) -> WrappedFrames:
    _, rows, columns = (int(part) for part in conv.padding)
    return WrappedFrames(axes, (columns, columns, rows, rows), conv.stride, conv.dilation, conv.groups)


def _can_wrap(layer: torch.nn.Conv2d, padded_outside: bool) -> bool:
    known = layer.padding_mode in ("zeros", "replicate")
    return known and (padded_outside or any(layer._reversed_padding_repeated_twice))


def _wrapped(conv: torch.nn.Conv2d, axes: Axes, padded_outside: bool) -> WrappedConvolution:
    # torch keeps the padding of either side here, whether it was given as a number or as "same".
    left, right, top, bottom = (0, 1, 0, 1) if padded_outside else conv._reversed_padding_repeated_twice
    padding = (left, right, top, bottom)
    return WrappedConvolution(axes, padding, conv.padding_mode, conv.stride, conv.dilation, conv.groups, padded_outside)
