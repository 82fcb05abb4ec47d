# SPDX-License-Identifier: Apache-2.0
"""A one-node Kubernetes on a Node: etcd, API server, controller manager, scheduler, kubelet, kube-proxy."""
import json
import shutil

import tools
from keys import Keys
from node import NODE_ADDRESS, POD_NETWORK, Node, NodeError
from suite import Skip, wait_until

NODE_NAME = "wherry-node"
METRICS_PORT = 4443
SERVICE_NETWORK, SERVICE_ADDRESS, DNS_ADDRESS = "10.96.0.0/16", "10.96.0.1", "10.96.0.10"
IDENTITIES = {
    "kubelet-client": "/O=system:masters/CN=kube-apiserver-kubelet-client", "admin": "/O=system:masters/CN=admin",
    "manager": "/CN=system:kube-controller-manager", "scheduler": "/CN=system:kube-scheduler", "proxy": "/CN=system:kube-proxy",
    "front-proxy-client": "/CN=front-proxy-client",
    "node": f"/O=system:nodes/CN=system:node:{NODE_NAME}",
}
RUNTIME_CLASS = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "wherry"}, "handler": "wherry",
                 "overhead": {"podFixed": {"cpu": "10m", "memory": "8Mi"}}}
# Of what a pod costs beyond its containers nothing is reserved, as runc has it: two processors hold 200 of the others.
BARE_CLASS = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "wherry-bare"}, "handler": "wherry"}


class Cluster(Node):
    """A Node with Kubernetes; kubectl(...) speaks to it."""

    def __init__(self, containerd="2.4", **keywords):
        if not shutil.which("openssl"):
            raise Skip("no openssl")
        if reason := tools.ensure("etcd", "kubernetes"):
            raise Skip(reason)
        super().__init__(containerd, **keywords)

    def __enter__(self):
        super().__enter__()
        try:
            self._make_keys()
            self._start_control_plane()
            self._start_kubelet()
        except BaseException:
            self.close()
            raise
        return self

    # --- clients

    def kubectl(self, *arguments, **keywords):
        """Runs kubectl; returns what it printed."""
        return self.run("kubectl", *arguments, **keywords).stdout

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *objects):
        """Applies manifests: text (YAML) or objects."""
        text = "\n---\n".join(o if isinstance(o, str) else json.dumps(o) for o in objects)
        return self.kubectl("apply", "-f", "-", stdin=text)

    # --- internal

    def _make_keys(self):
        keys = self.keys = Keys(self.directory / "pki")
        names = "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
        keys.make("apiserver", "/CN=kube-apiserver", f"IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{SERVICE_ADDRESS},{names}")
        keys.make("kubelet", f"/CN={NODE_NAME}", f"IP:{NODE_ADDRESS},DNS:{NODE_NAME}")
        for name, subject in IDENTITIES.items():
            keys.make(name, subject)
            keys.kubeconfig(name, self.directory / f"{name}.kubeconfig")

    def _configuration(self, name):
        return self.directory / f"{name}.kubeconfig"

    def _await(self, what, *command, timeout=120):
        wait_until(lambda: self.run(*command, check=False).returncode == 0 or self._ended(), what, timeout)
        if ended := self._ended():
            raise NodeError(f"{ended.name} ended: {ended.last_lines()}")

    def _ended(self):
        return next((d for d in self.daemons.values() if not d.is_running()), None)

    def _start_control_plane(self):
        path = self.keys.path
        self.spawn("etcd", "etcd", "--data-dir", self.directory / "etcd", "--listen-client-urls", "http://127.0.0.1:2379",
                   "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls", "http://127.0.0.1:2380",
                   "--unsafe-no-fsync", "--log-level", "warn")
        self.spawn("apiserver", "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--bind-address=0.0.0.0",
                   f"--advertise-address={NODE_ADDRESS}", "--secure-port=6443", f"--service-cluster-ip-range={SERVICE_NETWORK}",
                   "--authorization-mode=Node,RBAC", "--allow-privileged=true", "--enable-admission-plugins=NodeRestriction",
                   f"--client-ca-file={path('ca.crt')}", f"--cert-dir={self.keys.directory}",
                   f"--tls-cert-file={path('apiserver.crt')}", f"--tls-private-key-file={path('apiserver.key')}",
                   f"--kubelet-client-certificate={path('kubelet-client.crt')}", f"--kubelet-client-key={path('kubelet-client.key')}",
                   f"--kubelet-certificate-authority={path('ca.crt')}", "--kubelet-preferred-address-types=InternalIP",
                   "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-signing-key-file={path('sa.key')}",
                   f"--service-account-key-file={path('sa.pub')}", f"--requestheader-client-ca-file={path('ca.crt')}",
                   "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
                   "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                   f"--proxy-client-cert-file={path('front-proxy-client.crt')}", f"--proxy-client-key-file={path('front-proxy-client.key')}",
                   "--enable-aggregator-routing=true")
        self._await("API server", "kubectl", "get", "--raw", "/readyz")
        for name, program, more in (
                ("manager", "kube-controller-manager", [f"--service-account-private-key-file={path('sa.key')}", f"--root-ca-file={path('ca.crt')}",
                                                        "--use-service-account-credentials=true"]),
                ("scheduler", "kube-scheduler", [])):
            own = self._configuration(name)
            self.spawn(name, program, f"--kubeconfig={own}", "--leader-elect=false", f"--authentication-kubeconfig={own}",
                       f"--authorization-kubeconfig={own}", *more)

    def _start_kubelet(self):
        path = self.keys.path
        (self.directory / "resolv.conf").write_text(f"nameserver {DNS_ADDRESS}\n")
        (self.directory / "pods").mkdir()
        settings = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "failCgroupV1": False, "failSwapOn": False, "cgroupDriver": "cgroupfs",
            "containerRuntimeEndpoint": f"unix://{self.socket}", "oomScoreAdj": 0,  # a lower one needs CAP_SYS_RESOURCE
            "resolvConf": str(self.directory / "resolv.conf"), "clusterDomain": "cluster.local", "clusterDNS": [DNS_ADDRESS],
            "podLogsDir": str(self.directory / "pods"), "readOnlyPort": 0,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}, "x509": {"clientCAFile": path("ca.crt")}},
            "authorization": {"mode": "AlwaysAllow"},
            "tlsCertFile": path("kubelet.crt"), "tlsPrivateKeyFile": path("kubelet.key"),
            "serializeImagePulls": False, "maxPods": 400, "registryPullQPS": 0, "eventRecordQPS": 0, "kubeAPIQPS": 100, "kubeAPIBurst": 200,
            "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99, "shutdownGracePeriod": "0s",
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"}}
        (self.directory / "kubelet.json").write_text(json.dumps(settings))
        self.spawn("kubelet", "kubelet", f"--config={self.directory / 'kubelet.json'}", f"--kubeconfig={self._configuration('node')}",
                   "--root-dir=/var/lib/kubelet", f"--hostname-override={NODE_NAME}", f"--node-ip={NODE_ADDRESS}", "--v=2")
        proxy = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
                 "clusterCIDR": POD_NETWORK, "hostnameOverride": NODE_NAME, "clientConnection": {"kubeconfig": str(self._configuration("proxy"))},
                 # nf_conntrack_max belongs to the whole machine
                 "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}, "oomScoreAdj": 0}
        (self.directory / "proxy.json").write_text(json.dumps(proxy))
        self.spawn("proxy", "kube-proxy", f"--config={self.directory / 'proxy.json'}")
        self.await_node()
        self._await("service account", "kubectl", "get", "serviceaccount", "default")
        self.apply(RUNTIME_CLASS)
        self.apply(BARE_CLASS)

    def start_metrics_server(self):
        path, own = self.keys.path, self._configuration("admin")
        self.spawn("metrics-server", "metrics-server", f"--kubeconfig={own}", f"--authentication-kubeconfig={own}", f"--authorization-kubeconfig={own}",
                   f"--bind-address={NODE_ADDRESS}", f"--secure-port={METRICS_PORT}", f"--cert-dir={self.directory / 'metrics-server'}",
                   f"--kubelet-certificate-authority={path('ca.crt')}", f"--kubelet-client-certificate={path('kubelet-client.crt')}",
                   f"--kubelet-client-key={path('kubelet-client.key')}", "--kubelet-preferred-address-types=InternalIP",
                   "--metric-resolution=10s", "--kubelet-request-timeout=5s")

    def await_node(self):
        self._await("ready node", "sh", "-c", f"kubectl get node {NODE_NAME} --no-headers | grep -qw Ready")
