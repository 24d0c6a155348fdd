"""The ASGI entry: ``uvicorn serve.app:app``, for the project that this folder stands in.

Models and scores are read from ``PERFML_HOME``, else from the project's ``var/``.
"""

from pathlib import Path

from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app

app = create_app(ProjectFolder(Path(__file__).resolve().parents[1]).home())
