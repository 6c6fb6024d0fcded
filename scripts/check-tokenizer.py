#!/usr/bin/env python3
"""Holds `mixtral tokenize` against Google's sentencepiece on one tokenizer.model.

Usage: scripts/check-tokenizer.py TOKENIZER.model [TEXT_FILE...]

Encodes several hundred texts with both: seeded random ones, and every 20th line of the files. Needs the Python
package sentencepiece (Debian: python3-sentencepiece); the build and its tests do not.
"""
import json
import pathlib
import random
import subprocess
import sys

import sentencepiece


def random_texts(processor, count):
    """Pieces of the vocabulary in random order, between characters of all kinds."""
    rng = random.Random(1)
    pieces = [processor.id_to_piece(i).replace("▁", " ") for i in range(processor.vocab_size())]
    others = "   \n\t0123456789.,:;!?\"'(){}[]<>äßéñçøłпривет你好日本語😀\u0301\u200d"
    for _ in range(count):
        parts = [rng.choice(pieces) if rng.random() < 0.6 else rng.choice(others) for _ in range(rng.randrange(1, 40))]
        yield "".join(parts)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    model = sys.argv[1]
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    texts = list(random_texts(processor, 400))
    for name in sys.argv[2:]:
        texts += pathlib.Path(name).read_text(encoding="utf-8").splitlines()[::20][:400]
    mixtral = pathlib.Path(__file__).resolve().parent.parent / "mixtral"
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    run = subprocess.run([mixtral, "tokenize", "--tokenizer", model, "--jsonl"], input=lines, text=True,
                         capture_output=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(texts), (len(answers), len(texts))
    wrong = [(t, a, processor.encode(t)) for t, a in zip(texts, answers) if a != processor.encode(t)]
    for text, ours, theirs in wrong[:5]:
        print(f"{text!r}\n  mixtral4j     {ours}\n  sentencepiece {theirs}")
    characters = sum(map(len, texts))
    print(f"{len(texts) - len(wrong)} of {len(texts)} texts have the same ids; "
          f"{characters / sum(map(len, answers)):.2f} characters per token")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
