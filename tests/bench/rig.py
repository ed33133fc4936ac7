# SPDX-License-Identifier: MIT
"""What the benches with real servers share: one folder with configuration, spool and functions; nginx, wrk, creeld; and what they cost.

Everything listens on loopback and Unix sockets of its own, and every process is ended by its pid. BENCH_DIR says on which disk.

Each server is started in a session of its own, as a service manager would: Linux shares the processors out by session (autogroup), and
creeld's roles make sessions, so a server that stayed in wrk's and nginx's would be judged by another rule.
"""
import base64
import contextlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS, WRK_THREADS, NGINX_WORKERS, BODY_BYTES = 64, 2, 2, 1024
RATE_MOST = 70000  # events a second that wrk gets ids and signatures for
START_S, DRAIN_S, STOP_S = 30, 300, 60


class Skip(Exception):
    """This part cannot run here; the text says why."""


class Wrong(Exception):
    """The figures would not mean what they say."""


def rounds():
    return max(1, int(os.environ.get("ROUNDS") or 9))


def need(*programs):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in programs:
        if not shutil.which(program):
            raise Skip(program + " is not installed")


def wait_for(what, condition, seconds, pause=0.02):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise Wrong(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def listens(family, address):
    try:
        with socket.socket(family) as s:
            s.connect(address)
        return True
    except OSError:
        return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- processes -----------------------------------------------------------------------------------------------------

def stat_fields(pid):
    """From the state on (field 3 of proc(5)), or none when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return []


def tree(pid):
    """pid and all below it."""
    below = {}
    for name in os.listdir("/proc"):
        fields = stat_fields(name) if name.isdigit() else []
        if fields:
            below.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += below.get(found[-1], [])
    return found


def own_seconds(pid):
    """Of one live process. Its stat counts whole ticks only, which hides what short-lived workers do; schedstat has nanoseconds, but of
    threads that still are."""
    ns = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
                ns += int(f.read().split()[0])
    return max(ns / 1e9, sum(int(n) for n in stat_fields(pid)[11:13]) / TICKS)


def cpu_seconds(pid):
    """Of a process, all below it, and all of those that have ended: whoever waited for one has its times in its own."""
    return sum(own_seconds(p) + sum(int(n) for n in stat_fields(p)[13:15]) / TICKS for p in tree(pid))


def named(pid, *last):
    """The process below pid whose command line ends so."""
    for p in tree(pid)[1:]:
        with contextlib.suppress(OSError):
            with open(f"/proc/{p}/cmdline", "rb") as f:
                if tuple(f.read().decode("latin-1").split("\0")[:-1][-len(last):]) == last:
                    return p
    raise Wrong(f"no process {' '.join(last)} below {pid}")


def memory(pid):
    """KiB: resident, and of it memory that belongs to no file. Roles are not dumpable, so this is what anybody may read."""
    with open(f"/proc/{pid}/status", encoding="latin-1") as f:
        found = {k: int(v) for k, v in re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M)}
    return found["VmRSS"], found["RssAnon"]


class Machine:
    """What all processors did since it was made, from /proc/stat, in seconds."""

    def __init__(self):
        self.began, self.before = time.monotonic(), self.read()

    @staticmethod
    def read():
        with open("/proc/stat", encoding="ascii") as f:
            t = [int(n) / TICKS for n in f.readline().split()[1:9]]
        return {"busy": sum(t[:3]) + sum(t[5:7]), "idle": t[3] + t[4], "steal": t[7]}

    def since(self):
        now = self.read()
        out = {k: round(now[k] - self.before[k], 2) for k in now}
        out["seconds"] = round(time.monotonic() - self.began, 1)
        out["steal_part"] = round(out["steal"] / max(0.01, out["busy"] + out["idle"] + out["steal"]), 3)
        return out


# ---- the folder and what runs in it ---------------------------------------------------------------------------------

class Rig:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.dir = tempfile.mkdtemp(prefix="bench.", dir=os.environ.get("BENCH_DIR") or "/var/tmp")
        os.chmod(self.dir, 0o755)
        self.port, self.serial, self.server, self.web = free_port(), 0, None, None
        self.sock, self.spool, self.functions = self.path("sock"), self.path("spool"), self.path("functions")
        body = json.dumps({"type": "order.paid", "data": {"id": 7, "note": "x" * 2 * BODY_BYTES}})
        self.body = (body[: BODY_BYTES - 3] + '"}}').encode()
        json.loads(self.body)
        with open(self.path("body"), "wb") as f:
            f.write(self.body)
        with open(self.path("key"), "w", encoding="ascii") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write("whsec_" + SECRET + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_web()
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def program(self, name):
        return os.path.join(self.build, name)

    def clean(self):
        """As at the beginning: no spool, no function."""
        for folder in (self.spool, self.functions):
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
        for name in ("sock", "sock.control", "synced.data"):
            with contextlib.suppress(OSError):
                os.unlink(self.path(name))

    def function(self, name, **sidecar):
        """A do-nothing function of this name."""
        with open(os.path.join(self.functions, name + ".json"), "w", encoding="ascii") as f:
            json.dump(sidecar, f)
        shutil.copy(self.program("tests/functions/nothing.so"), os.path.join(self.functions, name + ".so"))

    def contract(self):
        """What events of the bench must be like, with thirty properties named; and as many of them as nobody sends."""
        more = {f"member_{i}": {"type": "string", "maxLength": 64} for i in range(26)}
        data = {"type": "object", "required": ["id", "note"], "additionalProperties": False,
                "properties": {"id": {"type": "integer", "minimum": 1}, "note": {"type": "string", "maxLength": 4096}, **more}}
        schema = {"type": "object", "required": ["type", "data"], "properties": {"type": {"const": "order.paid"}, "data": data}}
        os.makedirs(self.path("schemas"), exist_ok=True)
        with open(self.path("schemas/order.paid.json"), "w", encoding="ascii") as f:
            json.dump(schema, f)
        return {"rate": 1000000, "per": "1s", "key": "ip"}

    def config(self, contract=False):
        config = {"listen": "unix:" + self.sock, "listen_mode": "0666", "spool": self.spool, "control": self.sock + ".control",
                  "recipes": os.path.join(HERE, "../../host/recipe/recipes"), "min_free": "64MiB", "log_level": "warn",
                  "functions": self.functions, "worker": self.program("creel-worker"),
                  "sources": {"shop": {"path": "/hooks/shop", "recipe": "standard-webhooks",
                                       "keys": [{"id": "k", "secret_file": self.path("key")}]}}}
        if contract:
            config["sources"]["shop"]["limit"] = self.contract()
            config["schemas"] = self.path("schemas")
        with open(self.path("creel.json"), "w", encoding="ascii") as f:
            json.dump(config, f)
        return self.path("creel.json")

    def start(self, *command):
        with open(self.path("log"), "ab") as log:
            self.server = subprocess.Popen([self.program(command[0]), *command[1:]], stdin=subprocess.DEVNULL, stderr=log,
                                           start_new_session=True)
        wait_for(command[0] + " to listen", lambda: listens(socket.AF_UNIX, self.sock) or self.ended(), START_S)
        return self.server.pid

    def ended(self):
        if self.server.poll() is None:
            return False
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            raise Wrong(f"the server ended with {self.server.returncode}:\n" + f.read()[-2000:])

    def start_creeld(self, contract=False):
        return self.start("creeld", "-c", self.config(contract))

    def stop(self):
        if not self.server:
            return
        below = tree(self.server.pid)[1:]
        self.server.send_signal(signal.SIGTERM)
        if self.server.args[0].endswith("alone"):  # its child holds the other ends and tells it to stop
            for pid in below:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)
        try:
            self.server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
            print("a server did not stop and was killed", file=sys.stderr)
        self.server = None

    # asking creeld

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(START_S)
            s.connect(self.sock + ".control")
            s.sendall(json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                more = s.recv(1 << 20)
                if not more:
                    raise OSError("the control socket closed")
                answer += more
        return json.loads(answer)

    def status(self):
        """Flat: the numbers of status and its counters. {} while nobody answers."""
        self.ended()
        try:
            a = self.ask(op="status")
        except OSError:
            return {}
        return {**a["counters"], **a["invocations"], "unfinished": a["unfinished"], "dispatching": a["dispatching"]}

    def wait_until(self, what, condition, seconds=DRAIN_S, pause=0.05):
        """The first status that fits."""
        last = {}

        def look():
            last.clear()
            last.update(self.status())
            if last.get("functions_broken") or last.get("dead_total"):
                raise Wrong(f"while waiting for {what}: {self.ask(op='status')['functions']}")
            return last and condition(last)
        wait_for(what, look, seconds, pause)
        return last

    def lines(self, kind):
        """So many lines of this kind are in the journal: what begins a line cannot be inside one."""
        n, token = 0, f'{{"creel":"{kind}"'.encode()
        folder = os.path.join(self.spool, "journal")
        for name in os.listdir(folder):
            if name.endswith(".jsonl"):
                with open(os.path.join(folder, name), "rb") as f:
                    n += f.read().count(token)
        return n

    # the web server and the load

    def start_web(self):
        os.makedirs(self.path("temp"), exist_ok=True)
        temp = "\n".join(f"{k}_temp_path {self.path('temp')}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.getuid() == 0 else ""
        with open(self.path("nginx.conf"), "w", encoding="ascii") as f:
            f.write(f"""
{user} worker_processes {NGINX_WORKERS}; daemon off; pid {self.path('nginx.pid')}; error_log {self.path('nginx.log')} warn;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; client_body_buffer_size 64k; {temp}
  upstream door {{ server unix:{self.sock}; keepalive {CONNECTIONS}; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{self.port};
    location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass door; fastcgi_keep_conn on; }} }} }}
""")
        self.web = subprocess.Popen(["nginx", "-e", self.path("nginx.log"), "-c", self.path("nginx.conf")], start_new_session=True)
        wait_for("nginx", lambda: listens(socket.AF_INET, ("127.0.0.1", self.port)), START_S)
        return self.web.pid

    def stop_web(self):
        if self.web:
            self.web.send_signal(signal.SIGQUIT)
            self.web.wait()
            self.web = None

    def make_requests(self, seconds):
        """For so many seconds of wrk: ids never used before, and signatures, a file for each of its threads. Takes a while of processor
        time itself, so it comes before anything is measured."""
        n = seconds * RATE_MOST
        key, now = base64.b64decode(SECRET), str(int(time.time()))
        for part in range(WRK_THREADS):
            with open(self.path(f"requests.{part}"), "w", encoding="ascii") as f:
                f.write(now + "\n")
                for _ in range(n // WRK_THREADS):
                    self.serial += 1
                    name = f"msg_{os.getpid():x}{self.serial:016x}"
                    mac = hmac.digest(key, f"{name}.{now}.".encode() + self.body, "sha256")
                    f.write(name + "\n" + base64.b64encode(mac).decode() + "\n")

    def wrk(self, seconds):
        """requests, seconds, p50_ms, p99_ms, refused, failed, rate; and wrk's own CPU seconds. Sends what make_requests made."""
        before = os.times()
        out = subprocess.run(["wrk", f"-t{WRK_THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", os.path.join(HERE, "door.lua"),
                              f"http://127.0.0.1:{self.port}", "--", self.path("requests"), self.path("body")],
                             capture_output=True, text=True, check=False)
        after = os.times()
        found = re.search(r"^RESULT (.*)$", out.stdout, re.M)
        if not found:
            raise Wrong("wrk said nothing useful:\n" + out.stdout + out.stderr)
        r = json.loads(found[1])
        r["rate"] = r["requests"] / r["seconds"]
        r["cpu"] = after.children_user + after.children_system - before.children_user - before.children_system
        return r
