"""Random numbers that belong to a step, not to the history of the process.

Every draw is a function of the run's seed, what it is for, and the step or epoch. So a resumed run needs no saved
random state, and switching one option does not change the draws of another.
"""

import hashlib

import torch


def generator(seed: int, purpose: str, count: int) -> torch.Generator:
    """A CPU generator for draw number `count` (a step or an epoch) of `purpose` in the run of `seed`."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{count}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
