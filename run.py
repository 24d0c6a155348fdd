#!/usr/bin/env python3
"""Set perfml up and run it. Needs Python 3.11 to 3.13 and nothing else.

  python3 run.py demo [ARGS]             a simulated company, from raw evidence to advice
  python3 run.py perfml [ARGS]           the perfml command
  python3 run.py test [ARGS]             lint, format, types, tests; with ARGS only `pytest ARGS`
  python3 run.py test --fast             the same without slow tests and real data: before a commit
  python3 run.py evaluate [ARGS]         evaluation/run.py
  python3 run.py benchmark NAME [ARGS]   benchmarks/NAME.py
  python3 run.py docs                    the documentation as a site in build/docs
  python3 run.py lock [--upgrade]        write the lock files again (needs uv)

The first call makes `.venv` beside this file and installs the locked versions, with uv where it is
on PATH and with pip otherwise; later calls install again only after the lock has changed.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

SUPPORTED = ((3, 11), (3, 12), (3, 13))
if sys.version_info[:2] not in SUPPORTED:  # stands before anything that an old Python cannot evaluate
    sys.exit(
        f"perfml runs on Python 3.11, 3.12 and 3.13; this is {sys.version.split()[0]} ({sys.executable}).\n"
        "Call it with one of those, for example: python3.12 run.py demo"
    )

WINDOWS = os.name == "nt"
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")
PERFML = BIN / ("perfml.cmd" if WINDOWS else "perfml")
STAMP = VENV / "perfml-installed.txt"
LOCKS = {"runtime": ROOT / "requirements.lock", "full": ROOT / "requirements-dev.lock"}  # full contains runtime

POSTGRES = ("adbc-driver-manager", "adbc-driver-postgresql", "psycopg", "psycopg-binary")
"""What serve/Dockerfile installs beside the runtime lock."""

BESIDE = "mypy"
"""Runs beside the other checks, for it keeps one core busy and leaves the others idle."""
CHECKS = (
    "ruff check .",
    "ruff format --check .",
    "pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder",
)
FAST = (*CHECKS[:-1], f"{CHECKS[-1]} -m 'not slow and not data'")
LAUNCH = "from perfml.cli import main; main()"
OPENMP = {"linux": "apt-get install libgomp1 (elsewhere: dnf install libgomp)", "darwin": "brew install libomp"}


class Failure(Exception):
    """Something the reader can mend; the message says how."""


def call(*command: str | Path, output: IO[bytes] | None = None) -> int:
    """Run a command in the checkout and wait for its exit code; what it says goes to ``output``, where that is given."""
    errors = None if output is None else subprocess.STDOUT
    return subprocess.call([str(part) for part in command], cwd=ROOT, stdout=output, stderr=errors)


def run(*command: str | Path) -> None:
    """Run a command that has to succeed."""
    code = call(*command)
    if code != 0:
        raise Failure(f"exit code {code} from: {shlex.join(str(part) for part in command)}")


@contextlib.contextmanager
def step(label: str) -> Iterator[None]:
    """Print one line per step: what it is, and the seconds it took."""
    start = time.monotonic()
    print(f"  {label} ... ", end="", flush=True)
    yield
    print(f"{time.monotonic() - start:.1f} s", flush=True)


def seal(level: str) -> list[str]:
    """The stamp of a finished install: where and on which Python it stands, what it holds, by which lock."""
    lock_sha256 = hashlib.sha256(LOCKS[level].read_bytes()).hexdigest()
    return [f"{VENV} {sys.version.split()[0]} {LAUNCH}", level, lock_sha256]


def plan(wanted: str) -> tuple[str, bool] | None:
    """What to install, and whether into an empty environment; None when the stamp shows that all is there.

    The stamp is emptied when an install begins and written when it has ended. So no stamp means an environment that
    somebody else made (kept, and installed into), an empty one an interrupted install (thrown away).
    """
    if not STAMP.exists():
        return wanted, False
    stamp = STAMP.read_text("utf-8").splitlines()
    level = "full" if "full" in stamp else wanted
    due = seal(level)
    fresh = stamp[:1] != due[:1] or not PYTHON.exists()
    return (level, fresh) if fresh or stamp != due else None


def install(level: str, fresh: bool) -> None:
    """Make or mend `.venv` so that it holds what the lock for `level` names, hashes checked."""
    start, source, uv = time.monotonic(), LOCKS[level], shutil.which("uv")
    for module in ("venv",) if uv else ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Failure(f"this Python has no {module} module; on Debian and Ubuntu: apt-get install python3-venv")
    print(f"perfml: setting up {VENV} for Python {sys.version.split()[0]}", flush=True)
    if fresh and VENV.exists():
        with step("removing the earlier environment"):
            shutil.rmtree(VENV)
    with step("making the environment"):  # one that exists only gains pip, if pip is needed and missing
        python = getattr(sys, "_base_executable", None) or sys.executable
        run(python, "-m", "venv", "--prompt", "perfml", *(["--without-pip"] if uv else []), VENV)
    STAMP.write_text("", "utf-8")
    try:
        with step(f"installing {source.name} with {'uv' if uv else 'pip, which takes a minute or two'}"):
            if uv:
                run(uv, "pip", "sync", "-q", "--require-hashes", "--compile-bytecode", "--python", PYTHON, source)
            else:
                flags = "-qq --disable-pip-version-check --no-input --require-hashes --no-deps --no-compile"
                run(PYTHON, "-m", "pip", "install", *flags.split(), "-r", source)
    except Failure as failure:
        mirror = "UV_DEFAULT_INDEX" if uv else "PIP_INDEX_URL"
        raise Failure(f"{failure}\nOn a closed network set {mirror}: the lock fixes hashes, no address.") from None
    if not uv:
        with step("compiling to bytecode"):  # in parallel, and also where PYTHONDONTWRITEBYTECODE is set
            call(PYTHON, "-m", "compileall", "-qq", "-j", "0", "-x", r"[/\\]tests?[/\\]", site_packages())
    with step("checking that LightGBM loads"):
        check_lightgbm()
    link()
    STAMP.write_text("\n".join(seal(level)), "utf-8")
    activate = f"{BIN}\\activate" if WINDOWS else f". {shlex.quote(str(BIN))}/activate"
    print(f"perfml: ready after {time.monotonic() - start:.0f} s. To use it in this shell: {activate}", flush=True)


def site_packages() -> Path:
    """The folder of packages in the environment."""
    return Path(sysconfig.get_path("purelib", scheme="venv", vars={"base": str(VENV), "platbase": str(VENV)}))


def check_lightgbm() -> None:
    """LightGBM links the system's OpenMP runtime, which its wheel does not bring."""
    child = subprocess.run([PYTHON, "-c", "import lightgbm"], capture_output=True, text=True)
    if child.returncode != 0:
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        remedy = OPENMP.get(sys.platform, "repair the OpenMP runtime")
        raise Failure(f"LightGBM does not load: {reason}\nThe remedy is most likely: {remedy}")


def link() -> None:
    """Put the checkout on the environment's path, and `perfml` among its commands.

    By hand rather than as an editable install: no build backend, no network, never stale.
    """
    # Python reads .pth files in the locale's encoding, and the checkout may lie under a Chinese folder name.
    (site_packages() / "perfml-checkout.pth").write_text(f"{ROOT}\n", encoding="locale")
    if WINDOWS:
        PERFML.write_text(f'@"%~dp0python.exe" -P -c "{LAUNCH}" %*\n', encoding="utf-8")
    else:
        PERFML.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -c "{LAUNCH}" "$@"\n', encoding="utf-8")
        PERFML.chmod(0o755)


def ensure(level: str) -> None:
    """Have an environment that holds at least `level`; of two calls at once the second waits for the first."""
    with open(__file__, "rb") as handle:
        with contextlib.suppress(ImportError, OSError):  # Windows and some network drives cannot wait
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        todo = plan(level)
        if todo is not None:
            install(*todo)


def hand_over(*command: str | Path) -> int:
    """Become `command`, so that exit code, signals and terminal are its own."""
    sys.stdout.flush()
    if not WINDOWS:
        os.execv(command[0], [str(part) for part in command])
    return subprocess.call([str(part) for part in command])


def demo(args: list[str]) -> int:
    return perfml(["demo", *args])


def perfml(args: list[str]) -> int:
    ensure("runtime")
    return hand_over(PERFML, *args)


def test(args: list[str]) -> int:
    ensure("full")
    os.chdir(ROOT)
    if args not in ([], ["--fast"]):
        return hand_over(PYTHON, "-m", "pytest", *args)
    failed = []
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of the many processes compiles all of perfml again
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # tests run beside each other: threads of theirs would wait for each other
    with ThreadPoolExecutor(1) as pool, tempfile.TemporaryFile() as report:
        types = pool.submit(call, PYTHON, "-m", *shlex.split(BESIDE), output=report)
        for check in FAST if args else CHECKS:  # all of them, whatever the earlier ones say
            print(f"== {check}", flush=True)
            failed += [check] if call(PYTHON, "-m", *shlex.split(check)) else []
        failed += [BESIDE] if types.result() else []
        report.seek(0)
        print(f"== {BESIDE}\n{report.read().decode('utf-8', 'replace')}", flush=True)
    if failed:
        raise Failure(f"failed: {', '.join(failed)}")
    return 0


def evaluate(args: list[str]) -> int:
    ensure("full")
    return hand_over(PYTHON, ROOT / "evaluation" / "run.py", *args)


def benchmark(args: list[str]) -> int:
    scripts = {path.stem: path for path in sorted((ROOT / "benchmarks").glob("[!_]*.py"))}
    if not args or args[0] not in scripts:
        raise Failure(f"name one of the benchmarks: {', '.join(scripts) or 'there are none yet'}")
    ensure("full")
    return hand_over(PYTHON, scripts[args[0]], *args[1:])


def docs(args: list[str]) -> int:
    ensure("full")
    page = ROOT / "build" / "docs" / "index.html"
    # Fresh (-E), as generated pages depend on the code; a warning is an error (-W).
    run(PYTHON, "-m", "sphinx", "-E", "-W", "--keep-going", "-q", "-b", "html", *args, ROOT / "docs", page.parent)
    print(f"perfml: the documentation is at {page}")
    return 0


def lock(args: list[str]) -> int:
    uv = shutil.which("uv")
    if uv is None:
        raise Failure("locking needs uv on PATH: pip install uv")
    how = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-emit-index-url", "--quiet", *args]
    how += ["--custom-compile-command=python3 run.py lock"]
    full, runtime = LOCKS["full"].name, LOCKS["runtime"].name
    for name, scope in ((full, ["--all-extras"]), (runtime, ["--constraints", full])):  # the same versions in both
        with step(f"writing {name}"):
            run(uv, "pip", "compile", "pyproject.toml", *scope, *how, "--output-file", name)
    (ROOT / "serve" / "postgres.lock").write_text(entries_of(LOCKS["full"].read_text("utf-8"), POSTGRES), "utf-8")
    return 0


def entries_of(lock: str, names: Sequence[str]) -> str:
    """The entries of a lock for these packages, with their hashes."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock)
    chosen = [entry for entry in entries if entry.split("==")[0] in names]
    return (
        "# Beside requirements.lock, for PostgreSQL: python3 run.py lock\n" + "\n".join(map(str.rstrip, chosen)) + "\n"
    )


Verb = Callable[[list[str]], int]
VERBS: dict[str, Verb] = {verb.__name__: verb for verb in (demo, perfml, test, evaluate, benchmark, docs, lock)}


def main(argv: list[str]) -> int:
    """Run the verb that `argv` names first; returns the exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if argv else 2
    if argv[0] not in VERBS:
        print(f"run.py: {argv[0]!r} is not a verb; use one of: {', '.join(VERBS)}", file=sys.stderr)
        return 2
    try:
        return VERBS[argv[0]](argv[1:])
    except Failure as failure:
        print(f"\nrun.py {argv[0]}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
