"""llama.cpp as the opponent: its commands, and the settings that suit it best on this machine."""

import json
import re
from dataclasses import dataclass, field

import measure
from measure import ComparisonError

CONTEXT_TOKENS = 512


@dataclass(frozen=True)
class Settings:
    """Flags and environment of one way to run the peer."""

    name: str
    arguments: tuple = ()
    environment: dict = field(default_factory=dict)

    def adding(self, name, arguments):
        label = name if self.name == "default" else f"{self.name}, {name}"
        return Settings(label, self.arguments + tuple(arguments), self.environment)


@dataclass(frozen=True)
class Tuning:
    """The fastest way found for each job, and the least memory that a start took."""

    prefill: Settings
    decode: Settings
    start: Settings
    leanest: Settings
    leanest_bytes: int


DEFAULT = Settings("default")


class Peer:
    def __init__(self, build, cpus, quiet):
        self.build = build
        self.cpus = cpus
        self.quiet = quiet

    # Commands

    def _bench(self, model, prompt, generate, repetitions, settings):
        command = [
            self.build.folder / "bin" / "llama-bench",
            "-m", model, "-t", len(self.cpus), "-p", prompt, "-n", generate,
            "-r", repetitions, "-o", "json", *settings.arguments,
        ]  # fmt: skip
        run = measure.run_quietly(command, self.cpus, self.quiet, settings.environment)
        try:
            tests = json.loads(run.output)
        except ValueError as error:
            raise ComparisonError(f"llama-bench wrote no JSON: {run.output[:200]!r}") from error
        if not tests or not all(test.get("samples_ts") for test in tests):
            raise ComparisonError(f"llama-bench measured nothing: {run.output[:200]!r}")
        return run, tests

    def prefill(self, model, tokens, settings):
        """One measurement: the run and its tokens a second."""
        run, tests = self._bench(model, tokens, 0, 1, settings)
        return run, tests[0]["samples_ts"][0]

    def decode(self, model, tokens, settings):
        """One measurement: the run and its tokens a second."""
        run, tests = self._bench(model, 0, tokens, 1, settings)
        return run, tests[0]["samples_ts"][0]

    def start(self, model, prompt, settings):
        """Start, one token, end: the run and what it wrote.

        There is no warm-up, and no more context than needed.
        """
        command = [
            self.build.folder / "bin" / "llama-completion",
            "-m", model, "-p", prompt, "-n", 1, "-t", len(self.cpus), "-c", CONTEXT_TOKENS,
            "-no-cnv", "--no-warmup", "--no-display-prompt", "--simple-io", "-fit", "off",
            "--temp", 0, *settings.arguments,
        ]  # fmt: skip
        run = measure.run_quietly(command, self.cpus, self.quiet, settings.environment)
        evaluated = re.search(r"eval time =.*?/\s*(\d+)", run.errors)
        if not evaluated:
            raise ComparisonError(f"llama-completion generated nothing:\n{run.errors[-500:]}")
        return run, run.output

    # Settings

    def _bindings(self):
        mask = hex(sum(1 << cpu for cpu in self.cpus))
        strict = ("--cpu-mask", mask, "--cpu-strict", "1")
        if self.build.openmp:
            places = ",".join(f"{{{cpu}}}" for cpu in self.cpus)
            bound = {"OMP_PROC_BIND": "true", "OMP_PLACES": places}
            return [
                DEFAULT,
                Settings("OpenMP bound", (), bound),
                Settings("OpenMP bound, active", (), {**bound, "OMP_WAIT_POLICY": "active"}),
                Settings("strict mask", strict),
            ]
        return [
            DEFAULT,
            Settings("strict mask", strict),
            Settings("strict mask, poll 100", (*strict, "--poll", "100")),
        ]

    def tune(self, model, prompt_tokens, generate_tokens, prompt):
        """Tries thread binding, flash attention, repacking and micro-batches; keeps the fastest.

        One thing is varied at a time. Each trial is its own short process and counts with its
        better half, for noise only ever slows a run.
        """
        # A short decode tells as much as a long one.
        jobs = {"prefill": (prompt_tokens, 0), "decode": (0, min(64, generate_tokens))}

        def fastest(job, variants):
            def speed(settings):
                _, tests = self._bench(model, *jobs[job], 2, settings)
                return max(tests[0]["samples_ts"])

            return max(variants, key=speed)

        chosen = {}
        for job in jobs:
            settings = fastest(job, self._bindings())
            switches = [("-fa", ("off", "on")), ("--repack", ("1", "0"))]
            if job == "prefill":
                switches.append(("-ub", ("512", "256", "128", "64")))
            for switch, values in switches:
                settings = fastest(
                    job, [settings.adding(f"{switch} {v}", (switch, v)) for v in values]
                )
            chosen[job] = settings

        starts = []
        for variant in (
            DEFAULT,
            DEFAULT.adding("-lm none", ("-lm", "none")),
            DEFAULT.adding("--no-repack", ("--no-repack",)),
            DEFAULT.adding("--no-repack", ("--no-repack",)).adding("-lm none", ("-lm", "none")),
        ):
            runs = [self.start(model, prompt, variant)[0] for _ in range(2)]
            starts.append((min(run.seconds for run in runs), runs[0].peak_bytes, variant))
        quickest = min(starts, key=lambda row: row[0])
        leanest = min(starts, key=lambda row: row[1])
        return Tuning(chosen["prefill"], chosen["decode"], quickest[2], leanest[2], leanest[1])

    def untuned(self, model, prompt):
        """The peer's defaults, for a quick run."""
        run, _ = self.start(model, prompt, DEFAULT)
        return Tuning(DEFAULT, DEFAULT, DEFAULT, DEFAULT, run.peak_bytes)
