"""A lane of work: what runs in it has random numbers of its own and, on a GPU, a stream of its own and replayed graphs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

import torch

from wstal.base.errors import UserError

Work = Callable[[int], None]  # of one size; on a GPU it must touch the same memory each time


class Lane(ABC):
    """The context in which a network's steps run beside those of others."""

    @abstractmethod
    def __enter__(self) -> None: ...

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    @abstractmethod
    def run(self, work: Work, size: int) -> None:
        """work(size), to be called inside the lane."""

    @abstractmethod
    def wait(self) -> None:
        """Return when all work is done."""


class HostLane(Lane):
    """On a CPU: the state of torch's generator is swapped; it starts as it is."""

    def __init__(self) -> None:
        self.random = torch.get_rng_state()

    def __enter__(self) -> None:
        self.others = torch.get_rng_state()
        torch.set_rng_state(self.random)

    def __exit__(self, *_: object) -> None:
        self.random = torch.get_rng_state()
        torch.set_rng_state(self.others)

    def run(self, work: Work, size: int) -> None:
        """work(size)."""
        work(size)

    def wait(self) -> None:
        """Nothing is left to wait for."""


class DeviceLane(Lane):
    """On a GPU: a stream, a generator, and a graph for each size of work that came twice."""

    def __init__(self, device: torch.device, seed: int):
        self.device, self.stream, self.pool = device, torch.cuda.Stream(device), torch.cuda.graph_pool_handle()
        self.default = torch.cuda.default_generators[device.index or 0]
        self.random = self.default.clone_state()
        self.random.manual_seed(seed)
        self.graphs: dict[int, torch.cuda.CUDAGraph | None] = {}

    def __enter__(self) -> None:
        self.others = self.default.graphsafe_get_state()
        self.default.graphsafe_set_state(self.random)
        self.context = torch.cuda.stream(self.stream)
        self.context.__enter__()

    def __exit__(self, *error: object) -> None:
        self.context.__exit__(*error)
        self.default.graphsafe_set_state(self.others)

    def run(self, work: Work, size: int) -> None:
        """work(size): the first time as it is, which also sets libraries up, then as a graph.

        Raises:
            UserError: the work waits for a value, so that no graph can be made of it.
        """
        if size not in self.graphs:
            work(size)
            self.graphs[size] = None
            return
        graph = self.graphs[size] = self.graphs[size] or self.capture(work, size)
        graph.replay()

    def capture(self, work: Work, size: int) -> torch.cuda.CUDAGraph:
        """The kernels of work(size).

        Raises:
            UserError: the work waits for a value.
        """
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
                work(size)
        except RuntimeError as error:
            raise UserError(
                f"a step cannot be captured as a CUDA graph ({str(error).splitlines()[0]}): `forward` or `losses` of the "
                "method waits for a value (.item(), a tensor made from Python numbers); mend it, or set training.mode to "
                "reproducible in params.yaml."
            ) from error
        return graph

    def wait(self) -> None:
        """Return when all work is done."""
        self.stream.synchronize()


def lane(device: torch.device, seed: int) -> Lane:
    """A lane on a device, for a network just made from `seed`: its random numbers go on from there."""
    return DeviceLane(device, seed) if device.type == "cuda" else HostLane()
