"""The report: one HTML file, in Chinese and English, that needs neither a network nor a script."""

from perfml.report.report import write_report

__all__ = ["write_report"]
