"""CUDA-graph capture of the forward and backward pass, which takes away the overhead of launching each kernel."""

from collections.abc import Callable, Mapping, Sequence

import torch

WARM_UP = 3  # passes before a recording, in which libraries choose their kernels and take their memory

Inputs = Mapping[str, torch.Tensor]
Recorder = Callable[[Callable[[], torch.Tensor]], tuple[Callable[[], None], torch.Tensor]]
"""a pass -> how to run it again, and the tensor in which its result then lies"""
Recording = tuple[dict[str, torch.Tensor], Callable[[], None], torch.Tensor]
"""where the inputs are written, how to run it again, where its result lies"""


class CapturedPass:
    """`compute` with the backward pass inside it, recorded for each set of shapes that its inputs have.

    Gradients add up in the `.grad` of `parameters`. Those must stay the same tensors: clear them by writing zeros.
    """

    def __init__(
        self,
        compute: Callable[[Inputs], torch.Tensor],
        parameters: Sequence[torch.Tensor],
        record: Recorder | None = None,
    ) -> None:
        self.compute = compute
        self.parameters = parameters
        self.record = record or CudaRecorder()
        self._recordings: dict[
            tuple[object, ...], tuple[dict[str, torch.Tensor], Callable[[], None], torch.Tensor]
        ] = {}
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)

    def __call__(self, inputs: Inputs) -> torch.Tensor:
        shapes = tuple((name, value.shape) for name, value in inputs.items())
        if shapes not in self._recordings:
            self._recordings[shapes] = self._recorded(inputs)
        places, replay, result = self._recordings[shapes]
        for name, value in inputs.items():
            places[name].copy_(value, non_blocking=True)
        replay()
        return result.clone()  # the next replay writes into the same place

    def _recorded(self, inputs: Inputs) -> Recording:
        places = {name: value.clone() for name, value in inputs.items()}
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        before = [gradient.clone() for gradient in gradients]
        replay, result = self.record(lambda: self.compute(places))
        for gradient, value in zip(gradients, before, strict=True):
            gradient.copy_(value)
        return places, replay, result


class CudaRecorder:
    """Captures passes as CUDA graphs in one memory pool, since only one of them runs at a time."""

    def __init__(self) -> None:
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, run: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                run()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, capture_error_mode="thread_local"):
            result = run()
        return graph.replay, result
