# hygiesync serve, slim and without privileges:
#   docker build -t hygiesync .
#   docker run --rm -p 8031:8031 -v hygiesync:/data -e HYGIESYNC_TOKEN=choose-a-long-one hygiesync
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 hygiesync \
    && install -d -o hygiesync /data

WORKDIR /src
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
COPY hygiesync hygiesync
RUN pip install --no-cache-dir -c constraints.txt '.[serve]' && rm -rf /src/*

USER hygiesync
WORKDIR /data
VOLUME /data
ENV OMP_NUM_THREADS=1
EXPOSE 8031

# The certificate is the container's own, so it is not verified here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import ssl, urllib.request as r; r.urlopen('https://127.0.0.1:8031/healthz', context=ssl._create_unverified_context(), timeout=4)"]

ENTRYPOINT ["hygiesync", "serve"]
CMD ["--host", "0.0.0.0", "--tls-self-signed", "--folder", "/data"]
