# Deckhand as a server: `docker build --tag deckhand .`, in a clone. docs/deploying.md tells how to run it.
#
# The base images are pinned by tag: the versions that the checks know, as in .github/workflows.

# The version of Cargo.toml's rust-version, on the Debian whose C library the second image has.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
# What was compiled and downloaded is kept between builds, so after a change only Deckhand itself is compiled.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin deckhand \
    && install -D --target-directory=/image/opt/deckhand target/release/deckhand \
    && install --mode=644 --target-directory=/image/opt/deckhand agents.toml LICENSE-MIT LICENSE-APACHE \
    && mkdir /image/data

# The C library and nothing that could be run: no shell, no package manager. Certificates and time zones are in the binary.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Deckhand" \
      org.opencontainers.image.description="Deploys from chat: a Discord bot that dispatches GitHub Actions workflows" \
      org.opencontainers.image.source="https://github.com/deckhand-bot/deckhand" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image/opt /opt
# A new volume takes the owner of this folder.
COPY --from=build --chown=65532:65532 /image/data /data
ENV PATH=/opt/deckhand \
    DATA_FILE=/data/deckhand.redb
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
VOLUME ["/data"]
EXPOSE 3000
# Kept by Docker's image format; Podman leaves it out of OCI's (`podman build --format docker`).
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["deckhand", "health"]
ENTRYPOINT ["deckhand"]
CMD ["serve", "--listen", "0.0.0.0:3000"]
