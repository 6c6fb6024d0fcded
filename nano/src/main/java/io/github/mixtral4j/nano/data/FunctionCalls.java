package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.chat.Tool;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.nano.data.ToolKind.Declared;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Function calls: one, several, none because no function fits, none because nobody asked for one, and what to say
/// when results are there. The calls to be learned have no ids: nine random characters teach nothing, and whoever
/// reads a reply gives ids to calls that have none. Calls in the history have them, as in real requests.
///
/// Held out: names of functions, and names of people, places and books. What functions are for is the same on both
/// sides.
final class FunctionCalls implements SampleSource {
    private static final List<String> NOTHING_FITS = List.of(
            "I have no function for that.",
            "I am sorry, none of my functions can do that.",
            "I cannot do that with the functions I have.");
    private static final String ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private final List<ToolKind> kinds = ToolKind.readAll();
    private final SmallTalk smallTalk = new SmallTalk();

    /// A wish for a call: the function and what to call it with.
    private record Wish(Declared declared, Map<String, Value> values, String request) {
        ToolCall call(String id) {
            ObjectNode arguments = JsonNodeFactory.instance.objectNode();
            declared.parameters()
                    .forEach((slot, parameter) -> arguments.set(
                            parameter, values.getOrDefault(slot, Value.of("")).json()));
            return new ToolCall(id, declared.tool().name(), SpacedJson.write(arguments));
        }
    }

    @Override
    public Sample next(Dice dice, Split split) {
        double variant = dice.nextDouble();
        if (variant < 0.40) {
            return calls(dice, split, 1);
        }
        if (variant < 0.60) {
            return calls(dice, split, 2);
        }
        if (variant < 0.82) {
            return nothingFits(dice, split);
        }
        return variant < 0.86 ? smallTalk(dice, split) : result(dice, split);
    }

    /// Sides are kept apart by the names of functions, so that every sample belongs to its side.
    @Override
    public Sample draw(Dice dice, Split split) {
        return next(dice, split);
    }

    private Wish wish(Dice dice, Split split, Declared declared) {
        Map<String, Value> values = declared.kind().fill(dice, split);
        return new Wish(declared, values, Typing.asTyped(dice, declared.kind().request(dice, values)));
    }

    private List<Declared> declare(Dice dice, Split split, int count) {
        return ToolKind.declare(dice.distinct(kinds, count), dice, split);
    }

    private Sample calls(Dice dice, Split split, int count) {
        List<Declared> offered = declare(dice, split, dice.between(1, 3));
        Declared first = offered.getFirst();
        // Two wishes are for one function or for two.
        Declared last = dice.chance(0.4) ? first : offered.get(Math.min(count, offered.size()) - 1);
        List<Wish> wishes = new ArrayList<>(List.of(wish(dice, split, first)));
        if (count > 1) {
            wishes.add(wish(dice, split, last));
        }
        String request = count == 1 ? wishes.getFirst().request() : joined(dice, wishes);
        List<ToolCall> calls = wishes.stream().map(w -> w.call("")).toList();
        return new Sample(
                count == 1 ? (offered.size() == 1 ? "calls.one" : "calls.choice") : "calls.several",
                Language.EN,
                List.of(new UserMessage(request), new AssistantMessage(calls)),
                tools(dice, offered),
                new Expected.Calls(calls),
                first.tool().name() + " " + request,
                Optional.of(new AssistantMessage(dice.of(NOTHING_FITS))));
    }

    private static String joined(Dice dice, List<Wish> wishes) {
        String first = wishes.getFirst().request();
        String second = wishes.getLast().request();
        // A mark shows where one wish ends and the next begins.
        String closed = first.matches(".*[.?!]") ? first : first + ".";
        return closed + dice.of(" ", " And then: ", " Also: ", "\n") + second;
    }

    private Sample nothingFits(Dice dice, Split split) {
        List<Declared> declared = declare(dice, split, dice.between(2, 4));
        List<Declared> offered = declared.subList(1, declared.size());
        Wish wish = wish(dice, split, declared.getFirst());
        ToolCall wrong =
                new ToolCall("", offered.getFirst().tool().name(), wish.call("").arguments());
        return new Sample(
                "calls.none",
                Language.EN,
                List.of(new UserMessage(wish.request()), new AssistantMessage(dice.of(NOTHING_FITS))),
                tools(dice, offered),
                new Expected.Calls(List.of()),
                offered.getFirst().tool().name() + " " + wish.request(),
                Optional.of(new AssistantMessage(List.of(wrong))));
    }

    /// Small talk beside functions: the last answer of a conversation that needs none.
    private Sample smallTalk(Dice dice, Split split) {
        List<Declared> offered = declare(dice, split, dice.between(1, 2));
        Sample talk = smallTalk.draw(dice, split);
        return new Sample(
                "calls.talk",
                talk.language(),
                talk.messages(),
                tools(dice, offered),
                new Expected.Calls(List.of()),
                offered.getFirst().tool().name() + " " + talk.key(),
                talk.rejected());
    }

    private Sample result(Dice dice, Split split) {
        List<Declared> offered = declare(dice, split, dice.between(1, 2));
        int count = dice.chance(0.25) && offered.size() > 1 ? 2 : 1;
        List<Wish> wishes = offered.subList(0, count).stream()
                .map(d -> wish(dice, split, d))
                .toList();
        List<ToolCall> calls = wishes.stream().map(w -> w.call(id(dice))).toList();
        List<Message> messages = new ArrayList<>();
        messages.add(new UserMessage(count == 1 ? wishes.getFirst().request() : joined(dice, wishes)));
        messages.add(new AssistantMessage(calls));
        List<String> told = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ObjectNode result = JsonNodeFactory.instance.objectNode();
            told.add(dice.chance(0.1) ? fail(dice, result) : succeed(dice, split, wishes.get(i), result));
            messages.add(new ToolMessage(SpacedJson.write(result), calls.get(i).id()));
        }
        String reply = String.join(" ", told);
        messages.add(new AssistantMessage(reply));
        return new Sample(
                "calls.result",
                Language.EN,
                messages,
                tools(dice, offered),
                new Expected.Text(reply),
                offered.getFirst().tool().name() + " " + wishes.getFirst().request(),
                Optional.of(new AssistantMessage(calls.stream()
                        .map(c -> new ToolCall("", c.name(), c.arguments()))
                        .toList())));
    }

    private static String succeed(Dice dice, Split split, Wish wish, ObjectNode result) {
        ToolKind kind = wish.declared().kind();
        Map<String, Value> known = new LinkedHashMap<>(wish.values());
        for (ToolKind.Field field : kind.results()) {
            Value value = field.kind().roll(dice, split);
            result.set(field.name(), value.json());
            known.put(field.name(), value);
        }
        return Value.fill(kind.answer(), known);
    }

    private static String fail(Dice dice, ObjectNode result) {
        String problem = dice.of("not found", "no connection", "not allowed", "too late", "out of order", "timeout");
        result.put("error", problem);
        return "I am sorry, that did not work: " + problem + ".";
    }

    private static List<Tool> tools(Dice dice, List<Declared> declared) {
        return dice.shuffled(declared).stream().map(Declared::tool).toList();
    }

    private static String id(Dice dice) {
        StringBuilder id = new StringBuilder();
        for (int i = 0; i < 9; i++) {
            id.append(ALPHABET.charAt(dice.between(0, ALPHABET.length() - 1)));
        }
        return id.toString();
    }
}
