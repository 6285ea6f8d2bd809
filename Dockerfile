# The suite in a container: docker build -t mobilenet-suite .
# For NVIDIA's GPUs: docker build --build-arg TORCH=cu130 -t mobilenet-suite . && docker run --gpus all ...
FROM python:3.11-slim AS build

# The build of torch, as uv names them: that for the CPU is 4.6 GB smaller.
ARG TORCH=cpu

COPY . /source
WORKDIR /source
RUN pip install --no-cache-dir uv && uv venv /venv && uv pip install --no-cache --python /venv/bin/python \
    -c constraints.txt --torch-backend="${TORCH}" ".[import,faces,onnx]"

FROM python:3.11-slim

COPY --from=build /venv /venv
# Whoever runs the container, by docker run --user, may write to these.
RUN useradd --create-home suite && mkdir -m 1777 /work /cache
ENV PATH="/venv/bin:${PATH}" MOBILENET_CACHE=/cache MPLCONFIGDIR=/tmp/matplotlib
USER suite
WORKDIR /work
ENTRYPOINT ["mobilenet"]
CMD ["--help"]
