"""Linkerd's proxy-injector, as a daemon of the control plane; the rest of Linkerd does not run.

What the injector adds to a pod runs too, from images with a stand-in for the proxy. It lets in what a stand-in for the
policy controller permits, which `proxy_injector` returns.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.stack import images
from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.control_plane import ADDRESS
from tests.cluster.stack.kube import Kube, Object
from tests.cluster.stack.machines import SWITCH_IP
from tests.linkerd import charts
from tests.linkerd.controller import PolicyController, policy_controller

_NAME = "proxy-injector"
_SERVICE = f"linkerd-{_NAME}"
_PORT = 8443
_POLICY_PORT = 8090
_WEBHOOK = f"{_SERVICE}-webhook-config"


@contextmanager
def proxy_injector(cluster: Cluster) -> Iterator[PolicyController]:
    """Run the injector during the block, which begins once the API server passes it every new pod.

    Linkerd's CustomResourceDefinitions must be there.
    """

    def list_all(version: str, plural: str) -> list[Object]:
        found = cluster.kube.get(plural, version=version)
        kind = str(found["kind"]).removesuffix("List")
        return [each | {"kind": kind} for each in found["items"]]

    machine = cluster.control_plane.machine
    objects = charts.control_plane()
    _furnish(cluster, objects)
    _import_images(cluster)
    folder = machine.disk / "linkerd/charts"
    machine.start(_NAME, [str(folder), f"-kubeconfig={cluster.pki.kubeconfig('admin')}", f"-addr=:{_PORT}"])
    try:
        with (
            cluster.kube.namespace(charts.NAMESPACE),
            policy_controller((SWITCH_IP, _POLICY_PORT), list_all) as controller,
        ):
            cluster.kube.apply(*_way_to_it(objects))

            def injects() -> bool:
                assert machine.is_running(_NAME), f"the proxy-injector has ended: {machine.log(_NAME)}"
                probe = {"name": "probe", "annotations": {charts.INJECT: "enabled"}}
                pod = {"metadata": probe, "spec": {"containers": [{"name": "c", "image": "i"}]}}
                return "linkerd-proxy" in containers(admitted(cluster.kube, "default", pod))

            cluster.wait(injects, 60, "the proxy-injector gets new pods")
            yield controller
    finally:
        cluster.kube.kubectl("delete", f"mutatingwebhookconfiguration/{_WEBHOOK}", "--ignore-not-found", check=False)
        machine.kill(_NAME)


def admitted(kube: Kube, namespace: str, pod: Object) -> Object:
    """Return a pod as the API server would store it; raises requests.HTTPError with its reasons if it refuses."""
    answer = kube.http.post(
        version="v1",
        namespace=namespace,
        url="pods",
        json={"apiVersion": "v1", "kind": "Pod"} | pod,
        params={"dryRun": "All", "fieldValidation": "Strict"},
    )
    answer.raise_for_status()
    return dict(answer.json())


def containers(pod: Object) -> list[str]:
    """Return the names of a pod's containers, in order: those that run first, then the others."""
    return [each["name"] for key in ("initContainers", "containers") for each in pod["spec"].get(key, [])]


def _furnish(cluster: Cluster, objects: dict[tuple[str, str], Object]) -> None:
    """Write what the injector's pod would have mounted, and the charts it makes its patches from."""
    machine = cluster.control_plane.machine
    disk = machine.disk / "linkerd"
    shutil.rmtree(disk, ignore_errors=True)
    for name in ("patch", "partials"):
        shutil.copytree(charts.folder() / name, disk / "charts" / name)
    config = objects["ConfigMap", "linkerd-config"]["data"]
    roots = objects["ConfigMap", "linkerd-identity-trust-roots"]["data"]
    secret = objects["Secret", f"{_SERVICE}-k8s-tls"]["data"]
    files = {"config/values": config["values"], "identity/trust-roots/ca-bundle.crt": roots["ca-bundle.crt"]}
    files |= {f"tls/{name}": base64.b64decode(text).decode() for name, text in secret.items()}
    for name, text in files.items():
        (disk / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / "run" / name).write_text(text)
    machine.run(["ln", "-sfn", str(disk / "run"), "/run/linkerd"])


def _import_images(cluster: Cluster) -> None:
    """Put the images of the proxy on every node, with the stand-in under the name of each of their programs."""
    program, disk = cluster.programs / "proxied", cluster.control_plane.machine.disk / "linkerd"
    init = "/usr/lib/linkerd/linkerd2-proxy-init"
    proxy = "/usr/lib/linkerd/linkerd2-proxy-identity"
    others = ["/usr/lib/linkerd/linkerd-await", "/bin/sleep"]
    archives = [disk / "init.image.tar", disk / "proxy.image.tar"]
    images.write_image(archives[0], [charts.INIT_IMAGE], {init: program}, [init], images.NET_ADMIN)
    decides = f"{SWITCH_IP}:{_POLICY_PORT}"
    images.write_image(archives[1], [charts.PROXY_IMAGE], dict.fromkeys([proxy, *others], program), [proxy, decides])
    for node in cluster.nodes.values():
        node.import_images(archives)


def _way_to_it(objects: dict[tuple[str, str], Object]) -> Iterator[Object]:
    """Yield the objects by which the API server finds it: a Service without pods, its address, the webhook."""
    service = objects["Service", _SERVICE]
    (port,) = service["spec"]["ports"]
    yield service | {"spec": {"ports": [port | {"targetPort": _PORT}]}}
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": _SERVICE,
            "namespace": charts.NAMESPACE,
            "labels": {"kubernetes.io/service-name": _SERVICE},
        },
        "addressType": "IPv4",
        "ports": [{"name": port["name"], "port": _PORT}],
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
    }
    yield objects["MutatingWebhookConfiguration", _WEBHOOK]
