#!/usr/bin/env python3
"""The same work on Lenslet and on other libraries, in turns in one run, as a table of ratios.

    bench/peers/compare.py [--quick] [--only PATTERN] [--rounds 7] [--format text|md|json]
    bench/peers/compare.py --list           # the rows, and which peers are here
    bench/peers/compare.py --make-venv      # a virtual environment with Keras, from PyPI

The machine's other load changes from second to second, so the sides take turns, each on all cores, and
the figures are each side's fastest run and the median of its rounds' medians. Every peer runs in its best
configuration: of the variants that it has, the one that is fastest in a first turn goes on. Peers that
are not installed are named and left out: PyTorch (Debian: python3-torch libopenblas0-openmp), Keras.
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

import rows
import sides
import zoo


def note(text):
    print(text, file=sys.stderr, flush=True)


# ---- one row -------------------------------------------------------------------------------------

def check_parameters(label, model, count):
    """The same network on both sides has the same number of parameters."""
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


def figures(side, turns):
    return {"side": side.name, "label": side.label, "variant": side.variant,
            "min_ms": min(turn["min_ms"] for turn in turns),
            "median_ms": statistics.median(turn["median_ms"] for turn in turns),
            "rounds_ms": [turn["median_ms"] for turn in turns]}


def take_turns(contenders, rounds, seconds):
    turns = [[] for _ in contenders]
    for _ in range(rounds):
        for side, taken in zip(contenders, turns):
            taken.append(side.turn(seconds))
    return [figures(side, taken) for side, taken in zip(contenders, turns)]


def run_row(row, peers, args):
    contenders, absent = [sides.Lenslet(row.work)], {}
    for peer in peers:
        if peer.name in row.peers:
            try:
                contenders.append(Contender(peer, row.work, len(sides.CORES), args.seconds))
            except sides.Unavailable as error:
                absent[peer.label] = str(error)
    results = take_turns(contenders, args.rounds, args.seconds)
    for side in contenders:
        side.close()
    return judged(row, results, absent, contenders[0].device)


def judged(row, results, absent, device):
    ours, theirs = results[0], results[1:]
    for result in theirs:
        result["ratio_median"] = result["median_ms"] / ours["median_ms"]
        result["ratio_min"] = result["min_ms"] / ours["min_ms"]
    fastest = min(theirs, key=lambda result: result["median_ms"], default=None)
    ratio = fastest and fastest["ratio_median"]
    return {"section": row.section, "row": row.name, **row.work, "device": device, "sides": results,
            "absent": absent, "ratio": ratio, "target": row.target,
            "met": None if ratio is None or row.target is None else ratio >= row.target}


# ---- tables --------------------------------------------------------------------------------------

def milliseconds(result):
    if result is None:
        return "-"
    digits = 3 if result["min_ms"] < 1 else 2 if result["min_ms"] < 100 else 0
    return f"{result['min_ms']:.{digits}f} / {result['median_ms']:.{digits}f}"


def ratios(result):
    return f"{result['ratio_min']:.2f} / {result['ratio_median']:.2f}" if result else "-"


def table_of(section, results):
    """Header and cells: a pair of columns for each peer that some row of the section has."""
    labels = list(dict.fromkeys(side["label"] for row in results for side in row["sides"][1:]))
    yield [section, "Lenslet ms", *(cell for label in labels for cell in (f"{label} ms", "ratio")),
           "target", "met"]
    for row in results:
        side_of = {side["label"]: side for side in row["sides"]}
        cells = [row["row"], milliseconds(row["sides"][0])]
        for label in labels:
            cells += [milliseconds(side_of.get(label)), ratios(side_of.get(label))]
        target = f">= {row['target']:g}" if row["target"] else "-"
        yield [*cells, target, {True: "yes", False: "no", None: "-"}[row["met"]]]


def print_table(lines, markdown):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for number, line in enumerate(lines):
        padded = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))]
        print("| " + " | ".join(padded) + " |" if markdown else "  ".join(padded))
        if number == 0 and markdown:
            print("| " + " | ".join("-" * w for w in widths) + " |")
    print(flush=True)


def variants_of(results):
    """Which variant won where, a line each."""
    chosen = {}
    for row in results:
        for side in row["sides"][1:]:
            if side["variant"]:
                chosen.setdefault((side["label"], side["variant"]), []).append(row["row"])
    for (label, variant), names in chosen.items():
        yield f"{label} as {variant}: {', '.join(names)}."


DISTURBED = 3  # a median so many times the fastest run tells of other load, not of the library


def disturbances_of(results):
    for row in results:
        for side in row["sides"]:
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
          f"{report['rounds']} rounds in turns; {', '.join(report['versions'].values())}.")
    for line in [*variants_of(report["results"]), *disturbances_of(report["results"])]:
        print(line)
    for row in report["results"]:
        for label, reason in row["absent"].items():
            print(f"{row['row']}: without {label}: {reason}")
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
            "peers": sides.peer_environment(len(sides.CORES))}


def new_report(args, versions, missing):
    return {"schema_version": 1, "date": datetime.date.today().isoformat(), "versions": versions,
            "machine": {"processor": processor(), "cores": len(sides.CORES),
                        "system": platform.platform()},
            "missing": missing, "environment": environment(), "rounds": args.rounds,
            "seconds": args.seconds, "no_counterpart": zoo.NO_COUNTERPART, "results": []}


def find_peers(args):
    """Those that are installed, the versions of all, and why the others are missing."""
    every = [sides.PyTorch(), sides.Keras(args.venv)]
    wanted = [name for name in args.peers.split(",") if name]
    unknown = set(wanted) - {peer.name for peer in every} - {"all", "none"}
    if unknown:
        raise SystemExit(f"--peers: there is no {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(peer.name for peer in every)}")
    peers, missing = [], {}
    versions = {"lenslet": sides.output_of([sides.LENSLET, "--version"])}
    for peer in every:
        if peer.name in wanted or "all" in wanted:
            try:
                versions[peer.name] = peer.version()
                peers.append(peer)
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
                        help="of one turn, which has at least 5 runs; default 1, with --quick 0.3")
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
    args.seconds = args.seconds or (0.3 if args.quick else 1)
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
        for row in chosen:
            print(f"{row.section}: {row.name}")
        return
    report = new_report(args, versions, missing)
    for number, row in enumerate(chosen, 1):
        note(f"[{number}/{len(chosen)}] {row.section}: {row.name}")
        report["results"].append(run_row(row, peers, args))
    if args.format == "json":
        print(json.dumps(report, indent=2))
    else:
        print_report(report, args.format == "md")


if __name__ == "__main__":
    try:
        main()
    except sides.Unavailable as error:
        raise SystemExit(f"compare.py: {error}") from error
