"""What all policies have in common: the version that every suggestion names."""

from __future__ import annotations

import hashlib

from perfml.project.spec import Spec


class Policy(Spec):
    """Base of the rules that suggestions are made under."""

    @property
    def version(self) -> str:
        """Changes with any rule, and with nothing else: twelve hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]
