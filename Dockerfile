# The bot, its ops worker and its beat: one image, one command each. Nothing in it needs root.
FROM python:3.12-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/opt/celery-oncall
WORKDIR /src
COPY requirements-uv.txt ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
 && uv venv --python "$(command -v python)" "$VIRTUAL_ENV"
# The lock holds the development tools too, so it constrains what is installed and does not list it: only what
# pyproject.toml itself needs goes in, in the locked version, and with the locked hash or not at all.
COPY requirements.lock pyproject.toml ./
RUN uv pip install --require-hashes --constraint requirements.lock -r pyproject.toml
COPY README.md LICENSE manifest.yml ./
COPY bot bot
COPY tasks tasks
COPY runbooks runbooks
COPY playground playground
# Offline: uv builds it by itself, and every dependency is there.
RUN uv pip install --offline --no-deps .

FROM python:3.12-slim
RUN useradd --system --create-home --uid 10001 oncall && install -d -o oncall -g oncall /data
COPY --from=build /opt/celery-oncall /opt/celery-oncall
ENV PATH=/opt/celery-oncall/bin:$PATH PYTHONUNBUFFERED=1 DATABASE_URL=sqlite:////data/oncall.sqlite3
# By number, so that Kubernetes' runAsNonRoot can tell that it is not root.
USER 10001
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["celery-oncall"]
CMD ["up"]
