import Crypto

/// What a file's content must hash to.
package enum Checksum: Sendable, Hashable {
    /// SHA-256 of the content, as the hub gives for files in large-file storage.
    case sha256(String)
    /// SHA-1 of the content behind Git's header, as the hub gives for the other files.
    ///
    /// It guards against accidents; against forgery it is as weak as SHA-1.
    case gitBlob(String)

    /// Accepts only the digits that such a sum has, in lower case.
    package init?(sha256 text: String?) {
        guard let text = Self.digits(text, count: 64) else { return nil }
        self = .sha256(text)
    }

    package init?(gitBlob text: String?) {
        guard let text = Self.digits(text, count: 40) else { return nil }
        self = .gitBlob(text)
    }

    package var hexadecimal: String {
        switch self {
        case .sha256(let text), .gitBlob(let text): text
        }
    }

    private static func digits(_ text: String?, count: Int) -> String? {
        guard let text = text?.lowercased(), text.utf8.count == count,
            text.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else { return nil }
        return text
    }
}

/// Sums content while it passes: always SHA-256, for the manifest, and Git's sum when wanted.
struct ContentHasher {
    private var sha256 = SHA256()
    private var git: Insecure.SHA1?
    private let expected: Checksum?

    /// - Parameter bytes: The length of the whole content, which Git's header contains.
    init(expecting checksum: Checksum?, bytes: Int64?) {
        expected = checksum
        if case .gitBlob = checksum, let bytes {
            var sum = Insecure.SHA1()
            sum.update(data: Array("blob \(bytes)\0".utf8))
            git = sum
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        sha256.update(bufferPointer: bytes)
        git?.update(bufferPointer: bytes)
    }

    /// Compares with what was expected and gives the SHA-256.
    func finish(file: String) throws(HubError) -> String {
        let sum = Self.hexadecimal(sha256.finalize())
        let found: String
        switch expected {
        case nil: return sum
        case .sha256: found = sum
        case .gitBlob:
            // Without a length there is no header to sum; the size was not announced either.
            guard let git else { return sum }
            found = Self.hexadecimal(git.finalize())
        }
        guard let expected, found == expected.hexadecimal else {
            throw .checksumMismatch(
                file: file, expected: expected?.hexadecimal ?? "", found: found)
        }
        return sum
    }

    /// Takes in a file from its start.
    mutating func update(
        _ file: OpenFile, bytes: Int64, whileReading report: (Int64) throws -> Void
    ) throws {
        var offset: Int64 = 0
        while offset < bytes {
            let chunk = try file.read(Int(min(1 << 20, bytes - offset)), at: offset)
            guard !chunk.isEmpty else { break }
            chunk.withUnsafeBytes { update($0) }
            offset += Int64(chunk.count)
            try report(offset)
        }
    }

    static func sha256(ofText text: String) -> String {
        hexadecimal(SHA256.hash(data: Array(text.utf8)))
    }

    static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in digest {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
