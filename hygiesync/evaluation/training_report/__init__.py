"""How a training went, as a page for the person who filmed themselves.

``train(..., report=make_report)`` puts it into the avatar.
"""

from hygiesync.evaluation.training_report.page import make_report

__all__ = ["make_report"]
