# syntax=docker/dockerfile:1
# Stage 1 builds the binary with the packages of deploy/install-packages.sh.
FROM debian:12 AS build
WORKDIR /src
COPY deploy/install-packages.sh deploy/
RUN deploy/install-packages.sh build
COPY . .
RUN cmake --preset release && cmake --build build/release --parallel "$(nproc)" --target barograph \
 && strip build/release/barograph

# Stage 2 is what runs: the shared libraries that the binary needs, and the one binary.
FROM debian:12-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libboost-container1.81.0 libboost-json1.81.0 libdeflate0 libfmt9 \
      libmimalloc2.0 libre2-9 libroaring0 librocksdb7.8 libsnappy1v5 libssl3 libxxhash0 \
      libyaml-cpp0.7 libzstd1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 65532 --no-create-home --shell /usr/sbin/nologin barograph \
 && install -d -o barograph -g barograph /var/lib/barograph /etc/barograph
COPY --from=build /src/build/release/barograph /usr/bin/barograph
USER barograph
WORKDIR /etc/barograph
VOLUME /var/lib/barograph
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["barograph", "check", "healthy", "--url=http://127.0.0.1:9090"]
ENTRYPOINT ["barograph"]
CMD ["--storage.tsdb.path=/var/lib/barograph"]
