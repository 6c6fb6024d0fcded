package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.Reply;
import io.github.mixtral4j.generate.Completion;
import io.github.mixtral4j.generate.GenerationException;
import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.generate.Generator;
import io.github.mixtral4j.nano.data.Expected;
import io.github.mixtral4j.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Puts tasks to a model and marks its replies: greedy for everything, and word problems also eight times with chance,
/// for the vote. The same model and tasks give the same marks.
///
/// The generator and the format stay the caller's; requests run side by side, as many as the generator takes.
public final class Examination {
    /// Votes of a word problem.
    public static final int VOTES = 8;

    private static final double TEMPERATURE = 0.7;
    private static final int IN_FLIGHT = 32;

    private final Generator generator;
    private final ChatFormat format;
    private final int maxTokens;

    /// @param maxTokens a longer reply is cut, and so wrong
    public Examination(Generator generator, ChatFormat format, int maxTokens) {
        this.generator = generator;
        this.format = format;
        this.maxTokens = maxTokens;
    }

    /// Right replies among the tasks of a kind.
    public record Score(int right, int tasks) {
        /// Between 0 and 1; NaN without tasks.
        public double share() {
            return (double) right / tasks;
        }

        Score plus(Score other) {
            return new Score(right + other.right, tasks + other.tasks);
        }
    }

    /// Word problems answered [#VOTES] times each.
    ///
    /// @param passAt1 share of right replies among all
    /// @param majority problems whose most frequent number is right
    public record Votes(double passAt1, Score majority) {}

    /// Marks by kind, and the vote, which is over no tasks if there are no word problems.
    ///
    /// @param wrong up to three wrong replies of each kind, for people to look at
    public record Marks(Map<String, Score> scores, Votes votes, Map<String, List<String>> wrong) {}

    /// Examines. Tasks to which any reply is right are passed over.
    ///
    /// @throws GenerationException if the model fails
    /// @throws InterruptedException if the thread is interrupted
    public Marks run(List<Task> tasks) throws InterruptedException {
        List<Task> asked = tasks.stream()
                .filter(t -> !(t.expected() instanceof Expected.Anything))
                .toList();
        List<Reply> replies = replies(asked, SamplingParams.greedy(), 1);
        Map<String, Score> scores = new TreeMap<>();
        Map<String, List<String>> wrong = new TreeMap<>();
        for (int i = 0; i < asked.size(); i++) {
            Task task = asked.get(i);
            boolean right = Marking.isRight(task.expected(), replies.get(i));
            scores.merge(task.kind(), new Score(right ? 1 : 0, 1), Score::plus);
            List<String> shown = wrong.computeIfAbsent(task.kind(), k -> new ArrayList<>());
            if (!right && shown.size() < 3) {
                shown.add(
                        replies.get(i).toolCalls().isEmpty()
                                ? replies.get(i).content()
                                : replies.get(i).toolCalls().toString());
            }
        }
        return new Marks(scores, vote(asked), wrong);
    }

    private Votes vote(List<Task> tasks) throws InterruptedException {
        List<Task> problems = tasks.stream()
                .filter(t -> t.expected() instanceof Expected.Number)
                .toList();
        SamplingParams params =
                SamplingParams.builder().temperature(TEMPERATURE).build();
        List<Reply> replies = replies(problems, params, VOTES);
        int right = 0;
        Score majority = new Score(0, 0);
        for (int i = 0; i < problems.size(); i++) {
            List<Reply> votes = replies.subList(i * VOTES, (i + 1) * VOTES);
            Expected expected = problems.get(i).expected();
            right += (int)
                    votes.stream().filter(r -> Marking.isRight(expected, r)).count();
            boolean won = expected instanceof Expected.Number(long value)
                    && majority(votes).equals(OptionalLong.of(value));
            majority = majority.plus(new Score(won ? 1 : 0, 1));
        }
        return new Votes((double) right / replies.size(), majority);
    }

    /// The most frequent number; of several, the one that was given first.
    private static OptionalLong majority(List<Reply> replies) {
        Map<Long, Integer> counts = new LinkedHashMap<>();
        for (Reply reply : replies) {
            Marking.number(reply).ifPresent(n -> counts.merge(n, 1, Integer::sum));
        }
        OptionalLong winner = OptionalLong.empty();
        int most = 0;
        for (Map.Entry<Long, Integer> count : counts.entrySet()) {
            if (count.getValue() > most) {
                most = count.getValue();
                winner = OptionalLong.of(count.getKey());
            }
        }
        return winner;
    }

    /// `times` replies to every task, those to one task side by side.
    private List<Reply> replies(List<Task> tasks, SamplingParams params, int times) throws InterruptedException {
        List<Reply> replies = new ArrayList<>();
        try (ExecutorService askers = Executors.newFixedThreadPool(IN_FLIGHT)) {
            List<Future<Reply>> pending = new ArrayList<>();
            for (Task task : tasks) {
                int[] prompt = format.render(task.request()).ids();
                for (int i = 0; i < times; i++) {
                    // A seed of its own for every reply, so that marks do not depend on who was first.
                    SamplingParams seeded =
                            params.toBuilder().seed(pending.size()).build();
                    GenerationRequest request =
                            GenerationRequest.of(prompt).withSampling(seeded).withMaxTokens(maxTokens);
                    pending.add(askers.submit(() -> read(generator.generate(request))));
                }
            }
            for (Future<Reply> reply : pending) {
                replies.add(reply.get());
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
        return replies;
    }

    private Reply read(Completion completion) {
        return format.parse(completion.tokens().stream().mapToInt(id -> id).toArray());
    }
}
