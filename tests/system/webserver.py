# SPDX-License-Identifier: MIT
"""The four web servers with the configurations below deploy/, as tests run them: address, socket, user and certificate are exchanged,
what a whole server needs besides is added. Texts only; creel.Server starts them.
"""
import os
import re

DEPLOY = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "deploy")
FILES = {"nginx": "creel.conf", "caddy": "Caddyfile", "apache": "creel.conf", "lighttpd": "creel.conf"}
PROGRAMS = {"nginx": "nginx", "caddy": "caddy", "apache": "apache2", "lighttpd": "lighttpd"}
MODULES = "/usr/lib/apache2/modules"
APACHE = ("mpm_event", "authz_core", "alias", "proxy", "proxy_fcgi", "reqtimeout", "ssl", "http2")


def arguments(kit, at):
    return {"nginx": ["-e", "stderr", "-c", at], "caddy": ["run", "--config", at, "--adapter", "caddyfile"],
            "apache": ["-D", "FOREGROUND", "-f", at], "lighttpd": ["-D", "-f", at]}[kit]


class Tls:
    """Where a server finds its certificate; clients: and, if set, the authority of its clients' certificates."""

    def __init__(self, certificate, key, clients=None):
        self.certificate, self.key, self.clients = certificate, key, clients


def exchanged(text, pairs):
    """text with each pattern exchanged, each of which must be there."""
    for pattern, new in pairs:
        text, n = re.subn(pattern, lambda m, new=new: m.expand(new), text, flags=re.M | re.S)
        if not n:
            raise ValueError(f"the configuration has nothing like {pattern}")
    return text


def shipped(kit, socket, tls=None):
    """The configuration as somebody who sets it up would have it."""
    with open(os.path.join(DEPLOY, kit, FILES[kit]), encoding="utf-8") as f:
        text = exchanged(f.read(), [(r"/run/creel/fastcgi\.sock", socket)])
    if tls and tls.clients:
        text = exchanged(text, [(r"#cert ", ""), (r"/etc/ssl/clients-ca\.pem", tls.clients)])
    if tls and kit != "caddy":
        text = exchanged(text, [(r"/etc/ssl/hooks\.example\.com\.pem", tls.certificate),
                                 (r"/etc/ssl/private/hooks\.example\.com\.key", tls.key)])
    return text


def _nginx(s, text, tls, more):
    text = exchanged(text, [(r"listen 443[^;]*;", f"listen 127.0.0.1:{s.port}{' ssl http2' if tls else ''};"), (r"^ *listen \[.*?$", ""),
                             (r"include fastcgi_params;", rf"include /etc/nginx/fastcgi_params; {more}")])
    if not tls:
        text = exchanged(text, [(r"^ *ssl_[^\n]*$", "")])
    user = f"user {s.user};" if os.getuid() == 0 and not s.drops else ""
    folders = "".join(f"{k}_temp_path {s.dir}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return (f"{user} daemon off; pid {s.dir}/pid; error_log stderr; worker_processes 1; events {{ worker_connections 2100; }}\n"
            f"http {{ access_log off; {folders}\n{text}\n}}")


def _caddy(s, text, tls, more):
    own = f"\ttls {tls.certificate} {tls.key}" if tls else ""
    text = exchanged(text, [(r"hooks\.example\.com \{", f"{'https://localhost' if tls else 'http://127.0.0.1'}:{s.port} {{\n\tbind 127.0.0.1\n{own}"),
                             (r"^https:// \{", f"{'https' if tls else 'http'}://:{s.port} {{\n\tbind 127.0.0.1"),
                             (r"reverse_proxy unix/[^{]*\{\n", rf"\g<0>\t\t\t{more}\n"),
                             (r"^\{\n", "{\n\tadmin off\n\tauto_https off\n")])
    if tls and tls.clients:
        text = exchanged(text, [(re.escape(own) + r" *(.*?)\n\ttls \{", rf"{own} {{\1")])
    return text


def _apache(s, text, tls, more):
    text = exchanged(text, [(r"<VirtualHost \*:443>", f"<VirtualHost 127.0.0.1:{s.port}>"), (r"hooks\.example\.com", "127.0.0.1"),
                             (r"</VirtualHost>", f"{more}\n</VirtualHost>")])
    if not tls:
        text = exchanged(text, [(r"^ *SSL[^\n]*$", "")])
    user = f"User {s.user}\nGroup {s.group}\n" if os.getuid() == 0 and not s.drops else ""
    modules = "".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so\n" for m in APACHE)
    return (f"{modules}{user}ServerRoot {s.dir}\nPidFile {s.dir}/pid\nDefaultRuntimeDir {s.dir}\nErrorLog /dev/stderr\nServerName 127.0.0.1\n"
            f"Listen 127.0.0.1:{s.port}\nMutex file:{s.dir}\nStartServers 1\nThreadsPerChild 64\nMaxRequestWorkers 64\n{text}")


def _lighttpd(s, text, tls, more):
    text = exchanged(text, [(r'":443"', f'"127.0.0.1:{s.port}"')])
    if not tls:
        text = exchanged(text, [(r'^\$SERVER\["socket"\].*?^\}', ""), (r'"mod_openssl", ', "")])
    user = f'server.username = "{s.user}"\nserver.groupname = "{s.group}"\n' if os.getuid() == 0 and not s.drops else ""
    return (f'server.document-root = "{s.dir}"\nserver.bind = "127.0.0.1"\nserver.port = {s.port}\nserver.modules = ()\n{user}'
            f'server.errorlog = "{s.log}"\nserver.upload-dirs = ( "{s.dir}" )\n{text}\n{more}')


def whole(kit, s, socket, tls=None, more=""):
    """The text of a whole configuration for a creel.Server; more: what goes where the requests are handed on."""
    made = {"nginx": _nginx, "caddy": _caddy, "apache": _apache, "lighttpd": _lighttpd}[kit]
    return made(s, shipped(kit, socket, tls), tls, more)
