/// What a `tokenizer.model` holds: pieces, scores and settings.
///
/// Field numbers are those of `sentencepiece_model.proto`; defaults stand beside them.
struct SentencePieceFile {
    enum Kind: Int, Sendable {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    enum Algorithm: Int, Sendable {
        case unigram = 1
        case bytePair, word, character
    }

    struct Piece: Sendable {
        var text: [UInt8] = []
        var score: Float = 0
        var kind = Kind.normal
    }

    var pieces: [Piece] = []
    var algorithm = Algorithm.unigram
    var fallsBackToBytes = false
    var marksWordEnds = false
    var unknownSurface = " \u{2047} "
    var beginOfSequence: Int?
    var endOfSequence: Int?
    var normalizer = SentencePieceNormalizer()

    init(_ bytes: [UInt8]) throws(TokenizerError.Reason) {
        var beginName = Array("<s>".utf8)
        var endName = Array("</s>".utf8)
        var beginID = 1
        var endID = 2
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let range)):
                guard pieces.count < Vocabulary.maximumCount else {
                    throw .tooManyTokens(
                        count: pieces.count + 1, limit: Vocabulary.maximumCount)
                }
                pieces.append(try Self.readPiece(bytes, range, id: pieces.count))
            case (2, .bytes(let range)):
                var trainer = ProtobufReader(bytes, in: range)
                while let (field, value) = try trainer.next() {
                    switch (field, value) {
                    case (3, .number(let number)):
                        guard let known = Int(exactly: number).flatMap(Algorithm.init) else {
                            throw .unsupported(
                                field: "model_type", value: "\(number)",
                                supported: "unigram (1), bpe (2)")
                        }
                        algorithm = known
                    case (24, .number(let number)): marksWordEnds = number != 0
                    case (35, .number(let number)): fallsBackToBytes = number != 0
                    case (41, .number(let number)): beginID = Self.signed(number)
                    case (42, .number(let number)): endID = Self.signed(number)
                    case (44, .bytes(let range)):
                        unknownSurface = String(decoding: bytes[range], as: UTF8.self)
                    case (46, .bytes(let range)): beginName = Array(bytes[range])
                    case (47, .bytes(let range)): endName = Array(bytes[range])
                    default: break
                    }
                }
            case (3, .bytes(let range)):
                normalizer = try Self.readNormalizer(bytes, range)
            case (5, .bytes(let range)):
                let denormalizer = try Self.readNormalizer(bytes, range)
                guard denormalizer.characterMap == nil else {
                    throw .unsupported(
                        field: "denormalizer_spec", value: "a character map", supported: "none")
                }
            default: break
            }
        }
        // An id counts if the piece there is what it says; otherwise a control piece of that name.
        func control(_ id: Int, _ name: [UInt8]) -> Int? {
            if pieces.indices.contains(id), pieces[id].kind == .control, pieces[id].text == name {
                return id
            }
            return pieces.firstIndex { $0.kind == .control && $0.text == name }
        }
        beginOfSequence = control(beginID, beginName)
        endOfSequence = control(endID, endName)
    }

    private static func signed(_ number: UInt64) -> Int {
        Int(Int32(truncatingIfNeeded: number))
    }

    private static func readPiece(
        _ bytes: [UInt8], _ range: Range<Int>, id: Int
    ) throws(TokenizerError.Reason) -> Piece {
        var piece = Piece()
        var reader = ProtobufReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let range)):
                guard range.count <= Vocabulary.maximumTokenBytes else {
                    throw .tokenTooLong(
                        id: id, bytes: range.count, limit: Vocabulary.maximumTokenBytes)
                }
                guard String(validating: bytes[range], as: UTF8.self) != nil else {
                    throw .protobuf(detail: "piece \(id) is not UTF-8", offset: range.lowerBound)
                }
                piece.text = Array(bytes[range])
            case (2, .fixed32(let bits)):
                piece.score = Float(bitPattern: bits)
                guard piece.score.isFinite else { throw .badScore(id: id) }
            case (3, .number(let number)):
                guard let kind = Int(exactly: number).flatMap(Kind.init) else {
                    throw .unsupported(
                        field: "type of piece \(id)", value: "\(number)", supported: "1 to 6")
                }
                piece.kind = kind
            default: break
            }
        }
        guard !piece.text.isEmpty else {
            throw .emptyToken(id: id, isSpecial: piece.kind == .control)
        }
        return piece
    }

    private static func readNormalizer(
        _ bytes: [UInt8], _ range: Range<Int>
    ) throws(TokenizerError.Reason) -> SentencePieceNormalizer {
        var normalizer = SentencePieceNormalizer()
        var reader = ProtobufReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (2, .bytes(let range)) where !range.isEmpty:
                normalizer.characterMap = try CharacterMap(bytes[range])
            case (3, .number(let number)): normalizer.addsWordMarkInFront = number != 0
            case (4, .number(let number)): normalizer.removesExtraWhitespace = number != 0
            case (5, .number(let number)): normalizer.escapesWhitespace = number != 0
            default: break
            }
        }
        return normalizer
    }
}
