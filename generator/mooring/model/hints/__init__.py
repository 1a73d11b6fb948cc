"""What people write who know other charts, and where it is here: one table, whose targets a test holds to the values.

Sources of the words: plain Deployments and pods, `helm create`, Bitnami's charts, bjw-s' common library, Compose files.
"""

from mooring.model.hints.find import hint_for, places_of
from mooring.model.hints.shape import shape_hint

__all__ = ["hint_for", "places_of", "shape_hint"]
