# SPDX-License-Identifier: MIT
"""What is done to every way of signing: each yields (name, verdict, request, keys)."""
import base64

from scheme import BODY, NOW, flip, http_date, iso_without_zone, milliseconds, rfc3339, seconds

ACCEPT, REJECT = "accept", "reject"


def bodies(s):
    good = s.sign()
    body = good.body
    if not s.body_is_signed:
        return
    yield "body-byte-changed", REJECT, good.but(body=body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]), None
    yield "body-newline-added", REJECT, good.but(body=body + b"\n"), None
    yield "body-space-before", REJECT, good.but(body=b" " + body), None
    yield "body-cut", REJECT, good.but(body=body[:-1]), None
    yield "body-empty", REJECT, good.but(body=b""), None
    if not s.any_body:
        return
    for name, other in (
        ("body-binary", bytes(range(256))),
        ("body-crlf", BODY + b"\r\n"),
        ("body-spaced", b'{ "type" : "a.b" }'),
        ("body-utf8", '{"name":"Zoë \U0001f600"}'.encode()),
        ("body-escapes", b'{"name":"Zo\\u00eb \\/"}'),
        ("body-large", b'{"type":"a","x":"' + b"x" * 20000 + b'"}'),
    ):
        yield name, ACCEPT, s.sign(s.request.but(body=other)), None


def hex_forms(s):
    yield "hex-upper-case", ACCEPT, s.sign(alter=str.upper), None
    yield "hex-odd", REJECT, s.sign(alter=lambda text: text[:-1]), None
    yield "hex-0x", REJECT, s.sign(alter=lambda text: "0x" + text), None
    yield "hex-blank-inside", REJECT, s.sign(alter=lambda text: text[:8] + " " + text[8:]), None
    yield "hex-no-digit", REJECT, s.sign(alter=lambda text: "g" + text[1:]), None
    yield "base64-instead", REJECT, s.sign(encoding="b64"), None


def base64_forms(s):
    yield "hex-instead", REJECT, s.sign(encoding="hex"), None
    yield "base64-blank-inside", REJECT, s.sign(alter=lambda text: text[:8] + " " + text[8:]), None
    good = s.sign()
    raw_size = len(s.raw(good, s.good, s.time.write(NOW) if s.time else ""))
    if s.encoding == "b64" and raw_size % 3:
        yield "padding-removed", REJECT, s.sign(alter=lambda text: text.rstrip("=")), None
        yield "padding-doubled", REJECT, s.sign(alter=lambda text: text + "="), None
    if raw_size % 3:

        def unused_bits(text):
            alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + ("+/" if s.encoding == "b64" else "-_")
            bare = text.rstrip("=")
            return bare[:-1] + alphabet[alphabet.index(bare[-1]) | 1] + text[len(bare) :]

        yield "unused-bits-set", REJECT, s.sign(alter=unused_bits), None
    if s.encoding == "b64":
        swap = str.maketrans("+/", "-_")
        for i in range(64):  # until there is one in it
            request = s.request.but(url=s.request.url)
            t = s.time.write(NOW - i) if s.time else None
            signed = s.sign(request, t=t, alter=lambda text: text.translate(swap))
            if signed.headers != s.sign(request, t=t).headers:
                yield "base64url-instead", REJECT, signed, None
                return


def signatures(s):
    good = s.sign()
    yield "valid", ACCEPT, good, None
    yield "header-name-lower-case", ACCEPT, good.but(headers={k.lower(): v for k, v in good.headers.items()}), None
    yield "header-name-upper-case", ACCEPT, good.but(headers={k.upper(): v for k, v in good.headers.items()}), None
    yield "signature-changed", REJECT, s.sign(alter=flip), None
    yield "signature-cut", REJECT, s.sign(alter=lambda text: text[:-4]), None
    yield "signature-cut-to-8", REJECT, s.sign(alter=lambda text: text[:8]), None
    yield "signature-longer", REJECT, s.sign(alter=lambda text: text + text[:4]), None
    yield "signature-twice-the-length", REJECT, s.sign(alter=lambda text: text * 2), None
    yield "signature-empty", REJECT, s.sign(alter=lambda text: ""), None
    yield "signature-zeros", REJECT, s.sign(alter=lambda text: "0" * len(text)), None
    yield "other-key", REJECT, s.sign(secret=s.other), None
    yield "second-of-two-keys", ACCEPT, s.sign(), [s.other, s.good]
    yield "first-of-two-keys", ACCEPT, s.sign(), [s.good, s.other]
    yield "none-of-two-keys", REJECT, s.sign(secret=s.other), [s.good, s.good]
    yield from hex_forms(s) if s.encoding == "hex" else base64_forms(s)
    if not s.mac:
        for digest in ("md5", "sha1", "sha256", "sha384", "sha512"):
            if digest != s.digest:
                yield "hash-" + digest, REJECT, s.sign(digest=digest), None


def headers(s):
    good = s.sign()
    for name in [s.header] + ([s.time.header] if s.time and s.time.header else []):
        yield f"no-{name.lower()}", REJECT, good.with_header(name, None), None
        yield f"empty-{name.lower()}", REJECT, good.with_header(name, ""), None
        yield f"blank-{name.lower()}", REJECT, good.with_header(name, " "), None
    value, bad = good.headers[s.header], s.sign(alter=flip).headers[s.header]
    verdict = ACCEPT if s.repeatable else REJECT
    yield "signature-header-twice-bad-first", verdict, good.with_header(s.header, [bad, value]), None
    yield "signature-header-twice-bad-last", verdict, good.with_header(s.header, [value, bad]), None
    yield "signature-header-twice-both-bad", REJECT, good.with_header(s.header, [bad, s.sign(alter=str.swapcase, secret=s.other).headers[s.header]]), None
    if "{s}" != s.wrap and not s.listed:
        prefix = s.wrap[: s.wrap.index("{s}")]
        yield "prefix-missing", REJECT, s.sign(wrap="{s}"), None
        yield "prefix-twice", REJECT, s.sign(wrap=prefix + s.wrap), None
        yield "prefix-other", REJECT, s.sign(wrap="sha0=" + "{s}"), None
        yield "prefix-behind-blank", REJECT, s.sign(wrap=prefix + " {s}"), None
        if prefix.upper() != prefix:
            yield "prefix-upper-case", REJECT, s.sign(wrap=prefix.upper() + "{s}"), None
    elif "{s}" == s.wrap:
        yield "prefix-of-others", REJECT, s.sign(wrap="sha256={s}"), None


def lists(s):
    if not s.listed:
        return
    items = s.wrap.split(s.listed)
    own = next(item for item in items if "{s}" in item)
    bad = own.replace("{s}", "0" * 64)
    yield "elements-reversed", ACCEPT, s.sign(wrap=s.listed.join(reversed(items))), None
    yield "elements-unknown-around", ACCEPT, s.sign(wrap=s.listed.join(["zz" + own[len("zz") :].replace("{s}", "00"), s.wrap, "yy" + own[2:].replace("{s}", "00")])), None
    yield "wrong-signature-before", ACCEPT, s.sign(wrap=s.listed.join([i if i != own else bad + s.listed + own for i in items])), None
    yield "wrong-signature-behind", ACCEPT, s.sign(wrap=s.listed.join([s.wrap, bad])), None
    yield "garbage-signature-before", ACCEPT, s.sign(wrap=s.listed.join([own.replace("{s}", "!!"), s.wrap])), None
    yield "only-wrong-signatures", REJECT, s.sign(wrap=s.wrap.replace("{s}", "0" * 64)), None
    key = own[: own.index("{s}")]
    if key:
        yield "only-another-version", REJECT, s.sign(wrap=s.wrap.replace(key + "{s}", "v9" + key[-1] + "{s}")), None
        yield "version-upper-case", REJECT, s.sign(wrap=s.wrap.replace(key + "{s}", key.upper() + "{s}")), None
        yield "version-longer", REJECT, s.sign(wrap=s.wrap.replace(key + "{s}", key[:-1] + "a" + key[-1] + "{s}")), None
        yield "bare-signature", REJECT, s.sign(wrap="{s}"), None
        yield "version-without-signature", REJECT, s.sign(wrap=s.wrap.replace("{s}", "")), None
    if "{t}" in s.wrap:
        own_time = next(item for item in items if "{t}" in item)
        t = s.time.write
        yield "time-twice-equal-first", REJECT, s.sign(wrap=s.wrap + s.listed + own_time.replace("{t}", t(NOW + 1))), None
        yield "time-twice-equal-last", REJECT, s.sign(wrap=own_time.replace("{t}", t(NOW - 1)) + s.listed + s.wrap), None
        yield "time-missing", REJECT, s.sign(wrap=s.listed.join(i for i in items if i != own_time)), None


def digit_texts(t):
    yield "sign-plus", "+" + t
    yield "sign-minus", "-" + t
    yield "fraction", t + ".0"
    yield "exponent", t + "e0"
    yield "hexadecimal", hex(int(t))
    yield "letter-behind", t + "x"
    yield "comma-inside", t[:1] + "_" + t[1:]
    yield "overflow", str(int(t) + 2**64)
    yield "very-long", "9" * 40
    yield "other-digits", t.translate({48 + i: 0x0660 + i for i in range(10)})
    yield "nothing", ""
    yield "word", "now"
    yield "nan", "nan"
    yield "zero", "0"
    yield "zero-before", "0" + t


def date_texts(t):
    yield "seconds-instead", str(NOW)
    yield "date-only", t[:10]
    yield "month-13", t[:5] + "13" + t[7:]
    yield "day-32", t[:8] + "32" + t[10:]
    yield "hour-25", t[:11] + "25" + t[13:]
    yield "minute-61", t[:14] + "61" + t[16:]
    yield "letter-behind", t + "x"
    yield "sign-before", "+" + t
    yield "nothing", ""
    yield "word", "now"


def times(s):
    t = s.time
    if not t:
        return
    at = lambda offset, text=None: s.sign(t=text if text is not None else t.write(NOW + offset))
    yield "time-just-inside", ACCEPT, at(-t.past), None
    yield "time-just-outside", REJECT, at(-t.past - 1), None
    yield "time-long-ago", REJECT, at(-10 * t.past - 86400), None
    if t.future == -1:
        yield "time-ahead", ACCEPT, at(10 * t.past), None
    elif t.future is not None:
        yield "time-ahead-inside", ACCEPT, at(t.future), None
        yield "time-ahead-outside", REJECT, at(t.future + 1), None
    old, new = at(-t.past - 1), at(0)
    place = t.header or s.header
    if t.header:
        yield "time-rewritten", REJECT, old.with_header(place, new.headers[place]), None
        yield "time-header-twice-good-first", REJECT, new.with_header(place, [new.headers[place], t.write(NOW + 1)]), None
        yield "time-header-twice-good-last", REJECT, new.with_header(place, [t.write(NOW - 1), new.headers[place]]), None
    else:
        yield "time-rewritten", REJECT, old.with_header(place, old.headers[place].replace(t.write(NOW - t.past - 1), t.write(NOW))), None
    if t.write in (seconds, milliseconds):
        texts = digit_texts(t.write(NOW))
        other = milliseconds if t.write is seconds else seconds
        yield "time-other-unit", REJECT, at(0, other(NOW)), None
    elif t.write in (rfc3339, iso_without_zone):
        texts = date_texts(t.write(NOW))
        if t.write is rfc3339:
            yield "time-without-zone", REJECT, at(0, t.write(NOW)[:-1]), None
        yield "time-nanoseconds", ACCEPT, at(0, t.write(NOW - 1)[:19] + ".123456789Z"[: 11 - (t.write is iso_without_zone)]), None
        if t.write is rfc3339:
            yield "time-offset", ACCEPT, at(0, rfc3339(NOW + 19800)[:-1] + "+05:30"), None
            yield "time-offset-elsewhere", REJECT, at(0, rfc3339(NOW)[:-1] + "+05:30"), None
    else:
        texts = [("rfc3339-instead", rfc3339(NOW)), ("seconds-instead", str(NOW)), ("no-zone", http_date(NOW)[:-4]), ("other-weekday", "Sun" + http_date(NOW)[3:]), ("word", "now")]
    for name, text in texts:
        yield "time-" + name, REJECT, at(0, text), None


def everything(s):
    for part in (signatures, bodies, headers, lists, times):
        yield from part(s)


__all__ = ["ACCEPT", "REJECT", "everything", "base64"]
