#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Creates pods and measures how long each takes, through the API server: pod_times.py PKI-DIRECTORY NAMESPACE < pods.

The pods are a JSON list of manifests; all are created at once. Prints {"ready": {name: seconds from its POST}, "all": seconds}.
"""
import http.client
import json
import ssl
import sys
import threading
import time

TIMEOUT = 600


class Watcher:
    """One watch on the namespace's pods; notes when each was Ready first."""

    def __init__(self, connect, path):
        self.ready = {}
        self._changed = threading.Condition()
        self._connection = connect()
        self._connection.request("GET", f"{path}?watch=1")
        self._response = self._connection.getresponse()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        for line in self._response:
            now, pod = time.monotonic(), json.loads(line)["object"]
            if any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", [])):
                with self._changed:
                    self.ready.setdefault(pod["metadata"]["name"], now)
                    self._changed.notify()

    def wait(self, names):
        deadline = time.monotonic() + TIMEOUT
        with self._changed:
            while late := names - self.ready.keys():
                if not self._changed.wait(max(0, deadline - time.monotonic())):
                    sys.exit(f"{len(late)} pods are not ready after {TIMEOUT} s, {sorted(late)[0]} is one")


def main():
    pki, namespace = sys.argv[1:]
    context = ssl.create_default_context(cafile=f"{pki}/ca.crt")
    context.load_cert_chain(f"{pki}/admin.crt", f"{pki}/admin.key")
    path = f"/api/v1/namespaces/{namespace}/pods"

    def connect():
        return http.client.HTTPSConnection("127.0.0.1", 6443, context=context)
    pods = json.load(sys.stdin)
    watcher, connection, posted = Watcher(connect, path), connect(), {}
    for pod in pods:
        posted[pod["metadata"]["name"]] = time.monotonic()
        connection.request("POST", path, json.dumps(pod), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"POST: {answer.status} {text[:300]}")
    watcher.wait(posted.keys())
    print(json.dumps({"ready": {n: watcher.ready[n] - t for n, t in posted.items()}, "all": max(watcher.ready.values()) - min(posted.values())}))


if __name__ == "__main__":
    main()
