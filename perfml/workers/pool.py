"""Calls handed out to worker processes, and done by whoever waits for them while no worker has begun them.

The same function gets the same arguments wherever it runs, and results are taken in the order of the program, so nothing
depends on the number of workers or on who was faster. A call that a worker cannot finish (it was killed, memory ran out, the call
raised) is done again by the process that waits for it: nothing is lost, and an error has its own traceback.

This is not :mod:`concurrent.futures`: its processes import the caller's script again, which a script or notebook without a
guard does not survive; the process that waits would stand still, half of a machine with two processors; and a killed
process would leave its workers behind.
"""

from __future__ import annotations

import itertools
import pickle
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Generic, Self, TypeVar, cast

from perfml.workers.process import SharedKey, read_frame, start, write_frame
from perfml.workers.processors import usable_processors

T = TypeVar("T")
_keys = itertools.count()


class Shared(Generic[T]):
    """A value for many calls: each worker receives it once. Functions get ``value`` itself."""

    def __init__(self, value: T) -> None:
        self.value = value
        self.key = next(_keys)


class Call(Generic[T]):
    """One call that was handed out; :meth:`result` waits for it."""

    def __init__(
        self, workers: Workers, function: Callable[..., T], arguments: Sequence[object], *, alone: bool, long: bool
    ) -> None:
        self._workers, self._function, self._arguments = workers, function, arguments
        self.alone, self.long = alone, long
        self.begun = self.ended = False
        self._value: T | None = None
        self._error: Exception | None = None

    def result(self) -> T:
        """What the function returns; raises what it raises."""
        self._workers.wait_for(self)
        if self._error is not None:
            raise self._error
        return cast(T, self._value)

    def compute(self) -> None:
        """Call the function in this process."""
        arguments = [a.value if isinstance(a, Shared) else a for a in self._arguments]
        try:
            self.end(self._function(*arguments))
        except Exception as error:
            self._error, self.ended = error, True

    def end(self, value: T) -> None:
        """Take the value of the call."""
        self._value, self.ended = value, True

    def frames(self, known: set[int]) -> Iterator[bytes]:
        """What a worker needs to do the call, which holds the shared values ``known``; each is taken when the worker has answered
        the one before. Raises where it cannot be pickled."""
        for a in self._arguments:
            if isinstance(a, Shared) and a.key not in known:
                yield pickle.dumps((a.key, a.value), protocol=5)
                known.add(a.key)
        sent = [SharedKey(a.key) if isinstance(a, Shared) else a for a in self._arguments]
        yield pickle.dumps((self._function, sent), protocol=5)


class Workers:
    """At most ``jobs`` calls at a time: those of ``jobs`` - 1 worker processes, and that of the process that waits.

    ``jobs``: default as many as there are processors to use; with 1 everything is computed in this process when it is waited
    for.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self._to_begin = (usable_processors() if jobs is None else jobs) - 1
        self._changed = threading.Condition()
        self._waiting: deque[Call[Any]] = deque()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._shared: dict[int, Shared[Any]] = {}
        self._forgotten: set[int] = set()
        self._closed = False

    def begin(self, *, imports: Sequence[str] = ()) -> None:
        """Start the processes, unless they have been: work that is worth their start, some CPU seconds, lies ahead.

        ``imports``: modules that they load at once.
        """
        count, self._to_begin = self._to_begin, 0
        for _ in range(count):
            try:
                process = start()
            except OSError:  # no process may be started, or none more: what waits for the result computes it
                return
            self._processes.append(process)
            threading.Thread(target=self._serve, args=(process, imports), daemon=True, name="worker").start()

    def submit(
        self, function: Callable[..., T], *arguments: object, alone: bool = False, long: bool = False
    ) -> Call[T]:
        """Hand out ``function(*arguments)``, whose result depends on nothing else.

        ``alone``: it uses all processors itself, so that no worker does it; ``long``: it takes so much longer than others that
        only a worker with nothing else to do, or who waits for it, begins it.
        """
        call = Call(self, function, arguments, alone=alone, long=long)
        if not alone and self._may_help:
            with self._changed:
                self._waiting.append(call)
                self._changed.notify_all()
        return call

    def share(self, value: T) -> Shared[T]:
        """``value`` as an argument of many calls: workers hold it until :meth:`forget`. The same value is shared once."""
        if id(value) in self._shared:
            return cast(Shared[T], self._shared[id(value)])
        shared = Shared(value)
        if self._may_help:
            self._shared[id(value)] = shared
        return shared

    def forget(self, value: object) -> None:
        """No call to come uses ``value``, which was shared."""
        shared = self._shared.pop(id(value), None)
        if shared is not None:
            self._forgotten.add(shared.key)

    def wait_for(self, call: Call[T]) -> None:
        """Compute ``call``, or others that nobody has begun, until it has ended."""
        while True:
            with self._changed:
                if call.ended:
                    return
                ours = call if not call.begun else next((c for c in self._waiting if not c.long), None)
                if ours is None:
                    self._changed.wait()
                    continue
                ours.begun = True
                if ours in self._waiting:
                    self._waiting.remove(ours)
            ours.compute()
            with self._changed:
                self._changed.notify_all()

    def close(self) -> None:
        """End the processes, also in the middle of a call."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def _may_help(self) -> bool:
        """Whether there are processes, or may be: without, nothing is kept for them."""
        return bool(self._processes) or self._to_begin > 0

    def _serve(self, process: subprocess.Popen[bytes], imports: Sequence[str]) -> None:
        """Hand out calls to one worker until there is no more work or no more worker."""
        calls, answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        known: set[int] = set()
        try:
            with calls, answers:  # closing writes what a pipe still holds, and fails once the worker has ended
                _ask(calls, answers, pickle.dumps((tuple(imports),)))  # begin nothing before all is loaded
                while (call := self._next()) is not None:
                    self._hand_over(call, calls, answers, known=known)
        except (OSError, EOFError, ValueError):  # it has ended, or was ended
            process.kill()

    def _hand_over(self, call: Call[Any], calls: BinaryIO, answers: BinaryIO, *, known: set[int]) -> None:
        """Have a worker do ``call``; where it cannot, leave it to the process that waits for it."""
        done, value = False, None
        try:
            for key in known.intersection(self._forgotten):
                _ask(calls, answers, pickle.dumps((key, None)))
                known.discard(key)
            for frame in call.frames(known):
                done, value = _ask(calls, answers, frame)
                if not done:
                    break
        except (pickle.PicklingError, TypeError, AttributeError):  # not to be sent
            pass
        finally:
            with self._changed:
                if done:
                    call.end(value)
                else:
                    call.begun = False
                self._changed.notify_all()

    def _next(self) -> Call[Any] | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            call = next((c for c in self._waiting if not c.long), self._waiting[0])
            self._waiting.remove(call)
            call.begun = True
            return call


def _ask(calls: BinaryIO, answers: BinaryIO, frame: bytes) -> tuple[bool, Any]:
    """Whether a worker did what a frame asks for, and the result."""
    write_frame(calls, frame)
    done, value = pickle.loads(read_frame(answers))
    return done, value


ALONE = Workers(1)
"""No workers: whoever waits for a result computes it."""
