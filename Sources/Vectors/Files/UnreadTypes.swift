/// Types of Faiss's files that are not read, and what they hold, so that they are refused by name.
enum UnreadTypes {
    private static let names: [FourCC: String] = [
        "IxFP": "Panorama vectors", "IxFp": "Panorama vectors",
        "IwPn": "inverted lists of Panorama vectors", "IwP2": "inverted lists of Panorama vectors",
        "ilpn": "lists of Panorama vectors", "ilp2": "lists of Panorama vectors",
        "IHfP": "an HNSW graph over Panorama vectors",
        "IxRP": "an index refined by Panorama vectors",
        "IHNc": "a CAGRA graph", "IHc2": "a CAGRA graph", "IBHc": "a CAGRA graph of bits",
        "IH00": "an HNSW graph without its vectors",
        "IxEd": "EDEN codes", "IxEe": "EDEN codes",
        "IwEd": "inverted lists of EDEN codes", "IwEe": "inverted lists of EDEN codes",
        "ISVF": "SVS vectors",
        "ILVQ": "an SVS graph", "ISVL": "an SVS graph", "ISVD": "an SVS graph",
        "ISV2": "an SVS graph",
        "ISIQ": "SVS inverted lists", "ISIL": "SVS inverted lists", "ISID": "SVS inverted lists",
        "IwIQ": "inverted lists with an independent quantizer",
        "IxLa": "lattice codes",
        "IxHE": "LSH codes of an older layout",
        "IxRQ": "residual codes of an older layout",
        "Irfs": "RaBitQ fast-scan codes of an older layout",
        "Iwrf": "inverted lists of RaBitQ fast-scan codes of an older layout",
        "null": "a missing index",
    ]

    static func name(_ type: FourCC) -> String? { names[type] }
}

extension IndexReader {
    /// The refusal of a type that was just read.
    func refusal(of type: FourCC) -> IndexFileError {
        let name = type.description
        return failure(
            "type", at: position - 4,
            UnreadTypes.name(type).map { .unreadType(name, holds: $0) } ?? .unknownType(name))
    }
}
