# SPDX-License-Identifier: MIT
"""A signed request through each web server becomes a finished event; chunked bodies as each server passes them."""
import json

import creel
from creel import Host, check


def with_function(**more):
    h = Host(**more)
    h.function("order.created", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
    return h.start()


def one_event(h, via):
    body = json.dumps({"type": "order.created", "text": "gr\u00fc\u00df dich", "n": 9007199254740993}).encode()
    a = h.post(body, creel.sign(body, "msg_1"), via=via)
    check(a.status == 202, f"expected 202, got {a}")
    said = a.json()
    check(said["status"] == "accepted" and said["durability"] == "synced", f"answer {said}")
    check(a.headers.get("creel-event-id") == said["id"], f"headers {a.headers}")
    check(a.headers.get("creel-request-id"), "no Creel-Request-Id")
    h.wait_state(said["id"], "done")
    check(h.outputs() == [f"{said['id']} 1 order.created"], f"the function wrote {h.outputs()}")
    shown = h.show(said["id"])
    check(shown["body"].encode() == body, f"stored body {shown.get('body')!r}")
    listed = h.list()
    check(len(listed) == 1, f"list: {listed}")
    e = listed[0]
    check((e["event_id"], e["source"], e["type"], e["state"]) == ("msg_1", "shop", "order.created", "done"), f"list: {e}")
    check(e["functions"][0]["name"] == "order.created" and e["functions"][0]["attempts"] == 1, f"functions: {e['functions']}")
    again = h.post(body, creel.sign(body, "msg_1"), via=via)
    check((again.status, again.json()) == (200, {"id": said["id"], "status": "duplicate"}), f"second time: {again}")


def chunked(h, via):
    """No length is declared; 100 kB arrive in pieces."""
    body = json.dumps({"type": "order.created", "fill": "x" * 100000}).encode()
    a = via.request("POST", "/hooks/shop", creel.sign(body), body, chunked=True)
    check(a.status == 202, f"chunked: expected 202, got {a}")
    h.wait_state(a.json()["id"], "done")
    check(h.show(a.json()["id"])["body"].encode() == body, "the chunked body is not what was sent")
    bad = via.request("POST", "/hooks/shop", creel.sign(body), body[:-1] + b" ", chunked=True)
    check(bad.status == 401, f"a changed chunked body: expected 401, got {bad}")


def test_raw_fastcgi():
    with with_function() as h:
        one_event(h, None)
        h.finish()


def test_nginx():
    with with_function() as h:
        via = creel.nginx(h)
        one_event(h, via)
        chunked(h, via)
        h.finish()


def test_nginx_unbuffered():
    with with_function() as h:
        via = creel.nginx(h, "fastcgi_request_buffering off;")
        one_event(h, via)
        chunked(h, via)
        h.finish()


def test_caddy():
    with with_function() as h:
        via = creel.caddy(h)
        one_event(h, via)
        chunked(h, via)
        body = b'{"type":"order.created"}'
        forged = dict(creel.sign(body), webhook_id="forged")
        a = via.request("POST", "/hooks/shop", forged, body)
        check(a.status == 202, f"a header with '_' must be dropped by the documented configuration: {a}")
        h.finish()


def test_tcp_socket():
    port = creel.free_port()
    with with_function(listen=f"127.0.0.1:{port}") as h:
        h.fastcgi = ("127.0.0.1", port)
        one_event(h, None)
        h.finish()


creel.main(globals())
