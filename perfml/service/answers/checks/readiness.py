"""Whether the service can answer: the store is reachable, and the newest scores of every model verify."""

from __future__ import annotations

from contextlib import suppress

from perfml.errors import PerfmlError
from perfml.service.answers.shared import Answer
from perfml.service.problems import NotFound, not_ready
from perfml.service.store import Store
from perfml.store.opening import is_made, session


class ReadyAnswer(Answer):
    """Nothing but that it can answer: whoever asks need not be known."""

    ready: bool


def ready(store: Store) -> ReadyAnswer:
    """Look at the store and the newest scores. Raises :class:`NotReady`, without saying which file is wrong: health does."""
    try:
        if is_made(store.home):
            with session(store.home, writing=False):
                pass
        for model in store.models():
            with suppress(NotFound):  # a model that has scored no date yet
                store.scores(model)
    except PerfmlError as error:
        raise not_ready() from error
    return ReadyAnswer(ready=True)
