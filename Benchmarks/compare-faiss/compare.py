"""Fathom's vector search beside faiss-cpu, hnswlib and usearch, in turns in one run; see README.md."""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["faiss-cpu==1.15.1", "hnswlib", "usearch", "numpy"]


def enter_environment(work):
    """Starts this script anew with a Python that has the peers."""
    python = os.path.join(work, "venv", "bin", "python")
    if not os.path.exists(python):
        venv.create(os.path.join(work, "venv"), with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(work, "venv")):
        os.execv(python, [python, *sys.argv])


class Engine:
    """Ours, as a process that answers commands."""

    def __init__(self, path, work):
        self.work = work
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("error"):
            raise RuntimeError(f"{words}: {answer or 'the engine ended'}")
        return [float(word) for word in answer.split()]

    def search(self, k, threads, batch, queries, *parameters):
        file, labels = (os.path.join(self.work, name) for name in ("queries.f32", "labels.i64"))
        queries.tofile(file)
        seconds, = self.ask("search", k, threads, batch, file, labels, *parameters)
        return seconds, np.fromfile(labels, "i8").reshape(-1, k)


def clustered(count, dimension, queries, seed):
    """Vectors around 1,000 centres, wide enough that neighbours are hard to tell apart."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((1000, dimension)).astype("f4")

    def draw(count):
        width = 0.9 * (0.5 + random.random((count, 1)))
        noise = random.standard_normal((count, dimension))
        return (centres[random.integers(0, 1000, count)] + width * noise).astype("f4")

    return draw(count), draw(queries)


class Comparison:
    def __init__(self, arguments, engine):
        self.arguments, self.engine = arguments, engine
        self.rows = []
        print(f"{'job':44} {'ours':>10} {'peer':>10} {'ratio':>6}  recall ours, peer", flush=True)

    def fresh_engine(self):
        """An engine that has nothing in memory yet."""
        return Engine(self.arguments.engine, self.arguments.work)

    def note(self, job, ours, peers, more_is_better, recalls=()):
        """Prints medians; of several peers the best counts."""
        best = (max if more_is_better else min)(
            peers, key=lambda name: statistics.median(peers[name]))
        ratio = statistics.median([a / b for a, b in zip(ours, peers[best])])
        values = statistics.median(ours), statistics.median(peers[best])
        print(f"{job:44} {values[0]:10.5g} {values[1]:10.5g} {ratio:6.2f}  "
              f"{', '.join(f'{recall:.4f}' for recall in recalls)} {best}", flush=True)
        self.rows.append({"job": job, "ours": ours, "peers": peers, "ratio": ratio,
                          "best": best, "recalls": list(recalls)})

    def recall(self, labels):
        pairs = zip(labels, self.truth)
        return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in pairs]))

    def curves(self, job, settings, ours, peers, count):
        """Queries a second at each setting, and at the wanted recalls, of functions of a setting."""
        engines = {"ours": ours, **peers}
        samples = {name: {} for name in engines}
        for _ in range(self.arguments.repetitions):
            for setting in settings:
                for name, search in engines.items():
                    seconds, labels = search(setting)()
                    rates, _ = samples[name].setdefault(setting, ([], self.recall(labels)))
                    rates.append(count / seconds)
        for setting in settings:
            best = max(peers, key=lambda name: statistics.median(samples[name][setting][0]))
            self.note(
                f"{job} {setting}", samples["ours"][setting][0],
                {name: samples[name][setting][0] for name in peers}, True,
                (samples["ours"][setting][1], samples[best][setting][1]))
        for wanted in WANTED_RECALLS:
            rates = {
                name: [rate_at(wanted, [(recall, rates[turn]) for rates, recall in
                                        samples[name].values()])
                       for turn in range(self.arguments.repetitions)] for name in engines}
            able = {name: rates[name] for name in peers if None not in rates[name]}
            if None in rates["ours"] or not able:
                print(f"{job}: recall {wanted} is not reached by "
                      f"{'ours' if None in rates['ours'] else 'a peer'}", flush=True)
                continue
            self.note(f"{job}: at recall {wanted}", rates["ours"], able, True)

    def searches(self, job, ours, peers, count):
        """Queries a second of functions that give seconds and labels."""
        times, recalls = {name: [] for name in ["ours", *peers]}, {}
        for _ in range(self.arguments.repetitions):
            for name, run in [("ours", ours), *peers.items()]:
                seconds, labels = run()
                times[name].append(count / seconds)
                recalls[name] = self.recall(labels)
        best = max(peers, key=lambda name: statistics.median(times[name]))
        self.note(job, times.pop("ours"), times, True, (recalls["ours"], recalls[best]))


WANTED_RECALLS = [0.90, 0.95, 0.99]


def rate_at(wanted, points):
    """Queries a second at a recall, between settings on a line of their logarithms; where the
    lowest setting is above it, that of the setting. None where no setting reaches it."""
    points = sorted(points)
    if points[0][0] >= wanted:
        return max(rate for _, rate in points)
    for (low, slow), (high, fast) in zip(points, points[1:]):
        if low < wanted <= high:
            part = (wanted - low) / (high - low)
            return math.exp(math.log(slow) + part * (math.log(fast) - math.log(slow)))
    return None


RESIDENT = """
import sys
def resident():
    return int(open('/proc/self/statm').read().split()[1]) * 4096
kind, path, dimension = sys.argv[1], sys.argv[2], int(sys.argv[3])
import numpy
if kind == 'faiss':
    import faiss
    before = resident()
    index = faiss.read_index(path)
else:
    import hnswlib
    index = hnswlib.Index('l2', dimension)
    before = resident()
    index.load_index(path)
print(resident() - before)
"""


def peer_memory(kind, path, dimension):
    """Bytes that reading an index adds to a fresh process."""
    return float(subprocess.run(
        [sys.executable, "-c", RESIDENT, kind, path, str(dimension)], check=True,
        capture_output=True, text=True).stdout)


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def in_batches(search, queries, batch):
    """Seconds and labels of a search a batch at a time."""
    def run():
        parts = [queries[i:i + batch] for i in range(0, len(queries), batch)]
        seconds, labels = timed(lambda: [search(part) for part in parts])
        return seconds, np.concatenate(labels)
    return run


def compare_set(comparison, name, base, queries, threads):
    engine, work = comparison.engine, comparison.arguments.work
    k, dimension = 10, base.shape[1]
    vectors = os.path.join(work, "base.f32")
    base.tofile(vectors)
    faiss.omp_set_num_threads(threads)
    flat = faiss.IndexFlatL2(dimension)
    flat.add(base)
    comparison.truth = flat.search(queries, k)[1]

    def ours(batch, count, *parameters):
        return lambda: engine.search(k, threads, batch, queries[:count], *parameters)

    path = os.path.join(work, "index.faiss")

    def load(index):
        faiss.write_index(index, path)
        engine.ask("load", path)

    def compare_memory(job, peers):
        added, = comparison.fresh_engine().ask("memory", path)
        comparison.note(
            f"{title}: {job}, MB in memory", [added / 1e6],
            {kind: [peer_memory(kind, file, dimension) / 1e6] for kind, file in peers.items()},
            False)

    title = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
    load(flat)
    for batch, count in [(1, 16), (16, 96), (100, 100), (1024, 1024)]:
        comparison.searches(
            f"{title}: flat, batch {batch}", ours(batch, count),
            {"faiss": in_batches(lambda part: flat.search(part, k)[1], queries[:count], batch)},
            count)

    times = {"ours": [], "faiss": []}
    for _ in range(comparison.arguments.repetitions):
        seconds, objective = engine.ask("means", 1024, dimension, 10, vectors, threads)
        times["ours"].append(seconds)
        means = faiss.Kmeans(dimension, 1024, niter=10, seed=1234)
        times["faiss"].append(timed(lambda: means.train(base))[0])
    comparison.note(f"{title}: k-means 1024, seconds", times.pop("ours"), times, False)
    print(f"    objectives {objective:.6g} and {means.obj[-1]:.6g}")

    lists = 1024 if len(base) < 500_000 else 4096
    for factory in [f"IVF{lists},Flat", f"IVF{lists},PQ{dimension // 2}x4fsr,RFlat"]:
        index = faiss.index_factory(dimension, factory)
        index.train(base)
        index.add(base)
        load(index)
        compare_memory(factory, {"faiss": path})

        def in_ours(nprobe):
            given = (["base.nprobe=%d" % nprobe, "k_factor=4"] if factory.endswith("RFlat")
                     else ["nprobe=%d" % nprobe])
            return ours(len(queries), len(queries), *given)

        def in_faiss(nprobe):
            parameters = faiss.SearchParametersIVF(nprobe=nprobe)
            if factory.endswith("RFlat"):
                parameters = faiss.IndexRefineSearchParameters(
                    k_factor=4, base_index_params=parameters)
            return in_batches(
                lambda part: index.search(part, k, params=parameters)[1], queries, len(queries))

        comparison.curves(
            f"{title}: {factory}, nprobe", [1, 2, 4, 8, 16, 32, 64], in_ours,
            {"faiss": in_faiss}, len(queries))

    built = {"faiss": [], "hnswlib": [], "usearch": []}
    path = os.path.join(work, "ours.faiss")
    ours_built = engine.ask("build", "HNSW32", "l2", dimension, vectors, path, threads)
    graph = faiss.index_factory(dimension, "HNSW32")
    built["faiss"].append(timed(lambda: graph.add(base))[0])
    small = hnswlib.Index("l2", dimension)
    small.init_index(len(base), M=32, ef_construction=40)
    built["hnswlib"].append(timed(lambda: small.add_items(base, num_threads=threads))[0])
    wide = usearch.index.Index(
        ndim=dimension, metric="l2sq", dtype="f32", connectivity=32, expansion_add=40)
    keys = np.arange(len(base))
    built["usearch"].append(timed(lambda: wide.add(keys, base, threads=threads))[0])
    comparison.note(f"{title}: HNSW32 built, seconds", ours_built, built, False)
    engine.ask("load", path)
    small.save_index(path + ".hnswlib")
    compare_memory("HNSW32", {"faiss": path, "hnswlib": path + ".hnswlib"})

    def in_faiss(ef):
        parameters = faiss.SearchParametersHNSW(efSearch=ef)
        return in_batches(
            lambda part: graph.search(part, k, params=parameters)[1], queries, len(queries))

    def in_hnswlib(ef):
        def search(part):
            small.set_ef(ef)
            return small.knn_query(part, k, num_threads=threads)[0].astype("i8")
        return in_batches(search, queries, len(queries))

    def in_usearch(ef):
        def search(part):
            wide.expansion_search = ef
            return wide.search(part, k, threads=threads).keys.astype("i8")
        return in_batches(search, queries, len(queries))

    comparison.curves(
        f"{title}: HNSW32, efSearch", [16, 24, 32, 48, 64, 96, 128, 192, 256],
        lambda ef: ours(len(queries), len(queries), f"efSearch={ef}"),
        {"faiss": in_faiss, "hnswlib": in_hnswlib, "usearch": in_usearch}, len(queries))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=os.path.join(HERE, ".build-peers"))
    parser.add_argument("--threads", default="2,1", help="numbers of threads")
    parser.add_argument(
        "--sets", default="200000x128",
        help="COUNTxDIMENSION drawn at random, or FILE:DIMENSION of raw floats; several by commas")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--engine", help="the built engine; built if left out")
    parser.add_argument("--json", help="file for all samples")
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    enter_environment(arguments.work)
    global faiss, hnswlib, np, usearch
    import faiss
    import hnswlib
    import numpy as np
    import usearch.index
    if not arguments.engine:
        subprocess.run(["swift", "build", "-c", "release", "--package-path", HERE], check=True)
        arguments.engine = os.path.join(HERE, ".build", "release", "Engine")
    comparison = Comparison(arguments, Engine(arguments.engine, arguments.work))
    for size in arguments.sets.split(","):
        if ":" in size:
            file, dimension = size.rsplit(":", 1)
            rows = np.fromfile(file, "f4").reshape(-1, int(dimension))
            # Queries are rows from everywhere, which are not searched.
            chosen = np.zeros(len(rows), bool)
            chosen[np.linspace(0, len(rows) - 1, min(2000, len(rows) // 20)).astype(int)] = True
            base, queries = rows[~chosen], rows[chosen]
            size = f"{os.path.basename(file)}, {len(base)} x {dimension}"
        else:
            count, dimension = (int(part) for part in size.split("x"))
            base, queries = clustered(count, dimension, 2000, 7)
        for threads in arguments.threads.split(","):
            compare_set(comparison, size, base, queries, int(threads))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(comparison.rows, file, indent=1)


if __name__ == "__main__":
    main()
