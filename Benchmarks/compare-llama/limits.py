"""The machine's limits, measured by limits.c on the CPUs which the engines use."""

import os
import re
import shutil
from pathlib import Path

import measure
from measure import ComparisonError

SOURCE = Path(__file__).with_name("limits.c")

#: Kind of multiply-add loop, the processor features it needs (as in /proc/cpuinfo).
INTEGER_KINDS = {
    "int8-amx": {"amx_tile", "amx_int8"},
    "int8-avx512vnni": {"avx512f", "avx512bw", "avx512_vnni"},
    "int8-avxvnni": {"avx2", "avx_vnni"},
    "int8-avx2": {"avx2"},
    "int8-dotprod": {"asimddp"},
}
FLOAT_KINDS = {
    "bf16-amx": {"amx_tile", "amx_bf16"},
    "bf16-avx512": {"avx512f", "avx512bw", "avx512_bf16"},
    "f32-avx512": {"avx512f"},
    "f32-avx2": {"avx2", "fma"},
    "f32-neon": {"asimd"},
}


def processor():
    """Model name and set of features of the processor."""
    name, features = "unknown processor", set()
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            key = key.strip()
            if key == "model name":
                name = value.strip()
            elif key in ("flags", "Features"):
                features |= set(value.split())
    return name, features


class Limits:
    """The measuring program and the fastest loops it found."""

    def __init__(self, work, cpus, quiet):
        self.cpus = cpus
        self.quiet = quiet
        #: The most that others took of the CPUs during a reading.
        self.disturbance = 0.0
        self.program = work / "limits"
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang")
        if not compiler:
            raise ComparisonError(
                "no C compiler 'cc'; install one (Debian, Ubuntu: apt install build-essential)"
            )
        flags = ["-O2", "-std=c17", "-pthread"]
        command = [compiler, *flags, SOURCE, "-o", self.program]
        measure.run(command, cpus, measured=False)
        _, features = processor()
        known = measure.run([self.program, "kinds"], cpus, measured=False).output.split()
        self.notes = []
        self.integer_kind = self._fastest(INTEGER_KINDS, known, features)
        self.float_kind = self._fastest(FLOAT_KINDS, known, features)

    def _fastest(self, kinds, known, features):
        best, best_speed = None, 0.0
        for kind, needed in kinds.items():
            if kind not in known or not needed <= features:
                continue
            try:
                speed = self.peak(kind)
            except ComparisonError as error:
                # A virtual machine may name a feature that it does not grant.
                reason = re.sub(r"\s+", " ", str(error))
                self.notes.append(f"limit '{kind}' could not be measured: {reason}")
                continue
            if speed > best_speed:
                best, best_speed = kind, speed
        return best

    def peak_kind(self, quantised):
        """The loop that bounds a product: bytes for quantised weights, else floating point."""
        return self.integer_kind if quantised and self.integer_kind else self.float_kind

    def peak(self, kind):
        """Operations a second on registers only, all CPUs together."""
        return self._number("peak", kind)

    def read_speed(self, byte_count):
        """Bytes a second read from an array of this size, all CPUs together."""
        return self._number("read", byte_count)

    def _number(self, what, argument):
        command = [self.program, what, argument, *self.cpus]
        run = measure.run_quietly(command, self.cpus, self.quiet)
        self.disturbance = max(self.disturbance, run.disturbance)
        return float(run.output)
