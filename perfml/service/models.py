"""What each model says of itself, and whether all of them can be read."""

from __future__ import annotations

import datetime as dt

from perfml._version import __version__
from perfml.errors import ModelError
from perfml.service.problems import NotThere, Unreadable, problem_of
from perfml.service.schemas import Freshness, HealthAnswer, ModelAnswer, ModelsAnswer
from perfml.service.store import Store


def one_model(store: Store, model: str) -> ModelAnswer:
    """The version in use. Raises :class:`NotThere`, and :class:`ModelError` where its files are missing or altered."""
    version = store.version(model)
    about = store.about(model, version)
    return ModelAnswer(
        model=model,
        title=about.spec.text,
        version=version,
        stage=store.stage(model, version),
        trained_until=about.until,
        horizons=about.horizons,
        segments=about.spec.segments,
        left_out=about.left_out,
        scored=tuple(store.scored(model)),
        card=store.card(model, version),
    )


def all_models(store: Store) -> ModelsAnswer:
    """Every model that can be read, and what is wrong with the others."""
    models, refused = [], []
    for name in store.models():
        try:
            models.append(one_model(store, name))
        except ModelError as error:
            refused.append(problem_of(error))
    return ModelsAnswer(models=tuple(models), refused=tuple(refused))


def health(store: Store) -> HealthAnswer:
    """Whether every model is sound and has scores. Says nothing about any person."""
    models = tuple(_freshness(store, name) for name in store.models())
    sound = bool(models) and all(m.problem is None for m in models)
    return HealthAnswer(status="ok" if sound else "degraded", perfml=__version__, models=models)


def _freshness(store: Store, model: str) -> Freshness:
    as_of, written, age, problem = None, None, None, None
    try:
        store.about(model, store.version(model))
        with store.scores(model) as (as_of, file):
            written = file.written
            age = round((dt.datetime.now(dt.UTC) - written).total_seconds() / 3600, 2)
    except (ModelError, NotThere, Unreadable) as error:
        problem = problem_of(error)
    return Freshness(model=model, as_of=as_of, scored_at=written, age_hours=age, problem=problem)
