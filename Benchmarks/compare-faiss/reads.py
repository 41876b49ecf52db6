"""Builds indexes of every factory type here, and counts which faiss-cpu reads and searches equally."""
import argparse
import os
import subprocess
import sys

import compare

HERE = os.path.dirname(os.path.abspath(__file__))

L2 = """
Flat SQ8 SQ6 SQ4 SQfp16 SQbf16 SQ8_direct SQ8_direct_signed
PQ8 PQ8x4 PQ4x6 PQ8x10 PQ8x4fs PQ8x4fs_64
RQ4x6 RQ2x8_2x4 RQ4x4_Nfloat RQ4x4_Nqint8 RQ4x4_Nqint4 RQ4x4_Ncqint8 RQ4x4_Ncqint4 RQ4x4_Nlsq2x4
RQ4x4_Nrq2x4 RQ6x4fs_Nrq2x4 RQ5x4fs_64_Nlsq2x4
LSQ4x4 LSQ4x6_Nqint8 LSQ4x4_Nlsq2x4 LSQ6x4fs_Nlsq2x4
PRQ2x3x4 PRQ2x2x6_Nfloat PRQ2x4x4fs_Nrq2x4 PLSQ2x3x4 PLSQ2x2x4_Nqint8 PLSQ2x4x4fs_Nlsq2x4
LSH LSH24 LSH64r LSH16rt LSHt
RaBitQ RaBitQ2 RaBitQ3 RaBitQ4 RaBitQ5 RaBitQ6 RaBitQ7 RaBitQ8 RaBitQ9
HNSW16 HNSW16,SQ8 HNSW8,SQfp16 HNSW8,PQ8 HNSW8_PQ8x4 NSG16 NSG16,SQ8 NSG16,SQ4 NSG12,PQ8 NSG12_PQ8x4
IVF16,Flat IVF16,SQ8 IVF16,SQ4 IVF16,SQ6 IVF16,SQfp16 IVF16,SQbf16 IVF16,PQ8 IVF16,PQ8x4 IVF16,PQ4x6
IVF16,PQ8x4fs IVF16,PQ8x4fsr IVF16,PQ8x4fs_64
IVF16,RQ4x4 IVF16,RQ4x4_Nqint8 IVF16,LSQ4x4 IVF16,LSQ4x4_Nfloat IVF16,PRQ2x2x4 IVF16,PRQ2x2x4_Ncqint8
IVF16,PLSQ2x2x4 IVF16,PLSQ2x2x4_Nqint4
IVF16,RQ6x4fs_Nrq2x4 IVF16,RQ6x4fsr_Nrq2x4 IVF16,LSQ4x4fs_Nlsq2x4 IVF16,LSQ4x4fsr_64_Nlsq2x4
IVF16,PRQ2x2x4fs_Nrq2x4 IVF16,PLSQ2x2x4fsr_Nlsq2x4
IVF16,RaBitQ IVF16,RaBitQ2 IVF16,RaBitQ4 IVF16,RaBitQ9
IVF16_HNSW8,Flat IVF16_NSG8,Flat IVF16(IVF4,Flat),PQ8 IVF16(SQ8),Flat IVF16(PQ4x4),SQ8
PCA16,Flat PCAR16,PQ8 PCAW16,SQ8 PCAWR8,Flat L2norm,Flat RR,Flat RR24,SQ8 HR,SQ8 ITQ,LSH ITQ16,LSH
OPQ8,PQ8 OPQ8_16,PQ8 Pad40,PQ8 PCA16,L2norm,IVF16,Flat OPQ8,IVF16,PQ8x4fs RR,RaBitQ4
IDMap,Flat IDMap2,SQ8 IDMap,IVF16,PQ8 IDMap2,HNSW8 IDMap,NSG8
PQ8,RFlat IVF16,PQ8,RFlat PQ8,Refine(SQ8) IVF16,PQ8x4fs,Refine(SQfp16)
""".split()
PRODUCT = """
Flat SQ8 SQ4 SQfp16 PQ8 PQ8x4 PQ8x4fs RQ4x6 RQ4x4_Nfloat RQ6x4fs LSQ4x4 LSQ4x4fs PRQ2x3x4 PRQ2x2x4fs
PLSQ2x3x4 PLSQ2x2x4fs RaBitQ RaBitQ3 RaBitQ6 HNSW16 HNSW8,SQ8 NSG16 NSG16,SQ8
IVF16,Flat IVF16,SQ8 IVF16,PQ8 IVF16,PQ8x4fs IVF16,PQ8x4fsr IVF16,RQ4x4 IVF16,LSQ4x4 IVF16,PRQ2x2x4
IVF16,PLSQ2x2x4 IVF16,RQ6x4fs IVF16,RQ6x4fsr IVF16,LSQ4x4fsr IVF16,PRQ2x2x4fs IVF16,PLSQ2x2x4fsr
IVF16,RaBitQ IVF16,RaBitQ4 IVF16_HNSW8,Flat IVF16_NSG8,SQ8 PCA16,IVF16,PQ8 IDMap2,IVF16,Flat
IVF16,PQ8,RFlat
""".split()


def enter_environment(work):
    """Starts this script anew with a Python that has faiss-cpu."""
    python = os.environ.get("FATHOM_FAISS_PYTHON")
    if python is None:
        return compare.enter_environment(work)
    if os.path.abspath(sys.executable) != os.path.abspath(python):
        os.execv(python, [python, *sys.argv])


def difference(ours, theirs):
    """What two answers differ in, or None: distances by place, and labels but for equal distances."""
    (labels, distances), (their_labels, their_distances) = ours, theirs
    size = np.maximum(1, np.abs(np.where(their_labels < 0, 0, their_distances)))
    limit = 1e-4 * size
    if (missing := (labels < 0) != (their_labels < 0)).any():
        return f"{missing.sum()} places are empty in one answer only"
    both = labels >= 0
    apart = both & (np.abs(distances - their_distances) > limit)
    if apart.any():
        gaps = np.abs(distances - their_distances)[apart]
        return f"{apart.sum()} of {both.sum()} distances differ, by up to {gaps.max():.3g}"
    for query in range(len(labels)):
        last = their_distances[query][both[query]][-1:]
        for place in np.nonzero(labels[query] != their_labels[query])[0]:
            distance, allowed = distances[query, place], limit[query, place]
            among = np.nonzero(their_labels[query] == labels[query, place])[0]
            near = their_distances[query, among] if len(among) else last
            if abs(near[0] - distance) > 2 * allowed:
                return f"query {query} has label {labels[query, place]} where Faiss has " \
                    f"{their_labels[query, place]}"
    return None


class Reads:
    def __init__(self, engine, work):
        self.engine, self.work = engine, work
        self.counts = {"written": 0, "read": 0, "equal": 0}
        random = np.random.default_rng(3)
        centres = 6 * random.standard_normal((40, 32))

        def draw(count):
            noise = 2.5 * random.standard_normal((count, 32))
            return (centres[random.integers(0, 40, count)] + noise).astype("f4")

        self.base, self.queries = draw(2000), draw(50)

    def file(self, name):
        return os.path.join(self.work, name)

    def check(self, factory, metric):
        vectors, queries = self.base, self.queries
        if "8_direct" in factory:
            # These keep whole numbers of a range.
            low = 0 if factory.endswith("direct") else -128
            vectors, queries = (
                np.clip(np.round(5 * rows) + 128 + low, low, low + 255)
                .astype("f4") for rows in (vectors, queries))
        vectors.tofile(self.file("vectors.f32"))
        queries.tofile(self.file("queries.f32"))
        path = self.file("index.faiss")
        self.engine.ask(
            "build", factory, metric, 32, self.file("vectors.f32"), path, 2)
        self.counts["written"] += 1
        index = faiss.read_index(path)
        assert index.ntotal == len(vectors)
        self.counts["read"] += 1
        words = []
        if "IVF" in factory:
            base = faiss.downcast_index(index)
            if refined := ("RFlat" in factory or "Refine" in factory):
                base = faiss.downcast_index(base.base_index)
            faiss.extract_index_ivf(base).nprobe = 5
            words = ["base.nprobe=5" if refined else "nprobe=5"]
        self.engine.ask("load", path)
        self.engine.ask(
            "find", 10, self.file("queries.f32"), self.file("labels.i64"),
            self.file("distances.f32"), *words)
        ours = (np.fromfile(self.file("labels.i64"), "i8").reshape(-1, 10),
                np.fromfile(self.file("distances.f32"), "f4").reshape(-1, 10))
        distances, labels = index.search(queries, 10)
        return difference(ours, (labels, distances))

    def run(self):
        failures = 0
        for metric, factories in [("l2", L2), ("ip", PRODUCT)]:
            for factory in factories:
                try:
                    problem = self.check(factory, metric)
                except Exception as error:
                    problem = str(error).strip().replace("\n", " ")[-200:]
                if problem is None:
                    self.counts["equal"] += 1
                else:
                    failures += 1
                print(f"{factory:28} {metric}  {problem or 'equal'}", flush=True)
        print("{written} types written, {read} read, {equal} searches equal".format(**self.counts))
        return failures == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default=os.path.join(HERE, ".build-peers"))
    parser.add_argument("--engine", help="the built engine; built if left out")
    arguments = parser.parse_args()
    # Of one level above this Faiss rounds queries of SQbf16 too.
    os.environ.setdefault("FAISS_SIMD_LEVEL", "AVX2")
    enter_environment(arguments.work)
    global faiss, np
    import faiss
    import numpy as np
    os.makedirs(arguments.work, exist_ok=True)
    faiss.omp_set_num_threads(1)
    if arguments.engine is None:
        subprocess.run(
            ["swift", "build", "-c", "release", "--package-path", HERE], check=True,
            stdout=subprocess.DEVNULL)
        arguments.engine = os.path.join(HERE, ".build", "release", "Engine")
    engine = compare.Engine(arguments.engine, arguments.work)
    sys.exit(0 if Reads(engine, arguments.work).run() else 1)


if __name__ == "__main__":
    main()
