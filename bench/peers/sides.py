"""The two kinds of sides that take turns: Lenslet's command, and a peer's worker process.

A peer has a name, a test whether it is here, and for each piece of work the variants that may be its best
configuration. Its worker keeps the work warm between the turns; `lenslet bench` is started anew.
"""
import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LENSLET = os.environ.get("LENSLET", os.path.join(HERE, "../../build/release/bin/lenslet"))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
CORES = sorted(os.sched_getaffinity(0))


class Unavailable(Exception):
    """A peer, or one piece of its work, that cannot be had here, and why."""


def reason(text):
    """The line of a failed program's stderr that says why: a compiler's first error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines[-1:] or ["it failed without a message"])[0][:200]


def output_of(command, environment=None):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, **(environment or {})})
    except OSError as error:
        raise Unavailable(str(error)) from error
    if done.returncode != 0:
        raise Unavailable(reason(done.stderr))
    return done.stdout.strip()


def on_cores(threads):
    """What keeps a command on so many cores; nothing when that is all of them."""
    cores = ",".join(str(core) for core in CORES[:threads])
    return [] if threads == len(CORES) else ["taskset", "-c", cores]


def core_type():
    """What OpenBLAS shall take the processor for: Debian's takes a new one for an old one."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        flags = cpuinfo.read()
    return "SkylakeX" if "avx512f" in flags else "Haswell" if "avx2" in flags else None


def peer_environment(threads, variant=""):
    environment = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads),
                   "TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "2",
                   "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
    if core_type() and "OPENBLAS_CORETYPE" not in os.environ:
        environment["OPENBLAS_CORETYPE"] = core_type()
    if "passive" in variant:
        environment["OMP_WAIT_POLICY"] = "passive"
    return environment


def with_waiting(variants):
    """Threads that spin while they wait are best on an idle machine and by far the worst on one with
    other load, where each barrier can cost a time slice; so that is a variant too."""
    return [*variants, *(f"{variant} passive".strip() for variant in variants)]


# ---- Lenslet -------------------------------------------------------------------------------------

class Lenslet:
    name, label, variant = "lenslet", "Lenslet", None

    def __init__(self, work, threads):
        self.work = work
        self.command = [*on_cores(threads), LENSLET, "bench", *self.arguments(), "--format", "json"]
        self.environment = {} if threads == len(CORES) else {"POCL_MAX_PTHREAD_COUNT": str(threads)}

    def arguments(self):
        work = self.work
        if work["do"] == "op":
            return [work["shape"], "--op", work["op"], "--pass", work["pass"].replace(" ", "-"),
                    "--rounds", "5"]
        if work["do"] == "inference":
            return [work["model"], "--mode", "inference", "--batch-size", str(work["batch"])]
        return [work["model"], "--batch-size", str(work["batch"]), "--optimizer", work["optimizer"]]

    def document(self, seconds, environment=None):
        return json.loads(output_of([*self.command, "--seconds", str(seconds)],
                                    {**self.environment, **(environment or {})}))

    def turn(self, seconds):
        document = self.document(seconds)
        if self.work["do"] == "op":
            result = document["passes"][0]
            return {"median_ms": result["ms_median"], "min_ms": result["ms_min"]}
        result = document["results"][0]
        return {"median_ms": result["step_ms_median"], "min_ms": result["step_ms_min"]}

    def first_ms(self, environment):
        return self.document(0.01, environment)["results"][0]["first_step_ms"]

    def close(self):
        pass


def lenslet_parameters(model):
    return json.loads(output_of([LENSLET, "summary", model, "--format", "json"]))["params"]


# ---- peers ---------------------------------------------------------------------------------------

class Worker:
    """A running worker; what it said when it was ready is `ready`."""

    def __init__(self, command, environment):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True,
                                        env={**os.environ, **environment})
        self.ready = self.heard()

    def heard(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        raise Unavailable(reason(self.errors.read()))

    def turn(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.heard()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.errors.close()


class Peer:
    """A library; subclasses say how its worker is started and in which variants."""

    name = label = None

    def version(self):
        """Of what is installed; raises Unavailable."""
        raise NotImplementedError

    def command(self, work):
        raise NotImplementedError

    def variants(self, work):
        return [""]

    def start(self, work, variant, threads, environment=None):
        work = {**work, "variant": variant, "threads": threads}
        return Worker([*on_cores(threads), *self.command(work)],
                      {**peer_environment(threads, variant), **(environment or {})})


class PyTorch(Peer):
    name, label = "pytorch", "PyTorch"

    def version(self):
        return output_of([PYTHON, "-c", "import torch; print('PyTorch', torch.__version__)"])

    def command(self, work):
        return [PYTHON, os.path.join(HERE, "torch_worker.py"), json.dumps(work)]

    def variants(self, work):
        if work["do"] == "op":
            return with_waiting(["nchw"])
        layouts = ["nchw", "channels_last"]
        if work["do"] == "inference":
            layouts += ["frozen nchw", "frozen channels_last"]
        return with_waiting(layouts)


class Keras(Peer):
    name, label = "keras", "Keras"

    def __init__(self, venv):
        self.python = os.path.join(venv, "bin", "python")

    def version(self):
        if not os.path.exists(self.python):
            raise Unavailable(f"no {self.python}; --make-venv makes it")
        return output_of([self.python, "-c", "import keras, tensorflow; "
                          "print('Keras', keras.__version__, 'TensorFlow', tensorflow.__version__)"],
                         peer_environment(1))

    def command(self, work):
        return [self.python, os.path.join(HERE, "keras_worker.py"), json.dumps(work)]

    def variants(self, work):
        return ["graph", "xla"]


def make_venv(venv):
    """With Keras in it, from PyPI; nothing to do when it is there."""
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        output_of([PYTHON, "-m", "venv", venv])
    output_of([python, "-m", "pip", "install", "--quiet", "tensorflow-cpu"])


@functools.lru_cache(None)
def compiled_onednn_worker():
    folder = tempfile.mkdtemp(prefix="lenslet-peers-")
    atexit.register(shutil.rmtree, folder)
    program = os.path.join(folder, "onednn_worker")
    output_of([os.environ.get("CXX", "c++"), "-O2", "-std=c++17",
               os.path.join(HERE, "onednn_worker.cpp"), "-o", program, "-ldnnl"])
    return program


class OneDnn(Peer):
    """From plain layout to plain layout, reordering included where it pays; or, `blocked`, in the
    layout of its choice throughout, as in the middle of a net of nothing but its layers."""

    def __init__(self, name, label, layouts):
        self.name, self.label, self.layouts = name, label, layouts

    def version(self):
        return output_of([compiled_onednn_worker(), "--version"])

    def command(self, work):
        return [compiled_onednn_worker(), work["op"], work["shape"], work["pass"], work["variant"]]

    def variants(self, work):
        if work["op"] == "dense":
            return with_waiting(self.layouts)
        algorithms = ["direct", "winograd"] if "kh3" in work["shape"] else ["direct"]
        return with_waiting([f"{layout} {algorithm}" for layout in self.layouts
                             for algorithm in algorithms if (layout, algorithm) != ("plain", "winograd")])


class Sgemm(Peer):
    """A library of matrix products."""

    def __init__(self, name, label):
        self.name, self.label = name, label
        self.program = [PYTHON, os.path.join(HERE, "sgemm_worker.py"), name]

    def version(self):
        return output_of([*self.program, "--version"], peer_environment(len(CORES)))

    def command(self, work):
        return [*self.program, json.dumps(work)]

    def variants(self, work):
        if self.name == "clblast":
            return [""]
        one = work["shape"].startswith("mb1ic") and work["pass"] != "weight gradient"
        return with_waiting(["gemm", "gemv"] if one else ["gemm"])


class OneSgemm(Sgemm):
    """CLBlast's, which in rows of first steps stands for what its users wait for."""

    def __init__(self):
        super().__init__("clblast", "one CLBlast sgemm")
        self.name = "clblast-sgemm"

    def variants(self, work):
        return [""]

    def command(self, work):
        return super().command({"shape": "mb1024ic1024oc1024", "pass": "forward", "variant": ""})


def all_peers(venv):
    return [PyTorch(), Keras(venv), OneDnn("onednn", "oneDNN", ["plain", "reorder"]),
            OneDnn("onednn-blocked", "oneDNN blocked", ["blocked"]), Sgemm("openblas", "OpenBLAS"),
            Sgemm("clblast", "CLBlast"), OneSgemm()]
