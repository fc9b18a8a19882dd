#!/usr/bin/env python3
"""The matrix products of a dense layer by OpenBLAS or CLBlast, for compare.py.

    sgemm_worker.py openblas|clblast WORK
    sgemm_worker.py openblas|clblast --version

Both are called through ctypes, so that the libraries alone are needed, not their headers (Debian:
libopenblas0-openmp or libopenblas0-pthread; libclblast1 and an OpenCL driver). CLBlast runs on the first
OpenCL device. x (n, c), w (k, c), dy (n, k), rows one behind the other.
"""
import array
import ctypes
import ctypes.util
import sys

import worker

ROW_MAJOR, NO, YES = 101, 111, 112  # CBLAS's and CLBlast's numbers alike


def product(work):
    """Of m x n by sums of k: the operands' names and whether each is transposed, and the sizes."""
    s = worker.parse_shape(work["shape"])
    n, c, k = s["n"], s["c"], s["k"]
    sizes = {"x": n * c, "w": k * c, "dy": n * k}
    return sizes, {"forward": ("x", NO, c, "w", YES, c, n, k, c),
                   "input gradient": ("dy", NO, k, "w", NO, c, n, c, k),
                   "weight gradient": ("dy", YES, k, "x", NO, c, k, c, n)}[work["pass"]]


def numbers(count):
    return array.array("f", (i % 17 / 17 - 0.5 for i in range(256))) * (count // 256 + 1)


def load(name):
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        sys.exit(str(error))


# ---- OpenBLAS ------------------------------------------------------------------------------------

class OpenBlas:
    def __init__(self):
        self.library = load("libopenblas.so.0")

    def version(self):
        config = self.library.openblas_get_config
        config.restype = ctypes.c_char_p
        return config().decode()

    def run_of(self, work):
        sizes, (a, ta, lda, b, tb, ldb, m, n, k) = product(work)
        held = {name: numbers(count) for name, count in sizes.items()}
        held["out"] = numbers(m * n)
        at = {name: ctypes.c_void_p(v.buffer_info()[0]) for name, v in held.items()}
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        if work["variant"].startswith("gemv"):  # one image: the second operand by a vector
            rows, columns = (n, k) if tb == YES else (k, n)
            transposed = NO if tb == YES else YES
            call, arguments = self.library.cblas_sgemv, (
                ROW_MAJOR, transposed, rows, columns, one, at[b], ldb, at[a], 1, zero, at["out"], 1)
        else:
            call, arguments = self.library.cblas_sgemm, (
                ROW_MAJOR, ta, tb, m, n, k, one, at[a], lda, at[b], ldb, zero, at["out"], n)

        def run():
            call(*arguments)
            return held  # which lives as long as its addresses are used

        return run


# ---- CLBlast -------------------------------------------------------------------------------------

class ClBlast:
    def __init__(self):
        self.cl, self.library = load("libOpenCL.so.1"), load("libclblast.so.1")
        platform, self.device, count = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()
        self.check("clGetPlatformIDs", 1, ctypes.byref(platform), ctypes.byref(count))
        self.check("clGetDeviceIDs", platform, ctypes.c_ulong(0xFFFFFFFF), 1,
                   ctypes.byref(self.device), ctypes.byref(count))
        self.context = self.made("clCreateContext", None, 1, ctypes.byref(self.device), None, None)
        self.queue = self.made("clCreateCommandQueue", self.context, self.device, ctypes.c_ulong(0))

    def check(self, name, *arguments):
        code = getattr(self.cl, name)(*arguments)
        if code:
            sys.exit(f"{name}: error {code}")

    def made(self, name, *arguments):
        create, code = getattr(self.cl, name), ctypes.c_int()
        create.restype = ctypes.c_void_p
        handle = create(*arguments, ctypes.byref(code))
        if code.value:
            sys.exit(f"{name}: error {code.value}")
        return ctypes.c_void_p(handle)

    def version(self):
        name = ctypes.create_string_buffer(256)
        self.check("clGetDeviceInfo", self.device, 0x102B, ctypes.c_size_t(256), name, None)
        return f"CLBlast on {name.value.decode()}"

    def buffer(self, count):
        values = numbers(count)
        return self.made("clCreateBuffer", self.context, ctypes.c_ulong(1 | 32),  # read-write, copied
                         ctypes.c_size_t(4 * count), ctypes.c_void_p(values.buffer_info()[0]))

    def run_of(self, work):
        sizes, (a, ta, lda, b, tb, ldb, m, n, k) = product(work)
        at = {name: self.buffer(count) for name, count in sizes.items()}
        out, size, number = self.buffer(m * n), ctypes.c_size_t, ctypes.c_float
        arguments = (ROW_MAJOR, ta, tb, size(m), size(n), size(k), number(1), at[a], size(0), size(lda),
                     at[b], size(0), size(ldb), number(0), out, size(0), size(n),
                     ctypes.byref(self.queue), None)

        def run():
            code = self.library.CLBlastSgemm(*arguments)
            if code:
                sys.exit(f"CLBlastSgemm: error {code}")
            self.check("clFinish", self.queue)

        return run


def main():
    library = {"openblas": OpenBlas, "clblast": ClBlast}[sys.argv[1]]()
    if sys.argv[2] == "--version":
        print(library.version())
    else:
        worker.serve(library.run_of(worker.work(sys.argv[2])))


main()
