"""The report: one HTML file, in Chinese and English, that needs no network; a small script only filters, sorts and exports.

This module imports nothing: the service draws with :mod:`perfml.report.svg`, and loads no model for it.
"""
