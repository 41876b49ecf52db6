"""Our tool, run from outside as a user runs it."""

import json
import os
import shutil

import measure
from measure import ComparisonError


class Fathom:
    def __init__(self, program, cpus, quiet):
        path = shutil.which(program)
        if path is None:
            raise ComparisonError(
                f"no tool at '{program}'; build it with 'swift build -c release --product fathom' "
                "or say where it is with --fathom PATH"
            )
        self.program = os.path.abspath(path)
        self.cpus = cpus
        self.quiet = quiet

    def bench(self, model, prompt_tokens, generate_tokens):
        """One measurement of prefill and decode: the run and the tool's own report."""
        command = [
            self.program, "bench", model,
            "--prompt-tokens", prompt_tokens, "--generate-tokens", generate_tokens,
            "--repetitions", 1, "--threads", len(self.cpus), "--json",
        ]  # fmt: skip
        run = measure.run_quietly(command, self.cpus, self.quiet)
        return run, self._checked(run.output)

    def _checked(self, output):
        try:
            report = json.loads(output)
        except ValueError as error:
            message = f"'fathom bench --json' wrote no JSON object: {output[:200]!r}"
            raise ComparisonError(message) from error
        found = report if isinstance(report, dict) else {}
        for key in ("prefill_tokens_per_second", "decode_tokens_per_second"):
            speed = found.get(key)
            median = speed.get("median") if isinstance(speed, dict) else None
            if isinstance(median, bool) or not isinstance(median, (int, float)) or median <= 0:
                raise ComparisonError(
                    f"'fathom bench --json': '{key}' has no positive 'median': {output[:200]!r}"
                )
        if found.get("threads") != len(self.cpus):
            raise ComparisonError(
                f"'fathom bench' used {found.get('threads')!r} threads; "
                f"{len(self.cpus)} were asked for, and a comparison needs equal numbers"
            )
        return found

    def start(self, model, prompt):
        """Start, one token, end: the run and the text of the token."""
        command = [
            self.program, "generate", model, prompt,
            "--max-tokens", 1, "--temperature", 0, "--threads", len(self.cpus), "--json",
        ]  # fmt: skip
        run = measure.run_quietly(command, self.cpus, self.quiet)
        try:
            answer = json.loads(run.output)
            count, text = answer["usage"]["completion_tokens"], answer["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise ComparisonError(
                f"'fathom generate --json' wrote no 'text' and 'usage': {run.output[:200]!r}"
            ) from error
        if count != 1:
            raise ComparisonError(f"'fathom generate' made {count!r} tokens; 1 was asked for")
        return run, text
