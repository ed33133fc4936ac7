# SPDX-License-Identifier: MIT
"""Who may call and how often, through nginx and Caddy: allow-lists, proxies that are trusted, X-Forwarded-For that is made up."""
import http.client
import json
import os
import time

import creel
from creel import Host, check

FAR = "203.0.113.9"  # nobody's address here


def call(port, path, client="127.0.0.1", forwarded=None, body=b"{}", headers=None):
    """One request from a loopback address of our choice."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=creel.DEADLINE, source_address=(client, 0))
    try:
        headers = dict(headers or {"Content-Type": "application/json"})
        if forwarded:
            headers["X-Forwarded-For"] = forwarded
        c.request("POST", path, body, headers)
        r = c.getresponse()
        return creel.Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
    finally:
        c.close()


def front(host, port, at):
    """A proxy in front of the web server, which it reaches from the address `at`, and to whose field it appends."""
    def text(s):
        folders = "".join(f"{k}_temp_path {s.dir}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""daemon off; pid {s.dir}/pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; {folders}
  server {{
    listen 127.0.0.1:{s.port};
    location / {{
      proxy_pass http://127.0.0.1:{port}; proxy_bind {at};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}"""
    return creel.Server(host, "nginx", text=text)


def open_source(host, name, **more):
    return host.source(name, "none", type="const:x", dedupe=False, **more)


def expect(answer, status, what):
    check(answer.status == status, f"{what}: expected {status}, got {answer}")
    if status == 403:
        check(answer.json()["code"] == "address-not-allowed", f"{what}: {answer}")


def remotes(host):
    """The addresses in what was refused and in the journal."""
    out = []
    for folder in ("rejected", "journal"):
        for name in sorted(os.listdir(host.spool(folder))):
            with open(host.spool(folder, name), encoding="utf-8", errors="replace") as f:
                for line in f:
                    at = line.find('"remote":"')
                    if at >= 0:
                        out.append(line[at + 10:].split('"')[0])
    return out


def limited(h, proxy, back):
    """Whatever they say of themselves, each address has its own; who waits as told gets in."""
    for client in ("127.0.0.2", "127.0.0.7"):
        for i in range(2):
            expect(call(proxy.port, "/hooks/slow", client=client, forwarded=f"{FAR[:-1]}{i}"), 202, f"{client}, number {i + 1}")
        for i in range(3):
            a = call(proxy.port, "/hooks/slow", client=client, forwarded=f"{FAR[:-1]}{i}")
            expect(a, 429, f"{client} is at its limit")
            check(a.headers.get("ratelimit-policy") == '"ip";q=2;w=4' and a.headers.get("retry-after") in ("1", "2"), f"fields: {a.headers}")
            check(a.headers.get("ratelimit") == f'"ip";r=0;t={a.headers["retry-after"]}', f"RateLimit: {a.headers}")
    expect(call(back.port, "/hooks/slow", client="127.0.0.8", forwarded="127.0.0.2"), 202, "another address, past the proxy")
    time.sleep(int(a.headers["retry-after"]))  # as told
    a = call(proxy.port, "/hooks/slow", client="127.0.0.7")
    expect(a, 202, "who waited as told")
    check(a.headers.get("ratelimit", "").startswith('"ip";r=0;t='), f"fields: {a.headers}")
    body = b'{"type":"order.created"}'
    bad = dict(creel.sign(body), **{"webhook-signature": "v1,AAAA"})
    for i in range(4):
        expect(call(proxy.port, "/hooks/shop", client="127.0.0.2", forwarded=f"{FAR[:-1]}{i}", body=body, headers=bad), 401 if i < 3 else 429, f"failure {i + 1}")
    expect(call(proxy.port, "/hooks/shop", client="127.0.0.2", body=body, headers=creel.sign(body)), 429, "also with a good signature")
    for i in range(5):
        expect(call(proxy.port, "/hooks/shop", client="127.0.0.7", body=body, headers=creel.sign(body) if i == 0 else bad), 401 if i else 202, "who has proved itself")
    counters = json.loads(h.creel("status", "--json").stdout)["counters"]
    check(counters["limited_total"] == 8 and counters["limit_evicted_total"] == 0, f"counters: {counters}")


def spoofed(make_server, more):
    """Without trusted proxies nothing that a client writes counts; with them what they have written does."""
    with Host() as h:
        h.settings["sources"] = {"far": open_source(h, "far", allow=[FAR + "/32"]), "two": open_source(h, "two", allow="127.0.0.2"),
                                 "any": open_source(h, "any")}
        h.write_config()
        h.start()
        back = make_server(h)
        for claim in (None, FAR, f"{FAR}, 127.0.0.1", f"{FAR},{FAR}", "unknown", ", ,"):
            expect(call(back.port, "/hooks/far", forwarded=claim), 403, f"X-Forwarded-For: {claim}")
            expect(call(back.port, "/hooks/far", client="127.0.0.2", forwarded=claim), 403, f"from 127.0.0.2: {claim}")
            expect(call(back.port, "/hooks/two", client="127.0.0.2", forwarded=claim), 202, f"two: {claim}")
        check(set(remotes(h)) == {"127.0.0.1", "127.0.0.2"}, f"remote: {set(remotes(h))}")
        h.settings["trusted_proxies"] = ["127.0.0.3"]
        h.settings["failed_limit"] = {"rate": 3, "per": "1h"}
        h.settings["sources"]["slow"] = open_source(h, "slow", limit={"rate": 2, "per": "4s", "key": "ip"})
        h.settings["sources"]["shop"] = h.source("shop")
        h.write_config()
        h.restart()
        back = make_server(h, more)
        proxy = front(h, back.port, "127.0.0.3")
        for claim in (None, FAR, f"{FAR}, 127.0.0.3", "127.0.0.3", "unknown"):
            expect(call(proxy.port, "/hooks/two", client="127.0.0.2", forwarded=claim), 202, f"two by the proxy: {claim}")
            expect(call(proxy.port, "/hooks/far", client="127.0.0.2", forwarded=claim), 403, f"far by the proxy: {claim}")
            expect(call(back.port, "/hooks/far", client="127.0.0.4", forwarded=claim), 403, f"far past the proxy: {claim}")
            expect(call(back.port, "/hooks/two", client="127.0.0.4", forwarded="127.0.0.2"), 403, "two past the proxy")
        check(set(remotes(h)) == {"127.0.0.1", "127.0.0.2", "127.0.0.4"}, f"remote: {set(remotes(h))}")
        limited(h, proxy, back)
        lines = [json.loads(l) for l in h.log_text().splitlines() if "address-not-allowed" in l]
        check(lines and all(l.get("remote") for l in lines), f"a refusal without its address: {lines[:1]}")
        h.finish()


def test_addresses_nginx():
    spoofed(creel.nginx, "")


def test_addresses_caddy():
    spoofed(creel.caddy, "trusted_proxies 127.0.0.3/32")


def test_fields_that_look_like_it():
    """A proxy that is trusted hands on what it does not know; no other name may become its field on the way."""
    with Host(trusted_proxies=["127.0.0.3"]) as h:
        h.settings["sources"] = {"far": open_source(h, "far", allow=[FAR + "/32"])}
        h.write_config()
        h.start()
        for kit in ("nginx", "apache", "caddy", "lighttpd"):
            server = creel.Server(h, kit)
            for name in ("X_Forwarded_For", "X-Forwarded_For", "x.forwarded.for", "X~Forwarded-For"):
                c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=creel.DEADLINE, source_address=("127.0.0.3", 0))
                c.putrequest("POST", "/hooks/far")
                for field in (("X-Forwarded-For", "198.51.100.1"), (name, FAR), ("Content-Type", "application/json"), ("Content-Length", "2")):
                    c.putheader(*field)
                c.endheaders(b"{}")
                r = c.getresponse()
                check(r.status == (400 if kit == "lighttpd" else 403), f"{kit}, {name}: {r.status} {r.read()}")
                c.close()
            server.stop()
        h.finish()


creel.main(globals())
