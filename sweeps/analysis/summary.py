"""All analyses of one sweep together."""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.analysis.boundaries import BoundaryAlarm, boundary_alarms
from sweeps.analysis.choices import Comparison, compare_choices
from sweeps.analysis.diagnosis import Diagnosis, diagnose
from sweeps.analysis.evidence import Evidence
from sweeps.analysis.importances import Importances, importances
from sweeps.analysis.independence import independence_sentence
from sweeps.analysis.savings import Savings, savings
from sweeps.analysis.tuning_curve import TuningCurve, tuning_curve

__all__ = ["Analysis", "analyse"]


@dataclass(frozen=True)
class Analysis:
    """What each analysis found, or in words why it found nothing.

    Attributes:
        independence: What follows where trials are no draws by chance; empty where they are.
    """

    diagnoses: list[Diagnosis]
    tuning_curve: TuningCurve | str
    importances: Importances | str
    alarms: list[BoundaryAlarm]
    comparisons: list[Comparison]
    savings: Savings
    independence: str


def analyse(evidence: Evidence) -> Analysis:
    """Return everything that can be said of a sweep from its trials."""
    return Analysis(
        diagnoses=diagnose(evidence),
        tuning_curve=tuning_curve(evidence),
        importances=importances(evidence),
        alarms=boundary_alarms(evidence),
        comparisons=compare_choices(evidence),
        savings=savings(evidence),
        independence=independence_sentence(evidence),
    )
