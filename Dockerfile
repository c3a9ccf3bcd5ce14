# syntax=docker/dockerfile:1
# The operator's image: built with pip in one stage, run without it in the next.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
COPY operator ./operator
RUN python -m venv --without-pip /opt/hacluster \
 && pip --disable-pip-version-check --no-cache-dir --python /opt/hacluster/bin/python \
      install --require-hashes --only-binary :all: -r requirements.lock \
 && cp -r operator/hacluster operator/hacluster_wire operator/hacluster_node \
      "$(/opt/hacluster/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/" \
 && /opt/hacluster/bin/python -m compileall -q /opt/hacluster

FROM python:3.12-slim-bookworm
RUN rm -rf /usr/local/lib/python3.12/site-packages/pip* /usr/local/bin/pip* /usr/local/lib/python3.12/ensurepip \
 && groupadd --gid 65532 hacluster \
 && useradd --uid 65532 --gid 65532 --no-create-home --shell /usr/sbin/nologin hacluster
COPY --from=build /opt/hacluster /opt/hacluster
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080
ENTRYPOINT ["/opt/hacluster/bin/python", "-m", "hacluster"]
CMD ["run"]
