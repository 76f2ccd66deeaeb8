"""A peer in an environment of its own: llama.cpp, asked line by line for the seconds of a task.

    python _llama.py MODEL.gguf THREADS

Reads "write N" (tokens after the prompt, greedily) or "read N" (a prompt of N tokens) and answers
with seconds, and for "write" with the tokens behind them.
"""

import sys
import time

from llama_cpp import Llama

PROMPT = list(range(100, 116))


def main() -> None:
    path, threads = sys.argv[1], int(sys.argv[2])
    model = Llama(path, n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False)
    print("ready", flush=True)
    for line in sys.stdin:
        task, n = line.split()
        model.reset()
        start, tokens = time.perf_counter(), []
        if task == "read":
            model.eval([*range(100, 100 + int(n))])
        else:
            for token in model.generate(PROMPT, temp=0.0, repeat_penalty=1.0):
                tokens.append(token)
                if len(tokens) == int(n):
                    break
        print(time.perf_counter() - start, *tokens, flush=True)


main()
