/// One query, prepared to meet codes of one kind.
protocol CodeScanner: AnyObject {
    /// Codes looked at between two looks at the bound.
    var blockSize: Int { get }

    /// Moves to an inverted list; its codes may be relative to its centroid.
    func enter(list: Int, coarseDistance: Float) throws

    /// Writes the distances of `count` codes that follow each other.
    ///
    /// A scanner with a block of one may give any distance that misses the bound to a code that
    /// would miss it too.
    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float)
}

extension CodeScanner {
    var blockSize: Int { 256 }
    func enter(list: Int, coarseDistance: Float) throws {}
}

/// A run of codes and their labels.
struct CodeRun {
    let codes: UnsafeRawPointer
    let codeSize: Int
    let count: Int
    /// Ids of the codes, which a selector looks at; nil where they are the positions.
    var ids: UnsafePointer<Int64>?
    /// Where there are no ids: the position of the first code.
    var firstPosition: Int64 = 0
    /// What is offered instead of the ids: the first label, those of the next codes count up.
    var firstLabel: Int64?

    private func id(_ place: Int) -> Int64 { ids?[place] ?? firstPosition + Int64(place) }

    /// Offers every code that the selector lets through.
    func scan<Collector: HitCollector>(
        with scanner: any CodeScanner, selector: IDSelector?, into collector: inout Collector
    ) {
        let block = scanner.blockSize
        withUnsafeTemporaryAllocation(of: Float.self, capacity: block) { buffer in
            guard let distances = buffer.baseAddress else { return }
            var begin = 0
            while begin < count {
                let size = min(block, count - begin)
                defer { begin += size }
                if block == 1, let selector, !selector.contains(id(begin)) {
                    continue
                }
                scanner.scan(
                    codes + begin * codeSize, count: size, distances: distances,
                    bound: collector.bound)
                for i in 0..<size {
                    let id = id(begin + i)
                    if let selector, !selector.contains(id) { continue }
                    let label = firstLabel.map { $0 + Int64(begin + i) } ?? id
                    collector.offer(distances[i], label)
                }
            }
        }
    }
}

/// Distances by position, from a scanner and the codes of an index.
final class ScannedDistances: QueryDistances {
    private let scanner: any CodeScanner
    private let codes: Storage<UInt8>
    private let codeSize: Int

    init(_ scanner: any CodeScanner, codes: Storage<UInt8>, codeSize: Int) {
        self.scanner = scanner
        self.codes = codes
        self.codeSize = codeSize
    }

    func fill(
        _ distances: UnsafeMutablePointer<Float>, positions: UnsafeBufferPointer<Int32>
    ) {
        codes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for (i, position) in positions.enumerated() {
                scanner.scan(
                    base + Int(position) * codeSize, count: 1, distances: distances + i,
                    bound: .nan)
            }
        }
    }
}
