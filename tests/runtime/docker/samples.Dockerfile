# The audit image with the programs that samples run: how a user adds what a target needs.
ARG BASE
FROM ${BASE}
USER root
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends curl gcc git libc6-dev openssh-client openssl procps wget \
    && rm -rf /var/lib/apt/lists/*
USER nobody
