# SPDX-License-Identifier: Apache-2.0
"""Controllers and services: what keeps pods running and finds them."""
import json

from cluster import NODE_NAME
from place import NODE_ADDRESS, container, deployment, httpbin, pod, pod_spec, service, template
from suite import equal

READY = {"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1}


def a_deployment_answers_behind_its_service(p):
    p.create(deployment("web", 2, pod_spec(httpbin(readinessProbe=READY))), service("web", 80, 3000, "NodePort"))
    p.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    spec = p.get("service", "web")["spec"]
    for address, port in ((spec["clusterIP"], 80), (NODE_ADDRESS, spec["ports"][0]["nodePort"])):
        p.wait(lambda a=address, n=port: p.fetch(a, n, check=False) == "ok\n", f"answer at {address}:{port}")
        equal(json.loads(p.fetch(address, port, "/get?a=b"))["args"], {"a": "b"}, "args")
    ends = p.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"][0]["endpoints"]
    equal(len(ends), 2, "endpoints")


def a_rolling_update_keeps_answering(p):
    drained = httpbin(readinessProbe=READY, lifecycle={"preStop": {"sleep": {"seconds": 2}}})
    p.create(deployment("web", 2, pod_spec(drained, terminationGracePeriodSeconds=5), strategy={"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}),
             service("web", 80, 3000))
    p.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    address = p.get("service", "web")["spec"]["clusterIP"]
    p.wait(lambda: p.fetch(address, 80, check=False) == "ok\n", "answer")
    p.kubectl("set", "image", "deployment/web", "c=wherry.test/httpbin:2")
    answers = []
    p.wait(lambda: answers.append(p.fetch(address, 80, check=False)) or p.run("rollout", "status", "deployment/web", "--watch=false").stdout.startswith(
        'deployment "web" successfully'), "end of the rollout", timeout=120)
    lost = sum(a != "ok\n" for a in answers)
    assert not lost, f"{lost} of {len(answers)} requests were lost"
    images = {c["image"] for pod in p.get("pods", "--field-selector=status.phase=Running")["items"] if "deletionTimestamp" not in pod["metadata"]
              for c in pod["spec"]["containers"]}
    equal(images, {"wherry.test/httpbin:2"}, "images")


def _job(*arguments, **more):
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
            "spec": {"template": {"spec": pod_spec(container(*arguments), restartPolicy="Never")}, **more}}


def a_job_completes(p):
    p.create(_job("tick", 1, 3))
    p.kubectl("wait", "--for=condition=complete", "job/j", "--timeout=60s")
    equal(p.kubectl("logs", "job/j"), "0\n1\n2\n", "log")


def a_job_that_fails_says_so(p):
    p.create(_job("exit", 5, backoffLimit=0))
    p.kubectl("wait", "--for=condition=failed", "job/j", "--timeout=60s")
    codes = [c["state"]["terminated"]["exitCode"] for pod in p.get("pods")["items"] for c in pod["status"]["containerStatuses"]]
    equal(codes, [5], "exit codes")


def a_cron_job_makes_jobs(p):
    p.create({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "cron"},
              "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": pod_spec(container("exit", 0), restartPolicy="Never")}}}}})
    p.wait(lambda: any(job["status"].get("succeeded") for job in p.get("jobs")["items"]), "completed job", timeout=150)


def a_stateful_set_keeps_its_volume(p):
    place = p.cluster.directory / "volumes" / p.name
    place.mkdir(parents=True)
    labels = {"app": "db"}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": p.name, "resources": {"requests": {"storage": "1Mi"}}}}
    start = container("append", "/data/starts", "started", name="start", mounts={"data": "/data"})
    p.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": p.name},
              "spec": {"capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": p.name,
                       "persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": str(place)}}},
             {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
              "spec": {"serviceName": "db", "replicas": 1, "selector": {"matchLabels": labels}, "volumeClaimTemplates": [claim],
                       "template": template(labels, pod_spec(container("sleep", mounts={"data": "/data"}), initContainers=[start]))}})
    p.wait(lambda: p.run("get", "pod", "db-0").returncode == 0, "pod", "db-0")
    p.wait_ready("db-0")
    first = p.get("pod", "db-0")["metadata"]["uid"]
    p.kubectl("delete", "pod", "db-0")
    p.wait(lambda: p.run("get", "pod", "db-0", "-o", "jsonpath={.metadata.uid}").stdout not in ("", first), "new pod", "db-0")
    p.wait_ready("db-0")
    equal((place / "starts").read_text(), "started\nstarted\n", "what both pods wrote")


def a_crash_loop_backs_off(p):
    p.create(pod(container("exit", 3)))
    p.wait(lambda: any(e["reason"] == "BackOff" for e in p.get("events")["items"]), "back-off")
    p.wait(lambda: p.container()["restartCount"] > 0, "restart")
    equal(p.container()["lastState"]["terminated"]["exitCode"], 3, "exit code")


def a_daemon_set_runs_on_the_node(p):
    labels = {"app": "agent"}
    p.create({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
              "spec": {"selector": {"matchLabels": labels}, "template": template(labels, pod_spec(container("sleep")))}})
    p.kubectl("rollout", "status", "daemonset/agent", "--timeout=60s")
    equal([i["spec"]["nodeName"] for i in p.get("pods")["items"]], [NODE_NAME], "nodes")


SMOKE = [a_deployment_answers_behind_its_service, a_job_completes, a_crash_loop_backs_off]
FULL = [a_rolling_update_keeps_answering, a_job_that_fails_says_so, a_cron_job_makes_jobs, a_stateful_set_keeps_its_volume, a_daemon_set_runs_on_the_node]
