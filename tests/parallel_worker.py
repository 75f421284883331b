"""One process of the runs in training/test_shared_runs.py; torch.distributed.run starts it."""

import os
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS / "training")]
sys.path.insert(0, str(TESTS.parent))
from launch.run_module import leave, name_pack  # noqa: E402

sys.path.remove(str(TESTS.parent))
name_pack()
from test_shared_runs import trainer  # noqa: E402
from tilewright.training.parallel import Share, joined_group  # noqa: E402

with joined_group("gloo"):
    share = Share(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    run = trainer(share)
    for _ in run.run():
        pass
    gathered = share.gathered(10 * share.rank)
    told = {"losses": run.losses, "state": run.kohya_state(), "gathered": gathered}
    torch.save(told, Path(sys.argv[1]) / f"{share.rank}.pt")
leave(0)
