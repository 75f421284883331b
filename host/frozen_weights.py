"""The frozen weights of a network that trains: shared with the MODEL, copied to the device, in 8 bits or streamed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import comfy.quant_ops
import comfy.utils
import torch

from ..common.errors import InputError
from ..training.memory.eight_bits import EightBitLinear, quantised
from ..training.memory.plan import MemoryPlan, streamed_blocks
from .block_stream import streams
from .protocols import Model
from .weights import for_autograd, patched, weights_of

DENOISER = "diffusion_model."
_OF_QUANTISED = (".input_scale", ".pre_quant_scale", ".scale_weight", ".scale_input")
_SCALED = ("TensorCoreFP8E4M3Layout", "TensorCoreFP8E5M2Layout", "TensorWiseINT8Layout")
_PLAIN_FLOATS = (torch.float8_e4m3fn, torch.float8_e5m2)
_GGUF = (
    "The model was loaded from a GGUF file, whose packed weights cannot be trained on. Load the same model as a "
    "safetensors file (bf16, fp8 or int8) with Load Diffusion Model; memory then keeps it in 8 bits where the card is "
    "small. The LoRA works on the GGUF file as well."
)


def check_plain_weights(model: Model) -> None:
    """Raise `InputError` for a MODEL whose weights another node pack keeps packed: those of GGUF files."""
    network = model.model.diffusion_model
    kinds = {kind.__name__ for layer in network.modules() for kind in type(layer).__mro__}
    kinds |= {kind.__name__ for value in network.parameters() for kind in type(value).__mro__}
    if any("GGML" in kind or "GGUF" in kind for kind in kinds):
        raise InputError(_GGUF)


class GivenWeights(Mapping[str, torch.Tensor]):
    """A MODEL's weights with their patches, by their paths in `network`, in `dtype` on `device` when one is asked for.

    On the meta device they have shapes alone. As a mapping it has the network's parameters, as autograd has them in its
    plain form. Raises `InputError` for a MODEL with other weights than the network.
    """

    def __init__(self, model: Model, network: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        for path, value in network.state_dict().items():
            comfy.utils.set_attr_param(network, path, value)  # also of the few that are buffers
        self.shapes = {path: value.shape for path, value in network.named_parameters()}
        found = {key.removeprefix(DENOISER): (key, entry) for key, entry in weights_of(model, DENOISER).items()}
        self.entries = {path: entry for path, entry in found.items() if path in self.shapes}
        foreign = [path for path in found if path not in self.shapes and not path.endswith(_OF_QUANTISED)]
        if foreign:
            raise InputError(f"The model has a part that is not known here, {foreign[0]}. Load the plain checkpoint.")
        if missing := sorted(set(self.shapes) - set(self.entries)):
            raise InputError(
                f"The model lacks {len(missing)} of its weights, such as {missing[0]}. Load the whole checkpoint."
            )

    def __getitem__(self, path: str) -> torch.Tensor:
        return self.whole(path, self.device)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def parameters(self) -> Iterator[torch.Tensor]:
        """All of them in the network's order, one after the other."""
        return (self[path] for path in self)

    def whole(self, path: str, device: torch.device) -> torch.Tensor:
        """A weight on `device`."""
        if self.device.type == "meta":
            return torch.empty(self.shapes[path], dtype=self.dtype, device="meta")
        key, entry = self.entries[path]
        value = patched(entry, key, self.device).to(device, self.dtype)
        if value.shape != self.shapes[path]:
            raise InputError(
                f"The model's weight {path} is kept packed, in a form that is not known here. Load the same model as a "
                "safetensors file (bf16, fp8 or int8) with Load Diffusion Model."
            )
        return for_autograd(value)

    def in_eight_bits(self, path: str, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """A matrix as 8-bit values and scales (out, 1) on `device`: those of the file, if it has them."""
        (given, _), *patches = self.entries[path][1]
        kept = None if patches else _kept_in_eight_bits(given)
        if kept is None:
            kept = quantised(self[path])
        elif self.device.type == "meta":
            kept = kept[0].to("meta"), kept[1].to("meta")
        values, scale = (for_autograd(part.to(device)) for part in kept)
        return values, scale

    def shared(self, path: str, device: torch.device) -> bool:
        """Whether a weight is on `device` already as it is needed, so that it takes no memory of its own."""
        (given, _), *patches = self.entries[path][1]
        plain = not patches and not isinstance(given, comfy.quant_ops.QuantizedTensor)
        return plain and given.dtype == self.dtype and given.device == device


def _kept_in_eight_bits(given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Values and scales of a weight that its file keeps in 8 bits as they are; None for other forms."""
    if given.dtype in _PLAIN_FLOATS and not isinstance(given, comfy.quant_ops.QuantizedTensor):
        return given, torch.ones(given.shape[0], 1, device=given.device)
    if not isinstance(given, comfy.quant_ops.QuantizedTensor) or given._layout_cls not in _SCALED:
        return None
    params: Any = given.params
    if getattr(params, "convrot", False) or getattr(params, "transposed", False):  # its columns are mixed or swapped
        return None
    return given._qdata, params.scale.float().reshape(-1, 1).expand(given.shape[0], 1).contiguous()


def fill(network: torch.nn.Module, given: GivenWeights, blocks: Sequence[torch.nn.Module], plan: MemoryPlan) -> None:
    """Give `network`, which is on the meta device, its weights: those of `blocks` in the form that `plan` says."""
    host = torch.device("meta" if given.device.type == "meta" else "cpu")
    number_of = _block_numbers(network, blocks)
    streamed = set(streamed_blocks(plan.streamed, len(blocks)))
    for path, shape in given.shapes.items():
        owner, _, name = path.rpartition(".")
        layer, block = network.get_submodule(owner), number_of.get(owner)
        travels = block in streamed and streams(shape)
        device = host if travels else given.device
        if plan.eight_bits and block is not None and isinstance(layer, torch.nn.Linear) and name == "weight":
            values, scale = given.in_eight_bits(path, device)
            network.set_submodule(owner, EightBitLinear(values, scale, layer.bias, given.dtype, plan.products))
        else:
            comfy.utils.set_attr_param(network, path, given.whole(path, device))


def _block_numbers(network: torch.nn.Module, blocks: Sequence[torch.nn.Module]) -> dict[str, int]:
    """In which block a module is, by its path."""
    numbers = {id(part): number for number, block in enumerate(blocks) for part in block.modules()}
    return {path: numbers[id(part)] for path, part in network.named_modules() if id(part) in numbers}


def device_bytes(
    network: torch.nn.Module,
    given: GivenWeights,
    blocks: Sequence[torch.nn.Module],
    plan: MemoryPlan,
    device: torch.device,
) -> int:
    """What the weights of a network that `fill` has filled take of `device`, beyond what the MODEL has there."""
    number_of = _block_numbers(network, blocks)
    streamed = set(streamed_blocks(plan.streamed, len(blocks)))
    total = 0
    for path, value in network.state_dict().items():
        travels = number_of.get(path.rpartition(".")[0]) in streamed and streams(value.shape)
        total += 0 if travels or (path in given.shapes and given.shared(path, device)) else value.nbytes
    return total
