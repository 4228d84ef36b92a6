FROM python:3.11-slim

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
WORKDIR /app

# The locked packages change less often than the code: they are a layer of their own.
COPY requirements.txt ./
RUN pip install --require-hashes --requirement requirements.txt

# .dockerignore lists what comes in.
COPY . ./
RUN pip install --no-deps --no-build-isolation --editable . \
    && useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin backout \
    && install --directory --owner backout --group backout .backout

# The code stays root's: the process writes to .backout only.
USER backout
VOLUME /app/.backout
CMD ["python", "worker.py"]
