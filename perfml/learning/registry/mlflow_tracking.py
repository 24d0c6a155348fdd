"""MLflow tracking: every training run is logged, and its model is registered as the same verified files as on disk.

The tracking store is the SQLite file ``home/mlflow/mlflow.db``, or whatever MLFLOW_TRACKING_URI or ``uri`` names. An
entry is first written to ``home/mlflow/pending`` and removed once MLflow has it. A server that is down therefore costs
training a few seconds and loses nothing: the next training, or ``perfml track``, logs it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from perfml.errors import ModelError
from perfml.files import PRIVATE_FOLDER, private_folder, reading, write_text
from perfml.json_types import Json
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, read_card, read_record, verified

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

VERSION_TAG = "perfml_version"
"""Tag of a run and of a registered version: the model's own version, the hash of its manifest."""
PLAIN = MappingProxyType(
    {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_UV_AUTO_DETECT": "false",
        "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
    }
)
"""MLflow's settings during a call, unless the caller's environment sets them: no telemetry, short timeouts (seconds) without
long retries, no files of the working folder in the model, no files left open."""
SERVED = ("http:", "https:", "databricks")
"""Beginnings of the address of a server, which chooses where artifacts lie and shows its own pages."""
LONGEST_PARAMETER = 6000
"""Most characters that MLflow accepts."""
_NAME = re.compile(r"[\w.\- /]+")
"""Names of parameters that MLflow accepts."""


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """State of one run or promotion. If not ``logged``, it is still pending and ``reason`` says why."""

    name: str
    version: str
    what: Literal["run", "promotion"]
    logged: bool
    reason: str = ""


def tracking_uri(home: Path, uri: str | None = None) -> str:
    """Return where runs are logged: ``uri``, else MLFLOW_TRACKING_URI, else the SQLite file under ``home``."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home.resolve() / 'mlflow' / 'mlflow.db'}"


def record(
    home: Path, name: str, version: str, *, plots: Mapping[str, str] = MappingProxyType({}), uri: str | None = None
) -> Tracked:
    """Log the training run of a model version that is on disk, and register it under the alias ``candidate``.

    ``plots``: file name -> SVG. Pending entries are logged first. A server that is down raises nothing, see
    :class:`Tracked`. Raises :class:`ModelError` where the version is missing or altered.
    """
    verified(home, name, version)
    _queue(home, f"{name}-{version}", {"name": name, "version": version, "plots": dict(plots)})
    return next(t for t in flush(home, uri=uri) if (t.name, t.version, t.what) == (name, version, "run"))


def promote(home: Path, name: str, version: str, *, approver: str, reason: str, uri: str | None = None) -> Tracked:
    """Give a version the alias ``champion``, with the approver, reason and day (UTC); like :func:`record`.

    A version that was never logged is logged first.
    """
    queue_promotion(home, name, version, approver=approver, reason=reason)
    return next(t for t in flush(home, uri=uri) if (t.name, t.version, t.what) == (name, version, "promotion"))


def queue_promotion(home: Path, name: str, version: str, *, approver: str, reason: str) -> None:
    """Keep a promotion to be logged with the next training, or by ``perfml track``. Raises :class:`ModelError`."""
    verified(home, name, version)
    tags = {"approver": approver, "reason": reason, "promoted_on": dt.datetime.now(dt.UTC).date().isoformat()}
    _queue(home, f"{name}-{version}.{CHAMPION}", {"name": name, "version": version, "plots": {}, CHAMPION: tags})


def flush(home: Path, *, uri: str | None = None) -> list[Tracked]:
    """Log pending entries, the oldest first; nothing is logged twice. Empty when nothing is pending.

    Nothing is raised, whatever the server does: after its first failure the remaining entries stay pending. Raises
    :class:`PerfmlError` for an entry that is damaged.
    """
    down = ""
    done = []
    waiting = []
    for path in (_mlflow(home) / "pending").glob("*.json"):
        with reading(path, remedy="remove it, and train again to log that run"):
            entry = json.loads(path.read_text(encoding="utf-8"))
            waiting.append((str(entry["since"]), path, entry))
    for _, path, entry in sorted(waiting, key=lambda item: item[0]):
        reason = down
        if not down:
            try:
                with _client(tracking_uri(home, uri)) as client:
                    _log(client, home, entry, uri=tracking_uri(home, uri))
                path.unlink()
            except ModelError as error:  # concerns this entry only
                reason = str(error)
            except Exception as error:  # no failure of a server or its client may lose a trained model
                first = next(iter(str(error).splitlines()), "")
                reason = down = f"{type(error).__name__}: {first[:300]}"
        done.append(
            Tracked(
                name=entry["name"],
                version=entry["version"],
                what="promotion" if CHAMPION in entry else "run",
                logged=not reason,
                reason=reason,
            )
        )
    return done


def _queue(home: Path, stem: str, entry: Mapping[str, Any]) -> None:
    since = dt.datetime.now(dt.UTC).isoformat()
    write_text(_mlflow(home) / "pending" / f"{stem}.json", json.dumps({**entry, "since": since}, ensure_ascii=False))


def _mlflow(home: Path) -> Path:
    return home.resolve() / "mlflow"


@contextmanager
def _client(uri: str) -> Iterator[MlflowClient]:
    """Yield a silent client of ``uri``; restore MLflow's global state and the environment afterwards."""
    before, mask = dict(os.environ), os.umask(~PRIVATE_FOLDER & 0o777)  # MLflow writes its files itself
    loggers = {logging.getLogger(name): logging.getLogger(name).level for name in ("mlflow", "alembic", "urllib3")}
    os.environ.update({name: value for name, value in PLAIN.items() if name not in before})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's parts warn about each other
            import mlflow  # it takes seconds, and warns

            # Restoring the environment restores what it names; only a URI set otherwise must be set again.
            apart = "MLFLOW_TRACKING_URI" not in before and mlflow.is_tracking_uri_set()
            # None resets the URI, which mlflow's types do not allow for.
            chosen: Any = mlflow.get_tracking_uri() if apart else None
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            if uri.startswith("sqlite:///"):
                private_folder(Path(uri.removeprefix("sqlite:///")).parent)
            try:
                mlflow.set_tracking_uri(uri)  # the registry reads a model's files through the global URI
                yield mlflow.MlflowClient(tracking_uri=uri)
            finally:
                mlflow.set_tracking_uri(chosen)
    finally:
        os.umask(mask)
        for logger, level in loggers.items():
            logger.setLevel(level)
        for name in (*PLAIN, "MLFLOW_TRACKING_URI"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def _log(client: MlflowClient, home: Path, entry: Mapping[str, Any], *, uri: str) -> None:
    """Log a run unless it is registered already, and set the aliases that ``entry`` asks for."""
    name, version = entry["name"], entry["version"]
    known = _registered(client, name, version)
    registered = known or _log_run(client, home, name=name, version=version, plots=entry["plots"], uri=uri)
    if CHAMPION not in entry or known is None:
        client.set_registered_model_alias(name, CANDIDATE, registered.version)
    if CHAMPION in entry:
        for key, value in entry[CHAMPION].items():
            client.set_model_version_tag(name, registered.version, key, value)
        client.set_registered_model_alias(name, CHAMPION, registered.version)


def _registered(client: MlflowClient, name: str, version: str) -> ModelVersion | None:
    entries = client.search_model_versions(f"name = '{name}'")
    return next((entry for entry in entries if entry.tags.get(VERSION_TAG) == version), None)


def _log_run(
    client: MlflowClient, home: Path, *, name: str, version: str, plots: Mapping[str, str], uri: str
) -> ModelVersion:
    # mlflow takes seconds to import; only a training or promotion logs.
    from mlflow.entities import LoggedModelStatus, Metric, Param
    from mlflow.exceptions import MlflowException

    from perfml.learning.registry.mlflow_pyfunc import save_as_pyfunc

    folder = verified(home, name, version)
    record = read_record(home, name, version)
    experiment = _experiment(client, home, name, uri=uri)
    for broken_off in client.search_runs([experiment], f"tags.{VERSION_TAG} = '{version}'"):
        client.delete_run(broken_off.info.run_id)
    tags = {VERSION_TAG: version, "perfml": record.perfml, "model": name}
    tags |= {"data_fingerprint": record.data_fingerprint, "until": record.until.isoformat()}
    run = client.create_run(experiment, run_name=f"{name} {version}", tags=tags).info.run_id
    now = round(time.time() * 1000)
    client.log_batch(
        run,
        metrics=[Metric(key, value, now, 0) for key, value in metrics(record).items()],
        params=[Param(key, value) for key, value in parameters(record.spec.model_dump(mode="json")).items()],
    )
    client.log_text(run, read_card(home, name, version), "card.md")
    for file, svg in plots.items():
        client.log_text(run, svg, f"plots/{file}")
    model = client.create_logged_model(experiment, name=name, source_run_id=run, tags=tags)
    with tempfile.TemporaryDirectory() as temporary:
        saved = save_as_pyfunc(folder, Path(temporary), run=run, model_id=model.model_id)
        client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.set_terminated(run)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(
        name, f"models:/{model.model_id}", run, tags={VERSION_TAG: version}, model_id=model.model_id
    )


def _experiment(client: MlflowClient, home: Path, name: str, *, uri: str) -> str:
    """Return the model's experiment. A server chooses where its artifacts lie; without one they lie under ``home``."""
    known = client.get_experiment_by_name(f"perfml-{name}")
    if known is not None:
        return str(known.experiment_id)
    served = uri.startswith(SERVED)
    return client.create_experiment(
        f"perfml-{name}", artifact_location=None if served else (_mlflow(home) / "artifacts").as_uri()
    )


def metrics(record: TrainingRecord) -> dict[str, float]:
    """Return back-test figures and intervals of each horizon by MLflow's names; figures that were not estimated are left out.

    ``within_91_days.auc``, ``within_91_days.auc_low``, ``within_91_days.baseline.auc`` …
    """
    values: dict[str, float] = {}
    for days, tested in record.backtests.items():
        sides = {"": tested.model, "baseline.": tested.baseline, "difference.": tested.difference}
        for prefix, figures in sides.items():
            for metric, figure in figures.items():
                for suffix, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
                    if value is not None:
                        values[f"within_{days}_days.{prefix}{metric}{suffix}"] = value
    return values


def parameters(spec: Mapping[str, Json]) -> dict[str, str]:
    """Return the model's definition, one parameter per key. A table whose keys MLflow rejects as names stays JSON.

    >>> parameters({"learner": {"seeds": [1, 2]}, "monotone": {"overtime_*": 1}, "zh": "离职"})
    {'learner.seeds': '[1, 2]', 'monotone': '{"overtime_*": 1}', 'zh': '离职'}
    """
    flat: dict[str, str] = {}

    def walk(prefix: str, table: Mapping[str, Json]) -> None:
        for key, value in table.items():
            if isinstance(value, Mapping) and value and all(_NAME.fullmatch(inner) for inner in value):
                walk(f"{prefix}{key}.", value)
            else:
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                flat[prefix + key] = text[:LONGEST_PARAMETER]

    walk("", spec)
    return flat
