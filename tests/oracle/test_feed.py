"""The feed of the API's objects, over TLS."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

from mooring.rehearse.api import ApiServer

from tests.cluster.oracle.feed import Change, Feed, Server
from tests.oracle.objects import pod_object
from tests.oracle.processes import wait_for


def verbs(api: ApiServer) -> list[str]:
    return [request.verb for request in api.requests if request.resource == "pods"]


def test_the_feed_lists_once_and_watches_on(api: ApiServer, kubeconfig: Path) -> None:
    """After a cut watch or a server outage it resumes where it was; only 410 makes it list again."""
    queue: SimpleQueue[Change] = SimpleQueue()
    api.put("pods", pod_object("orders-0"))
    feed = Feed(Server(str(kubeconfig)), "/api/v1", "pods", "", queue)
    feed.start()
    assert queue.get(timeout=10).type == "LISTED"
    wait_for(lambda: feed.cut_since_s is None, "a watch")

    api.cut_watches()
    wait_for(lambda: verbs(api).count("watch") > 1, "another watch")
    api.put("pods", pod_object("orders-0", ready=False))
    assert queue.get(timeout=10).type == "MODIFIED"

    api.close()
    wait_for(lambda: feed.cut_since_s is not None, "the feed to notice")
    api.start()
    api.delete("pods", "apps", "orders-0")
    assert queue.get(timeout=10).type == "DELETED"
    assert feed.lists == 1

    api.expire()
    api.cut_watches()
    listed = queue.get(timeout=10)
    assert (listed.type, listed.objects, feed.namespace) == ("LISTED", (), "")
    assert verbs(api).count("list") == 2
