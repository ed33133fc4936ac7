# SPDX-License-Identifier: MIT
"""The configurations below deploy/ do what they say: only the address, the certificate and the socket's path are exchanged."""
import os
import re

import creel
from creel import Host, Server, check

DEPLOY = os.path.join(os.path.dirname(os.path.dirname(creel.HERE)), "deploy")


def shipped(*names):
    with open(os.path.join(DEPLOY, *names)) as f:
        return f.read()


def nginx(h):
    def text(s):
        conf = shipped("nginx", "creel.conf").replace("/run/creel/fastcgi.sock", h.fastcgi)
        conf = re.sub(r"listen 443[^;]*;", f"listen 127.0.0.1:{s.port};", conf)
        conf = re.sub(r"^ *(listen \[|ssl_).*$", "", conf, flags=re.M)
        conf = conf.replace("include fastcgi_params;", "include /etc/nginx/fastcgi_params;")
        user = "user root;" if os.getuid() == 0 else ""
        folders = "".join(f"{k}_temp_path {s.dir}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"{user} daemon off; pid {s.dir}/pid; error_log stderr; events {{ }} http {{ access_log off; {folders} {conf} }}"
    return Server(h, "nginx", lambda at: ["-e", "stderr", "-c", at], "nginx.conf", text)


def caddy(h):
    def text(s):
        conf = shipped("caddy", "Caddyfile").replace("/run/creel/fastcgi.sock", h.fastcgi)
        conf = conf.replace("hooks.example.com {", f"http://127.0.0.1:{s.port} {{\n\tbind 127.0.0.1")
        return "{\n\tadmin off\n\tauto_https off\n}\n" + conf
    return Server(h, "caddy", lambda at: ["run", "--config", at, "--adapter", "caddyfile"], "Caddyfile", text,
                  lambda s: {"HOME": s.dir, "XDG_DATA_HOME": s.dir, "XDG_CONFIG_HOME": s.dir})


def as_shipped(server):
    with Host() as h:
        h.start()
        via = server(h)
        body = b'{"type":"order.created"}'
        a = h.post(body, dict(creel.sign(body), webhook_id="forged"), via=via)
        check(a.status == 202, f"a signed event (and a forged header with '_'): {a}")
        check(h.show(a.json()["id"])["event_id"] != "forged", "the forged header won")
        big = b"x" * (17 << 20)
        check(h.post(big, creel.sign(big), via=via).status == 413, "17 MB pass the outer wall")
        check(via.request("GET", "/readyz", {}, b"").status == 404, "something beside the hooks is served")
        h.allow("refused")
        h.finish()


def test_nginx():
    as_shipped(nginx)


def test_caddy():
    as_shipped(caddy)


creel.main(globals())
