from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from handful.protocol.clock import Clock, OutOfTime, within
from handful.protocol.run import Run
from handful.settings import Settings


def test_a_block_is_broken_off_also_where_errors_are_swallowed() -> None:
    start = time.monotonic()
    with pytest.raises(OutOfTime), within(0.1):
        try:
            time.sleep(20)
        except Exception:
            time.sleep(20)
    assert 0.1 <= time.monotonic() - start < 2


def test_an_import_is_not_broken_off_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.4)\ndone = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OutOfTime), within(0.1):
        import slow_to_import  # type: ignore[import-not-found]

        assert slow_to_import.done
        time.sleep(20)
    assert sys.modules.pop("slow_to_import").done


def test_a_block_in_time_leaves_no_alarm_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with within(0.2):
        pass
    with within(None), within(float("inf")):
        pass
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_the_time_of_earlier_sessions_counts(tmp_path: Path) -> None:
    run = Run.claim(Settings(budget="10m", out=str(tmp_path / "run")))
    first = Clock(run, begun=time.monotonic() - 200)
    first.store()
    again = Clock(Run.open(run.folder))
    assert 399 < again.left <= 400
    assert Clock(Run.claim(Settings(budget="standard", out=str(tmp_path / "free")))).left == float("inf")
