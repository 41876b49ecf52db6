import FathomVectors
import Testing

@Suite("Estimates of indexes")
struct EstimateTests {
    @Test(
        "give the size of the file that is built",
        arguments: [
            "Flat", "SQ8", "SQ6", "SQ4", "SQfp16", "SQ8_direct", "PQ4", "PQ4x5", "PQ4x4fs",
            "PQ2x4fs_64", "LSH", "LSH5", "LSH24r", "LSHt", "RaBitQ", "RaBitQ3", "HNSW8",
            "HNSW16_SQ8", "HNSW8_PQ4x4", "IVF6,Flat", "IVF6,SQ8", "IVF6,PQ4x5", "IVF6,RaBitQ",
            "IVF6,RaBitQ4", "IVF6_HNSW8,SQ4", "IVF6(SQ8),Flat", "IVF12(IVF3,Flat),SQ8", "PCA4,Flat",
            "PCAR4,SQ8",
            "PCAW4,Flat", "L2norm,Flat", "RR,Flat", "RR6,Flat", "HR,SQ8", "ITQ,LSH", "ITQ4,LSH",
            "RQ3x4", "RQ1x6_2x3_Nfloat",
            "LSQ2x4_Ncqint8", "PRQ2x2x4_Nlsq2x4", "PLSQ2x2x4_Nqint4", "RQ3x4fs_Nrq2x4",
            "PLSQ2x2x4fs_64_Nrq2x4", "IVF6,RQ3x4", "IVF6,PLSQ2x2x4_Nrq2x4", "OPQ4,PQ4x4",
            "OPQ2_4,PQ2x4", "Pad12,PQ4x4", "PCA4,L2norm,IVF6,Flat", "IDMap,Flat",
            "IDMap2,SQ8", "PQ4x4,RFlat", "IVF6,PQ4x4,Refine(SQ8)", "IDMap2,HNSW8",
        ])
    func fileSize(_ factory: String) throws {
        let built = try BuiltIndex(count: 1200)
        let description = try IndexDescription(factory, dimension: 8)
        var builder = try IndexBuilder(description)
        try builder.train(built.rows)
        for count in [8, 700] {
            let estimate = try description.estimate(count: count)
            try builder.add(built.part(builder.count..<count))
            let size = try IndexFile.vectors(builder.finished()).bytes().count
            if estimate.uncertainty == nil {
                #expect(estimate.fileSize == size, "\(count) vectors")
            } else {
                #expect(factory.contains("IVF") && count == 8, "this is known in full")
            }
            #expect(!estimate.parts.isEmpty)
        }
    }

    @Test("allow for what lists of blocks leave empty")
    func blocks() throws {
        let built = try BuiltIndex(count: 1200)
        let description = try IndexDescription("IVF6,PQ4x4fs", dimension: 8)
        let estimate = try description.estimate(count: 900)
        var builder = try IndexBuilder(description)
        try builder.train(built.rows)
        try builder.add(built.part(0..<900))
        let size = try IndexFile.vectors(builder.finished()).bytes().count
        #expect(estimate.uncertainty != nil)
        // Half a block of each list either way.
        #expect(abs(estimate.fileSize - size) <= 6 * 64)
    }

    @Test("are no smaller than the file of a graph that spreads out", arguments: [1, 5, 700])
    func spreadingGraph(count: Int) throws {
        let built = try BuiltIndex(count: count)
        let description = try IndexDescription("NSG8_SQfp16", dimension: 8)
        let estimate = try description.estimate(count: count)
        var builder = try IndexBuilder(description)
        try builder.add(built.rows)
        let size = try IndexFile.vectors(builder.finished()).bytes().count
        #expect(estimate.uncertainty != nil)
        #expect(size <= estimate.fileSize && 2 * size > estimate.fileSize)
    }

    @Test("say what a vector, training and a query take")
    func numbers() throws {
        let lists = try IndexDescription("IVF4096,PQ32", dimension: 768)
        var plan = SearchPlan()
        plan.nprobe = 16
        let estimate = try lists.estimate(count: 1_000_000, plan: plan)
        #expect(estimate.bytesPerVector == 40)
        #expect(estimate.trainingVectors == 39 * 4096...256 * 4096)
        #expect(estimate.comparisonsPerQuery == 4096 + 3907)
        #expect(estimate.parts.map(\.depth) == [0, 1])
        let flat = try IndexDescription("Flat", dimension: 3).estimate(count: 10)
        #expect(flat.trainingVectors == nil)
        #expect(flat.comparisonsPerQuery == 10)
        #expect(flat.bytesPerVector == 12)
        let graph = try IndexDescription("HNSW32", dimension: 768)
            .estimate(count: 1_000_000_000_000)
        #expect(graph.uncertainty != nil)
        #expect(graph.fileSize > 3_000_000_000_000_000)
        #expect(throws: TrainingError.self) {
            try IndexDescription("Flat", dimension: 3).estimate(count: -1)
        }
        #expect(throws: TrainingError.self) {
            try IndexDescription("Flat", dimension: 3).estimate(count: .max)
        }
        let huge = try IndexDescription("IVF16777216,SQ8", dimension: 1_000_000)
            .estimate(count: IndexEstimate.countLimit)
        #expect(huge.fileSize > 0)
    }
}
