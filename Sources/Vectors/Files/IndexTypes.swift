/// An index that a reader can make, by the four characters it begins with.
protocol ReadableIndex: VectorIndex {
    init(reading reader: inout IndexReader, type: FourCC) throws
}

protocol ReadableBinaryIndex: BinaryIndex {
    init(reading reader: inout IndexReader, type: FourCC) throws
}

/// Every type of index in files, by its four characters; older types are written as newer ones.
enum IndexTypes {
    private static let types: [FourCC: any ReadableIndex.Type] = [
        "IxF2": FlatIndex.self, "IxFI": FlatIndex.self, "IxFl": FlatIndex.self,
        "IxHe": LSHIndex.self,
        "IxSQ": ScalarQuantizerIndex.self,
        "IxPq": ProductQuantizerIndex.self, "IxPQ": ProductQuantizerIndex.self,
        "IxPo": ProductQuantizerIndex.self,
        "Imiq": MultiIndexQuantizer.self,
        "Ix2L": TwoLayerIndex.self,
        "IxRq": AdditiveQuantizerIndex.self, "IxLS": AdditiveQuantizerIndex.self,
        "IxPR": AdditiveQuantizerIndex.self, "IxPL": AdditiveQuantizerIndex.self,
        "ImRQ": ResidualCoarseQuantizer.self,
        "Ixrq": RaBitQIndex.self, "Ixrr": RaBitQIndex.self,
        "IwFl": IVFFlatIndex.self, "IvFl": IVFFlatIndex.self, "IvFL": IVFFlatIndex.self,
        "IwFd": IVFFlatDedupIndex.self,
        "IwSq": IVFScalarQuantizerIndex.self, "IwSQ": IVFScalarQuantizerIndex.self,
        "IvSQ": IVFScalarQuantizerIndex.self,
        "IwPQ": IVFProductQuantizerIndex.self, "IwQR": IVFProductQuantizerIndex.self,
        "IvPQ": IVFProductQuantizerIndex.self, "IvQR": IVFProductQuantizerIndex.self,
        "IwRQ": IVFAdditiveQuantizerIndex.self, "IwLS": IVFAdditiveQuantizerIndex.self,
        "IwPR": IVFAdditiveQuantizerIndex.self, "IwPL": IVFAdditiveQuantizerIndex.self,
        "Iwrq": IVFRaBitQIndex.self, "Iwrr": IVFRaBitQIndex.self,
        "IwSh": IVFSpectralHashIndex.self,
        "IPfs": ProductFastScanIndex.self,
        "IRfs": AdditiveFastScanIndex.self, "ILfs": AdditiveFastScanIndex.self,
        "IPRf": AdditiveFastScanIndex.self, "IPLf": AdditiveFastScanIndex.self,
        "Irfn": RaBitQFastScanIndex.self,
        "IwPf": IVFProductFastScanIndex.self,
        "IVRf": IVFAdditiveFastScanIndex.self, "IVLf": IVFAdditiveFastScanIndex.self,
        "NPRf": IVFAdditiveFastScanIndex.self, "NPLf": IVFAdditiveFastScanIndex.self,
        "Iwrn": IVFRaBitQFastScanIndex.self,
        "IHNf": HNSWIndex.self, "IHNs": HNSWIndex.self, "IHNp": HNSWIndex.self,
        "IHN2": HNSWIndex.self,
        "INSf": NSGIndex.self, "INSs": NSGIndex.self, "INSp": NSGIndex.self,
        "INNf": NNDescentIndex.self,
        "IxPT": TransformedIndex.self,
        "IxRF": RefinedIndex.self,
        "IxMp": IDMappedIndex.self, "IxM2": IDMappedIndex.self,
        "IRMf": RowwiseMinMaxIndex.self, "IRMh": RowwiseMinMaxIndex.self,
    ]

    private static let binaryTypes: [FourCC: any ReadableBinaryIndex.Type] = [
        "IBxF": BinaryFlatIndex.self,
        "IBwF": BinaryIVFIndex.self,
        "IBHf": BinaryHNSWIndex.self,
        "IBFf": BinaryFromFloatIndex.self,
        "IBMp": BinaryIDMappedIndex.self, "IBM2": BinaryIDMappedIndex.self,
        "IBHh": BinaryHashIndex.self,
        "IBHm": BinaryMultiHashIndex.self,
    ]

    static func isBinary(_ type: FourCC) -> Bool { binaryTypes[type] != nil }

    /// Reads an index of float vectors.
    static func read(_ reader: inout IndexReader) throws -> any VectorIndex {
        let type = try reader.fourCC("type")
        guard let index = types[type] else {
            throw reader.refusal(of: type)
        }
        return try index.init(reading: &reader, type: type)
    }

    /// Reads an index of float vectors inside another one.
    static func read(
        _ name: String, _ reader: inout IndexReader
    ) throws -> any VectorIndex {
        try reader.nested(name) { try read(&$0) }
    }

    static func readBinary(_ reader: inout IndexReader) throws -> any BinaryIndex {
        let type = try reader.fourCC("type")
        guard let index = binaryTypes[type] else {
            throw reader.refusal(of: type)
        }
        return try index.init(reading: &reader, type: type)
    }

    static func readBinary(
        _ name: String, _ reader: inout IndexReader
    ) throws -> any BinaryIndex {
        try reader.nested(name) { try readBinary(&$0) }
    }
}
