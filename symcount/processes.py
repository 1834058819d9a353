"""Run calls in processes that may die: a death takes one call with it, and no other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from symcount.errors import ArgumentError, LostError

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Processes(Executor):
    """An executor that outlives its processes.

    A `ProcessPoolExecutor` breaks as a whole when one of its processes dies, and does not know of
    which call. Here each process is a pool of its own, with one call at a time, and is replaced
    when it dies; the future of the call has a `LostError`.

    Processes are spawned: a fork would copy the locks of torch's and z3's threads, held for ever,
    and whatever a derivation has replaced in this process while it runs.

    Args:
        workers: how many processes there are at most; each starts when it is first needed.
        initializer: called in each process before its first call.
    """

    def __init__(self, workers: int, initializer: Callable[[], object] | None = None) -> None:
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise ArgumentError(
                "processes are asked for by a script that one of them is importing; put what is "
                'to run once, such as derive_many(), under: if __name__ == "__main__":'
            )
        context = multiprocessing.get_context("spawn")
        self._new = partial(ProcessPoolExecutor, 1, context, initializer)
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        for _ in range(workers):
            self._idle.put(self._new())
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Call a function in the next process that is free."""
        return self._threads.submit(self._called, partial(fn, *args, **kwargs))

    def _called(self, call: Callable[[], _T]) -> _T:
        process = self._idle.get()
        try:
            return process.submit(call).result()
        except BrokenProcessPool:
            process.shutdown()
            process = self._new()
            raise LostError(
                "the process that it ran in died: something killed it, perhaps for the memory that "
                "it took, or what it ran ended it"
            ) from None
        finally:
            self._idle.put(process)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, after the calls that they are busy with."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        while not self._idle.empty():
            self._idle.get().shutdown(wait)
