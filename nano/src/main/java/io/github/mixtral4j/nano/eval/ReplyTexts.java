package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.generate.Scoring;
import io.github.mixtral4j.nano.data.Language;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Whole held-out conversations as the model reads them, to be scored rather than answered.
final class ReplyTexts {
    private ReplyTexts() {}

    /// The ids of a task with its reply and end-of-text; of the request alone if the reply is calls.
    static int[] ids(ChatFormat format, Task task, int eosId) {
        if (task.reply().isEmpty()) {
            return format.render(task.request()).ids();
        }
        List<Message> messages = new ArrayList<>(task.request().messages());
        messages.add(new AssistantMessage(task.reply(), List.of(), true));
        int[] ids =
                format.render(new ChatRequest(messages, task.request().tools())).ids();
        int[] ended = Arrays.copyOf(ids, ids.length + 1);
        ended[ids.length] = eosId;
        return ended;
    }

    /// Perplexity of the conversations in small talk and of the translations, by the language of the reply.
    static Map<Language, Double> perplexity(Scoring scoring, ChatFormat format, List<Task> tasks, int eosId)
            throws InterruptedException {
        Map<Language, double[]> sums = new LinkedHashMap<>();
        for (Task task : tasks) {
            if (task.kind().equals("talk") || task.kind().equals("translation")) {
                int[] ids = ids(format, task, eosId);
                double[] sum = sums.computeIfAbsent(task.language(), l -> new double[2]);
                sum[0] += scoring.meanNll(ids) * (ids.length - 1);
                sum[1] += ids.length - 1;
            }
        }
        Map<Language, Double> perplexity = new LinkedHashMap<>();
        for (Language language : Language.values()) {
            double[] sum = sums.get(language);
            if (sum != null) {
                perplexity.put(language, Math.exp(sum[0] / sum[1]));
            }
        }
        return perplexity;
    }
}
