"""The story on one page: from data to an honest answer and a usable model."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.audit import audit
from handful.audit.unlabelled import with_unlabelled
from handful.backbones import find as find_backbone
from handful.backbones.engine import choose, on_device
from handful.data.images import SIZE_LIMITS
from handful.data.load import check_test
from handful.data.load import load as load_data
from handful.data.many_labels import check_task
from handful.data.names import missing_path
from handful.data.values import to_category
from handful.errors import DataError, RunError, SettingsError
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import Predictions, collect
from handful.evidence.racing import can_still_win, likely_followed, settled
from handful.evidence.selection import followed
from handful.files import read_json
from handful.model.held_out import score_test, score_told
from handful.model.model import Model
from handful.model.refit import refit
from handful.model.save import load as load_model
from handful.model.save import save
from handful.model.start import check_start, take_start
from handful.protocol.budget import Budget, ask, warm_in_time
from handful.protocol.clock import Clock
from handful.protocol.cluster import BACKENDS, connect
from handful.protocol.compare import compare
from handful.protocol.evaluate import Progress, Tell
from handful.protocol.plan import plan_text
from handful.protocol.run import Run
from handful.protocol.splits import check_groups, compare_splits
from handful.report.write import write_report
from handful.scoring import choose_metric
from handful.settings import BUDGET_REPEATS, Settings, duration, several
from handful.strategies import check_families, check_own, notes, prior, propose

Own = Sequence[tuple[str, Any]]


def fit_run(
    data: Any,
    settings: Settings,
    own: Own = (),
    cv: Any = None,
    tell: Tell | None = None,
    begun: float | None = None,
    unlabelled: Any = None,
) -> FitRun:
    """Data to answer. `own` are people's candidates, `cv` their splits; `tell` hears of the progress.

    `unlabelled` is data without labels that is no path; else `settings.unlabelled` names it. `begun` is the
    `time.monotonic()` from which a budget's time counts; now unless given.
    """
    check(settings)
    check_own(own)
    run = Run.claim(settings, _by_hand(own, cv, unlabelled))
    clock = Clock(run, begun)
    try:
        dataset = load_data(data, settings, run.folder / "data", progress=_stage(tell, "reading"))
        with on_device(settings.device):
            dataset = audit(dataset, by_hand=cv is not None)
        if settings.test is not None:
            check_test(Path(settings.test), dataset.origin, dataset.classes)
        more = settings.unlabelled if unlabelled is None else unlabelled
        if more is not None:
            reading = _stage(tell, "reading unlabelled data")
            dataset = with_unlabelled(dataset, more, settings, run.folder / "data", reading)
        if settings.start_from is not None:
            take_start(settings, dataset)
        dataset.findings += prior.prepare(dataset, settings, _line(tell))
        splits, candidates = compare_splits(dataset, settings, cv), propose(dataset, settings, own)
        dataset.findings += [*check_groups(dataset, splits), *notes(dataset, settings, candidates)]
        run.begin(dataset, candidates, splits, choose_metric(dataset, settings))
    except Exception:
        run.abandon()
        raise
    return finish(run, clock, tell)


def finish(run: Run, clock: Clock, tell: Tell | None = None) -> FitRun:
    """What is still missing in a run: features, cells, model, report."""
    clock.settle()
    _note(tell, plan_text(run))
    run.stop(warm_in_time(run, clock, tell))
    race = can_still_win if run.settings.repeats > 1 else None  # once around, there is little to save
    enough = settled if run.settings.budget == "thorough" else None
    pace = compare(run, clock, tell, keep_going=race, settled=enough, followed=likely_followed)
    predictions = add_average(collect(run))
    ask(run, Budget(run, clock, pace), followed(predictions), tell)
    clock.store()
    model = refit(run, predictions, select(predictions))
    save(model, run.folder / "model")
    clock.store()
    write_report(run, predictions, score_test(run, model))
    run.sweep()
    return FitRun(run.folder, model)


def resume(
    folder: str | Path,
    tell: Tell | None = None,
    *,
    budget: str | None = None,
    backend: str | None = None,
    address: str | None = None,
    jobs: int | None = None,
    begun: float | None = None,
) -> FitRun:
    """Go on where a run was stopped, however it was stopped.

    budget : a duration, such as "20m", in which what is left is to end with what it can; what is tried was
        decided when the run began
    backend, address, jobs : as for `fit`, where they are to be others than before; with another backend, an
        address and jobs that are not given are none
    begun : as for `fit`

    Raises RunError where the folder is no run or cannot go on, SettingsError where no worker can be
    reached or the budget is no duration.
    """
    if budget is not None and duration(budget) is None:
        raise SettingsError(
            f"--budget {budget!r} is no duration: a run goes on with what it began to try, so it can only "
            "be told how long the rest may take, such as 90s, 20m or 1.5h."
        )
    run = Run.open(folder)
    if run.finished:
        return FitRun(run.folder)
    given = {"backend": backend, "address": address, "jobs": _own_integer(jobs)}
    if backend is None:
        given = {option: value for option, value in given.items() if value is not None}
    if given:
        settings = replace(run.settings, **given)
        check_workers(settings)
        run.move(settings)
    if budget is not None:
        run.move(replace(run.settings, rest=budget))
        run.spend(0.0)
    if run.begun:
        run.check_rebuilt()
        try:
            return finish(run, Clock(run, begun), tell)  # the time used before counts
        except RunError:
            if run.finished:  # by another process, which then swept up what this one was writing
                return FitRun(run.folder)
            raise
    # The folder may have been named otherwise, or moved, since it was claimed.
    settings = replace(run.settings, out=str(run.folder))
    again = [*(["the data"] if settings.data is None else []), *run.by_hand]
    if again:
        raise RunError(
            f"{folder} was stopped before its data was stored. Delete it, and call handful.fit again with "
            f"{' and '.join(again)}."
        )
    check(settings)
    run.abandon()
    return fit_run(settings.data, settings, tell=tell, begun=begun)


def report_run(folder: str | Path) -> FitRun:
    """Write the report of a finished run again, from what the run has stored."""
    finished = FitRun(folder)
    run = Run.open(finished.folder)
    predictions = collect(run)
    if not predictions.sound:
        raise RunError(
            f"{run.folder / 'results'} holds no results any more, so its report cannot be made again. Run "
            "handful fit again."
        )
    test = None
    with suppress(RunError):  # a damaged report is what is to be mended here
        test = score_told(finished.summary)  # once is enough: the set may be another by now, or be gone
    if test is None and run.settings.test is not None:
        test = score_test(run, load_model(run.folder))
    write_report(run, add_average(predictions), test)
    return FitRun(run.folder)


def fit(
    data: Any,
    *,
    target: str | int | None = None,
    groups: str | int | None = None,
    test: str | Path | None = None,
    unlabelled: Any = None,
    task: str = "auto",
    modality: str = "auto",
    metric: str | None = None,
    budget: str = "quick",
    families: str | Sequence[str] | None = None,
    backbones: str | Sequence[str] | None = None,
    start_from: str | Path | None = None,
    allow_download: bool = False,
    candidates: Own = (),
    cv: Any = None,
    drop_classes: str | Sequence[Any] = (),
    device: str = "auto",
    backend: str = "loky",
    address: str | None = None,
    jobs: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: Tell | None = None,
    begun: float | None = None,
) -> FitRun:
    """The best model that this data honestly gives, and what to expect of it.

    Parameters
    ----------
    data : path, or (X, y), or (X, y, groups)
        A folder with a folder of pictures, or of .txt files, per class; a table (CSV, TSV, JSON lines,
        Parquet, XLSX); arrays `(n, d)`, a DataFrame (of polars too), pictures `(n, H, W)` or `(n, H, W, 3)`,
        or a list of strings, with their labels or values `(n,)`.
    target, groups : column names; for pictures, groups is a CSV file `id,group` or a pattern on file names
    test : path of a held-out set, a folder or a table like `data`, scored once at the end
    unlabelled : more of the same without labels, to learn from: a folder of pictures, a table, an array or a
        DataFrame; a target in it is ignored, and what is also in `data` or `test` is left out
    metric : accuracy, balanced_accuracy, log_loss, roc_auc, f1; r2, rmse, mae; or what mistakes cost,
        "cost: TRUE>PREDICTED=COST, ..."; what is not named costs 1
    budget : "quick" (5 folds), "standard" (5 folds, 3 times), "thorough" (up to 10 times), or a duration for
        the whole call, such as "90s", "20m" or "1.5h": early only where nothing is left to try
    families, backbones : what to try; all families, and the backbones that come with handful, unless given
    start_from : folder of an earlier run on related pictures, whose fine-tuned network joins as a backbone
    allow_download : networks for tables that are installed (tabpfn, tabicl) may fetch their weights
    candidates : people's own, a list of (name, scikit-learn estimator)
    cv : how many of our folds; or, instead of them, a scikit-learn splitter or an iterable of (train, test)
        positions, which are rows of `data` as given; a splitter sees those that can be used
    backend, address : "loky" (processes of this machine), or "dask" or "ray" (the workers of a cluster) and
        its scheduler's address; without one the cluster that this process is connected to already
    jobs : workers; all there are unless given
    out : the run's folder; `runs/NAME` unless given
    progress : called with a `Progress` as the run goes on
    begun : the `time.monotonic()` from which the budget's time counts; now unless given

    Raises DataError where the data cannot be used, SettingsError where an option is wrong, RunError where
    `out` is not free. All are HandfulError.

    Examples
    --------
    >>> import handful
    >>> from sklearn.datasets import load_iris
    >>> run = handful.fit(load_iris(return_X_y=True), families=["classic"], out=tmp / "iris", jobs=1)
    >>> run.summary["expected"]["value"] > 0.9
    True
    >>> run.model.predict([[5.1, 3.5, 1.4, 0.2]])
    array([0])
    """
    path = Path(data) if isinstance(data, (str, Path)) else None
    if backbones is not None and not several(backbones):
        raise SettingsError("--backbones: name at least one, such as lite0.")
    settings = Settings(
        data=None if path is None else str(path.absolute()),
        target=_column("target", target),
        groups=_column("groups", groups),
        test=None if test is None else _test_path(test),
        unlabelled=str(Path(unlabelled).absolute()) if isinstance(unlabelled, (str, Path)) else None,
        task=task,
        modality=modality,
        metric=metric,
        budget=budget,
        families=None if families is None else several(families),
        backbones=several(backbones or ()),
        start_from=None if start_from is None else str(Path(start_from).absolute()),
        allow_download=allow_download,
        drop_classes=(drop_classes,) if isinstance(drop_classes, str) else tuple(map(str, drop_classes)),
        device=device,
        backend=backend,
        address=address,
        jobs=_own_integer(jobs),
        seed=_own_integer(seed),
        out=str(out if out is not None else free_folder(path)),
    )
    given = data if path is None else settings.data
    more = unlabelled if settings.unlabelled is None else None
    return fit_run(given, settings, candidates, cv, progress, begun, more)


class FitRun:
    """A finished run: what it says, and its model."""

    def __init__(self, folder: str | Path, model: Model | None = None) -> None:
        self.folder = Path(folder)
        self._model = model
        if not (self.folder / "report.json").exists():
            Run.open(self.folder)
            raise RunError(f"{self.folder} is not finished; continue it with 'handful resume {self.folder}'.")

    @property
    def summary(self) -> dict[str, Any]:
        """The content of report.json."""
        path = self.folder / "report.json"
        try:
            return read_json(path)
        except ValueError as error:
            raise RunError(
                f"{path} is damaged ({error}). Write it again with 'handful report {self.folder}'."
            ) from error

    @property
    def model(self) -> Model:
        """The chosen model, fitted on all data."""
        # The one fitted here may hold people's own classes, which a saved model must be trusted to build.
        if self._model is None:
            self._model = load_model(self.folder)
        return self._model

    def leaderboard(self) -> pd.DataFrame:
        """One row a candidate, best first."""
        return pd.DataFrame(self.summary["leaderboard"]).drop(columns="members")

    def report(self) -> Path:
        """Where the page for people lies."""
        return self.folder / "report.html"

    def predictions(self) -> Predictions:
        """The stored out-of-fold predictions, for one's own analysis."""
        return add_average(collect(Run.open(self.folder)))

    def plan(self, target_score: float | None = None) -> dict[str, Any]:
        """How many more labels reach a score: `target`, `status`, `more`, `low`, `high`, `reason`.

        `status` is "reached", "needed", "beyond" (further than can be foreseen) or "cannot tell"; without a
        target, that of the next round score. Raises SettingsError for a score that the metric cannot have.
        """
        from handful.report.growth import plan

        return plan(Run.open(self.folder), self.predictions(), target_score)

    def __repr__(self) -> str:
        from handful.report.text import answer_text

        return answer_text(self.summary)


def load(path: str | Path, trusted: Sequence[str] = ()) -> FitRun | Model:
    """A run's folder as a run, a model's folder as a model (`trusted`: further classes it may build)."""
    if (Path(path) / "run.json").exists():
        return FitRun(path)
    return load_model(path, trusted)


def embed(data: Any, backbone: str = "lite0", level: str = "last", *, device: str = "auto") -> np.ndarray:
    """Frozen features `(n, d)` float32 of pictures: a folder, a file, or an array `(n, H, W[, 3])`.

    Raises DataError where a picture cannot be read, SettingsError for an unknown backbone or level.
    """
    from handful import backbones
    from handful.data.load import load_new

    X, _, problems = load_new(data, {"modality": "image", "target": None, "size": SIZE_LIMITS[1]})
    if problems:
        name, reason = next(iter(problems.items()))
        raise DataError(f"{name} cannot be read: it {reason}.")
    return backbones.embed(X, backbone, level, device=device)


def check(settings: Settings) -> None:
    """Options that can be judged before any data is read; SettingsError names the one that is wrong."""
    if settings.budget not in BUDGET_REPEATS and settings.limit is None:
        raise SettingsError(
            f"--budget {settings.budget!r} is unknown; choose one of {', '.join(BUDGET_REPEATS)}, or give a "
            "duration in seconds, minutes or hours, such as 90s, 20m or 1.5h."
        )
    check_task(settings.task, settings.target, settings.data and Path(settings.data).name)
    choices = {
        "task": ("auto", "classification", "regression"),
        "modality": ("auto", "image", "table", "text"),
        "device": ("auto", "cpu", "cuda"),
    }
    for option, allowed in choices.items():
        value = getattr(settings, option)
        if value not in allowed:
            raise SettingsError(f"--{option} {value!r} is unknown; choose one of {', '.join(allowed)}.")
    if settings.device == "cuda":
        choose(settings.device)
    check_workers(settings)
    if not isinstance(settings.seed, int) or settings.seed < 0:
        raise SettingsError(f"--seed {settings.seed}: a whole number from 0 is needed.")
    for name in settings.backbones:
        find_backbone(name)
    if settings.start_from is not None:
        check_start(settings.start_from)
    if settings.families is not None:
        check_families(settings.families)
    for option in ("data", "test", "unlabelled"):
        path = getattr(settings, option)
        if path is not None and not Path(path).exists():
            raise DataError(missing_path(Path(path)))
    _check_beside(settings)


def check_workers(settings: Settings) -> None:
    """SettingsError where no worker could take a cell."""
    if settings.backend not in BACKENDS:
        raise SettingsError(
            f"--backend {settings.backend!r} is unknown; choose one of {', '.join(BACKENDS)}."
        )
    if settings.jobs is not None and settings.jobs < 1:
        raise SettingsError(f"--jobs {settings.jobs}: at least 1 worker is needed.")
    if settings.backend != "loky":
        connect(settings.backend, settings.address)
    elif settings.address is not None:
        raise SettingsError(
            f"--address {settings.address} is of a cluster's scheduler; say with --backend dask or --backend "
            "ray whose it is."
        )


def _check_beside(settings: Settings) -> None:
    """DataError where unlabelled or test pictures lie among the class folders, and would count as a class."""
    for what, place in (("unlabelled", settings.unlabelled), ("test", settings.test)):
        if place is None or settings.data is None:
            continue
        data, other = Path(settings.data).resolve(), Path(place).resolve()
        if data.is_dir() and (data in other.parents or (data == other and what == "unlabelled")):
            raise DataError(
                f"the {what} data {str(other)!r} lies in the folder of the labelled data, where each folder "
                "is a class. Move it out of there."
            )


def free_folder(data: Path | None) -> Path:
    """`runs/NAME`, or `runs/NAME-2` and so on where that is taken."""
    base = Path("runs") / (data.absolute().stem if data is not None else "run")
    if not base.exists():
        return base
    return next(p for i in range(2, 100000) if not (p := base.with_name(f"{base.name}-{i}")).exists())


def _column(option: str, name: Any) -> str | None:
    """A column's name as tables are read: a string, also where a DataFrame calls the column 7."""
    if name is None or isinstance(name, str):
        return name
    if not isinstance(name, Hashable):
        raise SettingsError(
            f"{option}: the name of a column is needed, but this is a {type(name).__name__}. Values are "
            "given beside X, as (X, y) or (X, y, groups)."
        )
    return to_category(name)


def _test_path(test: Any) -> str:
    """A test set is read at the end, maybe by another process, which can only read files."""
    if not isinstance(test, (str, os.PathLike)):
        raise SettingsError(
            f"test: the path of a folder or of a table is needed, but this is a {type(test).__name__}. Write "
            "the test set to a file, such as test.csv, or score run.model on it yourself."
        )
    return str(Path(test).absolute())


def _own_integer(number: Any) -> Any:
    """An integer of numpy as one of Python, which a run's JSON can hold; all else as it is."""
    return int(number) if isinstance(number, Integral) else number


def _by_hand(own: Own, cv: Any, unlabelled: Any) -> list[str]:
    """The arguments that settings cannot hold."""
    given = {"candidates": len(own) > 0, "cv": cv is not None, "unlabelled": unlabelled is not None}
    return [name for name, there in given.items() if there]


def _stage(tell: Tell | None, stage: str) -> Callable[[int, int], None]:
    told = _told(tell)
    return lambda done, total: told(stage, done, total)


def _told(tell: Tell | None) -> Callable[[str, int, int], None]:
    def told(stage: str, done: int, total: int) -> None:
        if tell:
            tell(Progress(done, total, None, None, None, stage))

    return told


def _line(tell: Tell | None) -> Callable[[str], None] | None:
    return None if tell is None else lambda text: _note(tell, text)


def _note(tell: Tell | None, text: str) -> None:
    if tell:
        tell(Progress(0, 0, None, None, None, "starting", text))
