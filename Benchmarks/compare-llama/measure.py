"""Runs a program: how long it took, what memory it held, how far others disturbed it."""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass


class ComparisonError(Exception):
    """A problem that ends the comparison; the message says what to do."""


class Crashed(ComparisonError):
    """A program ended by a signal: built wrongly, or not for this processor."""


@dataclass(frozen=True)
class Run:
    """One finished process."""

    output: str
    errors: str
    seconds: float
    peak_bytes: int
    #: Processor time which others took on our CPUs, as a share of all their time; 0 is quiet.
    disturbance: float


@dataclass(frozen=True)
class Quiet:
    """How much disturbance a measurement may have, and how long to try for no more than that."""

    limit: float = 0.03
    patience_seconds: float = 60.0


class Disturbed(Exception):
    """A measurement given up because others took too much of the CPUs."""


#: /proc/stat counts in steps of this; a short run cannot be judged more finely.
CLOCK_TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def busy_seconds(cpus):
    """Processor time spent so far on these CPUs by everyone, with time stolen by the host."""
    names = {f"cpu{cpu}" for cpu in cpus}
    total = 0
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if fields and fields[0] in names:
                # user nice system (idle iowait) irq softirq steal; guests are in user already.
                user, nice, system, _, _, irq, softirq, steal = map(int, fields[1:9])
                total += user + nice + system + irq + softirq + steal
    return total * CLOCK_TICK


def wait_for_quiet(cpus, deadline):
    """Returns once others leave the CPUs alone, or at the deadline."""
    window = 0.2
    while time.monotonic() < deadline:
        before = busy_seconds(cpus)
        time.sleep(window)
        if busy_seconds(cpus) - before <= CLOCK_TICK:
            return


def run(
    command, cpus, environment=None, timeout_seconds=1800, measured=True, give_up_above=None
):
    """Runs a command to its end; raises ComparisonError unless it exits with 0.

    The wall time covers the whole process. Peak memory is the kernel's `ru_maxrss`. With
    `give_up_above` the process is ended, and Disturbed raised, as soon as others have taken that
    share of the CPUs: a crowded run can last a hundred times as long as a quiet one.
    """
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        before = busy_seconds(cpus) if measured else 0.0
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={**os.environ, **(environment or {})},
            )
        except OSError as error:
            raise ComparisonError(f"{command[0]}: cannot be started: {error.strerror}") from error
        watch = _Watch(process.pid, cpus, before, start, timeout_seconds, give_up_above)
        status, usage = watch.wait()
        seconds = time.monotonic() - start
        after = busy_seconds(cpus) if measured else 0.0
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        output_text = output.read().decode("utf-8", "replace")
        error_text = errors.read().decode("utf-8", "replace")
    if watch.disturbance is not None:
        raise Disturbed
    if process.returncode != 0:
        tail = "\n".join((error_text or output_text).strip().splitlines()[-15:])
        how, kind = f"exit status {process.returncode}", ComparisonError
        if watch.timed_out:
            how = f"no end within {timeout_seconds} s"
        elif process.returncode < 0:
            how, kind = f"signal {signal.Signals(-process.returncode).name}", Crashed
        raise kind(f"{' '.join(command)}\nended with {how}:\n{tail}")
    others = after - before - usage.ru_utime - usage.ru_stime
    # Two ticks a CPU are rounding, not disturbance.
    others = max(0.0, others - 2 * CLOCK_TICK * len(cpus))
    return Run(
        output=output_text,
        errors=error_text,
        seconds=seconds,
        peak_bytes=usage.ru_maxrss * 1024,
        disturbance=others / (seconds * len(cpus)) if measured else 0.0,
    )


class _Watch:
    """Waits for a child and ends it when it is late or too disturbed."""

    INTERVAL = 0.5

    def __init__(self, pid, cpus, busy_before, start, timeout_seconds, give_up_above):
        self.pid = pid
        self.cpus = cpus
        self.busy_before = busy_before
        self.start = start
        self.timeout_seconds = timeout_seconds
        self.give_up_above = give_up_above
        self.timed_out = False
        self.disturbance = None
        # Held while the child is reaped, so that no signal can reach a process of the same number.
        self.lock = threading.Lock()
        self.ended = threading.Event()

    def wait(self):
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            os.kill(self.pid, signal.SIGKILL)
            raise
        finally:
            with self.lock:
                self.ended.set()
                _, status, usage = os.wait4(self.pid, 0)
        return status, usage

    def _watch(self):
        step = self.timeout_seconds if self.give_up_above is None else self.INTERVAL
        while not self.ended.wait(step):
            with self.lock:
                if self.ended.is_set():
                    return
                elapsed = time.monotonic() - self.start
                if elapsed >= self.timeout_seconds:
                    self.timed_out = True
                elif self.give_up_above is not None:
                    share = self._others() / (elapsed * len(self.cpus))
                    if share > self.give_up_above:
                        self.disturbance = share
                if self.timed_out or self.disturbance is not None:
                    os.kill(self.pid, signal.SIGKILL)
                    return

    def _others(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as file:
            # The name in brackets may hold anything; user and system time follow it.
            fields = file.read().rpartition(")")[2].split()
        own = (int(fields[11]) + int(fields[12])) * CLOCK_TICK
        return busy_seconds(self.cpus) - self.busy_before - own


def run_quietly(command, cpus, quiet, environment=None):
    """Runs a command until it was left alone; once patience has run out, takes what comes."""
    deadline = time.monotonic() + quiet.patience_seconds
    best = None
    while time.monotonic() < deadline:
        wait_for_quiet(cpus, deadline)
        try:
            attempt = run(command, cpus, environment, give_up_above=4 * quiet.limit)
        except Disturbed:
            continue
        if attempt.disturbance <= quiet.limit:
            return attempt
        if best is None or attempt.disturbance < best.disturbance:
            best = attempt
    if best is None:
        if quiet.patience_seconds > 0:
            name = os.path.basename(str(command[0]))
            print(f"  no quiet moment for {name}; measuring amid other work", file=sys.stderr)
        best = run(command, cpus, environment)
    return best


def summary(values):
    """Median, minimum and maximum; None without values."""
    if not values:
        return None
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "samples": list(values),
    }
