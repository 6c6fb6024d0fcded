package io.github.mixtral4j.train.data;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.ChatRequestException;
import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.chat.Transcript;
import io.github.mixtral4j.chat.Transcript.Span;
import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.train.TrainException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A line of JSONL to what a batch has to hold together. Which line it is, is known to the caller; it is in
/// every message.
///
/// | line | becomes |
/// |---|---|
/// | `{"text": …}` | `<s>` text `</s>`, all of it with loss, in as many samples as it takes |
/// | `{"messages": […], "tools": […]}` | one sample, loss on the assistant's turns whose `"weight"` is not 0 |
/// | `{"prompt": …, "chosen": …, "rejected": …}` | two samples, loss on the replies |
///
/// What the assistant does not say in a conversation has the prompt's weight. Where there are tools, only the last turn
/// has loss unless `"weight"` says otherwise: chat formats show the tools to that turn alone, and a model that learns
/// calls without them invents functions. A key with the value null is taken as absent.
///
/// Source of the first two: mistral-finetune's README, "Prepare dataset"; of the rule about tools, its
/// finetune/data/tokenize.py.
final class SampleReader {
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /// Keys of mistral-finetune's reader that are not in its README: passed over, they would be missed.
    private static final Map<String, String> UNREAD = Map.of(
            "system_prompt", "is not read; begin \"messages\" with a message from system",
            "available_tools", "is not read; name them \"tools\"",
            "only_last", "is not read; give the other messages from assistant \"weight\": 0");

    private final Tokenizer tokenizer;
    private final ChatFormat format;
    private final int sequenceLength;
    private final boolean pairs;
    private final float promptWeight;

    /// @param sequenceLength longest sample
    /// @param pairs whether lines are preferences
    /// @param promptWeight weight of what the assistant does not say in a conversation
    SampleReader(Tokenizer tokenizer, ChatFormat format, int sequenceLength, boolean pairs, float promptWeight) {
        this.tokenizer = tokenizer;
        this.format = format;
        this.sequenceLength = sequenceLength;
        this.pairs = pairs;
        this.promptWeight = promptWeight;
    }

    /// What a line holds.
    ///
    /// @param units what must be in one batch each: single samples, or the chosen and the rejected of a pair.
    ///     Empty if nothing is left to learn
    /// @param cut whether tokens were lost, because a conversation is longer than the longest sample
    record Line(List<List<Sample>> units, boolean cut) {}

    /// Reads a line.
    ///
    /// @param at file and line, for messages
    /// @throws TrainException if it is not one of the forms
    Line read(String json, String at) {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (MismatchedInputException e) {
            throw new TrainException(at + ": expected one JSON object, found more after it", e);
        } catch (JacksonException e) {
            // What Jackson adds in brackets is about its own settings.
            String problem = e.getOriginalMessage().replaceFirst(" \\(start marker.*", "");
            throw new TrainException(at + ": not JSON: " + Names.printable(problem), e);
        }
        if (!root.isObject()) {
            throw new TrainException(at + ": expected a JSON object, found " + root.getNodeType());
        }
        try {
            UNREAD.forEach((key, remedy) -> {
                if (root.hasNonNull(key)) {
                    throw new ChatRequestException(key, remedy);
                }
            });
            return pairs ? pair(root) : root.hasNonNull("text") ? text(root) : conversation(root);
        } catch (ChatRequestException e) {
            throw new TrainException(at + ": " + Names.printable(String.valueOf(e.getMessage())), e);
        }
    }

    private Line text(JsonNode root) {
        JsonNode text = root.get("text");
        if (root.hasNonNull("messages")) {
            throw new ChatRequestException("text", "stands beside \"messages\"; a line is one of them");
        }
        if (!text.isString()) {
            throw new ChatRequestException("text", "expected a string, found " + text.getNodeType());
        }
        int[] encoded = tokenizer.encode(text.stringValue());
        int[] ids = new int[encoded.length + 2];
        ids[0] = tokenizer.bosId();
        System.arraycopy(encoded, 0, ids, 1, encoded.length);
        ids[ids.length - 1] = tokenizer.eosId();
        float[] weights = new float[ids.length];
        Arrays.fill(weights, 1);
        Sample whole = new Sample(ids, weights);
        List<List<Sample>> units = new ArrayList<>();
        // A piece of one token would predict nothing.
        for (int from = 0; from < ids.length - 1; from += sequenceLength) {
            units.add(List.of(whole.slice(from, Math.min(ids.length, from + sequenceLength))));
        }
        return new Line(encoded.length == 0 ? List.of() : units, false);
    }

    private Line conversation(JsonNode root) {
        if (!root.hasNonNull("messages")) {
            throw new ChatRequestException(
                    "line",
                    root.has("chosen")
                            ? "a preference; it needs \"objective: dpo\" in the config"
                            : "expected \"text\", or \"messages\"" + found(root));
        }
        ChatRequest request = ChatRequest.of(root);
        Transcript transcript = format.transcript(withoutLastIds(request));
        float[] weights = new float[transcript.ids().length];
        Arrays.fill(weights, promptWeight);
        List<Float> turns = turnWeights(root.get("messages"), request.tools().isEmpty());
        for (int i = 0; i < turns.size(); i++) {
            Span span = transcript.replies().get(i);
            Arrays.fill(weights, span.from(), span.to(), turns.get(i));
        }
        Sample whole = new Sample(transcript.ids(), weights);
        Sample sample = whole.cutTo(sequenceLength);
        List<List<Sample>> units = sample.trained() == 0 ? List.of() : List.of(List.of(sample));
        return new Line(units, sample.length() < whole.length());
    }

    /// What stands in a line instead.
    private static String found(JsonNode root) {
        return root.isEmpty()
                ? ""
                : root.propertyNames().stream().limit(5).collect(Collectors.joining("\", \"", ", found \"", "\""));
    }

    /// Without the ids of calls that end a conversation: whoever answers a call rolls its id, so there is nothing in it
    /// to be learnt. Calls that are answered keep theirs, which their results refer to.
    private static ChatRequest withoutLastIds(ChatRequest request) {
        List<Message> messages = new ArrayList<>(request.messages());
        for (int i = messages.size() - 1; i >= 0 && messages.get(i) instanceof AssistantMessage last; i--) {
            List<ToolCall> calls = last.toolCalls().stream()
                    .map(call -> new ToolCall("", call.name(), call.arguments()))
                    .toList();
            messages.set(i, new AssistantMessage(last.content(), calls, last.prefix()));
        }
        return new ChatRequest(messages, request.tools());
    }

    /// The weight of every turn of the assistant.
    ///
    /// @param all whether all of them are learnt if nothing is said, or only the last
    private static List<Float> turnWeights(JsonNode messages, boolean all) {
        int last = messages.size();
        while (last > 0 && isAssistant(messages.get(last - 1))) {
            last--;
        }
        List<Float> turns = new ArrayList<>();
        boolean follows = false;
        for (int i = 0; i < messages.size(); i++) {
            JsonNode message = messages.get(i);
            boolean assistant = isAssistant(message);
            JsonNode node = message.path("weight");
            String path = "messages[" + i + "].weight";
            boolean absent = node.isMissingNode() || node.isNull();
            if (!absent && !(node.isNumber() && (node.doubleValue() == 0 || node.doubleValue() == 1))) {
                throw new ChatRequestException(path, "expected 0 or 1, got " + node);
            }
            float weight = absent ? (all || i >= last ? 1 : 0) : node.floatValue();
            if (assistant && follows && turns.getLast() != weight) {
                throw new ChatRequestException(
                        path, "messages from assistant that follow each other are one turn and need one weight");
            }
            if (assistant && !follows) {
                turns.add(weight);
            }
            follows = assistant;
        }
        return turns;
    }

    private static boolean isAssistant(JsonNode message) {
        return message.path("role").asString("").equals("assistant");
    }

    private Line pair(JsonNode root) {
        Sample chosen = reply(root, "chosen");
        Sample rejected = reply(root, "rejected");
        if (Arrays.equals(chosen.ids(), rejected.ids())) {
            throw new ChatRequestException("chosen", "is the same as rejected; there is nothing to prefer");
        }
        Sample first = chosen.cutTo(sequenceLength);
        Sample second = rejected.cutTo(sequenceLength);
        boolean cut = first.length() < chosen.length() || second.length() < rejected.length();
        boolean nothing = first.trained() == 0 || second.trained() == 0 || Arrays.equals(first.ids(), second.ids());
        return new Line(nothing ? List.of() : List.of(List.of(first, second)), cut);
    }

    /// The conversation of a pair that ends with one of its replies; only what the assistant says in that reply has
    /// loss.
    private Sample reply(JsonNode root, String field) {
        if (!root.hasNonNull("prompt") || !root.hasNonNull(field)) {
            throw new ChatRequestException(
                    "line", "expected \"prompt\", \"chosen\" and \"rejected\", because the objective is dpo");
        }
        ObjectNode request = NODES.objectNode();
        ArrayNode messages = request.putArray("messages");
        add(messages, root.get("prompt"), "user", "prompt");
        ArrayNode reply = NODES.arrayNode();
        add(reply, root.get(field), "assistant", field);
        // Data made for TRL says the prompt again in both.
        int said = startsWith(reply, messages) ? messages.size() : 0;
        String role = reply.path(0).path("role").asString("");
        if (said == 0 && (role.equals("user") || role.equals("system"))) {
            throw new ChatRequestException(
                    field,
                    "begins with a message from " + role + " that is not the prompt's; give the reply alone, or the"
                            + " very same prompt before it");
        }
        int before = turnWeights(messages, true).size();
        for (int i = said; i < reply.size(); i++) {
            messages.add(reply.get(i));
        }
        if (root.has("tools")) {
            request.set("tools", root.get("tools"));
        }
        Transcript transcript;
        try {
            transcript = format.transcript(withoutLastIds(ChatRequest.of(request)));
        } catch (ChatRequestException e) {
            throw new ChatRequestException("prompt and " + field, String.valueOf(e.getMessage()));
        }
        List<Span> turns = transcript.replies();
        float[] weights = new float[transcript.ids().length];
        // A reply that goes on where the prompt ends with the assistant is one turn with it.
        turns.subList(Math.min(before, turns.size() - 1), turns.size())
                .forEach(turn -> Arrays.fill(weights, turn.from(), turn.to(), 1));
        return new Sample(transcript.ids(), weights);
    }

    private static boolean startsWith(ArrayNode messages, ArrayNode start) {
        return messages.size() > start.size()
                && IntStream.range(0, start.size())
                        .allMatch(i -> messages.get(i).equals(start.get(i)));
    }

    /// Adds a text, a message or a list of messages.
    private static void add(ArrayNode messages, JsonNode value, String role, String field) {
        if (value.isString()) {
            messages.addObject().put("role", role).put("content", value.stringValue());
        } else if (value.isObject()) {
            messages.add(value);
        } else if (value.isArray()) {
            value.forEach(messages::add);
        } else {
            throw new ChatRequestException(field, "expected a string or messages, found " + value.getNodeType());
        }
    }
}
