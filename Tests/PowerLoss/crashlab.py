"""What the crash tests share: the judge's process, places for files, and the recorder."""
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def default_binary():
    return os.environ.get("VDB_CRASHLAB") or str(ROOT / ".build/release/vdb-crashlab")


def environment(**more):
    """A crashing checker is an answer; a backtrace of it would take longer than all the rest."""
    return dict(os.environ, SWIFT_BACKTRACE="enable=no", **more)


def work_folder():
    """A fresh folder in memory where the system has one: an image lives for milliseconds."""
    parent = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None
    return os.path.realpath(tempfile.mkdtemp(prefix="vdb-crash-", dir=parent))


def build_recorder(folder):
    library = os.path.join(folder, "recorder.so")
    compiler = os.environ.get("CC", "cc")
    if not shutil.which(compiler):
        compiler = "clang"
    command = [compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", library]
    subprocess.run(command + [str(HERE / "recorder.c"), "-ldl"], check=True)
    return library


def record(library, root, log, command, swallow=False):
    """Runs a command with its file calls below `root` logged; what it exits with.

    "{ack}" in the command becomes the descriptor for acknowledgements. They are read from the log; the
    descriptor itself leads nowhere.
    """
    ack = os.open(os.devnull, os.O_WRONLY)
    env = environment(
        LD_PRELOAD=library, RECORDER_LOG=log, RECORDER_ROOT=root, RECORDER_ACK_FD=str(ack)
    )
    if swallow:
        env["RECORDER_SWALLOW"] = "1"
    try:
        done = subprocess.run(
            [word.replace("{ack}", str(ack)) for word in command],
            env=env, stdin=subprocess.DEVNULL, pass_fds=(ack,), timeout=600,
        )
    finally:
        os.close(ack)
    return done.returncode


class Checker:
    """One judge that lives as long as it can; its death is an answer, and the next one takes over."""

    def __init__(self, command, timeout=60):
        self.command, self.timeout = command, timeout
        self.process, self.buffer = None, b""

    def ask(self, path, acked, started, seed, parts):
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=environment(),
            )
            self.buffer = b""
        names = ",".join(map(str, sorted(parts))) or "-"
        line = f"{path} {acked} {started} {seed} {names}\n".encode()
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() finds out how it ended

    def answer(self):
        """The judge's line, or "died …" or "hung"."""
        output = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([output], [], [], self.timeout)
            if not ready:
                return self.end("hung")
            chunk = os.read(output, 65536)
            if not chunk:
                code = self.process.wait()
                name = signal.Signals(-code).name if code < 0 else f"exit {code}"
                return self.end(f"died {name}")
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def end(self, why=""):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self.process.stdin.close() if not self.process.stdin.closed else None
            self.process.stdout.close()
            self.process = None
        return why

    def close(self):
        self.end()


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
