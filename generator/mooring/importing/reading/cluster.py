"""Read the objects of one namespace from a cluster with the kubernetes package; the cluster is never changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from mooring.errors import InputError, Problem, UserError
from mooring.importing.manifests import Manifest, Object, make_manifest
from mooring.importing.reading.sources import Reading
from mooring.text.document import Document

_PAGE = 250
_TIMEOUT_S = 30
_NOT_THERE = (403, 404)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind to read: its name, its API class and function, and whether an import is pointless without it."""

    kind: str
    api_version: str
    api: str
    function: str
    is_needed: bool = True
    plural: str = ""
    """API name of a custom resource, which a cluster may not have."""

    @property
    def several(self) -> str:
        """Return the kind in the plural."""
        if self.kind.endswith("y"):
            return f"{self.kind[:-1]}ies"
        return f"{self.kind}es" if self.kind.endswith("s") else f"{self.kind}s"


def _custom(kind: str, api_version: str, plural: str) -> _Kind:
    return _Kind(kind, api_version, "CustomObjectsApi", "list_namespaced_custom_object", is_needed=False, plural=plural)


# Secrets are not read: an App only needs their names.
_KINDS = (
    _Kind("Pod", "v1", "CoreV1Api", "list_namespaced_pod"),
    _Kind("Deployment", "apps/v1", "AppsV1Api", "list_namespaced_deployment"),
    _Kind("StatefulSet", "apps/v1", "AppsV1Api", "list_namespaced_stateful_set"),
    _Kind("Service", "v1", "CoreV1Api", "list_namespaced_service"),
    _Kind("ConfigMap", "v1", "CoreV1Api", "list_namespaced_config_map"),
    _Kind("PodDisruptionBudget", "policy/v1", "PolicyV1Api", "list_namespaced_pod_disruption_budget", is_needed=False),
    _Kind(
        "NetworkPolicy", "networking.k8s.io/v1", "NetworkingV1Api", "list_namespaced_network_policy", is_needed=False
    ),
    _Kind(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        "AutoscalingV2Api",
        "list_namespaced_horizontal_pod_autoscaler",
        is_needed=False,
    ),
    # Other owners of pods, which may start a program in a compartment: without them those pods would go unreported.
    _Kind("DaemonSet", "apps/v1", "AppsV1Api", "list_namespaced_daemon_set", is_needed=False),
    _Kind("Job", "batch/v1", "BatchV1Api", "list_namespaced_job", is_needed=False),
    _Kind("CronJob", "batch/v1", "BatchV1Api", "list_namespaced_cron_job", is_needed=False),
    # Objects that refer to Services.
    _Kind("Ingress", "networking.k8s.io/v1", "NetworkingV1Api", "list_namespaced_ingress", is_needed=False),
    _custom("HTTPRoute", "gateway.networking.k8s.io/v1", "httproutes"),
    _custom("GRPCRoute", "gateway.networking.k8s.io/v1", "grpcroutes"),
    _custom("ServiceMonitor", "monitoring.coreos.com/v1", "servicemonitors"),
    _custom("PodMonitor", "monitoring.coreos.com/v1", "podmonitors"),
    _custom("ScaledObject", "keda.sh/v1alpha1", "scaledobjects"),
)


def read_namespace(namespace: str, kubeconfig: str | None, context: str | None) -> Reading:
    """Read a namespace's pods, their owners, what sends traffic to them and what else refers to them.

    Raises UserError if the cluster cannot be reached or denies access to a kind that is needed.
    """
    client = _connect(kubeconfig, context)
    reading = Reading(sources=(f"namespace {namespace}",))
    for kind in _KINDS:
        try:
            for item in _list(client, kind, namespace):
                if not _is_clusters_own(item, kind):
                    reading.manifests.append(_manifest(item, kind, namespace))
        except _RefusedError as error:
            if kind.is_needed:
                raise UserError(str(error)) from error
            if kind.plural and error.status == 404:
                continue  # the cluster does not have this resource
            reading.unread.append(f"{kind.several} of namespace {namespace}: {error}")
        except InputError as error:
            reading.problems += error.problems
    if not reading.manifests:
        message = "has no pods, or does not exist; name a namespace in which the programs run"
        reading.problems.append(Problem(f"namespace {namespace}", None, None, "", message))
    return reading


class _RefusedError(Exception):
    """The API server rejected a list request with this status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def _connect(kubeconfig: str | None, context: str | None) -> Any:
    """Return a client for the cluster that kubectl would talk to. Raises UserError."""
    import kubernetes  # takes more than a second to import

    logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it warns of every retry; one error is enough
    try:
        load = cast("Callable[..., Any]", kubernetes.config.new_client_from_config)
        client = load(config_file=kubeconfig, context=context)
    except (kubernetes.config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())
        message = f"no cluster to read from: {said}; give --kubeconfig FILE, or --context NAME from that file"
        raise UserError(message) from error
    client.configuration.retries = False
    return client


def _list(client: Any, kind: _Kind, namespace: str) -> Iterator[Object]:
    """Yield every object of a kind, page by page, as the server's own JSON. Raises _RefusedError or UserError."""
    import kubernetes
    import urllib3

    function: Callable[..., Any] = getattr(getattr(kubernetes.client, kind.api)(client), kind.function)
    where = (*kind.api_version.split("/"), namespace, kind.plural) if kind.plural else (namespace,)
    more: dict[str, str] = {}
    while True:
        try:
            answer = function(*where, limit=_PAGE, **more, _preload_content=False, _request_timeout=_TIMEOUT_S)
            page = json.loads(answer.data)
        except kubernetes.client.ApiException as error:
            raise _translate(error, kind, namespace) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            message = (
                f"{client.configuration.host}: {error}; check that this is the right cluster and that it is running"
            )
            raise UserError(message) from error
        yield from page.get("items") or []
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return
        more = {"_continue": token}


def _translate(error: Any, kind: _Kind, namespace: str) -> Exception:
    try:
        said = str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        said = str(error.reason)
    if error.status == 401:
        return UserError(f"the cluster does not accept your credentials ({said}); log in again")
    message = f"cannot be listed ({error.status} {said}); request get and list permission in namespace {namespace}"
    if error.status in _NOT_THERE:
        return _RefusedError(error.status, f"{kind.several} {message}")
    return UserError(f"{kind.several}: {said}")


def _is_clusters_own(item: Object, kind: _Kind) -> bool:
    """Return whether the cluster puts it into every namespace."""
    name = (item.get("metadata") or {}).get("name")
    return (kind.kind, name) in (("ConfigMap", "kube-root-ca.crt"), ("Service", "kubernetes"))


def _manifest(item: Object, kind: _Kind, namespace: str) -> Manifest:
    name = (item.get("metadata") or {}).get("name")
    value = {"apiVersion": kind.api_version, "kind": kind.kind, **item}  # items of a list omit these two
    return make_manifest(Document(f"cluster: {namespace}/{kind.kind}/{name}", value), value, ())
