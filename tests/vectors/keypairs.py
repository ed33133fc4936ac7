# SPDX-License-Identifier: MIT
"""Public-key signatures in plain Python, for test data only: always the same keys, slow, and nothing of them is shared with the code
under test. RSA with PKCS #1 v1.5 (RFC 8017), ECDSA (FIPS 186-5), Ed25519 (RFC 8032), and the forms their public halves come in."""
import base64
import functools
import hashlib
import random


def b64(data):
    return base64.b64encode(data).decode()


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pem(label, der):
    text = b64(der)
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


# ---- DER (X.690) ----


def tlv(tag, content):
    n = len(content)
    size = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + content


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def sequence(*items):
    return tlv(0x30, b"".join(items))


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray([40 * first + second])
    for n in rest:
        digits = [n & 127]
        while n := n >> 7:
            digits.insert(0, n & 127 | 128)
        out += bytes(digits)
    return tlv(6, bytes(out))


def bits(content):
    return tlv(3, b"\0" + content)


# ---- RSA ----


def is_prime(n, random_):
    if any(n % p == 0 for p in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(16):
        x = pow(random_.randrange(2, n - 1), odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(random_, n_bits):
    while True:
        n = random_.getrandbits(n_bits) | 3 << (n_bits - 2) | 1
        if is_prime(n, random_):
            return n


PREFIXES = {  # of DigestInfo, RFC 8017 section 9.2
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
}


class Rsa:
    def __init__(self, seed):
        random_ = random.Random(seed)
        p, q = prime(random_, 1024), prime(random_, 1024)
        self.n, self.e = p * q, 65537
        self.d = pow(self.e, -1, (p - 1) * (q - 1))
        self.p, self.q, self.inverse = p, q, pow(q, -1, p)

    @functools.lru_cache(maxsize=None)
    def sign(self, message, digest="sha256"):
        info = PREFIXES[digest] + hashlib.new(digest, message).digest()
        size = (self.n.bit_length() + 7) // 8
        padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
        m = int.from_bytes(padded, "big")
        a, b = pow(m, self.d % (self.p - 1), self.p), pow(m, self.d % (self.q - 1), self.q)
        return (b + (a - b) * self.inverse % self.p * self.q).to_bytes(size, "big")

    def spki(self):
        algorithm = sequence(oid("1.2.840.113549.1.1.1"), tlv(5, b""))
        return sequence(algorithm, bits(sequence(integer(self.n), integer(self.e))))

    def certificate(self):
        algorithm = sequence(oid("1.2.840.113549.1.1.11"), tlv(5, b""))
        name = sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(12, b"vectors"))))
        validity = sequence(tlv(0x17, b"200101000000Z"), tlv(0x17, b"491231235959Z"))
        body = sequence(tlv(0xA0, integer(2)), integer(1), algorithm, name, validity, name, self.spki())
        return pem("CERTIFICATE", sequence(body, algorithm, bits(self.sign(body))))


# ---- ECDSA ----

CURVES = {
    "P-256": (
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        "1.2.840.10045.3.1.7",
    ),
    "P-521": (
        2**521 - 1,
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        0x00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
        0x011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
        "1.3.132.0.35",
    ),
}


class Ec:
    def __init__(self, curve, seed):
        self.curve = curve
        self.p, self.order, x, y, self.oid = CURVES[curve]
        self.size = (self.p.bit_length() + 7) // 8
        self.doubles = [(x, y)]  # of the base point: 1, 2, 4, ...
        for _ in range(self.order.bit_length() - 1):
            self.doubles.append(self.add(self.doubles[-1], self.doubles[-1]))
        self.d = random.Random(seed).randrange(1, self.order)
        self.public = self.multiply(self.d)

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0] and (a[1] + b[1]) % self.p == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, self.p) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, self.p)
        x = (slope * slope - a[0] - b[0]) % self.p
        return x, (slope * (a[0] - x) - a[1]) % self.p

    def multiply(self, k):
        out = None
        for i, point in enumerate(self.doubles):
            if k >> i & 1:
                out = self.add(out, point)
        return out

    @functools.lru_cache(maxsize=None)
    def pair(self, message, digest):
        h = hashlib.new(digest, message).digest()
        z = int.from_bytes(h, "big") >> max(0, 8 * len(h) - self.order.bit_length())
        k = random.Random(h + self.d.to_bytes(self.size, "big")).randrange(1, self.order)
        r = self.multiply(k)[0] % self.order
        return r, pow(k, -1, self.order) * (z + r * self.d) % self.order

    def sign_der(self, message, digest="sha256"):
        return sequence(*map(integer, self.pair(message, digest)))

    def sign_jose(self, message, digest="sha256"):
        return b"".join(n.to_bytes(self.size, "big") for n in self.pair(message, digest))

    def point(self):
        return tuple(n.to_bytes(self.size, "big") for n in self.public)

    def spki(self):
        return sequence(sequence(oid("1.2.840.10045.2.1"), oid(self.oid)), bits(b"\4" + b"".join(self.point())))

    def jwk(self, **more):
        x, y = self.point()
        return {"kty": "EC", "crv": self.curve, "x": b64u(x), "y": b64u(y), **more}


# ---- Ed25519 ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def ed_add(a, b):
    x = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = x[1] - x[0], z - t, z + t, x[1] + x[0]
    return e * f % P, g * h % P, f * g % P, e * h % P


def ed_multiply(k):
    y = 4 * pow(5, -1, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x % 2 else x
    point, out = (x, y, 1, x * y % P), (0, 1, 1, 0)
    while k:
        if k & 1:
            out = ed_add(out, point)
        point, k = ed_add(point, point), k >> 1
    z = pow(out[2], -1, P)
    x, y = out[0] * z % P, out[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Ed25519:
    def __init__(self, seed):
        h = hashlib.sha512(hashlib.sha256(seed.encode()).digest()).digest()
        self.a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = h[32:]
        self.public = ed_multiply(self.a)

    @functools.lru_cache(maxsize=None)
    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % L
        point = ed_multiply(r)
        k = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), "little") % L
        return point + ((r + k * self.a) % L).to_bytes(32, "little")


@functools.lru_cache(maxsize=None)
def key(kind, seed):
    """The same object for the same words, so that nothing is made twice: key("P-256", "good")."""
    return Rsa(seed) if kind == "rsa" else Ed25519(seed) if kind == "ed25519" else Ec(kind, seed)
