# Keyledger's parts for production: no embedded engines, no compiler, no tests. docs/operate.md, With Docker.

# BASE is of both stages: the virtual environment finds its interpreter where it was made.
ARG BASE=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# Wheels alone, each by its hash: nothing is compiled, and nothing comes that a lock does not name.
COPY requirements-build.lock requirements-image.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements-build.lock \
    && python -m venv --without-pip /opt/keyledger \
    && pip --python /opt/keyledger/bin/python install \
        --require-hashes --only-binary :all: -r requirements-image.lock

# After the dependencies, whose layer stays when only our code changes.
COPY pyproject.toml README.md LICENSE ./
COPY registry registry
COPY projections projections
COPY gateways gateways
COPY clickhouse clickhouse
COPY audit audit
COPY keyledger keyledger
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/keyledger/bin/python install --no-deps --no-index dist/*.whl


FROM ${BASE} AS runtime
RUN useradd --system --user-group --uid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin keyledger
COPY --from=builder /opt/keyledger /opt/keyledger
ENV PATH=/opt/keyledger/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number: a platform that refuses root can't look a name up.
USER 10001:10001
# The API; health and metrics of the relay, of the projector and of the collector.
EXPOSE 8080 9464 9465 9467
# Of the command below; who runs another one says its port.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python", "-m", "keyledger.healthcheck", "8080"]
ENTRYPOINT ["keyledger"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
