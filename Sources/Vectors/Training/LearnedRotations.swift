/// A rotation after which a product quantizer loses little.
///
/// Source: Ge, He, Ke, Sun, "Optimized product quantization", 2013: quantizer and rotation are
/// improved in turn.
package struct OptimizedRotation: TrainableTransform {
    package let partCount: Int
    private var map: LinearMap
    package var inputDimension: Int { map.inputDimension }
    package var outputDimension: Int { map.outputDimension }
    package var isTrained: Bool { !map.matrix.isEmpty }

    private static let roundCount = 50
    private static let sampleLimit = 65_536

    package init(_ inputDimension: Int, _ outputDimension: Int, partCount: Int) {
        self.partCount = partCount
        map = LinearMap(inputDimension, outputDimension)
    }

    package mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        let rows = rows.sample(Self.sampleLimit)
        // With more outputs than inputs, zeros stand behind the vectors.
        let width = max(inputDimension, outputDimension)
        var centered = rows.subtracting(rows.mean())
        if width > inputDimension {
            centered = Padding(inputDimension: inputDimension, outputDimension: width)
                .apply(centered)
        }
        var rotation = LinearMap(width, outputDimension)
        rotation.matrix = Array(
            Orthogonal.randomRotation(inputDimension: width, outputDimension: width, seed: 1234)
                .prefix(outputDimension * width))
        var quantizer = TrainableProductQuantizer(
            dimension: outputDimension, partCount: partCount, bits: 8)
        for round in 0..<Self.roundCount {
            let projected = rotation.apply(centered)
            var settings = KMeans.Settings()
            settings.maximumPointsPerCentroid = 1000
            settings.iterationCount = round == 0 ? 40 : 4
            try quantizer.train(
                projected, settings, continues: round > 0, BuildWork(threads: work.threads))
            let decoded = quantizer.decode(quantizer.numbers(of: projected))
            let best = Orthogonal.nearest(
                to: centered.products(with: decoded), rowCount: width,
                columnCount: outputDimension)
            for row in 0..<outputDimension {
                for column in 0..<width {
                    rotation.matrix[row * width + column] = Float(
                        best[column * outputDimension + row])
                }
            }
            work.report(
                TrainingProgress(
                    stage: "rotation for a product quantizer", completed: round + 1,
                    total: Self.roundCount))
        }
        map.matrix = (0..<outputDimension).flatMap { row in
            rotation.matrix[row * width..<row * width + inputDimension]
        }
    }

    package func apply(_ rows: VectorRows) -> VectorRows { map.apply(rows) }

    package func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("LTra")
        try map.write(hasBias: false, isTrained: isTrained, to: &writer)
    }
}

/// Centres, normalises and rotates so that the signs of the components lose little.
///
/// Source: Gong, Lazebnik, "Iterative quantization", 2011: signs and rotation are chosen in turn.
package struct SignRotation: TrainableTransform {
    private var mean: [Float] = []
    private var rotation: LinearMap
    /// The principal components, if there are fewer outputs than inputs, and the rotation in one.
    private var combined: LinearMap
    package let usesPrincipalComponents: Bool
    /// How far components are from their signs, before the first and after each round.
    package private(set) var losses: [Double] = []

    package var inputDimension: Int { combined.inputDimension }
    package var outputDimension: Int { combined.outputDimension }
    package var isTrained: Bool { !combined.matrix.isEmpty }

    private static let roundCount = 50
    private static let seed: UInt32 = 123

    package init(_ inputDimension: Int, _ outputDimension: Int, usesPrincipalComponents: Bool) {
        self.usesPrincipalComponents = usesPrincipalComponents
        rotation = LinearMap(outputDimension, outputDimension)
        combined = LinearMap(inputDimension, outputDimension)
    }

    package mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        let rows = rows.sample(max(10 * inputDimension, 32_768))
        guard rows.count > 0 else {
            throw .tooFewVectors(found: 0, needed: 1, purpose: "a rotation")
        }
        mean = rows.mean()
        var units = rows.subtracting(mean).normalized()
        var components: LinearMap?
        if usesPrincipalComponents {
            var principal = PrincipalComponents(inputDimension, outputDimension, centers: false)
            try principal.train(units, work)
            units = principal.apply(units)
            components = principal.map
        }
        rotation.matrix = Orthogonal.randomRotation(
            inputDimension: outputDimension, outputDimension: outputDimension, seed: Self.seed)
        losses = [loss(units)]
        for round in 0..<Self.roundCount {
            let signs = VectorRows(
                checked: rotation.apply(units).values.map { $0 < 0 ? -1 : 1 },
                dimension: outputDimension)
            // The rotation W for which Σ ‖W x − s‖² is least is the nearest to Σ s xᵀ.
            rotation.matrix = Orthogonal.nearest(
                to: signs.products(with: units), rowCount: outputDimension,
                columnCount: outputDimension
            ).map(Float.init)
            losses.append(loss(units))
            work.report(
                TrainingProgress(
                    stage: "rotation for signs", completed: round + 1, total: Self.roundCount))
        }
        combined = components.map { rotation.after($0) } ?? rotation
    }

    private func loss(_ units: VectorRows) -> Double {
        rotation.apply(units).values.reduce(0) { sum, value in
            let difference = Double(value) - (value < 0 ? -1 : 1)
            return sum + difference * difference
        }
    }

    package func apply(_ rows: VectorRows) -> VectorRows {
        combined.apply(rows.subtracting(mean).normalized())
    }

    package func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Viqt")
        try writer.vector(mean)
        try writer.bool(usesPrincipalComponents)
        try writer.fourCC("Viqm")
        try writer.i32(Self.roundCount)
        try writer.i32(Int(Self.seed))
        try rotation.write(hasBias: false, isTrained: !rotation.matrix.isEmpty, to: &writer)
        try writer.fourCC("LTra")
        try combined.write(hasBias: false, isTrained: isTrained, to: &writer)
        try TransformShape(
            inputDimension: inputDimension, outputDimension: outputDimension, isTrained: isTrained
        ).write(to: &writer)
    }
}
