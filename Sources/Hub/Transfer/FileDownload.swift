import AsyncHTTPClient
import NIOCore

/// Brings one file to its place, whatever the server does on the way.
///
/// The protocol: bytes go to a part file; a broken transfer goes on with a range request if the
/// server still has the same content by entity tag, length and checksum, and from the start
/// otherwise; the whole is checked before the file is synced, renamed and the folder synced.
struct FileDownload {
    /// The path inside the repository.
    let file: String
    let repository: String
    let address: Address
    let token: String?
    let expectedBytes: Int64?
    let checksum: Checksum?
    let part: PartialFile
    let destination: String
    let transport: HTTPTransport

    struct Result {
        let bytes: Int64
        let sha256: String
    }

    /// What became of one request.
    private enum Outcome {
        case finished(Result)
        /// The part does not fit what the server has now and was thrown away.
        case mustStartOver(String)
    }

    /// Downloads or goes on with a download.
    ///
    /// - Parameter report: Told about the stage and the bytes of this file that are there.
    func run(_ reporter: inout ProgressReporter, alreadyDone: Int64, total: Int64?) async throws
        -> Result
    {
        var retry = Retry(transport.settings.limits)
        var hasStartedOver = false
        while true {
            try Task.checkCancellation()
            let before = partBytes
            do {
                let outcome = try await attempt(&reporter, alreadyDone: alreadyDone, total: total)
                switch outcome {
                case .finished(let result): return result
                case .mustStartOver(let reason):
                    guard !hasStartedOver else {
                        throw HubError.malformedResponse(
                            file: file, reason: "\(reason), and again after a new start")
                    }
                    hasStartedOver = true
                    reporter.notice("\(file): \(reason); starting over")
                }
            } catch let error as HubError {
                guard let wait = retry.wait(after: error, newBytes: partBytes - before) else {
                    throw error
                }
                reporter.notice("\(error.sentence); trying again")
                try await Task.sleep(for: wait)
            }
        }
    }

    /// Takes a file that is in place but in no manifest, if it is what the listing promises.
    ///
    /// A process killed between the two leaves such a file, and so does a damaged manifest.
    func adoptExisting(_ reporter: inout ProgressReporter) throws -> Result? {
        guard let status = Folders.ownStatus(of: destination), status.kind == .file,
            let checksum, expectedBytes == nil || status.bytes == expectedBytes
        else { return nil }
        let content = try OpenFile(destination, .read)
        var hasher = ContentHasher(expecting: checksum, bytes: status.bytes)
        try hasher.update(content, bytes: status.bytes) { done in
            try Task.checkCancellation()
            reporter.report(.verifying(file: file), completed: done, total: status.bytes)
        }
        guard let sha256 = try? hasher.finish(file: file) else { return nil }
        return Result(bytes: status.bytes, sha256: sha256)
    }

    private var partBytes: Int64 { Folders.ownStatus(of: part.contentPath)?.bytes ?? 0 }

    private func attempt(
        _ reporter: inout ProgressReporter, alreadyDone: Int64, total: Int64?
    ) async throws -> Outcome {
        let known = try usableConditions()
        let content = try OpenFile(part.contentPath, .resume)
        let offset = try content.bytes
        // Before the request: summing gigabytes takes longer than a server waits for a reader.
        var sum = try hasher(over: content, offset, &reporter)
        if offset > 0, offset == known?.bytes ?? expectedBytes {
            return try finish(content, resumedFrom: offset, hasher: sum)
        }
        var headers: [(String, String)] = []
        if offset > 0 {
            headers.append(("Range", "bytes=\(offset)-"))
            // An honest server then sends the whole new content at once when it has changed.
            if let tag = known?.entityTag { headers.append(("If-Range", tag)) }
        }
        let answer = try await transport.get(
            address, file: file, repository: repository, headers: headers,
            patience: transport.settings.limits.connectTimeout
                + transport.settings.limits.stallTimeout, token: token)
        var resume = Resume(offset: offset, conditions: conditions(of: answer, offset: offset))
        switch answer.status {
        case 200: resume.offset = 0
        case 206 where offset > 0:
            guard let reason = mismatch(answer, offset: offset, known: known) else { break }
            try part.discard()
            return .mustStartOver(reason)
        case 416 where offset > 0:
            try part.discard()
            return .mustStartOver("the server has no bytes after \(offset)")
        default: throw answer.fault()
        }
        try answer.requireIdentity()
        try checkLength(answer, offset: resume.offset)
        if resume.offset == 0 {
            if offset > 0 { reporter.notice("\(file): the server sends it anew; starting over") }
            try content.truncate(to: 0)
            try part.write(resume.conditions)
            sum = ContentHasher(expecting: checksum, bytes: expectedBytes)
        }
        let end = try await receive(
            answer, into: content, from: resume.offset, hasher: &sum, whole: resume.conditions.bytes
        ) { bytes in
            reporter.report(
                .downloading(file: file), completed: alreadyDone + bytes, total: total)
        }
        if let whole = resume.conditions.bytes, end < whole {
            throw HubError.connectionLost(
                file: file, receivedBytes: end, reason: "\(whole) bytes were announced")
        }
        return try finish(content, resumedFrom: resume.offset, hasher: sum)
    }

    private struct Resume {
        var offset: Int64
        var conditions: PartialFile.Conditions
    }

    /// The conditions of the part, or nothing after it was thrown away for not fitting the listing.
    private func usableConditions() throws(HubError) -> PartialFile.Conditions? {
        let known = try part.conditions()
        let bytes = partBytes
        let whole = expectedBytes ?? known?.bytes
        if let known, known.identifiesContent, known.checksum == checksum?.hexadecimal,
            expectedBytes == nil || known.bytes == nil || known.bytes == expectedBytes,
            bytes <= whole ?? .max
        {
            return known
        }
        try part.discard()
        return nil
    }

    private func conditions(of answer: HTTPAnswer, offset: Int64) -> PartialFile.Conditions {
        let range = answer.status == 206 ? ContentRange(answer.header("Content-Range")) : nil
        let announced = range.map(\.total) ?? answer.contentLength
        return .init(
            entityTag: answer.header("ETag").flatMap(strong),
            hubEntityTag: answer.hub.entityTag.flatMap(strong),
            checksum: checksum?.hexadecimal,
            bytes: expectedBytes ?? announced ?? answer.hub.bytes)
    }

    /// A weak tag says that two contents mean the same, not that their bytes can be joined.
    private func strong(_ tag: String) -> String? {
        tag.hasPrefix("W/") || tag.isEmpty ? nil : tag
    }

    /// Says why a partial answer does not continue the part; nothing when it does.
    private func mismatch(
        _ answer: HTTPAnswer, offset: Int64, known: PartialFile.Conditions?
    ) -> String? {
        guard let known else { return "its origin is not known" }
        guard let range = ContentRange(answer.header("Content-Range")), range.first == offset else {
            return "the server sent another range than was asked for"
        }
        if let whole = known.bytes {
            guard range.total == nil || range.total == whole, range.last == whole - 1 else {
                return "its length has changed on the server"
            }
        }
        let now = conditions(of: answer, offset: offset)
        let tagsAgree =
            (now.entityTag ?? known.entityTag) == (known.entityTag ?? now.entityTag)
            && (now.hubEntityTag ?? known.hubEntityTag)
                == (known.hubEntityTag ?? now.hubEntityTag)
        guard tagsAgree else { return "its entity tag has changed on the server" }
        let isSame =
            now.entityTag != nil && now.entityTag == known.entityTag
            || now.hubEntityTag != nil && now.hubEntityTag == known.hubEntityTag
            || known.checksum != nil && known.checksum == now.checksum
        return isSame ? nil : "the server gives no sign that it is still the same"
    }

    private func checkLength(_ answer: HTTPAnswer, offset: Int64) throws(HubError) {
        guard let expectedBytes, let announced = answer.contentLength else { return }
        guard announced == expectedBytes - offset else {
            throw .sizeMismatch(file: file, expected: expectedBytes - offset, found: announced)
        }
    }

    private func hasher(
        over content: OpenFile, _ bytes: Int64, _ reporter: inout ProgressReporter
    ) throws -> ContentHasher {
        var hasher = ContentHasher(expecting: checksum, bytes: expectedBytes)
        try hasher.update(content, bytes: bytes) { done in
            try Task.checkCancellation()
            reporter.report(.verifying(file: file), completed: done, total: bytes)
        }
        return hasher
    }

    /// Writes the body and gives the length of the content after it.
    private func receive(
        _ answer: HTTPAnswer, into content: OpenFile, from offset: Int64,
        hasher: inout ContentHasher, whole: Int64?, report: (Int64) -> Void
    ) async throws -> Int64 {
        var end = offset
        var watch = StallWatch(transport.settings.limits)
        var body = answer.response.body.makeAsyncIterator()
        report(end)
        while true {
            let buffer: ByteBuffer?
            do {
                buffer = try await body.next()
            } catch {
                throw transport.fault(error, at: answer.address, file: file, received: end)
            }
            guard let buffer else { return end }
            guard buffer.readableBytes > 0 else { continue }
            let count = Int64(buffer.readableBytes)
            if let whole, count > whole - end {
                // What is there may be right, but a server that sends more is not believed.
                try part.discard()
                throw HubError.sizeMismatch(file: file, expected: whole, found: end + count)
            }
            try write(buffer, to: content, at: end, hasher: &hasher)
            end += count
            report(end)
            guard watch.saw(count) else {
                throw HubError.stalled(
                    file: file, seconds: watch.seconds, receivedBytes: end)
            }
        }
    }

    private func write(
        _ buffer: ByteBuffer, to content: OpenFile, at offset: Int64, hasher: inout ContentHasher
    ) throws(HubError) {
        var fault: HubError?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(HubError) {
                try content.write(bytes, at: offset)
                hasher.update(bytes)
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
    }

    /// Checks, syncs and publishes.
    private func finish(
        _ content: OpenFile, resumedFrom offset: Int64, hasher: ContentHasher
    ) throws -> Outcome {
        let bytes = try content.bytes
        if let expectedBytes, bytes != expectedBytes {
            try part.discard()
            throw HubError.sizeMismatch(file: file, expected: expectedBytes, found: bytes)
        }
        let sha256: String
        do throws(HubError) {
            sha256 = try hasher.finish(file: file)
        } catch {
            try part.discard()
            // A crash can leave a part whose tail never reached the disk.
            guard offset == 0 else {
                return .mustStartOver("the continued download has another checksum")
            }
            throw error
        }
        try content.sync()
        try part.publish(as: destination)
        return .finished(Result(bytes: bytes, sha256: sha256))
    }
}

/// Notices a body that drips so slowly that it might as well have stopped.
struct StallWatch {
    private let limits: TransferLimits
    private var windowStart = ContinuousClock.now
    private var windowBytes: Int64 = 0

    init(_ limits: TransferLimits) { self.limits = limits }

    var seconds: Double { limits.stallTimeout.inSeconds }

    /// Takes note of new bytes; false when too few came in the last window.
    mutating func saw(_ bytes: Int64) -> Bool {
        windowBytes += bytes
        let now = ContinuousClock.now
        guard now - windowStart >= limits.stallTimeout else { return true }
        let isMoving = windowBytes >= limits.minimumBytes
        windowStart = now
        windowBytes = 0
        return isMoving
    }
}
