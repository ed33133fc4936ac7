# SPDX-License-Identifier: MIT
"""creeld's own life: options, start, stop, restart, a second one, the service manager, who can see a secret."""
import concurrent.futures
import os
import shutil
import signal
import socket
import subprocess
import time

import creel
from creel import Host, check


def recorder(**more):
    h = Host(**more)
    h.function("record", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
    return h


def test_options():
    for program in (creel.CREELD, creel.CREEL):
        for option in ("--help", "--version"):
            done = subprocess.run([program, option], capture_output=True, text=True, check=False)
            check(done.returncode == 0 and done.stdout and not done.stderr, f"{program} {option}: {done}")
    for arguments in (["--nonsense"], ["intake"], ["dispatch"], ["something"], ["-c"]):
        done = subprocess.run([creel.CREELD, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        check(done.returncode == 100 and done.stderr, f"creeld {arguments}: {done}")
    done = subprocess.run([creel.CREELD, "-c", "/nonexistent/creel.json"], capture_output=True, text=True, check=False)
    check(done.returncode == 100 and "/nonexistent/creel.json" in done.stderr, f"a missing configuration: {done}")


def test_stop_lets_runs_finish():
    slow = r"""
#include <creel.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
static void put(const char *s) { int fd = open(OUT, O_WRONLY | O_CREAT | O_APPEND, 0666); if (write(fd, s, 6) < 0) _exit(1); close(fd); }
static int slow(struct creel_invocation *in)
{ (void)in; put("begin\n"); nanosleep(&(struct timespec){1, 0}, 0); put("ended\n"); return CREEL_DONE; }
CREEL_FUNCTION(slow, .types = "slow");
"""
    with Host() as h:
        h.function("slow", slow, OUT=h.path("out/out"))
        h.start()
        event = h.accept("slow")
        creel.poll(lambda: h.outputs() == ["begin"], "the run to begin")
        h.allow("signature-missing", "shutting-down")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            stopped = pool.submit(h.stop)
            # Who comes while the run ends is not left waiting. Without a proof it is 401 before.
            creel.poll(lambda: h.post(b"{}").status != 401, "the door to close")
            answer = h.post(b"{}")
            check(answer.status == 503 and answer.json()["code"] == "shutting-down", f"while stopping: {answer}")
            check(int(answer.headers["retry-after"]) > 0, f"no Retry-After: {answer}")
            check(stopped.result() == 0, "exit status")
        check(h.outputs() == ["begin", "ended"], f"the run was cut off: {h.outputs()}")
        check(h.states() == {event: "done"}, f"the outcome is not in the journal: {h.states()}")
        h.start()
        h.finish()
        check(h.outputs() == ["begin", "ended"], "it ran again")


def test_stop_is_bounded():
    with Host(stop_timeout="500ms") as h:
        h.function("hang", creel.code("bad"), MODE="hang", OUT="", TYPES="hang")
        h.sidecar("hang", {"timeout": "1h"})
        h.start()
        event = h.accept("hang")
        h.wait_state(event, "running")
        began = time.monotonic()
        check(h.stop() == 0, "exit status")
        check(time.monotonic() - began < 20, "stopping took too long")
        h.start()
        h.wait_state(event, "running")
        h.allow("interrupt", "stop", "LOST", "lost")
        h.finish()


def test_backlog_survives_restart():
    """Stopped in the middle of a backlog: the rest runs after the start, and what ran does not run again."""
    with Host() as h:
        h.function("slow", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created", DELAY_MS=20)
        h.sidecar("slow", {"concurrency": 1})
        h.start()
        events = [h.accept() for _ in range(100)]
        creel.poll(lambda: len(h.outputs()) >= 10, "the first runs")
        h.restart()
        h.wait_all(events, "done")
        check(sorted(l.split()[0] for l in h.outputs()) == sorted(events), "not every event ran exactly once")
        h.finish()


def test_a_segment_that_was_cut():
    """Acknowledged bytes that nobody can bring back: creel fsck and the next start say so, and creeld goes on."""
    with Host() as h:
        h.start()
        for _ in range(5):
            h.accept()
        check(h.stop() == 0, "creeld did not stop with status 0")
        at = h.spool("journal", "000000000001.jsonl")
        os.truncate(at, os.path.getsize(at) // 2)
        said = h.creel("fsck", status=1).stdout
        check("000000000001.jsonl: the end is missing" in said, said)
        h.start()
        check("acknowledged bytes are missing" in h.log_text(), "not said:\n" + h.log_tail())
        h.accept()
        h.allow("acknowledged bytes are missing", "quarantine", "cannot be read")
        h.finish()


def test_dead_letters_are_a_view():
    """One that is taken away stays away; when all of dead/ is lost they are made again at the next start."""
    with Host() as h:
        h.function("rej", '#include <creel.h>\nstatic int rej(struct creel_invocation *in) { return creel_reject(in, "no"); }\n'
                   'CREEL_FUNCTION(rej, .types = "order.bad");\n')
        h.start()
        dead = sorted(h.accept("order.bad") for _ in range(3))

        def letters():
            return sorted(f.split(".")[0] for _, _, files in os.walk(h.spool("dead")) for f in files if not f.endswith(".tmp"))
        creel.poll(lambda: letters() == dead, "the dead letters")
        os.unlink(h.spool("dead/shop/order.bad", dead[0] + ".rej.json"))
        h.restart()
        h.wait_all(dead, "dead")
        check(letters() == dead[1:], f"{letters()} of {dead}")
        check(h.stop() == 0, "creeld did not stop with status 0")
        shutil.rmtree(h.spool("dead"))
        h.start()
        creel.poll(lambda: letters() == dead, lambda: f"the dead letters to be made again: {letters()}")
        h.allow("run ended, dead")
        h.finish()


def test_second_one_is_refused():
    with recorder() as h:
        h.start()
        done = subprocess.run([creel.CREELD, "-c", h.config], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        check(done.returncode == 111, f"status {done.returncode}: {done.stderr}")
        check(str(h.process.pid) in done.stderr and h.path("spool") in done.stderr, f"it says: {done.stderr}")
        h.wait_state(h.accept(), "done")
        h.finish()


def test_successor_waits_for_the_old_one():
    """An upgrade: the next creeld is started while the old one still stops."""
    with recorder() as h:
        h.start()
        event = h.accept()
        old = h.process
        old.send_signal(signal.SIGTERM)
        h.start()
        check(old.wait(10) == 0, "the old one's status")
        h.wait_state(event, "done")
        h.wait_state(h.accept(), "done")
        h.finish()


def test_service_manager():
    """READY=1 by sd_notify, a socket by LISTEN_FDS."""
    with recorder(listen="fd:3") as h:
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(h.path("run/notify"))
        told.settimeout(creel.DEADLINE)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(h.fastcgi)
            door.listen(64)
            script = f'exec 3<&{door.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 NOTIFY_SOCKET={h.path("run/notify")} exec "$@"'
            with open(h.path("log"), "ab") as log:
                h.process = creel.started(subprocess.Popen(["bash", "-c", script, "bash", creel.CREELD, "-c", h.config],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[door.fileno()]))

        def told_about(word):
            while True:
                message = told.recv(4096).decode()
                if word in message.split("\n"):
                    return message
        told_about("READY=1")
        h.wait_state(h.accept(), "done")
        h.process.send_signal(signal.SIGHUP)
        told_about("RELOADING=1")
        check("STATUS=intake and dispatch are up" in told_about("READY=1"), "the status after a reload")
        h.settings["threads"] = 99
        h.write_config()
        h.process.send_signal(signal.SIGHUP)
        told_about("RELOADING=1")
        check("STATUS=the configuration was not reloaded" in told_about("READY=1"), "the status after a reload that failed")
        h.settings["threads"] = 2
        h.write_config()
        h.check_counters()
        check(h.stop() == 0, "exit status")
        told_about("STOPPING=1")


def environment(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        return f.read()


def test_secret_env():
    """A key from the environment works, also after a reload, and is in no process' environment."""
    os.environ["SHOP_KEY_FOR_TEST"] = creel.whsec()
    try:
        with recorder() as h:
            key = h.settings["sources"]["shop"]["keys"][0]
            del key["secret_file"]
            key["secret_env"] = "SHOP_KEY_FOR_TEST"
            h.write_config()
            h.start()
            h.wait_state(h.accept(), "done")
            h.process.send_signal(signal.SIGHUP)
            creel.poll(lambda: "configuration reloaded" in h.log_text(), "the reload")
            h.accept()
            for pid in [h.process.pid, *creel.descendants(h.process.pid)]:
                check(creel.whsec().encode() not in environment(pid), f"the secret is in the environment of {creel.command_line(pid)}")
            h.finish()
    finally:
        del os.environ["SHOP_KEY_FOR_TEST"]


def test_not_dumpable():
    if os.getuid() != 0:
        raise creel.Skip("who owns /proc/PID shows only with another user")
    h = recorder(launcher=creel.as_ordinary_user(), peer_users=["root"])
    h.give(65534)
    with h:
        h.start()
        for pid in (h.process.pid, h.role("intake")):
            check(os.stat(f"/proc/{pid}/environ").st_uid == 0, f"{creel.command_line(pid)} is dumpable")
        h.finish()


def test_events_while_a_role_is_away():
    """Intake accepts while dispatch is stopped; dispatch runs what is safe while intake is stopped."""
    with recorder() as h:
        h.start()
        dispatch = h.role("dispatch")
        os.kill(dispatch, signal.SIGSTOP)
        events = [h.accept() for _ in range(20)]
        intake = h.role("intake")
        os.kill(intake, signal.SIGSTOP)
        os.kill(dispatch, signal.SIGCONT)
        creel.poll(lambda: len(h.outputs()) == 20, lambda: f"all to run: {len(h.outputs())}")
        os.kill(intake, signal.SIGCONT)
        h.wait_all(events, "done")
        h.finish()


def test_functions_come_and_go():
    with Host() as h:
        h.start()
        h.function("order.created", creel.code("record"), OUT=h.path("out/one"), TYPES="order.created")
        creel.poll(lambda: "function live" in h.log_text(), "the function to be live")
        h.wait_state(h.accept(), "done")
        h.function("order.created", creel.code("record"), OUT=h.path("out/two"), TYPES="order.created")

        def second():
            h.wait_state(h.accept(), "done")
            return h.outputs("two")
        creel.poll(second, "the new one to take over")
        with open(h.path("functions/broken.so.new"), "wb") as f:
            f.write(b"not an ELF file")
        os.rename(h.path("functions/broken.so.new"), h.path("functions/broken.so"))
        creel.poll(lambda: "broken" in h.log_text(), "the broken file to be reported")
        h.wait_state(h.accept(), "done")
        h.allow("broken")
        h.finish()


def test_a_link_whose_target_goes_away():
    """What is live goes on, as with every file that cannot be used; after a start there is nothing to go on with: held until it is back."""
    with Host() as h:
        h.function("built", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
        target = h.path("target.so")
        os.rename(h.path("functions/built.so"), target)
        os.symlink(target, h.path("functions/linked.so"))
        h.start()
        h.wait_state(h.accept(), "done")
        os.rename(target, target + ".away")
        creel.poll(lambda: "leads nowhere" in h.log_text(), "the link to be reported")
        h.wait_state(h.accept(), "done")
        h.restart()
        event = h.accept()
        h.wait_state(event, "held")
        os.rename(target + ".away", target)
        h.wait_state(event, "done")
        h.allow("leads nowhere")
        h.finish()


creel.main(globals())
