/// Inverted lists of vectors as they are.
public struct IVFFlatIndex: InvertedIndex, ReadableIndex {
    var file: InvertedFile
    var codeSize: Int { header.dimension * 4 }
    var isResidual: Bool { false }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        let isOld = type == "IvFl" || type == "IvFL"
        var file = try InvertedFile(reading: &reader, isOld: isOld)
        try file.readLists(
            &reader, codeSize: file.header.dimension * 4, unitSize: type == "IvFl" ? 4 : 1)
        self.file = file
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        FloatScanner(query, metric: metric, argument: header.metricArgument)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(vector).copyMemory(from: code, byteCount: codeSize)
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) -> [UInt8] {
        vectors.values.withUnsafeBytes { Array($0) }
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IwFl")
        try file.writeHeader(to: &writer)
        try file.lists.write(to: &writer)
    }
}
