# The server-only build: nothing in this image can open an age header or payload, and no private key of a person
# belongs near it. Genesis and identities are made by `client` builds on other machines (see docker-compose.yml).

# Builds the page for browsers into the program; nothing of it runs in the image.
FROM node:22-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /amana
COPY . .
RUN AMANA_WEB=require cargo build --profile dist --no-default-features --features server,web --locked \
 && mkdir -p /empty/data /empty/keys

# No shell, no package manager; libc and libgcc only. Pin both base images by digest where you deploy.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /amana/target/dist/amana /usr/local/bin/amana
COPY --from=build /amana/LICENSE /amana/LICENSE-APACHE /amana/LICENSE-MIT /usr/share/doc/amana/
# 65532 is `nonroot`. Data and keys are two volumes, because the keys must not be in the data's backups.
COPY --from=build --chown=65532:65532 /empty/data /data
COPY --from=build --chown=65532:65532 /empty/keys /keys
USER 65532:65532
VOLUME ["/data", "/keys"]
EXPOSE 8080
# Asks /readyz, which reads the database and waits for an empty transaction of the writer.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["/usr/local/bin/amana", "doctor", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["/usr/local/bin/amana"]
# There is no default for the public address, which is the OAuth issuer and part of every DPoP proof: append
# `--public-url https://…`, as docker-compose.yml does.
CMD ["serve", "--dir", "/data", "--keys", "/keys", "--listen", "0.0.0.0:8080"]
