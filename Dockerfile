# The server, alone, as a user who owns nothing:
#   docker build -t chat . && docker run --rm -p 6666:6666 -v chat:/var/lib/chat-server chat
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release --package chat-server

FROM debian:bookworm-slim
COPY --from=build /src/target/release/chat-server /usr/local/bin/chat-server
# Whom to trust, for a --log at rediss://.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN useradd --system --home-dir /var/lib/chat-server --create-home chat
USER chat
# Else the C library keeps freed memory apart for many threads.
ENV MALLOC_ARENA_MAX=2
EXPOSE 6666
VOLUME /var/lib/chat-server
# The server ends by itself within six seconds of SIGTERM.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/chat-server"]
CMD ["--listen", "0.0.0.0:6666", "--data", "/var/lib/chat-server"]
