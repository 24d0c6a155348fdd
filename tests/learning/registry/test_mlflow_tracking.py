"""MLflow: what is logged, what waits when the server does not answer, and what is refused from its registry."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import json
import logging
import os
import shutil
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perfml.errors import ModelError
from perfml.learning.record import Figure
from perfml.learning.registry.artifacts import VERSION_LENGTH, sha256, verified
from perfml.learning.registry.mlflow_tracking import Tracked, flush, parameters, promote, record, tracking_uri
from perfml.learning.registry.model_store import load
from perfml.project.model_spec import LearnerSpec
from tests.records import SPEC, backtest_record, training_record
from tests.simulated import Simulated

pytestmark = pytest.mark.slow

LEARNT_FROM = SPEC.model_copy(
    update={"learner": LearnerSpec(learning_rate=0.04, seeds=(1, 2)), "monotone": {"overtime_*": 1}, "zh": "离职"}
)
RECORD = training_record(
    backtest_record(
        model={"auc": Figure(value=0.71, low=0.66, high=0.76, se=0.02)},
        baseline={"auc": Figure(value=0.61, low=0.55, high=None, se=None)},
        difference={"auc": Figure(value=0.1, low=0.05, high=0.15, se=0.03)},
    ),
    spec=LEARNT_FROM,
    until=dt.date(2026, 10, 1),
)
PLOTS = {"reliability_91.svg": "<svg>可靠性</svg>"}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose MLflow has its tables: they take 2 s to make."""
    home: Path = tmp_path_factory.mktemp("migrated")
    promoted = promote(home, "first", trained(home, "first"), approver="a", reason="b")
    assert promoted.logged, promoted.reason
    return home


@pytest.fixture
def home(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "a home 家"
    (home / "mlflow").mkdir(parents=True)
    shutil.copyfile(migrated / "mlflow" / "mlflow.db", home / "mlflow" / "mlflow.db")
    return home


def trained(home: Path, name: str = "attrition", seed: int = 1) -> str:
    """A version on disk: sound, though nobody could score with it."""
    writing = home / "models" / name / "writing"
    writing.mkdir(parents=True)
    (writing / "model.json").write_text(
        json.dumps({"name": name, "record": RECORD.model_dump(mode="json"), "seed": seed}), encoding="utf-8"
    )
    (writing / "card.md").write_text("# 模型卡\n", encoding="utf-8")
    (writing / "within_91_days_0.txt").write_text("tree\n", encoding="utf-8")
    manifest = {path.name: sha256(path) for path in sorted(writing.iterdir())}
    (writing / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    version = sha256(writing / "manifest.json")[:VERSION_LENGTH]
    writing.rename(writing.with_name(version))
    return version


def client(home: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri(home), registry_uri=tracking_uri(home))


def runs(home: Path, name: str = "attrition") -> list[Any]:
    mlflow = client(home)
    experiment = mlflow.get_experiment_by_name(f"perfml-{name}")
    return list(mlflow.search_runs([experiment.experiment_id])) if experiment else []


def pending(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "mlflow" / "pending").glob("*"))


class TestLogged:
    def test_a_run_with_its_figures_plots_card_and_model(self, home: Path) -> None:
        version = trained(home)
        assert record(home, "attrition", version, plots=PLOTS) == Tracked(
            name="attrition", version=version, what="run", logged=True
        )
        assert pending(home) == []
        (run,) = runs(home)
        assert run.info.status == "FINISHED"
        expected = parameters(LEARNT_FROM.model_dump(mode="json"))
        assert run.data.params == expected
        assert {name: expected[name] for name in ("zh", "learner.learning_rate", "learner.seeds", "monotone")} == {
            "zh": "离职",
            "learner.learning_rate": "0.04",
            "learner.seeds": "[1, 2]",
            "monotone": '{"overtime_*": 1}',
        }
        assert run.data.metrics == {
            "within_91_days.auc": 0.71,
            "within_91_days.auc_low": 0.66,
            "within_91_days.auc_high": 0.76,
            "within_91_days.baseline.auc": 0.61,
            "within_91_days.baseline.auc_low": 0.55,
            "within_91_days.difference.auc": 0.1,
            "within_91_days.difference.auc_low": 0.05,
            "within_91_days.difference.auc_high": 0.15,
        }
        tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
        assert tags == {
            "perfml_version": version,
            "perfml": "0.1.0",
            "model": "attrition",
            "until": "2026-10-01",
            "data_fingerprint": "f" * 64,
        }
        artifacts = Path(home / "mlflow" / "artifacts" / run.info.run_id / "artifacts")
        assert (artifacts / "plots" / "reliability_91.svg").read_text(encoding="utf-8") == "<svg>可靠性</svg>"
        assert (artifacts / "card.md").read_text(encoding="utf-8") == "# 模型卡\n"
        entry = client(home).get_model_version_by_alias("attrition", "candidate")
        assert (entry.tags, entry.run_id) == ({"perfml_version": version}, run.info.run_id)

    def test_everything_lies_under_home_and_nothing_is_a_pickle(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        version = trained(home)
        assert record(home, "attrition", version, plots=PLOTS).logged
        assert list(elsewhere.iterdir()) == []
        logged = [path for path in (home / "mlflow" / "artifacts").rglob("*") if path.is_file()]
        assert {path.suffix for path in logged} <= {"", ".md", ".svg", ".yaml", ".txt", ".json"}
        assert not any(path.read_bytes()[:2] in (b"\x80\x04", b"\x80\x05") for path in logged)
        (copy,) = {path.parent for path in logged if path.name == "manifest.json"}
        assert copy.parts[-4:-1] == ("home", "models", "attrition")
        assert verified(copy.parents[2], "attrition", version) == copy

    def test_once_however_often_it_is_asked(self, home: Path) -> None:
        version = trained(home)
        assert [record(home, "attrition", version).logged for _ in range(2)] == [True, True]
        assert flush(home) == []
        assert len(runs(home)) == len(client(home).search_model_versions("name = 'attrition'")) == 1

    def test_candidate_is_the_newest_and_champion_who_was_promoted(self, home: Path) -> None:
        older, newer = trained(home, seed=1), trained(home, seed=2)
        record(home, "attrition", older)
        record(home, "attrition", newer)
        assert promote(home, "attrition", older, approver="李雷", reason="fair and better").logged
        by_alias = client(home).get_model_version_by_alias
        assert by_alias("attrition", "candidate").tags["perfml_version"] == newer
        champion = by_alias("attrition", "champion").tags
        assert champion.pop("promoted_on").startswith("20")
        assert champion == {"perfml_version": older, "approver": "李雷", "reason": "fair and better"}

    def test_promoting_what_was_never_logged_logs_it(self, home: Path) -> None:
        version = trained(home)
        assert promote(home, "attrition", version, approver="a", reason="b") == Tracked(
            name="attrition", version=version, what="promotion", logged=True
        )
        assert len(runs(home)) == 1

    def test_a_run_that_broke_off_is_replaced(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import mlflow

        version = trained(home)
        with monkeypatch.context() as broken:
            broken.setattr(mlflow.MlflowClient, "create_model_version", lambda *a, **k: 1 / 0)
            tracked = record(home, "attrition", version, plots=PLOTS)
        assert (tracked.logged, tracked.reason) == (False, "ZeroDivisionError: division by zero")
        (left,) = runs(home)
        assert [t.logged for t in flush(home)] == [True]
        (run,) = runs(home)
        assert run.info.run_id != left.info.run_id
        assert pending(home) == []

    def test_an_altered_version_is_not_logged(self, home: Path) -> None:
        version = trained(home)
        (home / "models" / "attrition" / version / "card.md").write_text("rosier")
        with pytest.raises(ModelError, match=r"card\.md.*altered"):
            record(home, "attrition", version)
        assert pending(home) == []

    def test_the_callers_mlflow_and_environment_stay_as_they_were(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
        import mlflow

        environment, level, uri = dict(os.environ), logging.getLogger("mlflow").level, mlflow.get_tracking_uri()
        capfd.readouterr()
        assert record(home, "attrition", trained(home)).logged
        assert (dict(os.environ), logging.getLogger("mlflow").level) == (environment, level)
        assert mlflow.get_tracking_uri() == uri
        assert capfd.readouterr() == ("", "")


class Answers(http.server.BaseHTTPRequestHandler):
    """A server that is up and broken. ``asked`` counts."""

    asked: list[str]

    def answer(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(500)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"oops")

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def answering_500() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Answers,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def closed() -> Iterator[tuple[str, list[str]]]:
    with socket.socket() as bound:  # bound and not listening: refused, and nobody else can take the port
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}", []


@contextlib.contextmanager
def never_answering() -> Iterator[tuple[str, list[str]]]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", []


class TestServerDown:
    @pytest.mark.parametrize("server", [answering_500, closed, never_answering])
    def test_nothing_is_raised_and_nothing_lost(self, home: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        version = trained(home)
        with server() as (uri, _):
            tracked = record(home, "attrition", version, plots=PLOTS, uri=uri)
            promoted = promote(home, "attrition", version, approver="a", reason="b", uri=uri)
        assert not tracked.logged and "MlflowException" in tracked.reason
        assert not promoted.logged and promoted.reason
        assert pending(home) == [f"attrition-{version}.champion.json", f"attrition-{version}.json"]
        assert runs(home) == []

        assert [(t.what, t.logged) for t in flush(home)] == [("run", True), ("promotion", True)]
        assert pending(home) == []
        (run,) = runs(home)
        artifacts = home / "mlflow" / "artifacts" / run.info.run_id / "artifacts"
        assert (artifacts / "plots" / "reliability_91.svg").is_file()
        for alias in ("candidate", "champion"):
            assert client(home).get_model_version_by_alias("attrition", alias).tags["perfml_version"] == version

    def test_the_next_training_logs_what_waited(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        older, newer = trained(home, seed=1), trained(home, seed=2)
        with answering_500() as (uri, _):
            monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
            assert not record(home, "attrition", older).logged
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        assert record(home, "attrition", newer).logged
        assert {run.data.tags["perfml_version"] for run in runs(home)} == {older, newer}
        assert client(home).get_model_version_by_alias("attrition", "candidate").tags["perfml_version"] == newer

    def test_the_first_failure_is_the_last_question(self, home: Path) -> None:
        """However much is waiting, in the order of training: a broken server is asked twice (one retry), not for each run."""
        versions = [trained(home, seed=seed) for seed in range(4)]
        with answering_500() as (uri, asked):
            for version in versions:
                record(home, "attrition", version, uri=uri)
            asked.clear()
            assert [(t.version, t.logged) for t in flush(home, uri=uri)] == [(version, False) for version in versions]
            assert len(asked) == 2

    def test_a_version_that_is_gone_keeps_no_other_waiting(self, home: Path) -> None:
        older, newer = trained(home, seed=1), trained(home, seed=2)
        with closed() as (uri, _):
            record(home, "attrition", older, uri=uri)
            record(home, "attrition", newer, uri=uri)
        shutil.rmtree(home / "models" / "attrition" / older)
        first, second = flush(home)
        assert (first.version, first.logged, second.logged) == (older, False, True)
        assert "manifest is missing" in first.reason
        assert pending(home) == [f"attrition-{older}.json"]


class TestRegistry:
    @pytest.fixture
    def company(self, home: Path, company_of_500: Simulated) -> tuple[Path, str, Path]:
        """A home where the simulated company's model is registered, its version, and the registry's copy of it."""
        version = load(company_of_500.home, "attrition").version
        shutil.copytree(company_of_500.home / "models" / "attrition", home / "models" / "attrition")
        assert record(home, "attrition", version).logged
        (manifest,) = (home / "mlflow" / "artifacts").rglob("manifest.json")
        return home, version, manifest.parent

    def test_mlflow_loads_it_and_says_what_perfml_says(
        self, company: tuple[Path, str, Path], company_of_500: Simulated
    ) -> None:
        home, version, _ = company
        import mlflow.pyfunc

        previous = mlflow.get_tracking_uri()
        try:
            mlflow.set_tracking_uri(tracking_uri(home))
            loaded = mlflow.pyfunc.load_model("models:/attrition@candidate")
        finally:
            mlflow.set_tracking_uri(previous)
        model = load(company_of_500.home, "attrition", version)
        rng = np.random.default_rng(3)
        names = [column.name for column in model.columns]
        frame = pd.DataFrame(rng.gamma(2.0, 20.0, (40, len(names))), columns=names, index=[f"e{i}" for i in range(40)])
        frame.iloc[::3, ::2] = np.nan
        frame["somebody_elses"] = "text"
        wanted = {
            f"within_{d}_days": 1 / (1 + np.exp(-r.margin(frame[names].to_numpy()))) for d, r in model.risks.items()
        }
        for given in (frame, frame[frame.columns[::-1]], frame.astype({names[0]: "Float64"})):
            predicted = loaded.predict(given)
            pd.testing.assert_frame_equal(predicted, pd.DataFrame(wanted, index=frame.index), rtol=1e-12)
        with pytest.raises(Exception, match=rf"1 of its {len(names)} columns are missing, e\.g\. {names[4]}"):
            loaded.predict(frame.drop(columns=names[4]))

    def test_an_altered_entry_is_refused_by_mlflows_own_loader(self, company: tuple[Path, str, Path]) -> None:
        import mlflow.pyfunc

        _, _, copy = company
        tree = next(copy.glob("*.txt"))
        tree.write_text(tree.read_text().replace("num_leaves", "num_leavez", 1))
        with pytest.raises(ModelError, match="altered"):
            mlflow.pyfunc.load_model(str(copy.parents[4]))


def test_importing_it_does_not_import_mlflow() -> None:
    import subprocess

    loads = "import sys, perfml.learning.registry.mlflow_tracking"
    code = f"{loads}; assert not {{'mlflow', 'lightgbm', 'pandas'}} & set(sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
