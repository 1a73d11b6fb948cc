"""What people who know other charts write, and where it belongs here: one table; a test checks that its targets exist.

Sources of the words: plain Deployments and pods, `helm create`, Bitnami's charts, bjw-s' common library, Compose files.
"""

from mooring.model.hints.find import hint_for, places_of
from mooring.model.hints.shape import shape_hint

__all__ = ["hint_for", "places_of", "shape_hint"]
