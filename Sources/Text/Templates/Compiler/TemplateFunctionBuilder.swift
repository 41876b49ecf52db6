/// Collects the instructions of the template or of one macro.
final class TemplateFunctionBuilder {
    /// How many functions are around this one.
    let depth: Int
    private(set) var chunk = TemplateChunk()
    /// The loops around the code that is being made, innermost last.
    var loops: [Loop] = []
    /// How many captures are open there.
    var captureDepth = 0

    struct Loop {
        let start: Int
        let captureDepth: Int
        /// The jumps that leave the loop.
        var exits: [Int] = []
    }

    init(depth: Int) {
        self.depth = depth
    }

    func makeSlot() -> Int {
        chunk.slotCount += 1
        return chunk.slotCount - 1
    }

    /// The index of the next instruction.
    var position: Int { chunk.instructions.count }

    func emit(_ instruction: TemplateInstruction, line: Int) {
        chunk.instructions.append(instruction)
        chunk.lines.append(Int32(clamping: line))
    }

    /// Emits a jump whose destination is set later with `land`.
    func emitJump(_ jump: TemplateJump, line: Int) -> Int {
        emit(.jump(jump, to: 0), line: line)
        return position - 1
    }

    /// Lets jumps arrive at the next instruction.
    func land(_ jumps: [Int]) {
        for index in jumps {
            if case .jump(let kind, _) = chunk.instructions[index] {
                chunk.instructions[index] = .jump(kind, to: position)
            }
        }
    }

    func land(_ jump: Int) {
        land([jump])
    }

    func finish(_ macro: TemplateMacroShape?) -> TemplateChunk {
        chunk.macro = macro
        return chunk
    }
}
