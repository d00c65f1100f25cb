#!/usr/bin/env python3
"""Counts thanks: chat-client bot --name karma --json scripts/bots/karma.py

  NAME++          thanks NAME
  !karma NAME     how often was NAME thanked?
  !karma          who was thanked most?
"""

import json
import re
import sys
from collections import Counter

thanks = Counter()


def answer(speaker, text):
    """What the bot says to a line, or None."""
    if thanked := re.fullmatch(r"(\S+?):?\s*\+\+", text):
        name = thanked[1]
        if name == speaker:
            return f"{speaker}: ask somebody else to thank you"
        thanks[name] += 1
        return f"{name} was thanked {times(thanks[name])}"
    if text == "!karma":
        best = thanks.most_common(3)
        return ", ".join(f"{name} {count}" for name, count in best) or "nobody was thanked yet"
    if asked := re.fullmatch(r"!karma (\S+)", text):
        return f"{asked[1]} was thanked {times(thanks[asked[1]])}"
    return None


def times(count):
    return "once" if count == 1 else f"{count} times"


for line in sys.stdin:
    event = json.loads(line)
    if event["type"] == "say":
        said = answer(event["from"], event["text"])
        if said:
            # Without the flush it would wait in a buffer until there is more.
            print(said, flush=True)
