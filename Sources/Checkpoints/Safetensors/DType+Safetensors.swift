package import FathomTensors

extension DType {
    /// The type's name in safetensors files; nil for types that such files cannot hold.
    package var safetensorsName: String? {
        switch self {
        case .bool: "BOOL"
        case .u8: "U8"
        case .i8: "I8"
        case .f8e5m2: "F8_E5M2"
        case .f8e4m3: "F8_E4M3"
        case .i16: "I16"
        case .u16: "U16"
        case .f16: "F16"
        case .bf16: "BF16"
        case .i32: "I32"
        case .u32: "U32"
        case .f32: "F32"
        case .f64: "F64"
        case .i64: "I64"
        case .u64: "U64"
        default: nil
        }
    }

    /// The place of the type in the order in which the reference implementation lays out tensors
    /// (safetensors, `Dtype` in tensor.rs): types of larger alignment have larger numbers.
    var safetensorsOrder: Int {
        let order: [DType] = [
            .bool, .u8, .i8, .f8e5m2, .f8e4m3, .i16, .u16, .f16, .bf16, .i32, .u32, .f32, .f64,
            .i64, .u64,
        ]
        return order.firstIndex(of: self) ?? order.count
    }
}

/// What a type name in a safetensors header stands for.
enum SafetensorsType {
    case supported(DType)
    /// Known to the format; cannot be computed with.
    case unsupported
    case unknown

    init(_ name: String) {
        switch name {
        case "F32": self = .supported(.f32)
        case "BF16": self = .supported(.bf16)
        case "F16": self = .supported(.f16)
        case "F8_E4M3": self = .supported(.f8e4m3)
        case "F8_E5M2": self = .supported(.f8e5m2)
        case "F64": self = .supported(.f64)
        case "I64": self = .supported(.i64)
        case "I32": self = .supported(.i32)
        case "I16": self = .supported(.i16)
        case "I8": self = .supported(.i8)
        case "U64": self = .supported(.u64)
        case "U32": self = .supported(.u32)
        case "U16": self = .supported(.u16)
        case "U8": self = .supported(.u8)
        case "BOOL": self = .supported(.bool)
        case "F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64":
            self = .unsupported
        default: self = .unknown
        }
    }
}
