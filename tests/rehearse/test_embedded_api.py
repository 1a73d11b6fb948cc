"""The embedded API answers like a Kubernetes API server, and fails on request."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from mooring.rehearse.api import ApiServer
from mooring.rehearse.wire import Request, Response

ALL = "all"
POD = {"metadata": {"name": "a-0", "namespace": "apps", "labels": {"x": "1"}}}
PODS = "/api/v1/namespaces/apps/pods"
SET = {"metadata": {"name": "s", "namespace": "apps"}, "spec": {"replicas": 3}}
SCALE = "/apis/apps/v1/namespaces/apps/statefulsets/s/scale"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    server = ApiServer()
    server.start()
    server.add_token("all")
    yield server
    server.close()


def connect(api: ApiServer) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cadata=api.ca_pem)
    return http.client.HTTPSConnection(api.host, api.port, context=context, timeout=5)


def call(api: ApiServer, method: str, path: str, body: Any = None, token: str = ALL) -> tuple[int, dict[str, Any]]:
    connection = connect(api)
    connection.request(method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def watch(api: ApiServer, query: str) -> http.client.HTTPResponse:
    connection = connect(api)
    connection.request("GET", f"{PODS}?watch=1&{query}", headers={"Authorization": "Bearer all"})
    return connection.getresponse()


def test_an_object_is_got_by_name(api: ApiServer) -> None:
    """GET returns the object with uid and resourceVersion; 404 is a Status object."""
    put = api.put("pods", POD)
    assert call(api, "GET", f"{PODS}/a-0") == (200, put)
    assert put["metadata"]["uid"]
    status, body = call(api, "GET", f"{PODS}/a-1")
    assert (status, body["reason"], body["message"]) == (404, "NotFound", 'pods "a-1" not found')


def test_a_list_selects_by_field_and_label(api: ApiServer) -> None:
    """LIST honours metadata.name and equality label selectors."""
    api.put("pods", POD)
    api.put("pods", {"metadata": {"name": "b-0", "namespace": "apps", "labels": {"x": "2"}}})
    for query in ("fieldSelector=metadata.name%3Db-0", "labelSelector=x%3D2"):
        items = call(api, "GET", f"{PODS}?{query}")[1]["items"]
        assert [item["metadata"]["name"] for item in items] == ["b-0"]


def test_a_watch_goes_on_from_a_resource_version(api: ApiServer) -> None:
    """A watch sends the events after its resourceVersion, then new ones."""
    version = api.put("pods", POD)["metadata"]["resourceVersion"]
    api.put("pods", POD)
    stream = watch(api, f"resourceVersion={version}&fieldSelector=metadata.name%3Da-0")
    assert json.loads(stream.readline())["type"] == "MODIFIED"
    api.put("pods", {"metadata": {"name": "other", "namespace": "apps"}})
    api.delete("pods", "apps", "a-0")
    event = json.loads(stream.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "a-0")


def test_a_watch_without_a_version_begins_with_what_is(api: ApiServer) -> None:
    """Without a resourceVersion the existing objects come first, as ADDED."""
    api.put("pods", POD)
    assert json.loads(watch(api, "timeoutSeconds=1").readline())["type"] == "ADDED"


def test_a_watch_ends_with_its_timeout(api: ApiServer) -> None:
    """A watch's timeoutSeconds ends the stream cleanly."""
    assert watch(api, "timeoutSeconds=1").read() == b""


def test_an_expired_version_is_410_in_the_stream(api: ApiServer) -> None:
    """A resourceVersion that is too old is an ERROR event with code 410."""
    version = api.put("pods", POD)["metadata"]["resourceVersion"]
    api.expire()
    event = json.loads(watch(api, f"resourceVersion={version}").readline())
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_cut_watches_end(api: ApiServer) -> None:
    """cut_watches ends streams; a new one works."""
    version = api.put("pods", POD)["metadata"]["resourceVersion"]
    stream = watch(api, f"resourceVersion={version}")
    api.cut_watches()
    assert stream.read() == b""
    api.put("pods", POD)
    assert json.loads(watch(api, f"resourceVersion={version}").readline())["type"] == "MODIFIED"


def test_an_unknown_token_is_401(api: ApiServer) -> None:
    """A token that was never issued, or was revoked, is refused."""
    assert call(api, "GET", f"{PODS}/a-0", token="none")[0] == 401
    api.revoke_token("all")
    assert call(api, "GET", f"{PODS}/a-0")[0] == 401


def test_rbac_is_enforced_by_name(api: ApiServer) -> None:
    """Rules with resourceNames apply to GET, to WATCH by field selector and to subresources."""
    api.put("pods", POD)
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "watch"], "resourceNames": ["a-0"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"], "resourceNames": ["a-0"]},
    ]
    api.add_token("one", rules, namespace="apps", user="system:serviceaccount:apps:sa")
    assert call(api, "GET", f"{PODS}/a-0", token="one")[0] == 200
    assert call(api, "POST", f"{PODS}/a-0/eviction", {"kind": "Eviction"}, token="one")[0] == 201
    status, body = call(api, "GET", f"{PODS}/a-1", token="one")
    assert status == 403
    assert body["message"] == (
        'pods "a-1" is forbidden: User "system:serviceaccount:apps:sa" cannot get resource "pods" '
        'in API group "" in the namespace "apps"'
    )
    assert call(api, "GET", PODS, token="one")[0] == 403
    assert call(api, "GET", "/api/v1/namespaces/other/pods/a-0", token="one")[0] == 403


def test_scale_is_patched(api: ApiServer) -> None:
    """PATCH of scale changes the set's replicas, answers a Scale and calls the callback."""
    calls: list[tuple[str, str]] = []
    api.on_scale = lambda namespace, name, _body: calls.append((namespace, name))
    api.put("statefulsets", SET)
    status, body = call(api, "PATCH", SCALE, {"spec": {"replicas": 0}})
    assert (status, body["kind"], body["spec"]) == (200, "Scale", {"replicas": 0})
    stored = api.get("statefulsets", "apps", "s")
    assert stored is not None
    assert stored["spec"]["replicas"] == 0
    assert calls == [("apps", "s")]
    assert call(api, "PATCH", SCALE, {"spec": {"replicas": "many"}})[0] == 422


def test_eviction_honours_the_uid(api: ApiServer) -> None:
    """An eviction with another uid is a conflict; the right one sets deletionTimestamp."""
    uid = api.put("pods", POD)["metadata"]["uid"]
    body = {"deleteOptions": {"preconditions": {"uid": "another"}}}
    assert call(api, "POST", f"{PODS}/a-0/eviction", body)[0] == 409
    body["deleteOptions"]["preconditions"]["uid"] = uid
    assert call(api, "POST", f"{PODS}/a-0/eviction", body)[0] == 201
    pod = api.get("pods", "apps", "a-0")
    assert pod is not None
    assert pod["metadata"]["deletionTimestamp"]
    assert api.evictions == [body]


def test_any_fault_can_be_injected(api: ApiServer) -> None:
    """A test's intercept answers in place of the API, or cuts the connection."""
    api.put("pods", POD)
    answers: list[Response | None] = [Response(429, {"Retry-After": "1"}, "{}"), Response.drop(), None]

    def intercept(request: Request) -> Response | None:
        return answers.pop(0)

    api.intercept = intercept
    assert call(api, "GET", f"{PODS}/a-0")[0] == 429
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        call(api, "GET", f"{PODS}/a-0")
    assert call(api, "GET", f"{PODS}/a-0")[0] == 200
    assert [(r.verb, r.resource, r.name, r.status) for r in api.requests] == [
        ("get", "pods", "a-0", 429),
        ("get", "pods", "a-0", 0),
        ("get", "pods", "a-0", 200),
    ]


def test_it_can_restart(api: ApiServer) -> None:
    """After close, connections are refused and streams cut; after start, the state, port and CA are the same."""
    api.put("pods", POD)
    stream = watch(api, "resourceVersion=0")
    stream.readline()
    api.close()
    with pytest.raises(ConnectionError):
        call(api, "GET", f"{PODS}/a-0")
    api.start()
    assert call(api, "GET", f"{PODS}/a-0")[0] == 200


def test_a_stuck_handshake_holds_up_nobody(api: ApiServer) -> None:
    """A client that connects and sends nothing does not block others."""
    with socket.create_connection((api.host, api.port)):
        assert call(api, "GET", f"{PODS}/a-0")[0] == 404


def test_it_listens_on_ipv6() -> None:
    """An IPv6 host is bracketed in the URL and verified by its certificate."""
    server = ApiServer(host="::1")
    server.add_token("all")
    server.start()
    assert server.url == f"https://[::1]:{server.port}"
    assert call(server, "GET", f"{PODS}/a-0")[0] == 404
    server.close()
