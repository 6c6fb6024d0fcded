package io.github.mixtral4j.generate;

import io.github.mixtral4j.model.Batch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Which tokens of which sessions run in the next step.
///
/// A session that decodes has one pending token, one that prefills has many; otherwise they are alike. The rows of a
/// step are shared out fairly: each gets what it needs or an equal share, whichever is less, and what the small ones
/// leave goes to the large ones. So decoding sessions ride along in every step and a short prompt does not wait for a
/// long one. With 512 rows, two decoding sessions and prompts of 100 and 1000 tokens get 1, 1, 100 and 410 rows.
///
/// @param shares sessions in the order of their rows
/// @param batch the rows; a session whose pending tokens are all in it has a logit row, in the order of `shares`
record BatchPlan(List<Share> shares, Batch batch) {
    /// The next `rows` pending tokens of a session.
    record Share(Session session, int rows) {
        /// Whether the next token can be sampled after this step.
        boolean completes() {
            return rows == session.pending();
        }
    }

    /// @param running at least one session and at most `maxRows`, in the order in which they started
    static BatchPlan of(List<Session> running, int maxRows) {
        List<Session> smallFirst = running.stream()
                .sorted(Comparator.comparingInt(Session::pending))
                .toList();
        var shares = new ArrayList<Share>();
        int left = maxRows;
        for (int i = 0; i < smallFirst.size(); i++) {
            Session session = smallFirst.get(i);
            int rows = Math.min(session.pending(), left / (smallFirst.size() - i));
            shares.add(new Share(session, rows));
            left -= rows;
        }
        return new BatchPlan(shares, batch(shares));
    }

    private static Batch batch(List<Share> shares) {
        int size = shares.stream().mapToInt(Share::rows).sum();
        int[] tokens = new int[size];
        int[] positions = new int[size];
        int[] sequences = new int[size];
        int[] logitRows = new int[(int) shares.stream().filter(Share::completes).count()];
        int row = 0;
        int logitRow = 0;
        for (Share share : shares) {
            for (int i = 0; i < share.rows(); i++) {
                int position = share.session().computed() + i;
                tokens[row] = share.session().token(position);
                positions[row] = position;
                sequences[row++] = share.session().lease().sequence();
            }
            if (share.completes()) {
                logitRows[logitRow++] = row - 1;
            }
        }
        return new Batch(tokens, positions, sequences, logitRows);
    }
}
