"""The fields of a Platform: what a platform team decides for all Apps."""

from __future__ import annotations

from mooring.model.app import API_VERSION, APP, APP_NAME
from mooring.model.features import FEATURE_FIELDS
from mooring.model.nodes import Anything, Bool, ListOf, MapOf, Num, Obj, Str, StringMap, partial
from mooring.model.values import VALUES

MAX_PLATFORM_NAME = 63
ENVIRONMENT = r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"
# Relative, with / between, no segment that starts with a dot: nothing of it leads out of the chart.
CHART_PATH = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$"

LOCK = Obj(
    doc="What is allowed at the key path. Every rule given must hold; except for forbidden, a null is a violation too.",
    fields={
        "value": Anything(doc="The only value allowed; also the default of all Apps."),
        "enum": ListOf(doc="The values allowed.", item=Anything(doc="One value.")),
        "min": Num(doc="The smallest number allowed.", default=None),
        "max": Num(doc="The greatest number allowed.", default=None),
        "pattern": Str(
            doc="A regular expression the text must match, in the common subset of RE2 and Python.", default=None
        ),
        "forbidden": Bool(
            doc="Whether the value must stay at its default, the Platform's or the chart's.", default=False
        ),
        "reason": Str(doc="Why; shown to users whose values are refused."),
        "owner": Str(doc="Whom to contact; empty: the Platform's owner."),
    },
)

PLATFORM = Obj(
    doc="What a platform team decides for all Apps: defaults, locks and which templates charts have.",
    required=("apiVersion", "kind", "name"),
    fields={
        "apiVersion": Str(doc="Version of this format.", enum=(API_VERSION,)),
        "kind": Str(doc="What this file describes.", enum=("Platform",)),
        "name": Str(doc="Name of the Platform.", pattern=APP_NAME, max_length=MAX_PLATFORM_NAME),
        "description": Str(doc="Whom it is for, in one sentence."),
        "owner": Str(doc="Whom to contact about it."),
        "extends": Str(doc="File of the Platform it builds on, relative to this one. Its locks apply too."),
        "defaults": partial(VALUES),
        "locks": MapOf(
            doc='Rules for single values, by key path: a.b.c; * is any one key, a["x.y/z"] quotes one.',
            item=LOCK,
            key_pattern=r".",
            key_name="path",
        ),
        "features": FEATURE_FIELDS,
        "overlays": MapOf(
            doc="Values of one environment, written as values-<environment>.yaml into each chart.",
            item=partial(VALUES),
            key_pattern=ENVIRONMENT,
            key_name="environment",
        ),
        "templates": MapOf(
            doc="Files added to each chart, or in place of a generated one, by their path in it: Jinja2 templates with "
            "mooring's delimiters and filters, relative to this file.",
            item=Str(doc="The template's file.", pattern="."),
            key_pattern=CHART_PATH,
            key_name="path",
        ),
        "chart": Obj(
            doc="What goes into Chart.yaml in addition to what the App says.",
            fields={
                "home": Str(doc="Web page of the charts."),
                "icon": Str(doc="Address of their icon."),
                "sources": ListOf(doc="Where their sources are.", item=Str(doc="An address.")),
                "keywords": ListOf(doc="Keywords on top of the App's.", item=Str(doc="One word.")),
                "maintainers": APP.fields["maintainers"],
                "annotations": StringMap(doc="Annotations of the chart."),
            },
        ),
    },
)
