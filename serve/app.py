"""The ASGI application of this project: ``uvicorn serve.app:app``.

Models and scores are read from ``PERFML_HOME`` or, where it is not set, from the project's ``var/``.
"""

from pathlib import Path

from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app

app = create_app(ProjectFolder(Path(__file__).resolve().parents[1]).home())
