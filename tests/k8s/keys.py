# SPDX-License-Identifier: Apache-2.0
"""The certificates of a cluster, one authority for all, made with openssl and good for a day."""
import json
import subprocess

SERVER = "https://127.0.0.1:6443"


class Keys:
    """NAME.key and NAME.crt in a directory."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self._key("ca")
        self._openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=wherry-test-ca", "-days", "1", "-out", "ca.crt")
        self._openssl("genrsa", "-out", "sa.key", "2048")
        self._openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def path(self, name):
        return str(self.directory / name)

    def make(self, name, subject, alternatives=""):
        self._key(name)
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        extensions = "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
        (self.directory / f"{name}.ext").write_text(extensions + (f"subjectAltName={alternatives}\n" if alternatives else ""))
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
                      "-out", f"{name}.crt", "-extfile", f"{name}.ext")

    def kubeconfig(self, name, file):
        """A client configuration with the identity called name."""
        file.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": SERVER, "certificate-authority": self.path("ca.crt")}}],
            "users": [{"name": "u", "user": {"client-certificate": self.path(f"{name}.crt"), "client-key": self.path(f"{name}.key")}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        return file

    def _key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True, stdin=subprocess.DEVNULL)
