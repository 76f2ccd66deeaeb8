"""The command `course`. Each command loads what it needs when it runs: `--help` is quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from utils.course.challenging.command import challenge
from utils.course.commands.assemble import assemble
from utils.course.commands.chat import chat
from utils.course.commands.export import export
from utils.course.commands.fetch import fetch
from utils.course.commands.group import group
from utils.course.commands.progress import progress
from utils.course.commands.report import report
from utils.course.commands.serve import serve
from utils.course.commands.terminal import ready
from utils.course.commands.train import train
from utils.course.commands.update import update

app = typer.Typer(
    name="course",
    help="Understand a GPT by building one: the course's own tools.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FIRST_CHAPTER = "chapters/00_start_here.ipynb"
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def course_root() -> Path:
    """The folder that holds the course; the installed package points back to it."""
    return Path(__file__).resolve().parents[2]


def needed_folder(name: str) -> Path:
    """A folder of the course. Exits with one line where this is not a copy of the course."""
    folder = course_root() / name
    if not folder.is_dir():
        fail(f"there is no {name} folder in {course_root()}; clone the course and run `make lab`.")
    return folder


def fail(message: str, status: int = 2) -> None:
    """Say one line and leave."""
    typer.echo(f"course: {message}", err=True)
    raise typer.Exit(status)


def become(command: list[str], folder: Path) -> int:
    """Run a program that takes over the terminal; returns its status."""
    if os.name == "posix":
        sys.stdout.flush()
        os.chdir(folder)
        os.execv(command[0], command)
    child = subprocess.Popen(command, cwd=folder)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child was asked too, and answers for itself
            continue


def lab_command(words: list[str]) -> list[str]:
    """JupyterLab on the first chapter: this machine only, its token kept on."""
    root = course_root()
    # In a container everybody is root, and Jupyter then asks for this word.
    as_root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    own = {
        ("--ServerApp.root_dir", "--notebook-dir"): str(root),
        ("--ServerApp.ip", "--ip"): "localhost",
        # Not as a file to open: the address that is printed would then not lead to the chapter.
        ("--LabApp.default_url",): f"/lab/tree/{FIRST_CHAPTER}",
    }
    given = {word.partition("=")[0] for word in words}  # Jupyter refuses a setting given twice
    settings = [f"{names[0]}={value}" for names, value in own.items() if given.isdisjoint(names)]
    return [sys.executable, "-m", "jupyterlab", *settings, *as_root, *words]


@app.command(context_settings=PASS_ON)
def lab(context: typer.Context) -> None:
    """Open the chapters in JupyterLab.

    Further words go to JupyterLab, for instance: course lab --no-browser --port 8899
    """
    from importlib.util import find_spec

    needed_folder("chapters")
    if find_spec("jupyterlab") is None:
        fail("JupyterLab is not installed here; run `make lab`, or see `course doctor`.")
    from utils.course.commands.lab import prepare

    prepare()
    raise typer.Exit(become(lab_command(context.args), course_root()))


@app.command()
def check(
    notebooks: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks or folders; without any, all chapters.")
    ] = None,
    week: Annotated[
        int | None, typer.Option(min=0, max=5, help="The chapters of this week; 0 is the start.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON to it.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Add the report, as Markdown, to this file.")
    ] = None,
    cell_timeout: Annotated[float, typer.Option(help="Seconds that one cell may take.")] = 120.0,
    notebook_timeout: Annotated[float, typer.Option(help="Seconds for a notebook.")] = 900.0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Notebooks that run at once.")] = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Judge right answers again, without their notebook.")
    ] = False,
) -> None:
    """Run your notebooks as they are on disk, and report on every exercise.

    Ends with 0 where nothing is wrong, 1 where something is, 2 where something could not run.
    """
    from utils.course.grading.check_notebooks import check_notebooks

    status = check_notebooks(
        notebooks or (), week, junit, json, summary, cell_timeout, notebook_timeout, jobs, strict
    )
    raise typer.Exit(status)


@app.command()
def build(
    chapters: Annotated[
        list[str] | None, typer.Argument(help="Chapters, e.g. 02; without any, all of them.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where a notebook is out of date.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also replace a chapter that holds somebody's answers.")
    ] = False,
    prose: Annotated[
        bool, typer.Option("--prose", help="Run nothing: keep the outputs, take over new text.")
    ] = False,
    nbgrader: Annotated[
        Path | None, typer.Option(help="Write them for nbgrader instead, below this folder.")
    ] = None,
) -> None:
    """Make the notebooks from their sources in solutions/ (for authors)."""
    from utils.course.building.build import build as build_notebooks

    if nbgrader is not None:
        from utils.course.building.nbgrader import write_assignments

        raise typer.Exit(write_assignments(chapters or [], nbgrader))
    raise typer.Exit(build_notebooks(chapters or [], check=check, force=force, prose=prose))


app.command()(progress)
app.command()(update)
app.command()(group)
app.command()(report)
app.command()(train)
app.command()(chat)
app.command()(serve)
app.command()(assemble)
app.command()(fetch)
app.command()(export)
app.command()(challenge)


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what this machine has, what is missing, and how to get it."""
    from utils.course.commands.doctor import main as examine

    raise typer.Exit(examine(as_json=json))


@app.command(context_settings=PASS_ON)
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which to run; without any, all of them.")
    ] = None,
) -> None:
    """Measure the speed of the library's parts.

    What begins with a dash, and what follows, goes to them: course bench real_model --rounds 3
    """
    words = names or []
    dashed = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    names, options = words[:dashed], words[dashed:]
    folder = needed_folder("tests") / "bench"
    scripts = {p.stem.removeprefix("bench_"): p for p in sorted(folder.glob("[!_]*.py"))}
    scripts.pop("gpu", None)  # `make gpu`: it writes into the course
    unknown = [name for name in names if name not in scripts]
    if unknown:
        fail(f"no benchmark is called {unknown[0]!r}; there are: {', '.join(scripts) or 'none'}.")
    statuses = [
        subprocess.run([sys.executable, str(scripts[name]), *options], cwd=course_root()).returncode
        for name in names or scripts
    ]
    raise typer.Exit(max(map(abs, statuses), default=0))


def main() -> None:
    """Entry point of the command."""
    ready()
    try:
        app(prog_name="course")
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        typer.echo(
            f"course: the package {error.name} is missing; `course doctor` says how to get it.",
            err=True,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
