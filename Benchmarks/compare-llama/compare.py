#!/usr/bin/env python3
"""Fathom beside llama.cpp: the same files, CPUs, threads and minutes. See README.md."""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

import build
import gguf
import limits
import measure
import models
import report
from fathom import Fathom
from measure import ComparisonError, Crashed
from peer import Peer

PROJECT = Path(__file__).resolve().parents[2]
#: Short, so that a start is a start; its likeliest continuation is beyond doubt.
PROMPT = "The capital of France is"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--files", default="q4_1,q4_0,q8_0,q4_k,bf16",
        help=f"formats ({', '.join(models.FORMATS)}) or paths of .gguf files, with commas between",
    )  # fmt: skip
    parser.add_argument(
        "--model", metavar="FILE",
        help="compare on this .gguf file alone, and leave the machine's limits out: "
        "for models that fill much of the memory",
    )  # fmt: skip
    parser.add_argument(
        "--fathom", default=str(PROJECT / ".build/release/fathom"), metavar="PATH",
        help="our tool (default: the release build of this project)",
    )  # fmt: skip
    parser.add_argument(
        "--work", default=str(PROJECT / ".build-peer"), metavar="DIR",
        help="folder for the peer, the models and downloads (default: .build-peer)",
    )  # fmt: skip
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="one on each CPU")
    parser.add_argument("--prompt-tokens", type=int, default=512, metavar="N")
    parser.add_argument("--generate-tokens", type=int, default=128, metavar="N")
    parser.add_argument("--json", metavar="PATH", help="write all numbers to this file as well")
    parser.add_argument(
        "--peer-only", action="store_true", help="measure llama.cpp and the limits alone"
    )
    parser.add_argument(
        "--no-tuning", action="store_true", help="run the peer with its defaults: for a quick look"
    )
    parser.add_argument(
        "--patience", type=float, default=60, metavar="SECONDS",
        help="how long to wait for a quiet machine before each measurement (default: 60)",
    )  # fmt: skip
    arguments = parser.parse_args()
    for name in ("repetitions", "threads", "prompt_tokens", "generate_tokens"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if arguments.model:
        if not arguments.model.endswith(".gguf"):
            parser.error(f"--model: '{arguments.model}' is no .gguf file")
        arguments.files = arguments.model
    arguments.files = [name.strip() for name in arguments.files.split(",") if name.strip()]
    for name in arguments.files:
        if name not in models.FORMATS and not name.endswith(".gguf"):
            parser.error(
                f"--files: '{name}' is none of {', '.join(models.FORMATS)} and no .gguf file"
            )
    if not arguments.files:
        parser.error("--files names no file")
    return arguments


def choose_cpus(count):
    """The first `count` CPUs that we may use, one of each core as far as there are cores."""
    allowed = sorted(os.sched_getaffinity(0))
    first, second = [], []
    seen = set()
    for cpu in allowed:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        core = path.read_text(encoding="ascii").strip() if path.exists() else str(cpu)
        (second if core in seen else first).append(cpu)
        seen.add(core)
    chosen = (first + second)[:count]
    if len(chosen) < count:
        raise ComparisonError(
            f"{count} threads need {count} CPUs; {len(allowed)} are available; use --threads"
        )
    return sorted(chosen)


def prepare_peer(names, work, cpus):
    """The first build that runs every file, and the files."""
    given = {name: Path(name) for name in names if name not in models.FORMATS}
    for path in given.values():
        gguf.read_header(path)
    compilers = build.compilers()
    ingredients = build.obtain(work, cpus)
    problems = []
    for compiler in compilers:
        try:
            built = build.build(compiler, ingredients, work, cpus)
        except ComparisonError as error:
            problems.append(f"{compiler.label}: {error}")
            continue
        paths = [given.get(name) or models.make(name, built, work, cpus) for name in names]
        try:
            for path in paths:
                command = [built.folder / "bin/llama-bench", "-m", path, "-p", 64, "-n", 4]
                measure.run([*command, "-r", 1, "-t", len(cpus)], cpus, measured=False)
        except Crashed as error:
            print(f"{compiler.label}: the peer crashes; trying another compiler", file=sys.stderr)
            problems.append(f"{compiler.label}: {error}")
            continue
        return built, paths
    raise ComparisonError("no build of llama.cpp runs these files:\n" + "\n".join(problems))


def compare(path, ours, peer, machine, arguments):
    """Measures one file with both engines in turn, and the machine's limits unless left out."""
    header = gguf.read_header(path)
    prompt_tokens, generate_tokens = arguments.prompt_tokens, arguments.generate_tokens
    print(f"{path.name}: settings of the peer", file=sys.stderr)
    if arguments.no_tuning:
        tuning = peer.untuned(path, PROMPT)
    else:
        tuning = peer.tune(path, prompt_tokens, generate_tokens, PROMPT)
    kind = machine.peak_kind(header.is_quantised()) if machine else None
    keys = [key for key, *_ in report.ROWS]
    theirs = {key: [] for key in keys}
    samples = {"peer": theirs}
    if ours:
        own = samples["fathom"] = {key: [] for key in [*keys, "load", "first_token"]}
    if machine:
        machine.disturbance = 0.0
    measured = report.Measurements(header, kind, tuning, samples)
    for repetition in range(arguments.repetitions):
        print(f"{path.name}: {repetition + 1} of {arguments.repetitions}", file=sys.stderr)
        if machine:
            measured.read_speeds.append(machine.read_speed(header.file_bytes))
        if kind:
            measured.peaks.append(machine.peak(kind))
        runs = []
        if ours:
            run, found = ours.bench(path, prompt_tokens, generate_tokens)
            runs.append(run)
            own["prefill"].append(found["prefill_tokens_per_second"]["median"])
            own["decode"].append(found["decode_tokens_per_second"]["median"])
            own["bench_memory"].append(run.peak_bytes)
            for key, name in (("load", "load_seconds"), ("first_token", "first_token_seconds")):
                if isinstance(found.get(name), (int, float)):
                    own[key].append(found[name])
        prefill_run, speed = peer.prefill(path, prompt_tokens, tuning.prefill)
        theirs["prefill"].append(speed)
        decode_run, speed = peer.decode(path, generate_tokens, tuning.decode)
        theirs["decode"].append(speed)
        theirs["bench_memory"].append(max(prefill_run.peak_bytes, decode_run.peak_bytes))
        runs += [prefill_run, decode_run]
        if ours:
            run, measured.texts["fathom"] = ours.start(path, PROMPT)
            runs.append(run)
            own["start"].append(run.seconds)
            own["start_memory"].append(run.peak_bytes)
        run, measured.texts["peer"] = peer.start(path, PROMPT, tuning.start)
        runs.append(run)
        theirs["start"].append(run.seconds)
        theirs["start_memory"].append(tuning.leanest_bytes)
        measured.disturbance = max(measured.disturbance, *(run.disturbance for run in runs))
    if machine:
        measured.disturbance = max(measured.disturbance, machine.disturbance)
    return report.result(measured, prompt_tokens)


def main():
    arguments = parse_arguments()
    if platform.system() != "Linux":
        raise ComparisonError("this comparison pins threads and reads /proc: it needs Linux")
    work = Path(arguments.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    cpus = choose_cpus(arguments.threads)
    quiet = measure.Quiet(patience_seconds=arguments.patience)
    ours = None if arguments.peer_only else Fathom(arguments.fathom, cpus, quiet)
    built, paths = prepare_peer(arguments.files, work, cpus)
    # Every process started from here on inherits this: the same as taskset for both engines.
    os.sched_setaffinity(0, cpus)
    # The streaming read fills an array as large as the file, which may not fit beside it.
    machine = None if arguments.model else limits.Limits(work, cpus, quiet)
    notes = machine.notes if machine else []
    peer = Peer(built, cpus, quiet)
    name, _ = limits.processor()
    settings = {
        "prompt_tokens": arguments.prompt_tokens,
        "generate_tokens": arguments.generate_tokens,
    }
    print(f"{name}, {len(cpus)} threads on CPUs {','.join(map(str, cpus))}")
    print(f"opponent: {built.describe()}")
    print(f"repetitions: {arguments.repetitions}, engines in turn, page cache warm")
    for note in notes:
        print(note)
    results = []
    for path in paths:
        results.append(compare(path, ours, peer, machine, arguments))
        print(report.table(results[-1], settings, quiet.limit), flush=True)
    print(report.overview(results, quiet.limit))
    if arguments.json:
        document = {
            "processor": name,
            "cpus": cpus,
            "opponent": built.describe(),
            "repetitions": arguments.repetitions,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **settings,
            "notes": notes,
            "results": results,
        }
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except ComparisonError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
