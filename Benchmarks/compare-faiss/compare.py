"""Fathom's vector search beside faiss-cpu, hnswlib and usearch, in turns in one run; see README.md."""
import argparse
import json
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

    def load(index):
        path = os.path.join(work, "index.faiss")
        faiss.write_index(index, path)
        engine.ask("load", path)

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
        for nprobe in [4, 8, 16, 32, 64]:
            if factory.endswith("RFlat"):
                given = ["base.nprobe=%d" % nprobe, "k_factor=4"]
                parameters = faiss.IndexRefineSearchParameters(
                    k_factor=4, base_index_params=faiss.SearchParametersIVF(nprobe=nprobe))
            else:
                given = ["nprobe=%d" % nprobe]
                parameters = faiss.SearchParametersIVF(nprobe=nprobe)
            comparison.searches(
                f"{title}: {factory}, nprobe {nprobe}", ours(len(queries), len(queries), *given),
                {"faiss": in_batches(
                    lambda part: index.search(part, k, params=parameters)[1], queries,
                    len(queries))}, len(queries))

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
    for ef in [32, 64, 128, 256]:
        parameters = faiss.SearchParametersHNSW(efSearch=ef)

        def in_hnswlib(part):
            small.set_ef(ef)
            return small.knn_query(part, k, num_threads=threads)[0].astype("i8")

        def in_usearch(part):
            wide.expansion_search = ef
            return wide.search(part, k, threads=threads).keys.astype("i8")

        comparison.searches(
            f"{title}: HNSW32, efSearch {ef}",
            ours(len(queries), len(queries), f"efSearch={ef}"),
            {"faiss": in_batches(
                lambda part: graph.search(part, k, params=parameters)[1], queries, len(queries)),
             "hnswlib": in_batches(in_hnswlib, queries, len(queries)),
             "usearch": in_batches(in_usearch, queries, len(queries))}, len(queries))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=os.path.join(HERE, ".build-peers"))
    parser.add_argument("--threads", default="2,1", help="numbers of threads")
    parser.add_argument("--sets", default="200000x128", help="COUNTxDIMENSION, several by commas")
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
        count, dimension = (int(part) for part in size.split("x"))
        base, queries = clustered(count, dimension, 2000, 7)
        for threads in arguments.threads.split(","):
            compare_set(comparison, size, base, queries, int(threads))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(comparison.rows, file, indent=1)


if __name__ == "__main__":
    main()
