"""The command line. Heavy imports wait inside the commands, so that --help is quick.

Exit status: 0 done, 2 the input or the call is wrong (one clear message), 1 our fault, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from handful import __version__
from handful.errors import HandfulError

app = typer.Typer(
    help="The best model you can honestly get from a handful of labelled examples.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DataPath = Annotated[
    Path, typer.Argument(help="A folder with a folder of pictures or texts a class, or a table.")
]
Target = Annotated[str | None, typer.Option(help="The column to predict (tables).")]
Groups = Annotated[
    str | None,
    typer.Option(help="What belongs together: a column, a CSV file id,group, or a pattern on file names."),
]
Task = Annotated[str, typer.Option(help="auto, classification or regression.")]
Modality = Annotated[str, typer.Option(help="auto, image, table or text.")]
Backend = Annotated[
    str, typer.Option(help="Whose workers fit: loky (this machine's), dask or ray (a cluster's).")
]
Address = Annotated[str | None, typer.Option(help="The cluster's scheduler, such as tcp://node1:8786.")]
Jobs = Annotated[int | None, typer.Option(help="Workers; all there are unless given.")]
Drop = Annotated[list[str] | None, typer.Option("--drop-class", help="Leave a class out (may be repeated).")]


@app.command()
def fit(
    data: DataPath,
    target: Target = None,
    groups: Groups = None,
    test: Annotated[Path | None, typer.Option(help="Your own held-out set, scored once at the end.")] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(help="More of the same without labels, to learn from: a folder or a table."),
    ] = None,
    task: Task = "auto",
    modality: Modality = "auto",
    metric: Annotated[
        str | None,
        typer.Option(
            help="accuracy, balanced_accuracy, log_loss, roc_auc, f1; r2, rmse, mae; or what mistakes cost: "
            "'cost: sick>healthy=10'."
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="quick, standard, thorough, or a duration for all of it: 90s, 20m, 1h.")
    ] = "quick",
    families: Annotated[str | None, typer.Option(help="Only these, such as classic,transfer.")] = None,
    backbones: Annotated[
        str | None, typer.Option(help="Pretrained networks: see 'handful backbones'.")
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="An earlier run on related pictures, whose fine-tuned network joins as a backbone."
        ),
    ] = None,
    allow_download: Annotated[
        bool,
        typer.Option(
            "--allow-download",
            help="Installed networks for tables may fetch their weights; size and licence are told first.",
        ),
    ] = False,
    drop_class: Drop = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    backend: Backend = "loky",
    address: Address = None,
    jobs: Jobs = None,
    seed: Annotated[int, typer.Option(help="Where every random choice starts.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME unless given.")] = None,
) -> None:
    """Try every technique on your data under one honest protocol; leave a report and a model."""
    begun = time.monotonic()  # loading the libraries takes seconds of a budget too
    from handful.fit import fit as fit_data
    from handful.fit import free_folder

    folder = out or free_folder(data)
    with _bar(folder) as tell:
        run = fit_data(
            data,
            target=target,
            groups=groups,
            test=test,
            unlabelled=unlabelled,
            task=task,
            modality=modality,
            metric=metric,
            budget=budget,
            families=families,
            backbones=backbones,
            start_from=start_from,
            allow_download=allow_download,
            drop_classes=tuple(drop_class or ()),
            device=device,
            backend=backend,
            address=address,
            jobs=jobs,
            seed=seed,
            out=folder,
            progress=tell,
            begun=begun,
        )
    _answer(run)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run that was stopped.")],
    budget: Annotated[
        str | None, typer.Option(help="How long the rest may take, such as 20m; it ends with what it has.")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="Go on with other workers than before: loky, dask or ray.")
    ] = None,
    address: Address = None,
    jobs: Jobs = None,
) -> None:
    """Go on where a run was stopped."""
    begun = time.monotonic()
    from handful.fit import resume as resume_run

    with _bar(run) as tell:
        finished = resume_run(
            run, tell, budget=budget, backend=backend, address=address, jobs=jobs, begun=begun
        )
    _answer(finished)


@app.command()
def report(run: Annotated[Path, typer.Argument(help="A run's folder.")]) -> None:
    """Write the report again from what the run has stored, and print the answer."""
    from handful.fit import report_run

    _answer(report_run(run))


@app.command()
def plan(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    target_score: Annotated[
        float | None, typer.Option(help="The score to reach, such as 0.95; the next round ones unless given.")
    ] = None,
) -> None:
    """What more labels would bring, and how many a score needs."""
    from handful.fit import FitRun
    from handful.report.more_data import plan_text

    finished = FitRun(run)
    summary = finished.summary
    stored = (summary.get("labels_needed") or {}).get("targets") or []
    answers = stored if target_score is None else [finished.plan(target_score)]
    typer.echo(plan_text(summary, answers))


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A run's folder, or a saved model's.")],
    data: Annotated[Path, typer.Argument(help="A picture or text, a folder of them, or a table.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The CSV file to write.")],
) -> None:
    """Predict new data with a run's model."""
    from handful.data.names import count
    from handful.files import whole, writing
    from handful.model.save import load

    _check_output(output, model, data)
    with _plain_warnings():
        frame = load(model).predict_frame(data)
    if output.exists() and not output.is_file():
        with writing(output):
            frame.to_csv(output, index=False)  # a device or a pipe cannot be replaced
    else:
        with whole(output) as temporary:
            frame.to_csv(temporary, index=False)
    bad = int(frame["problem"].ne("").sum()) if "problem" in frame else 0
    problems = f" {bad} could not be read: see the column 'problem'." if bad else ""
    typer.echo(f"{count(len(frame), 'prediction')} in {output}.{problems}")


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings as one line each, without the place in the code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: typer.echo(f"Warning: {message}", err=True)
        yield


def _check_output(output: Path, model: Path, data: Path) -> None:
    """SettingsError where no predictions can be written, or where they would spoil what they are made of."""
    from handful.data.folders import is_image_name, is_text_name
    from handful.errors import SettingsError

    place, kept, what = output.resolve(), model.resolve(), None
    run_or_model = (kept / "model.json", kept / "run.json", kept.parent / "run.json")
    if output.is_dir():
        what = "is a folder"
    elif not output.absolute().parent.is_dir():
        what = "lies in a folder that does not exist"
    elif place == data.resolve():
        what = "is the data that is to be predicted"
    elif any(file.exists() and file.parent in place.parents for file in run_or_model):
        what = "lies in the folder of the run or model, which holds nothing else"
    elif output.exists() and is_image_name(output.name):
        what = "is a picture"
    elif output.exists() and is_text_name(output.name) and data.resolve() in place.parents:
        what = "is a text of the data that is to be predicted"
    if what:
        raise SettingsError(f"-o {output} {what}; name the CSV file to write, such as predictions.csv.")


@app.command()
def check(
    data: DataPath,
    target: Target = None,
    groups: Groups = None,
    task: Task = "auto",
    modality: Modality = "auto",
    drop_class: Drop = None,
) -> None:
    """Look for what would spoil the evaluation: damaged files, duplicates, leaks, classes too small."""
    import tempfile

    from handful.audit import audit, findings_text
    from handful.data.load import load
    from handful.fit import check as check_settings
    from handful.settings import Settings

    settings = Settings(
        data=str(data.absolute()),
        target=target,
        groups=groups,
        task=task,
        modality=modality,
        drop_classes=tuple(drop_class or ()),
    )
    check_settings(settings)
    with tempfile.TemporaryDirectory(prefix="handful-") as folder:
        typer.echo(findings_text(audit(load(settings.data, settings, Path(folder)))))


@app.command()
def augment(
    data: DataPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder, or a new CSV file.")],
    per_class: Annotated[
        int | None,
        typer.Option(help="Examples of each class in the end; twice the largest class unless given."),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(help="auto: what helps in cross-validation; or flips, light, moves, noise and so on."),
    ] = "auto",
    target: Target = None,
    groups: Groups = None,
    drop_class: Drop = None,
    seed: Annotated[int, typer.Option(help="Where every random choice starts.")] = 0,
) -> None:
    """Write a larger data set: your examples and changed copies of them, and what is made of what."""
    from handful.making.enlarge import enlarge
    from handful.making.place import SHEET

    made = enlarge(
        data,
        output,
        per_class=per_class,
        policy=policy,
        target=target,
        groups=groups,
        drop_classes=drop_class or (),
        seed=seed,
    )
    for message in made.noticed:
        typer.echo(message, err=True)
    if made.why:
        typer.echo(f"Policy {made.policy} ({made.why}).")
    typer.echo(f"{made.originals} examples and {made.copies} copies of them ({made.policy}) in {made.path}.")
    if (made.path / SHEET).exists():
        typer.echo(f"To look at: {made.path / SHEET}")


@app.command()
def synthesize(
    data: DataPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder, or a new CSV file.")],
    per_class: Annotated[int, typer.Option(help="Examples of each class to generate.")],
    generator: Annotated[
        str, typer.Option(help="auto: the one with which a model scores best; or its name.")
    ] = "auto",
    target: Target = None,
    groups: Groups = None,
    drop_class: Drop = None,
    seed: Annotated[int, typer.Option(help="Where every random choice starts.")] = 0,
    anyway: Annotated[bool, typer.Option("--anyway", help="Write also what does not help.")] = False,
    jobs: Jobs = None,
) -> None:
    """Write generated examples, if they help, with a card that says what they are worth."""
    from handful.making.place import SHEET
    from handful.making.synthesize import NoGain
    from handful.making.synthesize import synthesize as make

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    try:
        made = make(
            data,
            output,
            per_class=per_class,
            generator=generator,
            target=target,
            groups=groups,
            drop_classes=drop_class or (),
            seed=seed,
            anyway=anyway,
            jobs=jobs,
            tell=tell,
        )
    except NoGain as error:
        typer.echo("\n".join(error.quality.lines()[1:]))
        raise
    typer.echo("\n".join(made.quality.lines()))
    typer.echo(f"{made.written} generated examples ({made.quality.generator}) in {made.path}.")
    if (made.path / SHEET).exists():
        typer.echo(f"To look at: {made.path / SHEET}, each beside its nearest real example.")


@app.command()
def backbones() -> None:
    """List the pretrained networks that --backbones takes: what is here, and what can be had."""
    from handful.backbones.listing import listing

    typer.echo(listing())


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/clothes unless given.")] = None,
) -> None:
    """Fit the 300 photographs of clothes that come with handful."""
    from handful.example import clothes
    from handful.fit import fit as fit_data
    from handful.fit import free_folder

    data = clothes()
    typer.echo(f"300 photographs of clothes in 10 classes, from Fashion-MNIST, as they lie in {data}:\n")
    folder = out or free_folder(data)
    with _bar(folder) as tell:
        run = fit_data(data, out=folder, progress=tell)
    _answer(run)


def _answer(run: Any) -> None:
    typer.echo(repr(run))
    typer.echo(f"\nThe report: {run.report()}\nThe model:  {run.folder / 'model'}")
    typer.echo(f"Predict:    handful predict {quote(str(run.folder))} NEW_DATA -o predictions.csv")


@contextmanager
def _bar(folder: Path) -> Iterator[Callable[[Any], None]]:
    """A progress bar with cells done, time left and the best so far; Ctrl-C says how to go on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
    )
    try:
        console = Console(stderr=True)
        # Into a file or a pipe it would write nothing but an empty line.
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            line = bar.add_task("starting", total=None, words="")

            def tell(progress: Any) -> None:
                if progress.note is not None:
                    typer.echo(progress.note)
                    return
                bar.update(
                    line,
                    description=progress.stage,
                    completed=progress.done,
                    total=progress.total,
                    words=_words(progress),
                )

            yield tell
    except KeyboardInterrupt:
        _stopped(folder)


def _words(progress: Any) -> str:
    from handful.scoring import places

    left, best = progress.seconds_left, progress.best
    parts = [] if left is None else [f"{int(left) // 60}:{int(left) % 60:02d} left"]
    if best is not None:
        score = progress.best_score
        parts.append(f"best so far: {best} {score:.{places(score, 1.0, 3)}f}")
    return "  ".join(parts)


def _stopped(folder: Path) -> None:
    if (folder / "run.json").exists():
        again = f"handful resume {quote(str(folder))}"
        typer.echo(f"\nStopped. Nothing is lost: continue with: {again}", err=True)
        typer.echo(f"An answer soon, with what there is by then: {again} --budget 5m", err=True)
    else:
        typer.echo("\nStopped.", err=True)
    raise typer.Exit(130)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"handful {__version__}")
        raise typer.Exit()


def main() -> None:
    """The entry point: a HandfulError is one message and exit status 2."""
    try:
        app()
    except HandfulError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
