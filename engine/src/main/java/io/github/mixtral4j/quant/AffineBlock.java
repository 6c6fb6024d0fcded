package io.github.mixtral4j.quant;

import java.util.Arrays;

/// A block of 256 elements in groups, `element ≈ (scale * groupScale) * quant - (minimum * groupMinimum)`, before its
/// fields are packed as Q2_K, Q4_K or Q5_K.
///
/// @param scale of the block, before it is rounded to float16
/// @param minimum of the block, before it is rounded to float16
/// @param groupScales one small integer per group
/// @param groupMinimums one small integer per group
/// @param quants 256, in element order
record AffineBlock(float scale, float minimum, int[] groupScales, int[] groupMinimums, byte[] quants) {

    /// Encodes `x[from … from + 255]`: fits each group, rounds the groups' scales and offsets to fractions of the
    /// greatest, and quantizes anew with what the decoder will see.
    static AffineBlock encode(float[] x, int from, AffineFit.Rule rule) {
        int size = rule.groupElements();
        int groups = 256 / size;
        float[] scales = new float[groups];
        float[] offsets = new float[groups];
        byte[] quants = new byte[256];
        float[] elements = Arrays.copyOfRange(x, from, from + 256);
        AffineFit fit = new AffineFit(rule);
        for (int g = 0; g < groups; g++) {
            fit.fit(elements, g * size, quants);
            scales[g] = fit.scale();
            offsets[g] = fit.offset();
        }
        float greatestScale = Math.max(0, Blocks.maximum(scales, 0, groups));
        float greatestOffset = Math.max(0, Blocks.maximum(offsets, 0, groups));
        AffineBlock block = new AffineBlock(
                greatestScale / rule.groupTop(),
                greatestOffset / rule.groupTop(),
                fractions(scales, greatestScale, rule.groupTop()),
                fractions(offsets, greatestOffset, rule.groupTop()),
                quants);
        block.quantize(elements, size, rule.top());
        return block;
    }

    private static int[] fractions(float[] values, float greatest, int top) {
        float inverse = greatest > 0 ? top / greatest : 0;
        int[] fractions = new int[values.length];
        for (int g = 0; g < values.length; g++) {
            fractions[g] = Blocks.round(inverse * values[g], 0, top);
        }
        return fractions;
    }

    private void quantize(float[] x, int size, int top) {
        float storedScale = Float.float16ToFloat(Float.floatToFloat16(scale));
        float storedMinimum = Float.float16ToFloat(Float.floatToFloat16(minimum));
        for (int i = 0; i < 256; i++) {
            float step = storedScale * groupScales[i / size];
            // A group without a scale decodes to its minimum whatever the quants; the fit's stay, as in ggml.
            if (step != 0) {
                float offset = storedMinimum * groupMinimums[i / size];
                quants[i] = (byte) Blocks.round((x[i] + offset) / step, 0, top);
            }
        }
    }
}
