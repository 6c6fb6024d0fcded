package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.nano.data.ToolKind.Declared;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Exercises in telling which function a wish is for, or that none is: several wishes to one list of functions, where a
/// function call has one wish to a list four times as long. All of them are for training.
final class Choosing implements SampleSource {
    /// Share of the wishes that a function fits.
    private static final double FITTING = 0.65;

    private static final int WISHES = 4;

    private final List<ToolKind> kinds = ToolKind.readAll();

    @Override
    public Sample next(Dice dice, Split split) {
        List<ToolKind> chosen = dice.shuffled(kinds);
        List<Declared> offered = ToolKind.declare(chosen.subList(0, dice.between(2, 4)), dice, Split.TRAIN);
        List<ToolKind> others = chosen.subList(offered.size(), chosen.size());
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < WISHES; i++) {
            Optional<Declared> fitting = dice.chance(FITTING) ? Optional.of(dice.of(offered)) : Optional.empty();
            ToolKind kind = fitting.map(Declared::kind).orElseGet(() -> dice.of(others));
            String wish = Typing.asTyped(dice, kind.request(dice, kind.fill(dice, Split.TRAIN)));
            messages.add(new UserMessage(i == 0 ? question(dice, offered) + wish : wish));
            messages.add(new AssistantMessage(fitting.map(d -> d.tool().name()).orElse("none")));
        }
        return new Sample("choosing", Language.EN, messages, List.of(), new Expected.Anything(), "", Optional.empty());
    }

    private String question(Dice dice, List<Declared> offered) {
        return offered.stream()
                        .map(d -> d.tool().name() + ": " + d.tool().description())
                        .collect(Collectors.joining("\n", dice.of("Functions:\n", "There are:\n", ""), "\n"))
                + dice.of("Which one is for this: ", "Choose for: ", "Wish: ");
    }
}
