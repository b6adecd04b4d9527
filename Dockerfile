# The bot, its ops worker and its beat: one image, three commands. Nothing in it needs root.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements-uv.txt requirements.lock pyproject.toml README.md LICENSE manifest.yml ./
RUN python -m venv /opt/celery-oncall \
 && python -m pip install --no-cache-dir --require-hashes -r requirements-uv.txt
COPY bot bot
COPY tasks tasks
COPY runbooks runbooks
COPY playground playground
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy VIRTUAL_ENV=/opt/celery-oncall
# The lock holds the development tools too; only what the package itself needs goes into the image.
RUN uv export --help >/dev/null 2>&1; \
    uv pip install --no-cache --constraint requirements.lock .

FROM python:3.12-slim
COPY --from=build /opt/celery-oncall /opt/celery-oncall
RUN useradd --system --create-home --uid 10001 oncall && mkdir -p /data && chown oncall /data
USER oncall
WORKDIR /data
ENV PATH=/opt/celery-oncall/bin:$PATH PYTHONUNBUFFERED=1 DATABASE_URL=sqlite:////data/oncall.sqlite3
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["celery-oncall"]
CMD ["up"]
