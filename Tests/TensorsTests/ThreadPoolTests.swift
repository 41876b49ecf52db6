import FathomTensors
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    @Test("runs every task once, whatever the number of threads", arguments: [1, 2, 3, 8])
    func runsEveryTaskOnce(threads: Int) {
        let pool = ThreadPool(threads: threads)
        for count in [0, 1, 2, 7, 64, 1000] {
            let seen = (0..<count).map { _ in Counter() }
            pool.run(count) { seen[$0].value.add(1, ordering: .relaxed) }
            #expect(seen.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
    }

    @Test("runs thousands of short jobs one after the other")
    func runsShortJobs() {
        let pool = ThreadPool(threads: 2)
        let sum = Counter()
        for _ in 0..<20_000 { pool.run(3) { sum.value.add($0, ordering: .relaxed) } }
        #expect(sum.value.load(ordering: .relaxed) == 60_000)
    }

    @Test("takes jobs from several callers at once")
    func takesJobsFromSeveralCallers() async {
        let pool = ThreadPool(threads: 2)
        let sum = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<500 { pool.run(4) { _ in sum.value.add(1, ordering: .relaxed) } }
                }
            }
        }
        #expect(sum.value.load(ordering: .relaxed) == 8000)
    }

    @Test("wakes workers that have parked")
    func wakesParkedWorkers() async throws {
        let pool = ThreadPool(threads: 2)
        let sum = Counter()
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(60))
            pool.run(100) { _ in sum.value.add(1, ordering: .relaxed) }
        }
        #expect(sum.value.load(ordering: .relaxed) == 300)
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }
}
