import FathomTestSupport
import FathomVectors
import Testing

@Suite("Collections against a dictionary")
struct CollectionModelTests {
    static let manual = CollectionOptions(maintenance: .manual)

    @Test(
        "hold what was added last and not deleted, through seals, merges and reopenings",
        arguments: 0..<12)
    func randomSteps(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: 100 + seed)
        let folder = try TemporaryFolder()
        let path = folder("collection")
        let options = CollectionOptions(
            durability: seed.isMultiple(of: 2) ? .everyCommit : .interval(milliseconds: 2),
            maintenance: seed % 3 == 0 ? .background : .manual)
        var collection = try VectorCollection.create(
            path, CollectionModel.settings, options: options)
        var model = CollectionModel()
        for number in 0..<120 {
            let step = CollectionModel.step(&random)
            try CollectionModel.apply(step, to: collection)
            model.apply(step)
            if Int.random(in: 0..<6, using: &random) == 0 { try model.check(collection) }
            if Int.random(in: 0..<10, using: &random) == 0 {
                try model.check(try VectorCollection.openForReading(path), "reader, \(number)")
                try collection.close()
                collection = try VectorCollection.open(path, options: options)
                try model.check(collection, "opened again, \(number)")
                #expect(collection.recovery.cutBytes == 0)
            }
        }
        try collection.waitForMaintenance()
        try model.check(collection)
    }

    @Test("give counts of what was replaced and deleted")
    func counts() throws {
        let collection = try VectorCollection.create(
            in: SimulatedDisk(), CollectionSettings(dimension: 1, sealRows: 4), Self.manual)
        let rows = try VectorRows([1, 2, 3], dimension: 1)
        #expect(try collection.add(rows, ids: [5, 6, 7]) == 0)
        #expect(try collection.add(rows, ids: [6, 8, 7]) == 2)
        try collection.seal()
        #expect(try collection.delete([5, 5, 99, 8]) == 2)
        #expect(collection.count == 2)
        #expect(try collection.snapshot.ids() == [6, 7])
        #expect(try collection.snapshot.vector(of: 6) == [1])
        #expect(try collection.snapshot.vector(of: 5) == nil)
        #expect(collection.info.segments.map(\.deleted) == [2])
        try collection.compact()
        #expect(collection.info.segments.map(\.rows) == [2])
        #expect(collection.snapshot.sequence == 3)
    }

    @Test("show a snapshot what it was taken of, whatever happens later")
    func snapshots() throws {
        var random = SeededGenerator(seed: 9)
        let collection = try VectorCollection.create(
            in: SimulatedDisk(), CollectionModel.settings, Self.manual)
        var model = CollectionModel()
        var taken: [(CollectionSnapshot, CollectionModel)] = []
        for _ in 0..<150 {
            let step = CollectionModel.step(&random)
            try CollectionModel.apply(step, to: collection)
            model.apply(step)
            taken.append((collection.snapshot, model))
        }
        for (snapshot, model) in taken { #expect(try CollectionModel(snapshot) == model) }
    }
}
