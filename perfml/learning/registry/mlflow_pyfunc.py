"""Models as MLflow writes and loads them (``mlflow.pyfunc``): the same verified text files, never pickle."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from perfml._version import __version__
from perfml.errors import ModelError
from perfml.learning.registry.model_store import Model, load


class Predictor:
    """A model whose :meth:`predict` MLflow calls."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Return the probability of the outcome within each horizon: one row per input row, columns ``within_<days>_days``.

        ``model_input`` holds the model's features in any order; empty values count as missing, other columns are
        ignored. ``params`` is MLflow's and unused. Raises :class:`ModelError` naming a missing column.
        """
        names = [column.name for column in self.model.columns]
        absent = [name for name in names if name not in model_input.columns]
        if absent:
            raise ModelError(
                f"{len(absent)} of its {len(names)} columns are missing, e.g. {absent[0]}",
                where=f"model {self.model.name} {self.model.version}",
                remedy="give the columns that `perfml features` makes",
            )
        matrix = np.ascontiguousarray(model_input[names].to_numpy(dtype=np.float64, na_value=np.nan))
        listed = self.model.incidences(matrix).incidence[:, 0]
        within = {f"within_{days}_days": listed[:, column] for column, days in enumerate(self.model.risks)}
        return pd.DataFrame(within, index=model_input.index)


def _load_pyfunc(data_path: str) -> Predictor:
    """Load for MLflow: ``data_path`` holds one ``models/<name>/<version>``, verified before it is opened."""
    manifests = sorted(Path(data_path).glob("models/*/*/manifest.json"))
    if len(manifests) != 1:
        raise ModelError(f"holds {len(manifests)} models, not one", where=data_path, remedy="register the model again")
    folder = manifests[0].parent
    return Predictor(load(Path(data_path), folder.parent.name, folder.name))


def save_as_pyfunc(folder: Path, temporary: Path, *, run: str, model_id: str) -> Path:
    """Write the verified version in ``folder`` as an MLflow model under ``temporary``; return the model's folder.

    ``run`` and ``model_id`` are MLflow's. The requirements are given because MLflow would load the model to guess them (3 s).
    """
    import mlflow.pyfunc  # it takes seconds; only a training or promotion logs
    from mlflow.models import Model as Described

    shutil.copytree(folder, temporary / "home" / "models" / folder.parent.name / folder.name)
    mlflow.pyfunc.save_model(
        str(temporary / "model"),
        loader_module=__name__,
        data_path=str(temporary / "home"),
        mlflow_model=Described(run_id=run, model_id=model_id),
        pip_requirements=[f"perfml=={__version__}"],
    )
    return temporary / "model"
