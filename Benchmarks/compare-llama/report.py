"""Turns the samples of one file into numbers, and the numbers into a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf import Header
from measure import summary
from peer import Tuning

#: Key, title, unit's divisor, digits, whether more is better.
ROWS = (
    ("prefill", "prefill {prompt_tokens}, tokens/s", 1, 1, True),
    ("decode", "decode {generate_tokens}, tokens/s", 1, 1, True),
    ("start", "start to first token, ms", 1e-3, 0, False),
    ("start_memory", "peak memory, first token, MB", 1e6, 0, False),
    ("bench_memory", "peak memory, bench, MB", 1e6, 0, False),
)
ENGINES = ("fathom", "peer")


@dataclass
class Measurements:
    """What was read from one file's runs, before any arithmetic."""

    header: Header
    peak_kind: str | None
    tuning: Tuning
    #: Engine, key of a row, one number a repetition.
    samples: dict
    read_speeds: list = field(default_factory=list)
    peaks: list = field(default_factory=list)
    #: Engine, what it wrote for one token.
    texts: dict = field(default_factory=dict)
    disturbance: float = 0.0


def result(measured, prompt_tokens):
    """The numbers of one file: summaries, ratios and shares of the limits.

    The fastest reading of a limit is the limit; without readings there are no shares.
    """
    header, tuning = measured.header, measured.tuning
    read_limit = max(measured.read_speeds) if measured.read_speeds else None
    peak_limit = max(measured.peaks) if measured.peaks else None
    operations = header.prefill_operations(prompt_tokens)
    engines = {}
    for engine, lists in measured.samples.items():
        numbers = {key: summary(values) for key, values in lists.items()}
        decode = numbers["decode"]["median"] * header.decode_bytes()
        numbers["decode_bytes_per_second"] = decode
        numbers["decode_share_of_read_limit"] = decode / read_limit if read_limit else None
        prefill = numbers["prefill"]["median"] / prompt_tokens * operations
        numbers["prefill_operations_per_second"] = prefill
        numbers["prefill_share_of_peak"] = prefill / peak_limit if peak_limit else None
        engines[engine] = numbers
    ratios = None
    if "fathom" in engines:
        ratios = {
            key: engines["fathom"][key]["median"] / engines["peer"][key]["median"]
            for key, *_ in ROWS
        }
    return {
        "file": header.path,
        "file_bytes": header.file_bytes,
        "parameters": header.parameter_count,
        "weight_types": dict(header.types()),
        "decode_bytes_per_token": header.decode_bytes(),
        "prefill_operations": operations,
        "read_limit_bytes_per_second": read_limit,
        "peak_limit_kind": measured.peak_kind,
        "peak_limit_operations_per_second": peak_limit,
        "engines": engines,
        "ratios": ratios,
        "first_text": measured.texts,
        "peer_settings": {
            "prefill": tuning.prefill.name,
            "decode": tuning.decode.name,
            "start": tuning.start.name,
            "start_memory": tuning.leanest.name,
        },
        "disturbance": measured.disturbance,
    }


def _cell(numbers, divisor, digits):
    if numbers is None:
        return "-"
    middle, low, high = (numbers[key] / divisor for key in ("median", "min", "max"))
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _share(value):
    return "-" if value is None else f"{100 * value:.1f} %"


def _ratio(one, key, quiet_limit):
    """A ratio measured amid other work is no ratio between engines: it carries a question mark."""
    mark = "?" if one["disturbance"] > quiet_limit else ""
    return f"{one['ratios'][key]:.2f}{mark}"


def table(one, settings, quiet_limit):
    """One file's result as text."""
    engines, ratios = one["engines"], one["ratios"]
    ours, peer = engines.get("fathom"), engines["peer"]
    types = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in one["weight_types"].items())
    lines = [
        "",
        f"{one['file']}: {one['file_bytes'] / 1e6:.1f} MB, "
        f"{one['parameters'] / 1e6:.1f} M parameters",
        f"weights in MB: {types}",
        f"{'median (min-max)':<34}{'fathom':>24}{'llama.cpp':>24}{'ours/peer':>12}",
    ]

    def add(title, left, right, ratio):
        lines.append(f"{title:<34}{left:>24}{right:>24}{ratio:>12}".rstrip())

    for key, title, divisor, digits, more_is_better in ROWS:
        left = _cell(ours[key], divisor, digits) if ours else "-"
        ratio = "-"
        if ratios:
            ratio = f"{_ratio(one, key, quiet_limit)} {'x' if more_is_better else '<'}"
        add(title.format(**settings), left, _cell(peer[key], divisor, digits), ratio)
    if one["read_limit_bytes_per_second"]:
        read = one["read_limit_bytes_per_second"] / 1e9
        key = "decode_share_of_read_limit"
        add(f"decode, share of {read:.1f} GB/s", _share(ours[key]) if ours else "-",
            _share(peer[key]), "")  # fmt: skip
    if one["peak_limit_kind"]:
        peak = one["peak_limit_operations_per_second"] / 1e12
        key = "prefill_share_of_peak"
        add(f"prefill, share of {peak:.2f} Top/s", _share(ours[key]) if ours else "-",
            _share(peer[key]), "")  # fmt: skip
        lines.append(f"(peak: {one['peak_limit_kind']}; x more is better, < less is better)")
    else:
        lines.append("(x more is better, < less is better)")
    for job, name in one["peer_settings"].items():
        lines.append(f"llama.cpp's settings for {job.replace('_', ' ')}: {name}")
    texts = {engine: text.strip() for engine, text in one["first_text"].items()}
    if len(set(texts.values())) > 1:
        lines.append(
            f"NOTE: the first tokens differ: fathom {texts['fathom']!r}, "
            f"llama.cpp {texts['peer']!r}"
        )
    worst = one["disturbance"]
    note = f"others took at most {100 * worst:.1f} % of the CPUs during a measurement"
    if worst > quiet_limit:
        note = f"DISTURBED ('?'): {note}; repeat on a quiet machine"
    lines.append(note)
    return "\n".join(lines)


def overview(results, quiet_limit):
    """All files in one Markdown table: medians of both engines and their ratio."""
    if not any(one["ratios"] for one in results):
        return ""
    lines = [
        "",
        "| file | prefill | llama.cpp | ratio | decode | llama.cpp | ratio | start | memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        cells = [one["file"].rsplit("/", 1)[-1]]
        for key in ("prefill", "decode"):
            cells += [f"{one['engines'][engine][key]['median']:.0f}" for engine in ENGINES]
            cells.append(_ratio(one, key, quiet_limit))
        cells += [_ratio(one, key, quiet_limit) for key in ("start", "start_memory")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
