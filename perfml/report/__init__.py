"""The report: one HTML file, in Chinese and English, that needs no network; a small script only filters, sorts and exports."""

from perfml.report.report import write_report

__all__ = ["write_report"]
