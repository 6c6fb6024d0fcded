package io.github.mixtral4j.chat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.random.RandomGenerator;

/// The ids of tool calls that v3 was trained on: 9 letters or digits.
final class ToolCallIds {
    private static final int LENGTH = 9;
    private static final String ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private ToolCallIds() {}

    static boolean fits(String id) {
        return id.length() == LENGTH && id.chars().allMatch(c -> ALPHABET.indexOf(c) >= 0);
    }

    /// The id itself if it fits, else 9 characters that depend on it alone, so that a call and its result, in this
    /// request and in later ones, go on belonging together.
    static String map(String id) {
        if (fits(id)) {
            return id;
        }
        byte[] hash;
        try {
            hash = MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
        StringBuilder mapped = new StringBuilder(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            // Two bytes to a character keep all characters within 0.1 % of equally likely.
            int value = ((hash[2 * i] & 0xFF) << Byte.SIZE) | (hash[2 * i + 1] & 0xFF);
            mapped.append(ALPHABET.charAt(value % ALPHABET.length()));
        }
        return mapped.toString();
    }

    static String random(RandomGenerator random) {
        StringBuilder id = new StringBuilder(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            id.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return id.toString();
    }
}
