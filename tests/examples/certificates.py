"""Certificates for tests, made by the openssl command."""

import os
import subprocess
import tempfile


class Certificates:
    """A directory of them that lives as long as this. Names are those of the files made."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory()

    def remove(self):
        self._directory.cleanup()

    def path(self, name):
        return os.path.join(self._directory.name, name)

    def write(self, name, text):
        """Any other file, beside the certificates. Whoever reads it sees the old text or the new."""
        with open(self.path(name + ".new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def make_ca(self, name):
        self._make(name, "-addext", "basicConstraints=critical,CA:TRUE")

    def make(self, name, ca, alternative_names):
        """NAME.pem and NAME.key, signed by a CA made before; e.g. "DNS:localhost,IP:127.0.0.1"."""
        self._make(
            name,
            *("-addext", "subjectAltName=" + alternative_names),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-CA", self.path(ca + ".pem"), "-CAkey", self.path(ca + ".key")),
        )

    def _make(self, name, *how):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec"),
                *("-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
                *("-subj", "/CN=" + name),
                *("-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem")),
                *how,
            ],
            check=True,
            capture_output=True,
        )
