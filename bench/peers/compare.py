#!/usr/bin/env python3
"""The same work on Lenslet and on other libraries, in turns in one run, as a table of ratios.

    bench/peers/compare.py [--quick] [--only PATTERN] [--rounds 7] [--format text|md|json]
    bench/peers/compare.py --list           # the rows, and which peers are here
    bench/peers/compare.py --make-venv      # a virtual environment with Keras, from PyPI

The machine's other load changes from second to second, so the sides take turns, each on all cores, and
the figures are each side's fastest run and the median of its rounds' medians. Every peer runs in its best
configuration: of the variants that it has, the one that is fastest in a first turn goes on. Peers that
are not installed are named and left out. Debian: python3-torch libopenblas0-openmp libdnnl-dev libclblast1.
LENSLET names the command (default build/release/bin/lenslet).
"""
import argparse
import datetime
import json
import os
import platform
import re
import statistics
import sys
import tempfile

import rows
import sides
import zoo


CORES = len(sides.CORES)
FIRST_ROUNDS = 3  # at most, of processes that may take many seconds to their first step


def note(text):
    print(text, file=sys.stderr, flush=True)


# ---- one row -------------------------------------------------------------------------------------

def check_parameters(label, model, count):
    """The same network has the same number of parameters on every side."""
    ours = sides.lenslet_parameters(model)
    if not ours == zoo.parameters(model) == count:
        raise SystemExit(f"{model}: Lenslet has {ours} parameters, zoo.py {zoo.parameters(model)}, "
                         f"{label} {count}")


class Contender:
    """A peer on one row, in its best variant."""

    def __init__(self, peer, work, threads, seconds):
        self.name, self.label, self.notes = peer.name, peer.label, {}
        self.worker, best = None, None
        for variant in peer.variants(work):
            try:
                worker = peer.start(work, variant, threads)
                if "model" in work:
                    check_parameters(peer.label, work["model"], worker.ready["parameters"])
                time = worker.turn(seconds)["median_ms"]
            except sides.Unavailable as error:
                self.notes[variant] = str(error)
                continue
            self.notes[variant] = time
            if best is None or time < best:
                best, worker, self.worker, self.variant = time, self.worker, worker, variant
            if worker:
                worker.close()
        if best is None:
            raise sides.Unavailable("; ".join(f"{v}: {e}" for v, e in self.notes.items()))

    def turn(self, seconds):
        return self.worker.turn(seconds)

    def close(self):
        self.worker.close()


class FirstRun:
    """A side whose turn is a new process, up to the end of its first run: `first_ms(environment)`."""

    def __init__(self, side, first_ms, warm):
        self.name, self.label, self.variant = side.name, side.label, None
        self.first_ms, self.warm = first_ms, warm
        self.folder = tempfile.TemporaryDirectory()
        if warm:
            self.turn(0)

    def turn(self, _):
        if not self.warm:
            self.folder.cleanup()
            self.folder = tempfile.TemporaryDirectory()
        caches = {"XDG_CACHE_HOME": self.folder.name, "POCL_CACHE_DIR": self.folder.name + "/pocl"}
        milliseconds = self.first_ms(caches)
        return {"median_ms": milliseconds, "min_ms": milliseconds}

    def close(self):
        self.folder.cleanup()


# ---- who takes part ------------------------------------------------------------------------------

def participants(row):
    """(label or None for the side's own, name, cores); ratios refer to the first."""
    if row.how == "cores":
        return [("all cores", row.peers[0], CORES), ("one core", row.peers[0], 1)]
    return [(None, name, CORES) for name in ("lenslet", *row.peers)]


def in_turns(row, peer, cores, seconds):
    if peer:
        return Contender(peer, row.work, cores, seconds)
    side = sides.Lenslet(row.work, cores)
    side.turn(0.01)  # builds the kernels
    return side


def in_first_runs(row, peer):
    warm = row.how == "first, warm"
    if not peer:
        side = sides.Lenslet(row.work, CORES)
        return FirstRun(side, side.first_ms, warm)

    def first_ms(environment):
        worker = peer.start(row.work, peer.variants(row.work)[0], CORES, environment)
        worker.close()
        return worker.ready["first_ms"]

    return FirstRun(peer, first_ms, warm)


def open_sides(row, peers, seconds):
    """Those that can do it, the first, None if it cannot, in front; and why the others cannot."""
    opened, absent = [], {}
    for number, (label, name, cores) in enumerate(participants(row)):
        if name != "lenslet" and name not in peers:
            continue
        try:
            side = (in_turns(row, peers.get(name), cores, seconds)
                    if row.how in ("turns", "cores") else in_first_runs(row, peers.get(name)))
            side.label = label or side.label
            opened.append(side)
        except sides.Unavailable as error:
            absent[label or (peers[name].label if name in peers else "Lenslet")] = str(error)
            if number == 0:
                opened.append(None)
    return opened, absent


# ---- turns ---------------------------------------------------------------------------------------

def figures(side, turns):
    return {"side": side.name, "label": side.label, "variant": side.variant,
            "min_ms": min(turn["min_ms"] for turn in turns),
            "median_ms": statistics.median(turn["median_ms"] for turn in turns),
            "rounds_ms": [turn["median_ms"] for turn in turns]}


def take_turns(opened, rounds, seconds):
    turns = [[] for _ in opened]
    for _ in range(rounds):
        for side, taken in zip(opened, turns):
            if side:
                taken.append(side.turn(seconds))
    return [side and figures(side, taken) for side, taken in zip(opened, turns)]


def run_row(row, peers, args):
    opened, absent = open_sides(row, peers, args.seconds)
    rounds = args.rounds if row.how in ("turns", "cores") else min(args.rounds, FIRST_ROUNDS)
    results = take_turns(opened, rounds, args.seconds) if opened else []
    for side in filter(None, opened):
        side.close()
    return judged(row, results, absent)


def judged(row, results, absent):
    """With ratios to the first, which is None when it could not be had."""
    base, others = (results or [None])[0], results[1:]
    for result in others if base else ():
        result["ratio_median"] = result["median_ms"] / base["median_ms"]
        result["ratio_min"] = result["min_ms"] / base["min_ms"]
    ratio = min(result["ratio_median"] for result in others) if base and others else None
    met = None
    if row.target_ms and base:
        met = base["median_ms"] <= row.target_ms
    elif row.target and ratio:
        met = ratio >= row.target
    return {"section": row.section, "row": row.name, "how": row.how, **row.work, "base": base,
            "others": others, "absent": absent, "ratio": ratio, "target": row.target,
            "target_ms": row.target_ms, "met": met}


# ---- tables --------------------------------------------------------------------------------------

def milliseconds(result):
    if result is None:
        return "-"
    digits = 3 if result["min_ms"] < 1 else 2 if result["min_ms"] < 100 else 0
    return f"{result['min_ms']:.{digits}f} / {result['median_ms']:.{digits}f}"


def ratios(result):
    if result is None or "ratio_min" not in result:
        return "-"
    return f"{result['ratio_min']:.2f} / {result['ratio_median']:.2f}"


def target_of(row):
    if row["target_ms"]:
        return f"<= {row['target_ms']:g} ms"
    return f">= {row['target']:g}" if row["target"] else "-"


def table_of(section, results):
    """Header and cells: a pair of columns for each peer that some row of the section has."""
    labels = list(dict.fromkeys(side["label"] for row in results for side in row["others"]))
    base = "all cores" if results[0]["how"] == "cores" else "Lenslet"
    yield [section, f"{base} ms", *(cell for label in labels for cell in (f"{label} ms", "ratio")),
           "target", "met"]
    for row in results:
        side_of = {side["label"]: side for side in row["others"]}
        cells = [row["row"], milliseconds(row["base"])]
        for label in labels:
            cells += [milliseconds(side_of.get(label)), ratios(side_of.get(label))]
        yield [*cells, target_of(row), {True: "yes", False: "no", None: "-"}[row["met"]]]


def print_table(lines, markdown):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for number, line in enumerate(lines):
        padded = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))]
        print("| " + " | ".join(padded) + " |" if markdown else "  ".join(padded))
        if number == 0 and markdown:
            print("| " + " | ".join("-" * w for w in widths) + " |")
    print(flush=True)


def grouped(pairs):
    """'TEXT: ROW, ROW.' for each text of (text, row)."""
    rows_of = {}
    for text, row in pairs:
        rows_of.setdefault(text, []).append(row)
    return [f"{text}: {', '.join(names)}." for text, names in rows_of.items()]


def variants_of(results):
    """Which variant won where, a line each."""
    return grouped((f"{side['label']} as {side['variant']}", row["row"]) for row in results
                   for side in row["others"] if side["variant"])


def absences_of(results):
    return grouped((f"Without {label} ({why})", f"{row['section']} {row['row']}") for row in results
                   for label, why in row["absent"].items())


DISTURBED = 3  # a median so many times the fastest run tells of other load, not of the library


def disturbances_of(results):
    for row in results:
        for side in filter(None, [row["base"], *row["others"]]):
            if side["median_ms"] > DISTURBED * side["min_ms"]:
                yield (f"Disturbed: {row['row']}: {side['label']}'s median is "
                       f"{side['median_ms'] / side['min_ms']:.0f} times its fastest run.")


def print_report(report, markdown):
    for section in dict.fromkeys(row["section"] for row in report["results"]):
        results = [row for row in report["results"] if row["section"] == section]
        print_table(list(table_of(section, results)), markdown)
    print("Times are fastest / median of the rounds, ratios theirs over Lenslet's: above 1 Lenslet is "
          "faster. A target holds for the median against the fastest peer.")
    print(f"{report['date']}, {report['machine']['processor']}, {report['machine']['cores']} cores, "
          f"{report['rounds']} rounds in turns; {', '.join(dict.fromkeys(report['versions'].values()))}.")
    for lines in (variants_of, disturbances_of, absences_of):
        for line in lines(report["results"]):
            print(line)
    for label, reason in report["missing"].items():
        print(f"Without {label}: {reason}")
    for model, reason in zoo.NO_COUNTERPART.items():
        print(f"{model} has no counterpart: {reason}.")


# ---- all of it -----------------------------------------------------------------------------------

def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        found = re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read(), re.MULTILINE)
    return found[1] if found else platform.machine()


def environment():
    wanted = re.compile(r"^(LENSLET_|POCL_|OPENBLAS_|OMP_|TF_|XDG_CACHE_HOME)")
    return {"ours": {k: v for k, v in os.environ.items() if wanted.match(k)},
            "peers": sides.peer_environment(CORES)}


def new_report(args, versions, missing):
    return {"schema_version": 1, "date": datetime.date.today().isoformat(), "versions": versions,
            "machine": {"processor": processor(), "cores": CORES,
                        "system": platform.platform()},
            "missing": missing, "environment": environment(), "rounds": args.rounds,
            "seconds": args.seconds, "no_counterpart": zoo.NO_COUNTERPART, "results": []}


def find_peers(args):
    """Those that are installed, the versions of all, and why the others are missing."""
    every = sides.all_peers(args.venv)
    wanted = [name for name in args.peers.split(",") if name]
    unknown = set(wanted) - {peer.name for peer in every} - {"all", "none"}
    if unknown:
        raise SystemExit(f"--peers: there is no {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(peer.name for peer in every)}")
    peers, missing = {}, {}
    versions = {"lenslet": sides.output_of([sides.LENSLET, "--version"])}
    for peer in every:
        if peer.name in wanted or "all" in wanted:
            try:
                versions[peer.name] = peer.version()
                peers[peer.name] = peer
            except sides.Unavailable as error:
                missing[peer.label] = str(error)
    return peers, versions, missing


def chosen_rows(args):
    pattern = re.compile(args.only)
    chosen = [row for row in rows.all_rows() if pattern.search(f"{row.section}: {row.name}")
              and (row.quick or not args.quick)]
    if not chosen:
        raise SystemExit(f"--only {args.only}: fits no row; --list shows them")
    return chosen


def options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="turns of each side; default 7, with --quick 3")
    parser.add_argument("--seconds", type=float,
                        help="of one turn, which has at least 5 runs; default 0.5, with --quick 0.2")
    parser.add_argument("--quick", action="store_true", help="fewer rows, fewer and shorter rounds")
    parser.add_argument("--only", default="", metavar="PATTERN",
                        help='rows that the pattern fits, as "SECTION: ROW"')
    parser.add_argument("--peers", default="all", help="all, none, or names with commas")
    parser.add_argument("--format", default="text", choices=("text", "md", "json"))
    parser.add_argument("--list", action="store_true", help="the rows and the peers; runs nothing")
    parser.add_argument("--venv", default=os.path.join(sides.HERE, "../../out/peers-venv"),
                        help="the virtual environment with Keras; default out/peers-venv")
    parser.add_argument("--make-venv", action="store_true", help="make it (700 MB from PyPI)")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 7)
    args.seconds = args.seconds or (0.2 if args.quick else 0.5)
    return args


def main():
    args = options()
    if args.make_venv:
        sides.make_venv(args.venv)
        return
    chosen = chosen_rows(args)
    peers, versions, missing = find_peers(args)
    for label, reason in missing.items():
        note(f"Without {label}: {reason}")
    if args.list:
        note(f"With {', '.join(dict.fromkeys(versions.values()))}")
        for row in chosen:
            print(f"{row.section}: {row.name}")
        return
    report = new_report(args, versions, missing)
    for number, row in enumerate(chosen, 1):
        note(f"[{number}/{len(chosen)}] {row.section}: {row.name}")
        try:
            report["results"].append(run_row(row, peers, args))
        except sides.Unavailable as error:
            report["results"].append(judged(row, [], {"this row": str(error)}))
        except KeyboardInterrupt:
            note("Stopped; the rows so far:")
            break
    if args.format == "json":
        print(json.dumps(report, indent=2))
    else:
        print_report(report, args.format == "md")


if __name__ == "__main__":
    try:
        main()
    except sides.Unavailable as error:
        raise SystemExit(f"compare.py: {error}") from error
