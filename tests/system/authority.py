# SPDX-License-Identifier: MIT
"""Certificates for the tests of client certificates, made by openssl."""
import hashlib
import os
import ssl

import creel


class Authority:
    """Two authorities; a server's certificate, one client's by the first and one by the other."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("ca", "other"):
            self.make(name, "/CN=" + name)
        for name, by in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
            self.make(name, f"/O=Acme, Inc./CN={name}", by)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, subject, by=None):
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path(name + ".key"), "-subj", subject, "-days", "2"]
        if name == "server":
            new += ["-addext", "subjectAltName=DNS:localhost"]
        signed = ["-CA", self.path(by + ".pem"), "-CAkey", self.path(by + ".key")] if by else []
        creel.run(["openssl", "req", "-x509", *new, *signed, "-out", self.path(name + ".pem")])
        os.chmod(self.path(name + ".key"), 0o644)

    def context(self, client=None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        if client:
            c.load_cert_chain(self.path(client + ".pem"), self.path(client + ".key"))
        return c

    def digest(self, name):
        with open(self.path(name + ".pem"), encoding="ascii") as f:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
