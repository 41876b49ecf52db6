import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Collections used by several threads")
struct CollectionThreadTests {
    static let dimension = 4

    /// A vector that tells its id and the round it was written in.
    static func vector(_ id: Int64, _ round: Int) -> [Float] {
        [Float(id), Float(round), 0, 1]
    }

    /// Every writer owns some ids and writes all of them in one call, again and again: a snapshot
    /// must show each writer's ids in one round, and rounds must not go back.
    @Test(
        "show every search whole operations, while rows are added, deleted, sealed and merged",
        arguments: [Durability.everyCommit, .interval(milliseconds: 1)])
    func concurrency(_ durability: Durability) async throws {
        let folder = try TemporaryFolder()
        let collection = try VectorCollection.create(
            folder("c"),
            CollectionSettings(
                dimension: Self.dimension, factory: "HNSW8", columns: [.init("round", .integer)],
                sealRows: 60, indexRows: 40),
            options: CollectionOptions(durability: durability, maintenance: .background))
        let (writers, idsEach, rounds) = (3, 10, 40)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let ids = (0..<idsEach).map { Int64(writer * idsEach + $0) }
                    for round in 1...rounds {
                        try collection.add(
                            VectorRows(
                                ids.flatMap { Self.vector($0, round) },
                                dimension: Self.dimension), ids: ids,
                            fields: ids.map { _ in ["round": .integer(Int64(round))] })
                        if round % 5 == writer { try collection.delete(ids) }
                    }
                    return 0
                }
            }
            for reader in 0..<2 {
                group.addTask {
                    var last = [Int64](repeating: 0, count: writers)
                    var lastSequence: UInt64 = 0
                    var looks = 0
                    while lastSequence < UInt64(writers * rounds) {
                        let snapshot = collection.snapshot
                        #expect(snapshot.sequence >= lastSequence)
                        lastSequence = snapshot.sequence
                        looks += 1
                        for writer in 0..<writers {
                            let ids = (0..<idsEach).map { Int64(writer * idsEach + $0) }
                            let seen = Set(ids.map { snapshot.fields(of: $0)?["round"] })
                            try #require(seen.count == 1, "mixed rounds")
                            guard case .integer(let round) = seen.first ?? nil else { continue }
                            #expect(round >= last[writer])
                            last[writer] = round
                            let query = try VectorRows(
                                Self.vector(ids[reader], Int(round)), dimension: Self.dimension)
                            let found = try snapshot.search(
                                query, k: 1, where: Column("round") == .integer(round))
                            #expect(found.labels == [ids[reader]])
                            #expect(found.distances == [0])
                        }
                    }
                    return looks
                }
            }
            group.addTask {
                for _ in 0..<6 { try collection.compact() }
                return 0
            }
            for try await _ in group {}
        }
        try collection.waitForMaintenance()
        let ids = try collection.snapshot.ids()
        #expect(ids.allSatisfy { collection.snapshot.fields(of: $0)?["round"] == .integer(40) })
        try collection.close()
        let again = try VectorCollection.openForReading(folder("c"))
        #expect(try again.snapshot.ids() == ids)
    }
}
