import FathomTestSupport
import FathomVectors
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Collections that end suddenly")
struct CollectionCrashTests {
    /// A run that the disk ended: what was acknowledged, and what may be there instead.
    struct Ended {
        let disk: SimulatedDisk
        /// The states after each operation that returned, the first one empty.
        var states: [CollectionModel]
        /// The state after the operation that was on its way, if there was one.
        var next: CollectionModel?
        /// How many states a power cut may not take back.
        var safe: Int
    }

    /// Does random steps until the disk ends the process at a step of its own.
    static func run(
        endingAt step: Int?, _ durability: Durability, seed: UInt64, count: Int = 26
    ) -> Ended {
        let disk = SimulatedDisk(seed: seed + 7)
        if let step { disk.fail(at: step, .end) }
        var random = SeededGenerator(seed: seed)
        var ended = Ended(disk: disk, states: [CollectionModel()], next: nil, safe: 0)
        guard
            let collection = try? VectorCollection.create(
                in: disk, CollectionModel.settings,
                CollectionOptions(durability: durability, maintenance: .manual))
        else { return ended }
        ended.safe = 1
        for _ in 0..<count {
            let step = CollectionModel.step(&random)
            var model = ended.states.last ?? CollectionModel()
            model.apply(step)
            do {
                try CollectionModel.apply(step, to: collection)
            } catch {
                ended.next = model
                break
            }
            switch step {
            case .add, .delete: ended.states.append(model)
            case .seal, .compact: ended.safe = ended.states.count
            }
            if durability == .everyCommit { ended.safe = ended.states.count }
        }
        return ended
    }

    /// Opens what is left, twice, and writes to it.
    private func check(
        _ disk: SimulatedDisk, allowed: [CollectionModel], _ comment: Comment
    ) throws {
        var model: CollectionModel
        do {
            let reader = try VectorCollection.openForReading(in: disk)
            model = try CollectionModel(reader.snapshot)
            try #require(allowed.contains(model), comment)
            let collection = try VectorCollection.open(in: disk, CollectionModelTests.manual)
            try model.check(collection, comment)
            let step = CollectionModel.Step.add([
                (7, CollectionModel.Row(vector: [9, 9, 9], fields: ["year": 1]))
            ])
            try CollectionModel.apply(step, to: collection)
            model.apply(step)
            try collection.compact()
            try model.check(collection, comment)
            try collection.close()
        }
        let again = try VectorCollection.open(in: disk, CollectionModelTests.manual)
        try model.check(again, comment)
        #expect(again.recovery.removedFiles.isEmpty && again.recovery.cutBytes == 0, comment)
    }

    private func allowed(_ ended: Ended, from first: Int) -> [CollectionModel] {
        Array(ended.states[max(0, first - 1)...]) + (ended.next.map { [$0] } ?? [])
    }

    @Test(
        "lose nothing acknowledged and mix nothing, whichever step the process ends in",
        arguments: [Durability.everyCommit, .interval(milliseconds: 3_600_000)])
    func processEnds(_ durability: Durability) throws {
        for seed: UInt64 in 1...3 {
            let steps = Self.run(endingAt: nil, durability, seed: seed).disk.stepCount
            #expect(steps > 60)
            for step in 0..<steps {
                let ended = Self.run(endingAt: step, durability, seed: seed)
                let disk = ended.disk.restarted()
                if ended.safe == 0 {
                    // Within the creation: the folder can be made a collection again.
                    if (try? VectorCollection.openForReading(in: disk)) == nil {
                        _ = try VectorCollection.create(
                            in: disk, CollectionModel.settings, CollectionModelTests.manual)
                    }
                    continue
                }
                try check(
                    disk, allowed: allowed(ended, from: ended.states.count),
                    "seed \(seed), step \(step)")
            }
        }
    }

    @Test(
        "lose nothing that was to be on disk in a power cut, and mix nothing",
        arguments: [Durability.everyCommit, .interval(milliseconds: 3_600_000)])
    func powerCut(_ durability: Durability) throws {
        for seed: UInt64 in 4...5 {
            let steps = Self.run(endingAt: nil, durability, seed: seed).disk.stepCount
            for step in 0..<steps {
                let ended = Self.run(endingAt: step, durability, seed: seed)
                guard ended.safe > 0 else { continue }
                for cut: UInt64 in 1...4 {
                    try check(
                        ended.disk.afterPowerCut(seed: 1000 * seed + cut),
                        allowed: allowed(ended, from: ended.safe),
                        "seed \(seed), step \(step), cut \(cut)")
                }
            }
        }
    }

    @Test(
        "stay searchable and lose nothing when any one step fails",
        arguments: [SimulatedDisk.Fault.error(EIO), .error(ENOSPC), .fullWithinWrite])
    func oneFault(_ fault: SimulatedDisk.Fault) throws {
        let steps = Self.run(endingAt: nil, .everyCommit, seed: 6).disk.stepCount
        var refusals = 0
        for fail in 0..<steps {
            let disk = SimulatedDisk(seed: 3)
            disk.fail(at: fail, fault)
            var random = SeededGenerator(seed: 6)
            guard
                let collection = try? VectorCollection.create(
                    in: disk, CollectionModel.settings, CollectionModelTests.manual)
            else { continue }
            var model = CollectionModel()
            var unsure: CollectionModel?
            for _ in 0..<26 {
                let step = CollectionModel.step(&random)
                do {
                    try CollectionModel.apply(step, to: collection)
                    model.apply(step)
                    unsure = nil
                } catch {
                    refusals += 1
                    if unsure == nil {
                        unsure = model
                        unsure?.apply(step)
                    }
                }
                try model.check(collection, "step \(fail)")
            }
            let opened = try VectorCollection.openForReading(in: disk)
            let found = try CollectionModel(opened.snapshot)
            #expect(found == model || found == unsure, "step \(fail)")
        }
        #expect(refusals > 0)
    }

    @Test(
        "go on from one sudden end to the next, with steps that fail in between",
        arguments: 0..<8)
    func manyEnds(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: 500 + seed)
        var disk = SimulatedDisk(seed: seed)
        var model = CollectionModel()
        do {
            _ = try VectorCollection.create(
                in: disk, CollectionModel.settings, CollectionModelTests.manual)
        }
        var ends = 0
        for round in 0..<150 {
            let end = disk.stepCount + Int.random(in: 3...40, using: &random)
            disk.fail(at: end, .end)
            if Bool.random(using: &random) {
                let fault: SimulatedDisk.Fault =
                    Bool.random(using: &random) ? .fullWithinWrite : .error(EIO)
                disk.fail(at: Int.random(in: disk.stepCount..<end, using: &random), fault)
            }
            var next: CollectionModel?
            do {
                let collection = try VectorCollection.open(in: disk, CollectionModelTests.manual)
                #expect(try CollectionModel(collection.snapshot) == model, "round \(round)")
                while next == nil {
                    let step = CollectionModel.step(&random)
                    var after = model
                    after.apply(step)
                    do {
                        try CollectionModel.apply(step, to: collection)
                        model = after
                    } catch {
                        next = after
                    }
                }
            } catch {}
            ends += 1
            disk =
                Bool.random(using: &random)
                ? disk.restarted() : disk.afterPowerCut(seed: random.next())
            let opened = try VectorCollection.openForReading(in: disk)
            let found = try CollectionModel(opened.snapshot)
            try #require(found == model || found == next, "round \(round)")
            model = found
        }
        #expect(ends == 150)
    }
}
