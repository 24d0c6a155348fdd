"""What a browser is told with every page: nothing from elsewhere, no script or style inside the page, no frame around it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""The Content-Security-Policy of pages; scripts and styles are files of this service."""
PAGE_HEADERS = {
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HTTPS_ALONE = "max-age=31536000"
"""For a year a browser opens this service by HTTPS alone (RFC 6797); said beyond this machine."""


def secure_page(headers: MutableHeaders) -> None:
    """Add what every page says; a page may name a narrower policy itself."""
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    headers.update(PAGE_HEADERS)
