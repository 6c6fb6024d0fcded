package io.github.mixtral4j.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// SentencePiece's BPE as its definition reads, on strings and in quadratic time: what [BpeEncoder] is held against.
final class NaiveBpe {
    private final Vocabulary vocabulary;

    NaiveBpe(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    List<Integer> encode(String text) {
        List<Integer> ids = new ArrayList<>();
        if (text.isEmpty()) {
            return ids;
        }
        String rest = ("▁" + text).replace(' ', '▁');
        List<String> symbols = new ArrayList<>();
        while (!rest.isEmpty()) {
            String mark = longestUserDefined(rest);
            if (!mark.isEmpty()) {
                merge(symbols, ids);
                ids.add(vocabulary.textId(mark));
                rest = rest.substring(mark.length());
            } else {
                int end = rest.offsetByCodePoints(0, 1);
                symbols.add(rest.substring(0, end));
                rest = rest.substring(end);
            }
        }
        merge(symbols, ids);
        return ids;
    }

    private String longestUserDefined(String text) {
        String longest = "";
        for (int id = 0; id < vocabulary.size(); id++) {
            String piece = vocabulary.piece(id);
            if (vocabulary.type(id) == PieceType.USER_DEFINED
                    && text.startsWith(piece)
                    && piece.length() > longest.length()) {
                longest = piece;
            }
        }
        return longest;
    }

    /// Merges the symbols, adds their ids and clears them.
    private void merge(List<String> symbols, List<Integer> ids) {
        while (true) {
            int best = -1;
            float bestScore = Float.NEGATIVE_INFINITY;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int id = normalId(symbols.get(i) + symbols.get(i + 1));
                if (id >= 0 && vocabulary.score(id) > bestScore) {
                    best = i;
                    bestScore = vocabulary.score(id);
                }
            }
            if (best < 0) {
                break;
            }
            symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
        }
        for (String symbol : symbols) {
            if (normalId(symbol) >= 0) {
                ids.add(normalId(symbol));
            } else {
                for (byte b : symbol.getBytes(StandardCharsets.UTF_8)) {
                    ids.add(vocabulary.byteId(b & 0xFF));
                }
            }
        }
        symbols.clear();
    }

    private int normalId(String piece) {
        int id = vocabulary.textId(piece);
        return id >= 0 && vocabulary.type(id) == PieceType.NORMAL ? id : -1;
    }
}
