"""Everything a run needs to resume where it stopped, in one safetensors file without pickled code.

Weights, optimizer, moving average and the losses so far. There are no random states and no position in the set: both
follow from the seed and the step.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from .checkpoint import save_tensors
from .config import TrainingConfig
from .data import Example

if TYPE_CHECKING:
    from .loop import Trainer

FORMAT = "tilewright-training-state-2"
_SINCE_0_1 = {
    "objective": ("timestep_sampling", "shift", "guidance", "sigma_weighting", "maps", "sharing_dropout"),
    "network": ("training_adapter",),
}


@dataclass(frozen=True)
class RunIdentity:
    """What identifies a run. fingerprint covers settings, examples and base model (`run_fingerprint`), models
    the rest of what their result depends on (`models_digest`), which states of version 0.1.0 do not tell, and sharing
    the version of how maps see each other, "" where all versions are the same."""

    fingerprint: str
    models: str = ""
    sharing: str = ""

    def is_of(self, header: Mapping[str, str]) -> bool:
        """Whether a state with this header belongs to such a run."""
        ours = header.get("format") == FORMAT and header.get("fingerprint") == self.fingerprint
        return ours and header.get("models", self.models) == self.models and header.get("sharing", "") == self.sharing


def save_state(path: Path, trainer: "Trainer", run: RunIdentity, lora: str) -> None:
    """Write the state of `trainer`, whole or not at all. lora is the file name of the LoRA the run writes."""
    saved = trainer.optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {f"weights.{i}": parameter for i, parameter in enumerate(trainer.parameters)}
    tensors |= {f"ema.{i}": value for i, value in enumerate(trainer.ema)}
    numbers: dict[str, dict[str, Any]] = {}
    for index, values in saved["state"].items():
        for name, value in _leaves(values):
            if torch.is_tensor(value):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                numbers.setdefault(str(index), {})[name] = value
    facts = {
        "step": trainer.step,
        "losses": trainer.losses,
        "validation": trainer.measurements.validation,
        "fixed": trainer.measurements.fixed,
        "groups": [{key: value for key, value in group.items()} for group in saved["param_groups"]],
        "numbers": numbers,
        "scaler": trainer.scaler.state_dict(),
    }
    header = {"format": FORMAT, "fingerprint": run.fingerprint, "models": run.models, "lora": lora}
    header |= {"sharing": run.sharing} if run.sharing else {}
    save_tensors(path, tensors, {**header, "step": str(trainer.step), "facts": json.dumps(facts)})


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """An optimizer's values by dotted names: bitsandbytes keeps those of a parameter in a mapping inside."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", leaf) for inner, leaf in _leaves(value))
        else:
            yield name, value


def load_state(path: Path, trainer: "Trainer") -> None:
    """Bring `trainer`, built from the same settings, examples and model, to where `save_state` was called."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    with torch.no_grad():
        for i, parameter in enumerate(trainer.parameters):
            parameter.copy_(tensors[f"weights.{i}"])
        for i, value in enumerate(trainer.ema):
            value.copy_(tensors[f"ema.{i}"])
    state: dict[int, dict[str, Any]] = {}
    for index, values in facts["numbers"].items():
        for name, value in values.items():
            _plant(state.setdefault(int(index), {}), name, value)
    for name, value in tensors.items():
        kind, index, *rest = name.split(".", 2)
        if kind == "optimizer":
            _plant(state.setdefault(int(index), {}), rest[0], value)
    groups = [{**group, "betas": tuple(group["betas"])} if "betas" in group else group for group in facts["groups"]]
    trainer.optimizer.load_state_dict({"state": state, "param_groups": groups})
    trainer.scaler.load_state_dict(facts["scaler"])
    trainer.step = facts["step"]
    trainer.losses = facts["losses"]
    trainer.measurements.validation = [tuple(entry) for entry in facts["validation"]]
    trainer.measurements.fixed = [tuple(entry) for entry in facts["fixed"]]


def _plant(values: dict[str, Any], name: str, leaf: Any) -> None:
    """Undo `_leaves`."""
    *mappings, last = name.split(".")
    for mapping in mappings:
        values = values.setdefault(mapping, {})
    values[last] = leaf


def latest_state(paths: Iterable[Path], run: RunIdentity, steps: int) -> tuple[Path, str] | None:
    """The state among `paths` that belongs to `run` and is furthest on within `steps`, with its LoRA's name."""
    from safetensors import SafetensorError, safe_open

    found = []
    for path in paths:
        try:
            with safe_open(path, "pt") as file:
                header = file.metadata() or {}
        except (SafetensorError, OSError):  # another program's file, or one that a disk has damaged
            continue
        if run.is_of(header) and int(header["step"]) <= steps:
            found.append((int(header["step"]), path, header["lora"]))
    if not found:
        return None
    _, path, lora = max(found)
    return path, lora


class Weights(Protocol):
    """A network, or what stands for its weights."""

    def parameters(self) -> Iterator[torch.Tensor]: ...


def run_fingerprint(config: TrainingConfig, examples: Sequence[Example], model: Weights) -> str:
    """Equal for two runs that take the same steps: settings, cached examples and the model's weights (sampled).

    What it writes does not count. Nor does its length where no step depends on it, so a finished run at
    a constant rate can be made longer.
    """
    settings = asdict(config)
    settings.pop("saving"), settings.pop("cache"), settings.pop("memory")
    if config.optimizer.scheduler == "constant" and config.objective.text_encoder_until == 1:
        settings.pop("steps"), settings.pop("epochs")
    for part, names in _SINCE_0_1.items():  # at their defaults a run is what it was without them
        own, plain = getattr(config, part), type(getattr(config, part))()
        for name in names:
            if getattr(own, name) == getattr(plain, name):
                settings[part].pop(name)
    settings["validation_share"] = config.saving.validation_share
    materials = [example.material for example in examples if example.material]
    if config.saving.validation_share and len(set(materials)) < len(materials):
        settings["held back by material"] = materials  # which version 0.1.0 did not
    if config.objective.is_together:
        settings["sets"] = [(example.material_set, example.map, example.map_word) for example in examples]
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for example in examples:
        facts = (example.caption, example.size, example.repeats, example.tileable, example.regularisation)
        digest.update(repr(facts).encode())
        digest.update(example.latent.contiguous().numpy().tobytes())
        if example.mask is not None:
            digest.update(example.mask.contiguous().numpy().tobytes())
    for weight in model.parameters():
        flat = weight.detach().reshape(-1)
        digest.update(flat[:: max(1, flat.numel() // 16)].float().cpu().numpy().tobytes())
    return digest.hexdigest()


def models_digest(weights: Mapping[str, torch.Tensor], facts: object) -> str:
    """A digest of all weights and of `facts` (words and numbers), in one pass over the weights."""
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    for name in sorted(weights):  # one after the other: they may be made as they are asked for
        weight = weights[name]
        flat = weight.detach().contiguous().reshape(-1)
        bits = flat.view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()])
        rows = bits[: len(bits) // 64 * 64].view(-1, 64)  # sums by column, so that places count as well
        sums = torch.cat([rows.sum(0, dtype=torch.int64), bits[len(rows) * 64 :].to(torch.int64)])
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode() + sums.cpu().numpy().tobytes())
    return digest.hexdigest()
