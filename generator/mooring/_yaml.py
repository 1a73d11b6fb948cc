"""Read one YAML document and remember where each value stands.

Scalars mean what they mean to Helm (YAML 1.1 with Go's exceptions), so that an App reads the same here and in a values file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mooring._errors import InputError, Problem

type_alias = tuple[str | int, ...]
