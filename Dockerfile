# The course in a container, with PyTorch's CPU build:
#   docker build -t gpt-by-building .
#   docker run --rm -p 8888:8888 -v "$PWD/chapters:/home/learner/course/chapters" gpt-by-building
# JupyterLab then prints an address with a token. What is written into chapters/ stays on the host.
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends make git fonts-nanum \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 learner

USER learner
WORKDIR /home/learner/course

# What is installed depends on these alone: a changed chapter does not install it anew.
COPY --chown=learner Makefile setup_env.py pyproject.toml constraints.txt README.md LICENSE ./
COPY --chown=learner tools tools
COPY --chown=learner utils utils
RUN make setup

COPY --chown=learner . .
EXPOSE 8888
CMD ["make", "lab", "ARGS=--no-browser --ip 0.0.0.0 --port 8888"]
