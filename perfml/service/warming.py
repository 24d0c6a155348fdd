"""Texts of new scores are written beside the answers of requests, so that nobody who asks waits for them."""

from __future__ import annotations

import gc
import threading
import time
from itertools import chain

from perfml.errors import PerfmlError
from perfml.home_reads import noting
from perfml.service.answers.at_risk import write_list_texts
from perfml.service.answers.people import write_texts
from perfml.service.store import Store
from perfml.store.standing import StoreVersions

LOOK_SECONDS = 30.0
"""How often it is looked for new scores."""
PAUSE_SECONDS = 0.001
"""After each person: requests come first."""


COLLECTED_AFTER = 50_000
"""Objects after which the youngest are looked through for circles (Python: 700): what the requests made that wait for one commit
is no garbage."""


class Warming(threading.Thread):
    """Writes the texts of everybody's newest scores, and again when other scores lie there. Ends with the process."""

    def __init__(self, store: Store) -> None:
        super().__init__(name="warming", daemon=True)
        self._store, self._versions = store, StoreVersions(store.home)
        self._written: dict[str, str] = {}

    def run(self) -> None:
        """Look from time to time."""
        while True:
            if self.write():
                settle_memory()
            time.sleep(LOOK_SECONDS)

    def write(self, pause: float = PAUSE_SECONDS) -> bool:
        """Write what is new, and return whether something is kept of it. Files that are not sound are left to the request that
        asks for them."""
        written = False
        try:
            models = self._store.models()
        except (PerfmlError, OSError):
            return False
        for model in models:
            try:
                _, file = self._store.scores(model)
                if self._written.get(model) != file.version:
                    with noting(self._versions.now()) as reads:
                        for _ in chain(write_texts(self._store, model), write_list_texts(self._store, model)):
                            time.sleep(pause)
                    if reads.settled:  # else nothing was kept, and it is written again
                        self._written[model] = file.version
                        written = True
            except (PerfmlError, OSError):
                continue
        return written


def settle_memory() -> None:
    """Look through what there is for circles once more, and then no longer: texts lie in none and live as long as their file."""
    gc.collect()  # else what nobody needs any more is frozen too
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
