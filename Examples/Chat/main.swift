import Fathom

// Answers one question: `swift run -c release ChatExample MODEL "Why is the sky blue?"`
let arguments = CommandLine.arguments
precondition(arguments.count == 3, "usage: ChatExample MODEL QUESTION")
let model = try LanguageModel.load(from: arguments[1])
let session = ChatSession(model, sampling: .init(temperature: 0.6, topP: 0.95))
for try await event in session.respond(to: arguments[2]) {
    switch event {
    case .text(let piece), .reasoning(let piece): print(piece, terminator: "")
    case .finished(let usage): print("\n\(usage.completionTokens) tokens")
    case .toolCall, .token: break
    }
}
