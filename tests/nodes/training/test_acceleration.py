"""What makes steps faster must not change what they compute."""

import pytest
import torch
from small_unets import Case, relative
from tilewright.common.errors import InputError
from tilewright.host import unet_blocks
from tilewright.host.in_graph import model as training_model

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]


def test_compiled_blocks_give_the_same_gradients():
    plain, compiled = Case("SD1").gradients(), Case("SD1")
    unet_blocks.compile_blocks(compiled.unet, backend="eager")  # traced as for inductor, which takes minutes
    found = compiled.gradients()
    assert max(relative(found[name], plain[name]) for name in plain) < 1e-5


def test_compiled_blocks_can_recompute_their_activations():
    plain, compiled = Case("SD1").gradients(), Case("SD1")
    unet_blocks.compile_blocks(compiled.unet, backend="eager")
    unet_blocks.recompute_activations(compiled.unet)
    found = compiled.gradients()
    assert max(relative(found[name], plain[name]) for name in plain) < 1e-5


def test_channels_last_gives_the_same_gradients():
    plain, last = Case("SD1", conv_rank=2).gradients(), Case("SD1", conv_rank=2)
    last.unet.to(memory_format=torch.channels_last)
    found = last.gradients()
    assert max(relative(found[name], plain[name]) for name in plain) < 1e-4


def test_a_cuda_graph_needs_a_gpu_and_says_so(runs):
    with pytest.raises(InputError, match="only NVIDIA GPUs have.*computes on cpu"):
        runs.train(acceleration="CUDA graph")


def test_a_compiler_that_fails_is_told(runs, monkeypatch):
    def refusing(graph, inputs):
        raise RuntimeError("no C++ compiler was found")

    compile_blocks = unet_blocks.compile_blocks
    monkeypatch.setattr(training_model.unet_blocks, "compile_blocks", lambda unet: compile_blocks(unet, refusing))
    with pytest.raises(InputError, match="torch.compile does not work here.*Switch acceleration off"):
        runs.train(acceleration="compile")
