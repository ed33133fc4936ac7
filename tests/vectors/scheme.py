# SPDX-License-Identifier: MIT
"""A way to sign a webhook as its sender does it, in Python's own hashlib and hmac: the other opinion that `creel verify` is compared
with. Written from the senders' documentation, not from the recipes."""
import base64
import copy
import dataclasses
import datetime
import hashlib
import hmac
import re
from typing import Any, Callable, Optional

from keypairs import b64, b64u

NOW = 1700000000
BODY = b'{"id":"evt_1","type":"invoice.paid","amount":1200}'
URL = "https://hooks.example.test/in"
ENCODE = {"hex": bytes.hex, "b64": b64, "b64u": b64u}


@dataclasses.dataclass
class Request:
    body: bytes = BODY
    method: str = "POST"
    url: str = URL
    headers: dict = dataclasses.field(default_factory=dict)  # a list as value: the header comes that often
    config: dict = dataclasses.field(default_factory=dict)
    now: int = NOW

    def but(self, **changes):
        out = copy.deepcopy(self)
        for name, value in changes.items():
            setattr(out, name, value)
        return out

    def with_header(self, name, value):
        out = copy.deepcopy(self)
        out.headers.pop(name, None)
        if value is not None:
            out.headers[name] = value
        return out


def seconds(t):
    return str(t)


def milliseconds(t):
    return str(t * 1000)


def rfc3339(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_without_zone(t):
    return rfc3339(t)[:-1]


def http_date(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")


@dataclasses.dataclass
class Time:
    write: Callable[[int], str]
    past: int = 300
    future: Optional[int] = None  # None: nothing is said; -1: any
    header: str = ""  # else it is an element of the signature's header


def plain_hmac(digest):
    return lambda secret, content: hmac.new(secret, content, digest).digest()


def utf8(secret):
    return secret.encode()


@dataclasses.dataclass
class Scheme:
    provider: str
    header: str
    wrap: str = "{s}"  # {s}: the signature, {t}: the time
    digest: str = "sha256"
    encoding: str = "hex"
    content: Any = "{body}"  # text with {body} {t} {url} {method} {h:Header}, or a function of request and time
    time: Optional[Time] = None
    variant: str = ""
    good: Any = "a secret of 32 bytes or so, good"
    other: Any = "another secret, which is not good"
    key_bytes: Callable[[Any], Any] = utf8
    key_text: Callable[[Any], str] = str
    key_encoding: str = "utf8"
    mac: Optional[Callable] = None
    request: Request = dataclasses.field(default_factory=Request)
    repeatable: bool = False  # the header may come several times
    listed: str = ""  # separator: several signatures or versions in one header
    body_is_signed: bool = True
    any_body: bool = True  # also one that is no JSON
    fixed_config: dict = dataclasses.field(default_factory=dict)
    config_key: bool = True

    def fill(self, template, request, t):
        if callable(template):
            return template(request, t)
        values = {"body": request.body, "t": t.encode(), "url": request.url.encode(), "method": request.method.encode()}

        def value(match):
            name = match.group(1).decode()
            return str(request.headers[name[2:]]).encode() if name.startswith("h:") else values[name]

        return re.sub(rb"\{([a-z:A-Z0-9-]+)\}", value, template.encode())

    def raw(self, request, secret, t, digest=None):
        content = self.fill(self.content, request, t)
        make = plain_hmac(digest) if digest else self.mac or plain_hmac(self.digest)
        return make(self.key_bytes(secret), content)

    def sign(self, request=None, secret=None, t=None, alter=None, encoding=None, digest=None, wrap=None):
        """The request with its signature. t: the time as text; alter: what to do to the signature's text."""
        out = copy.deepcopy(request or self.request)
        if t is None:
            t = self.time.write(NOW) if self.time else ""
        if self.time and self.time.header:
            out.headers[self.time.header] = t
        raw = self.raw(out, self.good if secret is None else secret, t, digest)
        text = ENCODE[encoding or self.encoding](raw)
        text = alter(text) if alter else text
        return self.place(out, (wrap or self.wrap).replace("{s}", text).replace("{t}", t))

    def place(self, request, value):
        request.headers[self.header] = value
        return request

    def case(self, name, expect, request, keys=None, **more):
        keys = [self.good] if keys is None else keys
        texts = [self.key_text(k) for k in keys]
        case = {
            "provider": self.provider,
            "case": name,
            "secret_or_public_key": texts[0] if len(texts) == 1 else texts,
            "key_encoding": self.key_encoding,
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "now": request.now,
            "tolerance_s": None,
            "expect": expect,
        }
        if self.variant:
            case["scheme"] = self.variant
        try:
            case["body"] = request.body.decode()
            if "\0" in case["body"]:
                raise ValueError
        except ValueError:
            case.pop("body", None)
            case["body_base64"] = base64.b64encode(request.body).decode()
        config = {**self.fixed_config, **request.config}
        if config:
            case["config"] = config
        case.update(more)
        return case


def flip(text):
    """Another signature of the same form: the first character that stands for whole bits of the value changes."""
    return ("b" if text[0] == "a" else "a") + text[1:]


def sha256_hex(data):
    return hashlib.sha256(data).hexdigest()
