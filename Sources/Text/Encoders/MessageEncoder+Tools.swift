import FathomJSON

extension MessageEncoder {
    /// Writes calls in DSML.
    func write(_ calls: [EncodedMessage.Call], to writer: inout SegmentWriter) {
        typealias Markup = ModelMarkers.DSML
        writer.template("\n\n\(Markup.begin)")
        for call in calls {
            writer.template("\n\(Markup.invokeBegin)\(DSMLSyntax.beforeName)")
            writer.content(call.name)
            writer.template(DSMLSyntax.afterName)
            for (position, parameter) in call.parameters.enumerated() {
                writer.template(position == 0 ? "" : "\n")
                writer.template(Markup.parameterBegin + DSMLSyntax.beforeName)
                writer.content(parameter.key)
                writer.template(
                    parameter.isString ? DSMLSyntax.afterStringKey : DSMLSyntax.afterJSONKey)
                writer.content(parameter.value)
                writer.template(Markup.parameterEnd)
            }
            writer.template("\n\(Markup.invokeEnd)")
        }
        writer.template("\n\(Markup.end)")
    }

    /// Writes which tools there are and what form the answer must have.
    func writeTools(of message: EncodedMessage, to writer: inout SegmentWriter) {
        if !message.tools.isEmpty {
            writer.template("\n\n" + Self.beforeTools)
            for (position, tool) in message.tools.enumerated() {
                if position > 0 { writer.template("\n") }
                writer.content(tool.serialized(.python))
            }
            writer.template("\n</functions>\n")
        }
        if let format = message.responseFormat {
            writer.template("\n\n" + Self.beforeResponseFormat)
            writer.content(format.serialized(.python))
        }
    }

    private static let beforeResponseFormat = """
        ## Response Format:

        You MUST strictly adhere to the following schema to reply:

        """

    /// The model was trained with this text; a changed letter makes it another prompt.
    private static let beforeTools = """
        ## Tools
        You have access to a set of tools you can use to answer the user's question.
        You can invoke functions by writing a "<｜DSML｜function_calls>" block like the following \
        as part of your reply to the user:
        <｜DSML｜function_calls>
        <｜DSML｜invoke name="$FUNCTION_NAME">
        <｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE\
        </｜DSML｜parameter>
        ...
        </｜DSML｜invoke>
        <｜DSML｜invoke name="$FUNCTION_NAME2">
        ...
        </｜DSML｜invoke>
        </｜DSML｜function_calls>
        String and scalar parameters should be specified as is without any escaping or quotes, \
        while lists and objects should use JSON format. The "string" attribute should be set to \
        "true" for string type parameters and "false" for other types (numbers, booleans, arrays, \
        objects).
        If the thinking_mode is enabled, then after function results you should strongly consider \
        outputting a thinking block. Here is an example:
        <｜DSML｜function_calls>
        ...
        </｜DSML｜function_calls>
        <function_results>
        ...
        </function_results>
        <think>...thinking about results</think>
        Here are the functions available in JSONSchema format:
        <functions>

        """
}
