import FathomVectors

/// Bytes of an index, written field by field as Faiss does.
struct IndexBytes {
    private(set) var bytes: [UInt8] = []

    mutating func add<Value: BitwiseCopyable>(_ value: Value) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    mutating func type(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func vector<Element: BitwiseCopyable>(_ elements: [Element]) {
        add(UInt64(elements.count))
        elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func header(
        _ dimension: Int, count: Int, _ metric: Metric = .l2, argument: Float = 0
    ) {
        add(Int32(dimension))
        add(Int64(count))
        add(Int64(1 << 20))
        add(Int64(1 << 20))
        add(UInt8(1))
        add(metric.rawValue)
        if metric.rawValue > 1 { add(argument) }
    }

    /// A flat index of some vectors.
    mutating func flat(
        _ values: [Float], _ dimension: Int, _ metric: Metric = .l2, argument: Float = 0
    ) {
        type(metric == .l2 ? "IxF2" : metric == .innerProduct ? "IxFI" : "IxFl")
        header(dimension, count: values.count / dimension, metric, argument: argument)
        vector(values)
    }

    /// An inverted file with vectors as they are in the lists that a closure gives.
    mutating func invertedFlat(
        _ values: [Float], _ dimension: Int, centroids: [Float], lists: [[Int64]]
    ) {
        type("IwFl")
        header(dimension, count: values.count / dimension)
        add(UInt64(lists.count))
        add(UInt64(1))
        flat(centroids, dimension)
        add(UInt8(0))
        vector([Int64]())
        type("ilar")
        add(UInt64(lists.count))
        add(UInt64(dimension * 4))
        type("full")
        vector(lists.map { UInt64($0.count) })
        for list in lists {
            for id in list {
                for i in 0..<dimension { add(values[Int(id) * dimension + i]) }
            }
            for id in list { add(id) }
        }
    }
}
