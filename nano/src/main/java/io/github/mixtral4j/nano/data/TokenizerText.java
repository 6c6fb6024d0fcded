package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import java.util.List;
import java.util.regex.Pattern;

/// The text that the vocabulary is made from.
///
/// Names are written behind a quotation mark instead of a space, so that no piece holds both a space and a
/// capital: a name has then the same pieces in a sentence and in JSON, and to write it down is to copy it.
/// With pieces like `▁Lis` a model has to learn for every name how it is spelled where no space is before it.
final class TokenizerText {
    private static final long CHARACTERS = 12_000_000;
    private static final Pattern NAME = Pattern.compile("(^|\\s)(?=\\p{Lu})");

    private TokenizerText() {}

    /// The text as the vocabulary is made from it.
    static String withMarkedNames(String text) {
        return NAME.matcher(text).replaceAll("$1\"");
    }

    /// A sample.
    ///
    /// @param withTools whether its functions are written out, too
    static String of(Sample sample, boolean withTools) {
        StringBuilder text = new StringBuilder();
        for (Message message : sample.messages()) {
            switch (message) {
                case Message.SystemMessage(String content) ->
                    text.append(content).append('\n');
                case Message.UserMessage(String content) -> text.append(content).append('\n');
                case Message.ToolMessage(String content, var _) ->
                    text.append(content).append('\n');
                case Message.AssistantMessage reply -> {
                    text.append(reply.content()).append('\n');
                    reply.toolCalls()
                            .forEach(c -> text.append("[{\"name\": \"")
                                    .append(c.name())
                                    .append("\", \"arguments\": ")
                                    .append(c.arguments())
                                    .append("}]\n"));
                }
            }
        }
        if (withTools) {
            sample.tools()
                    .forEach(t -> text.append("[{\"type\": \"function\", \"function\": {\"name\": \"")
                            .append(t.name())
                            .append("\", \"description\": \"")
                            .append(t.description())
                            .append("\", \"parameters\": ")
                            .append(SpacedJson.write(t.parameters()))
                            .append("}}]\n"));
        }
        return text.toString().strip();
    }

    /// As many of the texts as a vocabulary needs.
    static List<String> enough(List<String> texts) {
        long characters = 0;
        for (int i = 0; i < texts.size(); i++) {
            characters += texts.get(i).length();
            if (characters > CHARACTERS) {
                return texts.subList(0, i + 1);
            }
        }
        return texts;
    }
}
