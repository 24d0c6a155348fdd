"""Whether the service of this machine answers: ``python -m perfml.service.serving.health_check``, for a container.

Nothing but the standard library is loaded. Being asked to sign in is an answer.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 5.0


def is_answering(port: int) -> bool:
    """Whether somebody answers, and not with a failure."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/v1/health", timeout=TIMEOUT_SECONDS) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_answering(int(os.environ.get("PERFML_PORT", "8321"))) else 1)
