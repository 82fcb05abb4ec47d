# SPDX-License-Identifier: Apache-2.0
"""What a metrics server makes of the kubelet's figures: kubectl top, and a HorizontalPodAutoscaler that scales."""
import tools
from cluster import METRICS_PORT
from node import NODE_ADDRESS
from place import container, deployment, pod, pod_spec
from suite import Skip, wait_until

GROUP = "metrics.k8s.io"
# It runs on the node itself; the API server finds it by a Service without pods.
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics-server", "namespace": "kube-system"},
           "spec": {"ports": [{"name": "https", "port": 443, "targetPort": METRICS_PORT}]}}
ENDPOINTS = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": {"name": "metrics-server", "namespace": "kube-system", "labels": {"kubernetes.io/service-name": "metrics-server"}},
             "ports": [{"name": "https", "port": METRICS_PORT, "protocol": "TCP"}],
             "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}]}
API = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"v1beta1.{GROUP}"},
       "spec": {"group": GROUP, "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
                "service": {"name": "metrics-server", "namespace": "kube-system"}}}
LIMITS = {"limits": {"cpu": "200m", "memory": "64Mi"}}


def start_metrics_server(cluster):
    if reason := tools.ensure("metrics-server"):
        raise Skip(reason)
    if "metrics-server" in cluster.daemons:
        return
    cluster.start_metrics_server()
    cluster.apply(SERVICE, ENDPOINTS, API)
    daemon = cluster.daemons["metrics-server"]

    def answers():
        return cluster.run("kubectl", "get", "--raw", f"/apis/{GROUP}/v1beta1/nodes", check=False).returncode == 0 or not daemon.is_running()
    try:
        wait_until(answers, "answer of the metrics server", 120)
    except AssertionError as late:
        shown = cluster.run("kubectl", "get", "apiservice", f"v1beta1.{GROUP}", "-o", "jsonpath={.status.conditions[*].message}", check=False).stdout
        raise AssertionError(f"{late}: {shown}; {daemon.last_lines(2)}") from None
    assert daemon.is_running(), f"the metrics server ended: {daemon.last_lines()}"


def top_shows_what_containers_use(p):
    start_metrics_server(p.cluster)
    p.create(pod(container("spin", resources=LIMITS)))
    p.wait_ready()

    def shown():
        words = p.run("top", "pod", "p", "--containers", "--no-headers").stdout.split()
        return (int(words[2].removesuffix("m")), int(words[3].removesuffix("Mi"))) if len(words) == 4 else (0, 0)
    p.wait(lambda: 100 < shown()[0] <= 240, "use of CPU near its limit of 200m in kubectl top", timeout=120)
    assert shown()[1] < 64, f"{shown()[1]} MiB at a limit of 64"
    assert p.cluster.kubectl("top", "node", "--no-headers").split()[1].endswith("m")


def an_autoscaler_scales_up_under_load_and_down_without(p):
    start_metrics_server(p.cluster)
    busy = container("sleep", resources={"requests": {"cpu": "50m"}, **LIMITS})
    p.create(deployment("scaled", 1, pod_spec(busy)),
             {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "scaled"},
              "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"}, "minReplicas": 1, "maxReplicas": 2,
                       "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
                       "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]}})
    p.kubectl("rollout", "status", "deployment/scaled", "--timeout=60s")
    first = p.kubectl("get", "pods", "-o", "name").split()[0]
    load = p.popen("exec", first, "--", "/guest.wasm", "spin")
    try:
        p.wait(lambda: p.get("deployment", "scaled")["status"].get("readyReplicas") == 2, "second replica", timeout=150)
    finally:
        load.kill()
        load.wait()
    # The exec lives on in the container, as with runc.
    p.kubectl("delete", "--wait=false", first)
    p.wait(lambda: p.get("deployment", "scaled")["status"].get("replicas") == 1, "scaling down", timeout=180)


SMOKE = []
FULL = [top_shows_what_containers_use, an_autoscaler_scales_up_under_load_and_down_without]
