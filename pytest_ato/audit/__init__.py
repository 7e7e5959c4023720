"""One audit from order to report, and its replay: what every face calls, and nothing else."""

from pytest_ato.audit.auditor import Auditor
from pytest_ato.audit.order import Inputs, Options
from pytest_ato.audit.outcome import Outcome, update_baseline
from pytest_ato.audit.recorded import replay

__all__ = ["Auditor", "Inputs", "Options", "Outcome", "replay", "update_baseline"]
