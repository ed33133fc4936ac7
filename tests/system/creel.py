# SPDX-License-Identifier: MIT
"""The harness of the system tests: real creeld, real web servers, everything in one temporary folder.

Needs only Python's standard library. CREEL_PREFIX names the folder that `make install` filled. A test file defines
functions test_*, each gets nothing and ends normally, raises Skip, or fails; creel.main() runs them and prints
`N passed, N failed`. Nothing here sleeps to wait: poll() looks at a condition until a deadline.
"""
import base64
import contextlib
import ctypes
import grp
import hashlib
import hmac
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid

import webserver

PREFIX = os.environ.get("CREEL_PREFIX", "/usr/local")
CREELD = os.path.join(PREFIX, "sbin", "creeld")
CREEL = os.path.join(PREFIX, "bin", "creel")
STOCK = os.path.join(PREFIX, "lib", "creel", "stock")
HERE = os.path.dirname(os.path.abspath(__file__))
SECRET = b"0123456789abcdef0123456789abcdef"
DEADLINE = 30.0 * float(os.environ.get("CREEL_TEST_SLOW", "1"))
REPORTS = os.environ.get("CREEL_TEST_REPORTS", "")  # the folder that a sanitized build's processes report to, set by tests/run
PR_SET_CHILD_SUBREAPER = 36
WEB_USER = "www-data"


class Skip(Exception):
    """This test cannot run here; the text says why."""


class Failed(Exception):
    """What was promised did not happen."""


def check(condition, what):
    if not condition:
        raise Failed(what() if callable(what) else what)


def poll(condition, what, seconds=None):
    """The first true value of condition(); Failed after the deadline. `what` may be a function that describes the state."""
    end = time.monotonic() + (seconds or DEADLINE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("waited in vain for: " + (what() if callable(what) else what))
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def rounds(few):
    return int(os.environ.get("ROUNDS", few))


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Skip(program + " is not installed")
    return path


# ---- processes -----------------------------------------------------------------------------------------------------

def children(pid):
    """Direct children of pid that are not dead."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat", "rb") as f:
                    fields = f.read().rpartition(b")")[2].split()
                if int(fields[1]) == pid and fields[0] not in (b"Z", b"X"):
                    found.append(int(name))
    return found


def descendants(pid):
    todo, found = [pid], []
    while todo:
        below = children(todo.pop())
        found += below
        todo += below
    return found


def command_line(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return ""


def rss_kib(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
    return 0


def become_subreaper():
    """Whatever creeld leaves behind becomes our child, so that nothing can hide."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


# ---- FastCGI -------------------------------------------------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def _record(kind, data):
    return struct.pack("!BBHHBB", 1, kind, 1, len(data), 0, 0) + data


def _records(kind, data):
    out = b"".join(_record(kind, data[i:i + 65535]) for i in range(0, len(data), 65535))
    return out + _record(kind, b"")


def _pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack("!I", n | 0x80000000)
    n, v = name.encode(), value if isinstance(value, bytes) else str(value).encode()
    return length(len(n)) + length(len(v)) + n + v


def fcgi_request(params, body=b""):
    """The bytes of one whole request; the web server closes after it."""
    return (_record(1, struct.pack("!HB5x", 1, 0)) + _records(4, b"".join(_pair(k, v) for k, v in params)) +
            _records(5, body))


def fcgi_connect(address, timeout=None):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(timeout or DEADLINE)
    s.connect(address)
    return s


def _read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise ConnectionError("the FastCGI connection ended early")
        data += more
    return data


def fcgi_answer(s):
    out = b""
    while True:
        _, kind, _, n, pad, _ = struct.unpack("!BBHHBB", _read_exactly(s, 8))
        data = _read_exactly(s, n + pad)[:n]
        if kind == 6:
            out += data
        elif kind == 3:
            break
    head, _, body = out.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Answer(int(headers.pop("status", "200").split()[0]), headers, body)


def fcgi_respond(s, text):
    """The other side: read one whole request from s, answer it, return its parameters."""
    params, ends = b"", 0
    while ends < 2:
        _, kind, _, n, pad, _ = struct.unpack("!BBHHBB", _read_exactly(s, 8))
        data = _read_exactly(s, n + pad)[:n]
        params += data if kind == 4 else b""
        ends += kind in (4, 5) and n == 0
    s.sendall(_records(6, text) + _record(3, b"\0" * 8))
    return dict(_pairs(params))


def _pairs(data):
    at = 0

    def length():
        nonlocal at
        size = 4 if data[at] & 0x80 else 1
        at += size
        return int.from_bytes(data[at - size:at], "big") & 0x7fffffff
    while at < len(data):
        n, v = length(), length()
        yield data[at:at + n].decode("latin-1"), data[at + n:at + n + v].decode("latin-1")
        at += n + v


def fcgi_params(method, uri, headers, body):
    path, _, query = uri.partition("?")
    params = [("REQUEST_METHOD", method), ("REQUEST_URI", uri), ("QUERY_STRING", query), ("SCRIPT_NAME", path),
              ("SERVER_PROTOCOL", "HTTP/1.1"), ("REMOTE_ADDR", "127.0.0.1"), ("CONTENT_LENGTH", len(body))]
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        params.append((key if key == "CONTENT_TYPE" else "HTTP_" + key, value))
    return params


def fcgi(address, method, uri, headers=None, body=b"", timeout=None):
    with fcgi_connect(address, timeout) as s:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # an early answer may end our sending
            s.sendall(fcgi_request(fcgi_params(method, uri, headers or {}, body), body))
        return fcgi_answer(s)


# ---- signing -------------------------------------------------------------------------------------------------------

def whsec(secret=SECRET):
    return "whsec_" + base64.b64encode(secret).decode()


def sign(body, event_id=None, at=None, secret=SECRET):
    """The headers of a Standard Webhooks request (v1)."""
    event_id = event_id or "msg_" + uuid.uuid4().hex
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": "v1," + base64.b64encode(mac).decode(),
            "content-type": "application/json"}


# ---- the host ------------------------------------------------------------------------------------------------------

class Host:
    """One creeld with its folder. etc, run and spool lie apart from out, where functions may write."""

    def __init__(self, sources=None, functions="", launcher=(), preload=None, **settings):
        self.dir = tempfile.mkdtemp(prefix="creel-")
        os.chmod(self.dir, 0o755)
        for name in ("etc", "run", "functions", "schemas", "out"):
            os.mkdir(self.path(name), 0o755)
        os.chmod(self.path("out"), 0o1777)
        self.fastcgi, self.admin = self.path("run/f.sock"), self.path("run/a.sock")
        self.launcher, self.preload = list(launcher), preload
        self.process, self.servers, self.allowed = None, [], []
        self.allow("intake and dispatch run as root", "functions do not run as a user of their own")  # said at every start as root
        self.settings = {
            "listen": "unix:" + self.fastcgi, "listen_mode": "0660", "admin_listen": "unix:" + self.admin,
            "control": self.path("run/c.sock"), "spool": self.path("spool"), "segment_size": "1MiB", "min_free": "1MiB",
            "functions": functions or self.path("functions"), "log_format": "json", "stop_timeout": "5s",
            "schemas": self.path("schemas"), "peer_users": [pwd.getpwuid(os.getuid()).pw_name],
            "sources": sources or {"shop": self.source("shop")}}
        if os.getuid() == 0 and not launcher:
            self.settings.update(listen_group=WEB_USER, peer_users=["root", WEB_USER])
        self.settings.update(settings)
        self.write_config()

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def spool(self, *names):
        return os.path.join(self.settings["spool"], *names)

    def key_file(self, name, content):
        path = self.path("etc", name)
        with open(path, "w") as f:
            f.write(content + "\n")
        os.chmod(path, 0o600)
        return path

    def source(self, name, recipe="standard-webhooks", secret=None, **more):
        """The configuration of a source with one key."""
        out = {"path": "/hooks/" + name, "recipe": recipe, "type": "json:/type"}
        if recipe == "none":
            out["allow_unsigned"] = True
        else:
            out["keys"] = [{"id": name + "-1", "secret_file": self.key_file("key-" + name, secret or whsec())}]
        out.update(more)
        return out

    def write_config(self):
        self.config = self.path("etc/creel.json")
        with open(self.config, "w") as f:
            json.dump(self.settings, f, indent=2)

    # functions

    def drop(self, name, built):
        """Put a built .so there as people should: under another name first, then renamed."""
        at = os.path.join(self.settings["functions"], name + ".so")
        shutil.copy(built, at + ".new")
        os.rename(at + ".new", at)

    def sidecar(self, name, content):
        at = os.path.join(self.settings["functions"], name + ".json")
        with open(at + ".new", "w") as f:
            json.dump(content, f)
        os.rename(at + ".new", at)

    def function(self, name, source, **defines):
        """Compile C against the installed creel.h, exactly as the manual says, and drop it in."""
        with open(self.path(name + ".c"), "w") as f:
            f.write(source)
        built = self.path(name + ".built")
        flags = pkg_config("--cflags")
        macros = [f"-D{k}={json.dumps(v) if k != 'MODE' else v}" for k, v in defines.items()]
        run(["cc", "-shared", "-fPIC", *flags, *macros, "-o", built, self.path(name + ".c")])
        self.drop(name, built)

    def give(self, uid):
        """Everything so far belongs to another user, who creeld is started as."""
        for folder, _, files in os.walk(self.dir):
            os.chown(folder, uid, uid)
            for name in files:
                os.chown(os.path.join(folder, name), uid, uid)

    # life

    def start(self, wait=True):
        self.log_from = os.path.getsize(self.path("log")) if os.path.exists(self.path("log")) else 0
        env = {k: v for k, v in os.environ.items() if not k.startswith("CREEL_TEST")}
        if self.preload:
            env["LD_PRELOAD"] = self.preload
        with open(self.path("log"), "ab") as log:
            self.process = started(subprocess.Popen([*self.launcher, CREELD, "-c", self.config], stdin=subprocess.DEVNULL,
                                                    stdout=log, stderr=log, env=env, cwd=self.dir))
        if wait:
            self.wait_ready()
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise Failed(f"creeld ended with status {self.process.returncode}:\n{self.log_tail()}")
        try:
            return fcgi(self.admin, "GET", "/readyz", timeout=2).status == 200
        except (OSError, ConnectionError):
            return False

    def wait_ready(self):
        poll(self.ready, lambda: "creeld to be ready\n" + self.log_tail())

    def stop(self):
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end()

    def wait_end(self):
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failed("creeld does not stop:\n" + self.log_tail()) from None

    def restart(self):
        check(self.stop() == 0, "creeld stopped with another status than 0")
        self.start()

    def role(self, name):
        """The pid of intake or dispatch, None while there is none."""
        for pid in children(self.process.pid):
            if command_line(pid).split()[-1:] == [name] and "creeld" in command_line(pid):
                return pid
        return None

    def workers(self):
        dispatch = self.role("dispatch")
        return descendants(dispatch) if dispatch else []

    # events

    def post(self, body, headers=None, path="/hooks/shop", method="POST", via=None):
        if via:
            return via.request(method, path, headers or {}, body)
        return fcgi(self.fastcgi, method, path, headers or {}, body)

    def send(self, kind="order.created", event_id=None, path="/hooks/shop", via=None, secret=SECRET, **more):
        """One signed event."""
        body = json.dumps({"type": kind, **more}).encode()
        return self.post(body, sign(body, event_id, secret=secret), path, via=via)

    def accept(self, *args, **kwargs):
        """Send, insist on 202, return the id."""
        a = self.send(*args, **kwargs)
        check(a.status == 202, f"expected 202, got {a}")
        return a.json()["id"]

    def creel(self, *args, status=0):
        done = subprocess.run([CREEL, *args, "-c", self.config], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE * 4, check=False)
        if status is not None:
            check(done.returncode == status, f"creel {' '.join(args)} exits {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def list(self, *args):
        return [json.loads(line) for line in self.creel("list", "--json", *args).stdout.splitlines()]

    def states(self):
        return {e["id"]: e["state"] for e in self.list()}

    def show(self, event_id):
        return json.loads(self.creel("show", event_id, "--json").stdout)

    def wait_state(self, event_id, *states, seconds=None):
        return poll(lambda: self.states().get(event_id) in states,
                    lambda: f"{event_id} to be {' or '.join(states)}; it is {self.states().get(event_id)}\n{self.log_tail()}", seconds)

    def wait_all(self, ids, *states, seconds=None):
        """Wait until each id is in one of these states; one look at the spool a turn."""
        def missing():
            now = self.states()
            return {i: now.get(i) for i in ids if now.get(i) not in states}
        poll(lambda: not missing(), lambda: f"all to be {states}: {list(missing().items())[:5]}\n{self.log_tail()}", seconds)

    def outputs(self, name="out"):
        """The lines functions wrote to out/NAME."""
        try:
            with open(self.path("out", name)) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    # the log

    def log_text(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def log_lines(self):
        out = []
        for line in self.log_text().splitlines():
            try:
                out.append(json.loads(line))
            except ValueError:
                out.append({"level": "error", "msg": "not a log line", "text": line})
        return out

    def log_tail(self):
        with contextlib.suppress(OSError):
            return "".join(self.log_text().splitlines(True)[-25:])
        return "(no log)"

    def allow(self, *patterns):
        """Warnings and errors that this test provokes: regular expressions over the whole line."""
        self.allowed += [re.compile(p) for p in patterns]

    def unexpected(self):
        """Lines above info that nobody allowed; never allowed: a broken invariant, a sanitizer's finding."""
        return [l for l in self.log_text().splitlines() if re.search(r"Sanitizer|runtime error:|^bug: ", l) or
                (not re.search(r'"level":"(debug|info)"', l) and not any(p.search(l) for p in self.allowed))]

    # the end

    def finish(self):
        """Every test's last look: daemon alive, spool readable, nothing unexpected said, nothing left running."""
        check(self.process.poll() is None, "creeld is not alive at the end\n" + self.log_tail())
        check(self.ready(), "creeld is not ready at the end\n" + self.log_tail())
        self.check_counters()
        check(self.stop() == 0, "creeld did not stop with status 0\n" + self.log_tail())
        self.creel("fsck")
        said = self.unexpected()
        check(not said, "unexpected in the log:\n" + "\n".join(said[:20]))
        self.check_nothing_left()

    def check_counters(self):
        """No transition outside the table, no hostile connection nobody made; said by creeld itself."""
        status = json.loads(self.creel("status", "--json").stdout)
        counters = status.get("counters", status)
        check(counters.get("illegal_transitions_total", 0) == 0, f"illegal transitions: {counters}")

    def check_nothing_left(self):
        own = {s.process.pid for s in self.servers}

        def left():
            reap()
            return {p: command_line(p) for p in children(os.getpid()) if p not in own}
        poll(lambda: not left(), lambda: f"nothing to be left running: {left()}", 10)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for server in self.servers:
            server.stop()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if kind is None or os.environ.get("CREEL_TEST_KEEP", "") == "":
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print("    kept:", self.dir)


class Load(threading.Thread):
    """A sender that never rests: each answer is kept, with the key it was signed with."""

    def __init__(self, host, secret=SECRET):
        super().__init__(daemon=True)
        self.host, self.secret, self.answers, self.failure = host, secret, [], None
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                secret = self.secret
                a = self.host.send(secret=secret)
                self.answers.append((secret, a.status, a.json().get("id")))
        except Exception as e:  # said where the test looks  # pylint: disable=broad-except
            self.failure = e

    def more(self, n):
        """Wait for n more answers."""
        want = len(self.answers) + n
        poll(lambda: self.failure or len(self.answers) >= want, "the load to go on")

    def stop(self):
        """End it; every request was accepted."""
        self.ended.set()
        self.join()
        check(not self.failure, f"the load failed: {self.failure!r}")
        bad = [a for a in self.answers if a[1] != 202]
        check(not bad, f"{len(bad)} of {len(self.answers)} requests were not accepted: {bad[:3]}")
        return [a[2] for a in self.answers]


_started = set()  # what subprocess waits for itself


def started(process):
    _started.add(process.pid)
    return process


def reap():
    """Take the dead children that nobody waits for: orphans that fell to us."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in _started:
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat", "rb") as f:
                    fields = f.read().rpartition(b")")[2].split()
                if int(fields[1]) == os.getpid() and fields[0] == b"Z":
                    os.waitpid(int(name), os.WNOHANG)


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more)
    check(done.returncode == 0, f"{' '.join(command)} exits {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def code(name):
    """The C source of one of the functions made for these tests."""
    with open(os.path.join(HERE, "functions", name + ".c")) as f:
        return f.read()


def pkg_config(*args):
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(PREFIX, "lib", "pkgconfig"))
    return run(["pkg-config", *args, "creel"], env=env).split()


# ---- web servers ---------------------------------------------------------------------------------------------------

class Server:
    """A web server in front of a Host with the configuration that is shipped for it, in the foreground. As root it serves as www-data,
    if the host takes that one, as its service would; drops: who it is started as instead. text: what makes another configuration."""

    def __init__(self, host, kit, socket_path=None, tls=None, more="", drops=None, text=None):
        self.kit, self.tls, self.drops, self.port = kit, tls, drops, free_port()
        self.user = drops or (WEB_USER if WEB_USER in host.settings["peer_users"] else pwd.getpwuid(os.getuid()).pw_name)
        self.group = grp.getgrgid(pwd.getpwnam(self.user).pw_gid).gr_name
        self.dir = host.path(f"{kit}-{self.port}")
        os.makedirs(self.dir)
        at, self.log = os.path.join(self.dir, webserver.FILES[kit]), os.path.join(self.dir, "log")
        with open(at, "w", encoding="utf-8") as f:
            f.write(text(self) if text else webserver.whole(kit, self, socket_path or host.fastcgi, tls, more))
        as_user = {"user": self.user, "group": self.group, "extra_groups": []} if os.getuid() == 0 and (drops or kit == "caddy") else {}
        with open(self.log, "ab") as log:
            if os.getuid() == 0:
                for made in (self.dir, self.log):
                    os.chown(made, pwd.getpwnam(self.user).pw_uid, -1)
            self.process = started(subprocess.Popen(
                [need(webserver.PROGRAMS[kit]), *webserver.arguments(kit, at)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **as_user,
                env=dict(os.environ, HOME=self.dir, XDG_DATA_HOME=self.dir, XDG_CONFIG_HOME=self.dir)))
        host.servers.append(self)
        poll(self.answers, lambda: f"{kit} to answer:\n" + self.said())

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def answers(self):
        check(self.process.poll() is None, lambda: "the web server ended:\n" + self.said())
        with contextlib.suppress(OSError):
            self.connect(1).close()
            return True
        return False

    def connect(self, timeout=None):
        return socket.create_connection(("127.0.0.1", self.port), timeout or DEADLINE)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def client(self, context=None):
        """An HTTP client's connection; context: with TLS."""
        if context:
            return http.client.HTTPSConnection("localhost", self.port, timeout=DEADLINE, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def request(self, method, path, headers, body, chunked=False, context=None):
        c = self.client(context)
        try:
            pieces = iter([body[i:i + 1000] for i in range(0, len(body), 1000)]) if chunked else body
            c.request(method, path, pieces, dict(headers), encode_chunked=chunked)
            r = c.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
        finally:
            c.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def nginx(host, more=""):
    return Server(host, "nginx", more=more)


def caddy(host, more=""):
    return Server(host, "caddy", more=more)


def apache(host):
    return Server(host, "apache")


def lighttpd(host):
    return Server(host, "lighttpd")


# ---- sanitizers ----------------------------------------------------------------------------------------------------

def sanitizer_reports():
    """What sanitizers of any process have written since the last look, also of processes that were killed later."""
    text = ""
    for name in sorted(os.listdir(REPORTS) if REPORTS else []):
        at = os.path.join(REPORTS, name)
        with open(at, encoding="utf-8", errors="replace") as f:
            text += f"report {name}:\n" + "".join(f.readlines()[:100])
        os.unlink(at)
    return text


# ---- running -------------------------------------------------------------------------------------------------------

def together(n, job):
    """job(0) … job(n-1), each in a thread of its own, begun at the same moment; their results in order."""
    barrier, results = threading.Barrier(n), [None] * n

    def one(i):
        barrier.wait()
        try:
            results[i] = job(i)
        except Exception as e:  # pylint: disable=broad-except
            results[i] = e
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def as_ordinary_user():
    """When root: a launcher that drops to nobody, for creeld and what it starts."""
    if os.getuid() != 0:
        return []
    return [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


def without_namespaces():
    """A launcher into a place where namespaces are forbidden."""
    if os.getuid() != 0:
        raise Skip("making such a place needs root")
    launcher = [os.path.join(HERE, "without_namespaces")]
    try:
        run([*launcher, "true"])
    except Failed as e:
        raise Skip(f"no such place can be made here: {e}") from None
    return launcher


class Good(threading.Thread):
    """Events of the function `good`, one after the other, while bad things happen; stops at the first that is not accepted."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host, self.ids, self.end, self.error = host, [], threading.Event(), None

    def run(self):
        try:
            while not self.end.is_set():
                self.ids.append(self.host.accept("good"))
                self.end.wait(0.02)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e

    def finish(self):
        """No more of them; each was accepted and is done, or will be soon."""
        self.end.set()
        self.join()
        check(not self.error, f"a good event failed meanwhile: {self.error}")
        self.host.wait_all(self.ids, "done")


def main(names):
    """Run all test_* of a module's globals, or those named on the command line."""
    become_subreaper()
    wanted = sys.argv[1:]
    passed = failed = 0
    for name, function in list(names.items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        began = time.monotonic()
        skipped, wrong = "", ""
        try:
            function()
        except Skip as e:
            skipped = str(e)
        except Exception as e:  # pylint: disable=broad-except
            wrong = (str(e) if isinstance(e, Failed) else traceback.format_exc()) + "\n"
        wrong += sanitizer_reports()
        if wrong:
            failed += 1
            print(f"not ok {name}: {wrong}", flush=True)
        elif skipped:
            print(f"skip {name}: {skipped}", flush=True)
        else:
            passed += 1
            print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)
