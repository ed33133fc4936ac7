# SPDX-License-Identifier: MIT
"""What must not come in: each gets its problem document, a line in the log without secret or body, nothing in the journal."""
import glob
import json
import time

import creel
from creel import Host, check

MARK = "MARK-OF-THE-BODY-7731"


def signed(body, **more):
    return body, creel.sign(body, **more)


def good():
    return json.dumps({"type": "order.created", "mark": MARK}).encode()


def wrong_signature():
    return signed(good(), secret=b"another secret that is not ours.")


def changed_body():
    body, headers = signed(good())
    return body + b" ", headers


def old():
    return signed(good(), at=time.time() - 3600)


def future():
    return signed(good(), at=time.time() + 3600)


def truncated_json():
    return signed(good()[:-1])


def nul_in_string():
    return signed(b'{"type":"order.created","mark":"' + MARK.encode() + b'\\u0000"}')


def raw_nul():
    return signed(good() + b"\0")


def doubled_name():
    return signed(b'{"type":"order.created","type":"order.paid","mark":"' + MARK.encode() + b'"}')


def no_type():
    return signed(json.dumps({"mark": MARK}).encode())


def unsigned():
    return good(), {"content-type": "application/json"}


def big():
    return signed(json.dumps({"type": "order.created", "mark": MARK, "fill": "x" * (10 << 20)}).encode())


CASES = [  # name, request, path, method, status, code
    ("wrong signature", wrong_signature, None, "POST", 401, "signature-invalid"),
    ("changed body", changed_body, None, "POST", 401, "signature-invalid"),
    ("no signature", unsigned, None, "POST", 401, "signature-missing"),
    ("stale timestamp", old, None, "POST", 401, "timestamp-out-of-tolerance"),
    ("timestamp ahead", future, None, "POST", 401, "timestamp-out-of-tolerance"),
    ("truncated JSON", truncated_json, None, "POST", 400, "malformed-body"),
    ("NUL in a string", nul_in_string, None, "POST", 400, "malformed-body"),
    ("raw NUL", raw_nul, None, "POST", 400, "malformed-body"),
    ("a name twice", doubled_name, None, "POST", 400, "malformed-body"),
    ("no type", no_type, None, "POST", 400, "event-type-missing"),
    ("10 MiB", big, None, "POST", 413, "body-too-large"),
    ("unknown path", lambda: signed(good()), "/hooks/shopp", "POST", 404, "no-such-source"),
    ("path with a slash behind", lambda: signed(good()), "/hooks/shop/", "POST", 404, "no-such-source"),
    ("GET", lambda: (b"", {}), None, "GET", 405, "method-not-allowed"),
    ("DELETE", lambda: signed(good()), None, "DELETE", 405, "method-not-allowed"),
]


def journal(h):
    return "".join(open(p, encoding="utf-8", errors="replace").read() for p in glob.glob(h.spool("journal", "*.jsonl")))


def refuse(h, case, via):
    name, request, path, method, status, code = case
    body, headers = request()
    before = len(h.log_lines())
    a = h.post(body, headers, path or "/hooks/shop", method, via)
    check(a.status == status, f"{name}: expected {status}, got {a}")
    check(a.headers.get("content-type", "").startswith("application/problem+json"), f"{name}: content type {a.headers}")
    problem = a.json()
    check(problem.get("code") == code and problem.get("type") == "urn:creel:error:" + code and problem.get("status") == status
          and problem.get("title") and problem.get("detail"), f"{name}: problem {problem}")
    check(MARK not in a.body.decode("utf-8", "replace"), f"{name}: the body is in the answer")
    if status == 405:
        check(a.headers.get("allow") == "POST", f"{name}: Allow is {a.headers.get('allow')}")
    request_id = a.headers.get("creel-request-id")
    check(request_id, f"{name}: no Creel-Request-Id")
    creel.poll(lambda: any(request_id in json.dumps(l) for l in h.log_lines()[before:]), f"{name}: a log line with {request_id}", 5)


def all_refused(make_server):
    with Host() as h:
        h.start()
        via = make_server(h) if make_server else None
        for case in CASES:
            refuse(h, case, via)
        log, spool = h.log_text(), journal(h)
        check(MARK not in log, "a body is in the log")
        for secret in (creel.whsec(), creel.SECRET.decode()):
            check(secret not in log, "the secret is in the log")
        check(MARK not in spool and '"creel":"event"' not in spool, "a refused request is in the journal")
        check(h.list() == [], f"list shows {h.list()}")
        h.accept()
        check(len(h.list()) == 1, "a good request after all that")
        h.allow("refused")
        h.finish()


def test_raw_fastcgi():
    all_refused(None)


def test_nginx():
    all_refused(creel.nginx)


def test_caddy():
    all_refused(creel.caddy)


creel.main(globals())
