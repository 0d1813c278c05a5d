"""How quickly texts become vectors: our engine against plain sentence-transformers, the same weights.

    python benchmarks/text_speed.py FOLDER [--texts 400] [--rounds 2] [--threads 2,1] [--no-start]

FOLDER has a folder with data.csv (text,label) for each data set. `plain` is `SentenceTransformer(...).encode`
as its own guide shows it (batches of 32); with fewer digits, bfloat16, ours (where OpenVINO is installed) and
the plain one. All ways encode the same texts in turns, in one process, with the same number of threads; CPU
seconds count all threads. A ratio is one round's, so that a change of the machine's mood meets both of it;
the median of the rounds is told, with the lowest. Then the start: a new process until its first vector, with
the exported network on disk and no vector there. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

from machine import heading

Encode = Callable[[Sequence[str]], np.ndarray]  # n texts -> (n, d)
TWICE = 2.0
LEAST_COSINE = 0.999

OURS = "from handful.backbones.texts import embed_texts; embed_texts(['A fine film.'])"
PLAIN = (
    "from handful.backbones.torchvision_guard import ensure_torchvision; ensure_torchvision(); "
    "from sentence_transformers import SentenceTransformer; "
    "SentenceTransformer({folder!r}, device='cpu').encode(['A fine film.'])"
)


def texts_of(folder: Path, n: int) -> dict[str, list[str]]:
    """n texts of each data set, drawn without regard to their labels."""
    import pandas as pd

    found = {}
    for file in sorted(folder.glob("*/data.csv")):
        column = pd.read_csv(file)["text"].dropna()
        found[file.parent.name] = column.sample(min(n, len(column)), random_state=0).tolist()
    return found


def ways(threads: int) -> dict[str, Encode]:
    import torch

    from handful.backbones.text_engine import TextEngine
    from handful.backbones.text_loading import load_sentence_transformer
    from handful.backbones.text_registry import files
    from handful.backbones.texts import get_text

    backbone = get_text("minilm")
    torch.set_num_threads(threads)
    plain = load_sentence_transformer(files(backbone), "cpu")
    ours = TextEngine(backbone, "cpu", threads, engine="onnxruntime")

    def simply(texts: Sequence[str]) -> np.ndarray:
        return plain.encode(list(texts), show_progress_bar=False)

    def rounded(texts: Sequence[str]) -> np.ndarray:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return simply(texts)

    found = {"plain": simply, "handful": ours.encode}
    if find_spec("openvino"):
        found["handful, openvino-bf16"] = TextEngine(backbone, "cpu", threads, engine="openvino-bf16").encode
    return {**found, "plain, in bfloat16": rounded}


def measure(texts: Sequence[str], encoders: dict[str, Encode], rounds: int) -> dict[str, dict]:
    """For each way its CPU and wall seconds by round, and its vectors."""
    found: dict[str, dict] = {name: {"cpu": [], "wall": []} for name in encoders}
    for encode in encoders.values():
        encode(texts[:32])  # threads started, memory taken
    for number in range(rounds):
        turn = list(encoders.items())
        for name, encode in turn if number % 2 == 0 else turn[::-1]:
            time.sleep(0.3)  # what another way's threads still spin is not ours
            wall, cpu = time.perf_counter(), time.process_time()
            found[name]["vectors"] = encode(texts)
            found[name]["cpu"].append(time.process_time() - cpu)
            found[name]["wall"].append(time.perf_counter() - wall)
    return found


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The smallest cosine between rows of the same number."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))).min())


def rows(name: str, threads: int, texts: Sequence[str], found: dict[str, dict]) -> list[str]:
    n, plain = len(texts), found["plain"]
    lines = []
    for way, seen in found.items():
        ratios = [p / c for p, c in zip(plain["cpu"], seen["cpu"], strict=True)]
        worst = cosine(seen["vectors"], plain["vectors"])
        twice = median(ratios) >= TWICE and worst >= LEAST_COSINE
        said = ("yes" if twice else "no") if way.startswith("handful") else ""
        lines.append(
            f"| {name}, {np.mean([len(t) for t in texts]):.0f} characters | {threads} | {way} "
            f"| {1000 * median(seen['cpu']) / n:.1f} | {n / median(seen['cpu']):.0f} "
            f"| {n / median(seen['wall']):.0f} | {median(ratios):.2f} ({min(ratios):.2f}) | {worst:.6f} "
            f"| {said} |"
        )
    return lines


def start(code: str) -> tuple[float, float]:
    """CPU and wall seconds of a new Python that runs this code."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - wall


def print_starts(rounds: int) -> None:
    from handful.backbones.cache import cache_folder
    from handful.backbones.text_registry import files
    from handful.backbones.texts import get_text

    codes = {"plain": PLAIN.format(folder=str(files(get_text("minilm")))), "handful": OURS}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            for segment in (cache_folder() / "vectors").glob("*/segment-*"):
                segment.rename(segment.with_name(f"gone-{segment.name}"))
            seen[name].append(start(code))
    print("\n| a new process until its first vector | CPU s | wall s |\n|---|---|---|")
    for name, times in seen.items():
        print(f"| {name} | {min(c for c, _ in times):.2f} | {min(w for _, w in times):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", default="2,1")
    parser.add_argument("--no-start", action="store_true")
    chosen = parser.parse_args()
    data = texts_of(chosen.folder, chosen.texts)
    print(heading(__file__), flush=True)
    print(
        "| texts | threads | way | CPU ms/text | texts per CPU-second | texts/s "
        "| plain's CPU time / its own, median (lowest) | worst cosine to plain | twice? |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for threads in (int(k) for k in chosen.threads.split(",")):
        encoders = ways(threads)
        for name, texts in data.items():
            print("\n".join(rows(name, threads, texts, measure(texts, encoders, chosen.rounds))), flush=True)
    if not chosen.no_start:
        print_starts(3)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:  # not the cache of whoever runs this
        os.environ["HANDFUL_CACHE"] = cache
        main()
