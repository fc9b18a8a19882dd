"""The two kinds of sides that take turns: Lenslet's command, and a peer's worker process.

A peer has a name, a test whether it is here, and for each piece of work the variants that may be its best
configuration. Its worker keeps the work warm between the turns; `lenslet bench` is started anew.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LENSLET = os.environ.get("LENSLET", os.path.join(HERE, "../../build/release/bin/lenslet"))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
CORES = sorted(os.sched_getaffinity(0))


class Unavailable(Exception):
    """A peer, or one piece of its work, that cannot be had here, and why."""


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "no message"


def output_of(command, environment=None):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, **(environment or {})})
    except OSError as error:
        raise Unavailable(str(error)) from error
    if done.returncode != 0:
        raise Unavailable(last_line(done.stderr))
    return done.stdout.strip()


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

    def __init__(self, work, arguments=()):
        self.command = [LENSLET, "bench", *self.what(work), *arguments, "--format", "json"]
        self.device = None

    @staticmethod
    def what(work):
        return [work["model"], "--batch-size", str(work["batch"]), "--optimizer", work["optimizer"]]

    def turn(self, seconds):
        result = json.loads(output_of([*self.command, "--seconds", str(seconds)]))["results"][0]
        self.device = result["name"]
        return {"median_ms": result["step_ms_median"], "min_ms": result["step_ms_min"]}

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
        raise Unavailable(last_line(self.errors.read()))

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

    def start(self, work, variant, threads):
        work = {**work, "variant": variant, "threads": threads}
        return Worker([*self.command(work), json.dumps(work)],
                      peer_environment(threads, variant))


class PyTorch(Peer):
    name, label = "pytorch", "PyTorch"

    def version(self):
        return output_of([PYTHON, "-c", "import torch; print('PyTorch', torch.__version__)"])

    def command(self, work):
        return [PYTHON, os.path.join(HERE, "torch_worker.py")]

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
        return [self.python, os.path.join(HERE, "keras_worker.py")]

    def variants(self, work):
        return ["graph", "xla"]


def make_venv(venv):
    """With Keras in it, from PyPI; nothing to do when it is there."""
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        output_of([PYTHON, "-m", "venv", venv])
    output_of([python, "-m", "pip", "install", "--quiet", "tensorflow-cpu"])
