"""The time that a run may take, and what it has taken: also before it was stopped and resumed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

from handful.protocol.run import Run

T = TypeVar("T")
TELLING, MOST_BUSY = 0.3, 4.0  # seconds of work that tell how busy the machine is, and the most believed
AGAIN = 0.5  # seconds until the alarm rings once more
STORED_EVERY = 5.0  # seconds: so much may be forgotten when a run is killed


class OutOfTime(BaseException):
    """Raised in a fit that takes longer than it may.

    Not an Exception: what catches those inside a fit, such as a grid search, must not swallow it.
    """


class Clock:
    """Seconds used by a run, all its sessions together; `limit` is None where the budget is no duration.

    `begun` is the `time.monotonic()` at which this session began; now unless given.
    """

    def __init__(self, run: Run, begun: float | None = None) -> None:
        self.run, self.limit, self._before = run, run.settings.limit, run.used
        self._stored, self._cpu = time.monotonic(), time.process_time()
        self._created, self.busy = self._stored, 1.0
        self._start = self._stored if begun is None else begun

    @property
    def used(self) -> float:
        return self._before + time.monotonic() - self._start

    @property
    def left(self) -> float:
        """Infinite where there is no limit; negative when it is late."""
        return float("inf") if self.limit is None else self.limit - self.used

    def settle(self) -> None:
        """After the data was read: how many times longer things take because others use the machine too."""
        cpu = time.process_time() - self._cpu
        if cpu > TELLING:
            self.busy = min(MOST_BUSY, max(1.0, (time.monotonic() - self._created) / cpu))

    def store(self, now: bool = True) -> None:
        """Write the time used into the run; unless `now`, only every few seconds."""
        if self.limit is not None and (now or time.monotonic() - self._stored > STORED_EVERY):
            self.run.spend(self.used)
            self._stored = time.monotonic()

    def heard(self, tell: Callable[[T], None] | None) -> Callable[[T], None]:
        """`tell`, which stores the time used as well."""

        def told(progress: T) -> None:
            self.store(now=False)
            if tell:
                tell(progress)

        return told


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Raise OutOfTime in the block after so many seconds, where the system can.

    It can in the main thread, which workers fit in, on all systems but Windows; elsewhere the block ends when
    it ends. Compiled code is interrupted when it comes back to Python, and an import when it is done: half of
    a compiled module cannot be imported again without killing the process.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if seconds is None or seconds == float("inf") or not in_main or not hasattr(signal, "setitimer"):
        yield
        return
    armed = True

    def ring(number: int, frame: FrameType | None) -> None:
        if armed and not _importing(frame):  # else it rings again
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), AGAIN)  # also where somebody swallowed it
    try:
        yield
    finally:
        with suppress(OutOfTime):  # it may ring between two steps of this very clean-up
            armed = False
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
