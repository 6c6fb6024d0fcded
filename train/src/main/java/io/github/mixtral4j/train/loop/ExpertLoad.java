package io.github.mixtral4j.train.loop;

/// Sums and shares of expert loads: rows that each expert was given, `[layer][expert]`.
final class ExpertLoad {
    static final long[][] NONE = {};

    private ExpertLoad() {}

    /// The sum of two. Where one has no figure, it is that of the other.
    static long[][] sum(long[][] a, long[][] b) {
        long[][] sum = new long[Math.max(a.length, b.length)][];
        for (int layer = 0; layer < sum.length; layer++) {
            long[] one = layer < a.length ? a[layer] : new long[0];
            long[] other = layer < b.length ? b[layer] : new long[0];
            long[] longer = one.length > other.length ? one : other;
            sum[layer] = longer.clone();
            for (int expert = 0; expert < Math.min(one.length, other.length); expert++) {
                sum[layer][expert] = one[expert] + other[expert];
            }
        }
        return sum;
    }

    /// How uneven the experts are used: rows of the busiest over those of an even share, in the layer where this is
    /// worst; 1 is even. 0 if there are no experts.
    static double imbalance(long[][] load) {
        double worst = 0;
        for (long[] layer : load) {
            long sum = 0;
            long most = 0;
            for (long rows : layer) {
                sum += rows;
                most = Math.max(most, rows);
            }
            worst = sum == 0 ? worst : Math.max(worst, (double) most * layer.length / sum);
        }
        return worst;
    }
}
