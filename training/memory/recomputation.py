"""Gradient checkpointing: a block keeps its input, and computes the rest again in the backward pass."""

from collections.abc import Callable
from functools import partial
from typing import Any

from .plan import BUT_ATTENTION


def recomputed(run: Callable[..., Any], what: str, random: bool) -> Callable[..., Any]:
    """`run`, keeping nothing for the backward pass but its inputs, and where `what` is "all but attention" that too.

    Options among them are kept as they are now: a network goes on writing into them where it is. random: something in
    it draws random numbers, which must be the same again.
    """
    from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

    options: dict[str, Any] = {"use_reentrant": False, "preserve_rng_state": random}
    if what == BUT_ATTENTION:
        options["context_fn"] = partial(create_selective_checkpoint_contexts, _keep_attention)
    return partial(_with_options_of_now, partial(checkpoint, run, **options))


def _with_options_of_now(run: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    return run(*inputs, **{name: dict(value) if isinstance(value, dict) else value for name, value in named.items()})


def _keep_attention(_context: Any, operation: Any, *_args: Any, **_kwargs: Any) -> Any:
    """Attention's output is small beside what computing it again costs."""
    from torch.utils.checkpoint import CheckpointPolicy

    kept = "_scaled_dot_product" in operation.name()
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE
