"""The heading of a benchmark's table: when, on what, and with which command."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from pathlib import Path

from handful.workers import usable_cores


def processor() -> str:
    """The processor's name, as Linux gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    found = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    flags = found.get("flags", "").split()
    extras = [name for name in ("avx2", "avx512f", "amx_bf16") if name in flags]
    return f"{found.get('model name', platform.machine())} ({', '.join(extras)})"


def heading(script: str) -> str:
    """One line: date, processor, cores, Python, and how to run it again."""
    arguments = " ".join(a if not os.path.isabs(a) else Path(a).name for a in sys.argv[1:])
    where = f"{processor()}, {usable_cores()} cores, Python {platform.python_version()}"
    return f"{datetime.date.today()}, {where}: `python benchmarks/{Path(script).name} {arguments}`\n"
