// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names of the formats are published as they are.

/// How the elements of a tensor are stored.
///
/// Raw values up to 39 are the type numbers of the GGUF format; those above 1000 are ours, for
/// types that only safetensors files hold. Block types group 32 or 256 elements of a row.
public enum DType: Int32, Sendable, Hashable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case iq2_XXS = 16
    case iq2_XS = 17
    case iq3_XXS = 18
    case iq1_S = 19
    case iq4_NL = 20
    case iq3_S = 21
    case iq2_S = 22
    case iq4_XS = 23
    case i8 = 24
    case i16 = 25
    case i32 = 26
    case i64 = 27
    case f64 = 28
    case iq1_M = 29
    case bf16 = 30
    case tq1_0 = 34
    case tq2_0 = 35
    case mxfp4 = 39
    case nvfp4 = 40
    case f8e4m3 = 1001
    case u8 = 1002
    case bool = 1003
    case f8e5m2 = 1004
    case u16 = 1005
    case u32 = 1006
    case u64 = 1007

    /// Elements in one block; 1 for plain types.
    public var blockElements: Int { layout.elements }

    /// Bytes of one block.
    public var blockBytes: Int { layout.bytes }

    /// Whether elements are grouped in blocks, a row of which cannot be cut anywhere.
    public var isBlocked: Bool { blockElements > 1 }

    /// Whether `F32`, `F16` or `BF16`: the types that matrix products read unchanged.
    public var isPlainFloat: Bool { self == .f32 || self == .f16 || self == .bf16 }

    /// Whether the elements stand for real numbers that dequantise to F32.
    public var isReal: Bool {
        switch self {
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool: false
        default: true
        }
    }

    /// The bytes of `elements` consecutive elements.
    ///
    /// - Returns: `nil` if they do not fill whole blocks or the number overflows.
    public func byteCount(elements: Int) -> Int? {
        guard elements >= 0, elements % blockElements == 0 else { return nil }
        let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(
            by: blockBytes)
        return overflow ? nil : bytes
    }

    /// The published name: `F32`, `Q4_K`, `IQ2_XXS`, `F8_E4M3`.
    public var name: String {
        switch self {
        case .f8e4m3: "F8_E4M3"
        case .f8e5m2: "F8_E5M2"
        default: "\(self)".uppercased()
        }
    }

    /// Finds a type by its published name, upper or lower case.
    public init?(named name: String) {
        let wanted = name.uppercased()
        guard let found = Self.allCases.first(where: { $0.name == wanted }) else { return nil }
        self = found
    }

    private var layout: (elements: Int, bytes: Int) {
        switch self {
        case .f32, .i32, .u32: (1, 4)
        case .f16, .bf16, .i16, .u16: (1, 2)
        case .i64, .f64, .u64: (1, 8)
        case .i8, .u8, .bool, .f8e4m3, .f8e5m2: (1, 1)
        case .q4_0, .iq4_NL: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .mxfp4: (32, 17)
        case .nvfp4: (64, 36)
        case .q2_K: (256, 84)
        case .q3_K: (256, 110)
        case .q4_K: (256, 144)
        case .q5_K: (256, 176)
        case .q6_K: (256, 210)
        case .iq2_XXS: (256, 66)
        case .iq2_XS: (256, 74)
        case .iq2_S: (256, 82)
        case .iq3_XXS: (256, 98)
        case .iq3_S: (256, 110)
        case .iq1_S: (256, 50)
        case .iq1_M: (256, 56)
        case .iq4_XS: (256, 136)
        case .tq1_0: (256, 54)
        case .tq2_0: (256, 66)
        }
    }
}
