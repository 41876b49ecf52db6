/// Reads one member of a ZIP archive such as a Python wheel.
///
/// Known are stored and deflated members of archives below 4 GiB; what a wheel does not use
/// (encryption, several disks, 64-bit fields) is refused by name.
package struct ZipArchive {
    /// What the directory says about a member.
    package struct Member: Equatable {
        package let name: String
        package let isDeflated: Bool
        package let compressedBytes: Int64
        package let bytes: Int64
        fileprivate let headerOffset: Int64
    }

    private let file: OpenFile
    private let name: String
    package let members: [Member]

    /// Reads the directory at the end of the archive.
    package init(_ path: String) throws(HubError) {
        file = try OpenFile(path, .read)
        name = path.split(separator: "/").last.map(String.init) ?? path
        members = try Self.directory(of: file, name: name)
    }

    /// Finds the only member with a path.
    package func member(_ path: String) throws(HubError) -> Member {
        let found = members.filter { $0.name == path }
        guard found.count == 1 else {
            throw .damagedArchive(
                file: name, reason: "it has \(found.count) members named \(quoted(path))")
        }
        return found[0]
    }

    /// Passes a member's content on in pieces.
    ///
    /// The content is not compared with the directory's sum: whoever unpacks has a better one.
    package func extract(
        _ member: Member, to emit: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let header = try file.read(30, at: member.headerOffset)
        guard header.count == 30, Self.number(header, 0, 4) == 0x0403_4B50 else {
            throw damaged("the header of \(quoted(member.name)) is missing")
        }
        let skipped = Int64(Self.number(header, 26, 2) + Self.number(header, 28, 2))
        var offset = member.headerOffset + 30 + skipped
        let end = offset + member.compressedBytes
        guard end <= (try file.bytes) else {
            throw damaged("\(quoted(member.name)) runs past the end")
        }
        func nextPiece() throws -> [UInt8] {
            let piece = try file.read(Int(min(256 << 10, end - offset)), at: offset)
            offset += Int64(piece.count)
            return piece
        }
        guard member.isDeflated else {
            while true {
                let piece = try nextPiece()
                guard !piece.isEmpty else { return }
                try piece.withUnsafeBytes { try emit($0) }
            }
        }
        do {
            try Inflate.decompress(from: nextPiece, to: emit)
        } catch let fault as Inflate.Fault {
            throw damaged("\(quoted(member.name)) is no DEFLATE stream (\(fault))")
        }
    }

    private func damaged(_ reason: String) -> HubError {
        .damagedArchive(file: name, reason: reason)
    }

    /// Most members looked at; a wheel with a model has a handful.
    private static let mostMembers = 10_000

    private static func directory(
        of file: OpenFile, name: String
    ) throws(HubError) -> [Member] {
        func damaged(_ reason: String) -> HubError { .damagedArchive(file: name, reason: reason) }
        let size = try file.bytes
        // The end record has 22 bytes and a comment of at most 65,535 behind it.
        let tailStart = max(0, size - 65_557)
        let tail = try file.read(Int(size - tailStart), at: tailStart)
        guard tail.count >= 22,
            let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
                number(tail, $0, 4) == 0x0605_4B50
                    && number(tail, $0 + 20, 2) == tail.count - $0 - 22
            })
        else { throw damaged("it has no directory") }
        let count = number(tail, end + 10, 2)
        let bytes = number(tail, end + 12, 4)
        let start = Int64(number(tail, end + 16, 4))
        guard number(tail, end + 4, 2) == 0, count <= mostMembers, bytes <= 16 << 20,
            start + Int64(bytes) <= tailStart + Int64(end)
        else { throw damaged("its directory has an impossible size or place") }
        let directory = try file.read(bytes, at: start)
        guard directory.count == bytes else { throw damaged("its directory is cut") }
        var members: [Member] = []
        var at = 0
        for _ in 0..<count {
            guard at + 46 <= bytes, number(directory, at, 4) == 0x0201_4B50 else {
                throw damaged("its directory is cut")
            }
            let nameBytes = number(directory, at + 28, 2)
            let next =
                at + 46 + nameBytes + number(directory, at + 30, 2) + number(directory, at + 32, 2)
            guard next <= bytes else { throw damaged("its directory is cut") }
            let path = String(
                decoding: directory[(at + 46)..<(at + 46 + nameBytes)], as: UTF8.self)
            let method = number(directory, at + 10, 2)
            let sizes = [number(directory, at + 20, 4), number(directory, at + 24, 4)]
            let offset = number(directory, at + 42, 4)
            guard number(directory, at + 8, 2) & 1 == 0, method == 0 || method == 8,
                !sizes.contains(0xFFFF_FFFF), offset != 0xFFFF_FFFF
            else {
                throw damaged("\(quoted(path)) is encrypted, 64-bit or packed by method \(method)")
            }
            members.append(
                Member(
                    name: path, isDeflated: method == 8, compressedBytes: Int64(sizes[0]),
                    bytes: Int64(sizes[1]), headerOffset: Int64(offset)))
            at = next
        }
        return members
    }

    /// A little-endian number of 2 or 4 bytes; the caller has checked that it is there.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        var value = 0
        for index in (0..<count).reversed() { value = value << 8 | Int(bytes[offset + index]) }
        return value
    }
}
