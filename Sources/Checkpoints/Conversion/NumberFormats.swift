import FathomTensors

extension Tensor {
    /// The numbers in another format, checked against what the conversion can do.
    ///
    /// - Parameter name: how errors name the tensor.
    func checkedConversion(to target: DType, name: String, path: String) throws -> Tensor {
        guard dtype != target else { return self }
        guard dtype.canDecode else {
            throw ConversionError.unsupportedType(path: path, tensor: name, type: dtype.name)
        }
        guard target.canEncode, shape.last % target.blockElements == 0 else {
            throw ConversionError.unsupportedTarget(target.name)
        }
        let result = converted(to: target)
        if target == .f16, dtype != .f16, result.hasNewInfinity(from: self) {
            throw ConversionError.overflow(path: path, tensor: name)
        }
        return result
    }

    /// Whether an F16 tensor has an infinity where the tensor it was made from has none.
    private func hasNewInfinity(from source: Tensor) -> Bool {
        let infinities = withBytes { bytes in
            bytes.withMemoryRebound(to: UInt16.self) { halves in
                halves.reduce(into: 0) { $0 += $1 & 0x7FFF == 0x7C00 ? 1 : 0 }
            }
        }
        guard infinities > 0 else { return false }
        return source.floatArray().reduce(into: 0) { $0 += $1.isInfinite ? 1 : 0 } < infinities
    }
}
