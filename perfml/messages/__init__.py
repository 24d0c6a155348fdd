"""Messages: a code with its numbers, turned into words at the edge from one template a language.

Facts are kept and passed on as :class:`Message`; only reports, terminals and answers of the service call :func:`render`.
Templates stand in the TOML files of this folder, one table a code with ``en`` and ``zh``, and use :meth:`str.format`
fields named like the numbers: ``{auc:.3f}``.
"""

from perfml.messages.message import (
    Bilingual,
    Language,
    Message,
    Value,
    both,
    chain,
    coded,
    render,
    stored_message,
    templates,
)

__all__ = [
    "Bilingual",
    "Language",
    "Message",
    "Value",
    "both",
    "chain",
    "coded",
    "render",
    "stored_message",
    "templates",
]
