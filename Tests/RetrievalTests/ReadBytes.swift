import FathomTensors

/// All bytes of a file.
func readBytes(_ path: String) throws -> [UInt8] {
    try MappedFile(path: path).withBytes { Array($0) }
}
