"""What a schema cannot say: rules between values, each also a ``fail`` in the chart.

Each topic has a module; the table ``RULES`` is the whole difference between "the schema accepts it" and "the chart
renders". Its twin is templates/_validate.tpl and _rules_*.tpl; the tests hold the two against each other.
"""

from __future__ import annotations

from mooring.model.rules.anchors import ANCHOR_RULES
from mooring.model.rules.gate import GATE_RULES
from mooring.model.rules.launcher import LAUNCHER_RULES
from mooring.model.rules.linkerd import LINKERD_RULES
from mooring.model.rules.network import NETWORK_RULES
from mooring.model.rules.paths import PATH_RULES
from mooring.model.rules.pods import POD_RULES
from mooring.model.rules.ports import PORT_RULES
from mooring.model.rules.reserved import RESERVED_RULES
from mooring.model.rules.resources import RESOURCE_RULES
from mooring.model.rules.rule import Rule, Values, Violation
from mooring.model.rules.scaling import SCALING_RULES
from mooring.model.rules.services import SERVICE_RULES
from mooring.model.rules.shared import SHARED_RULES
from mooring.model.rules.stop import STOP_RULES
from mooring.model.rules.supported import SUPPORTED_RULES
from mooring.model.rules.text import TEXT_RULES
from mooring.model.rules.volumes import VOLUME_RULES
from mooring.model.rules.whole import WHOLE_RULES

RULES: tuple[Rule, ...] = (
    *PATH_RULES,
    *TEXT_RULES,
    *LAUNCHER_RULES,
    *PORT_RULES,
    *GATE_RULES,
    *STOP_RULES,
    *SCALING_RULES,
    *RESERVED_RULES,
    *ANCHOR_RULES,
    *SHARED_RULES,
    *SUPPORTED_RULES,
    *WHOLE_RULES,
    *VOLUME_RULES,
    *POD_RULES,
    *RESOURCE_RULES,
    *SERVICE_RULES,
    *LINKERD_RULES,
    *NETWORK_RULES,
)
"""All of them, in the order in which broken ones are reported."""


def find_violations(values: Values) -> list[Violation]:
    """Return every broken rule of complete values, in the table's order."""
    return [violation for rule in RULES for violation in rule.check(values)]
