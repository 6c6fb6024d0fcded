package io.github.mixtral4j.chat;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;

/// The format of Mixtral 8x7B Instruct. `[INST]` is plain text, the system prompt goes before the first user message,
/// and there are no tools.
/// ```
/// <s>▁[INST]▁What▁is▁MoE?▁[/INST]▁A▁mixture…</s>▁[INST]▁And▁then?▁[/INST]
/// ```
/// Source: mistral-common, tokens/tokenizers/instruct.py, InstructTokenizerV1.
final class FormatV1 implements ChatFormat {
    private final Tokenizer tokenizer;

    FormatV1(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    @Override
    public String name() {
        return "v1";
    }

    @Override
    public Prompt render(ChatRequest request) {
        RequestRules.check(request);
        return write(request).build();
    }

    @Override
    public Transcript transcript(ChatRequest request) {
        RequestRules.checkFinished(request);
        return write(request).transcript();
    }

    private PromptBuilder write(ChatRequest request) {
        refuseTools(request);
        Conversation conversation = Conversation.of(request);
        PromptBuilder prompt = new PromptBuilder(tokenizer);
        List<Message> turns = conversation.turns();
        for (int i = 0; i < turns.size(); i++) {
            switch (turns.get(i)) {
                case UserMessage(String content) ->
                    prompt.text("[INST] " + (i == 0 ? conversation.withSystem(content) : content) + " [/INST]");
                case AssistantMessage message -> prompt.reply(() -> reply(prompt, message));
                case SystemMessage _, ToolMessage _ -> throw new IllegalStateException("no such turn in v1");
            }
        }
        return prompt;
    }

    @Override
    public ReplyParser replyParser(RandomGenerator random) {
        return new ReplyParser(tokenizer, OptionalInt.empty(), random);
    }

    private void reply(PromptBuilder prompt, AssistantMessage message) {
        prompt.text(message.content());
        if (!message.prefix()) {
            prompt.id(tokenizer.eosId());
        }
    }

    private static void refuseTools(ChatRequest request) {
        String problem = "chat format v1 (Mixtral 8x7B) has no tools; they need v3 (8x22B Instruct)";
        if (!request.tools().isEmpty()) {
            throw new ChatRequestException("tools", problem);
        }
        for (int i = 0; i < request.messages().size(); i++) {
            Message message = request.messages().get(i);
            boolean calls = message instanceof AssistantMessage assistant
                    && !assistant.toolCalls().isEmpty();
            if (calls || message instanceof ToolMessage) {
                throw new ChatRequestException("messages[" + i + "]", problem);
            }
        }
    }
}
