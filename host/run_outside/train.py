"""One process of a training outside the graph: `run_module.py --with-comfyui host.run_outside.train RUN_FOLDER`.

torch.distributed.run starts as many of them as are asked for, and tells each its rank. The first one writes.
"""

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

import torch
from comfy.cli_args import args

from ...common.errors import InputError
from ...training.exported_run import note_failure, read_progress
from ...training.parallel import Share, joined_group

PATIENCE = timedelta(hours=6)  # of processes that wait for the first one, while it measures or saves


def main(arguments: list[str]) -> int:
    """Train the run of a folder, in as many processes as the environment says; returns its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with _joined() as (share, device):
            from ..in_graph.checks import told_to_artists  # once ComfyUI may ask for its device
            from .outside_run import OutsideRun

            with told_to_artists():
                return OutsideRun(options.folder, options.model, share, device).train()
    except InputError as error:  # which each process has that meets it; the first one's stays
        if not read_progress(options.folder).get("reason"):
            logging.error("Train: %s", error)
            note_failure(options.folder, str(error))
        return 1


@contextmanager
def _joined() -> Iterator[tuple[Share, torch.device]]:
    """This process as one of its group, and the device that it trains on."""
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    gpu = torch.cuda.is_available() and not args.cpu
    if gpu:  # before ComfyUI asks which device to use
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    nccl = gpu and torch.distributed.is_nccl_available()  # Windows has none
    with joined_group("nccl" if nccl else "gloo", PATIENCE) if size > 1 else nullcontext():
        import comfy.model_management

        yield Share(rank, size), comfy.model_management.get_torch_device()
