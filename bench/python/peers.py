"""The peers in Python: networkx, igraph, a loop over numpy columns, python-bitcoinlib, graphsense-clustering.

Reads the columns and the truth the bench wrote, answers the same questions, compares
its answers, and prints one line of JSON a work.
"""

import json
import resource
import statistics
import sys
import time

MASK = (1 << 64) - 1
HOPS, PER_ACCOUNT, NOBODY = 6, 1000, 0xFFFFFFFF
PATIENCE = 40


def columns(folder):
    import numpy

    def read(name, kind):
        return numpy.fromfile(f"{folder}/column-{name}.bin", kind)

    amounts = read("amount", "<u8").reshape(-1, 2)
    return {
        "from": read("from", "<u4"),
        "to": read("to", "<u4"),
        "time": read("time", "<i8"),
        "asset": read("asset", "u1"),
        "amount": amounts,
        "addresses": read("addresses", "u1").reshape(-1, 20),
    }


def walk(source, since, services, sent):
    """`sent(account)`: its transfers as (row, to, time), in the order of time."""
    arrivals, frontier = {source: since}, [(source, since)]
    for _ in range(HOPS):
        earlier = {}
        for account, since in frontier:
            left = PER_ACCOUNT
            for _, to, moment in sent(account):
                if moment < since:
                    continue
                if left == 0:
                    break
                left -= 1
                if to == NOBODY:
                    continue
                known = arrivals.get(to)
                if known is None or moment < known:
                    arrivals[to] = moment
                    if to not in services:
                        earlier[to] = moment
        frontier = sorted(earlier.items())
    return arrivals


def reach(folder, make):
    data, truth, head = columns(folder), load(folder, "truth"), load(folder, "stream")
    words = [int.from_bytes(bytes(a[:8]), "little") for a in data["addresses"]]
    numbers = {bytes(a).hex(): n for n, a in enumerate(data["addresses"])}
    services = {numbers[s] for s in head["services"] if s in numbers}
    sent = make(data)
    each, started = [], time.perf_counter()
    for trace in truth["traces"]:
        seconds = []
        for _ in range(5):
            since = time.perf_counter()
            arrivals = walk(numbers[trace["source"]], trace["since"], services, sent)
            seconds.append(time.perf_counter() - since)
            if time.perf_counter() - started > PATIENCE:
                break
        digest = sum(words[a] ^ (t * 0x9E3779B97F4A7C15 & MASK) for a, t in arrivals.items()) & MASK
        got = {"count": len(arrivals), "digest": digest}
        if got != trace["reached"]:
            sys.exit(f"the trace from {trace['source']}: {got}, should be {trace['reached']}")
        each.append((statistics.median(seconds), trace["rows"]["count"]))
    heaviest, rows = max(each)
    say("reach", {
        "median_seconds": statistics.median(seconds for seconds, _ in each),
        "heaviest_seconds": heaviest,
        "heaviest_rows": rows,
        "heaviest_rows_per_second": rows / heaviest,
    })


def networkx_graph(data):
    import networkx

    graph = networkx.MultiDiGraph()
    ends = zip(data["from"].tolist(), data["to"].tolist(), data["time"].tolist())
    for row, (source, target, moment) in enumerate(ends):
        graph.add_edge(source, target, key=row, time=moment)

    def sent(account):
        edges = graph.out_edges(account, keys=True, data="time")
        return sorted((row, to, moment) for _, to, row, moment in edges)

    return sent


def igraph_graph(data):
    import igraph
    import numpy

    nobody = len(data["addresses"])
    ends = [numpy.where(data[end] == NOBODY, nobody, data[end]) for end in ("from", "to")]
    graph = igraph.Graph(n=nobody + 1, edges=numpy.stack(ends, axis=1), directed=True)
    targets, times = data["to"].tolist(), data["time"].tolist()

    def sent(account):
        rows = sorted(graph.incident(account, mode="out"))
        return ((row, targets[row], times[row]) for row in rows)

    return sent


def sweep(folder):
    data, truth, head = columns(folder), load(folder, "truth"), load(folder, "stream")
    numbers = {bytes(a).hex(): n for n, a in enumerate(data["addresses"])}
    services = {numbers[s] for s in head["services"] if s in numbers}
    thief, since = numbers[head["thief"]], head["stolen_at"]
    measured = {}
    for policy, run in (("haircut", haircut), ("poison", poison)):
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            rows = zip(*(data[name].tolist() for name in ("from", "to", "time", "asset", "amount")))
            got = run(rows, len(data["addresses"]), thief, since, services)
            seconds.append(time.perf_counter() - began)
        should = truth[policy]
        got = dict(zip(("tainted_in", "resting", "at_services", "fees"), map(str, got)))
        if got != should:
            sys.exit(f"the {policy} sweep: {got}, should be {should}")
        took = statistics.median(seconds)
        measured[f"{policy}_seconds"] = took
        measured[f"{policy}_transfers_per_second"] = len(data["from"]) / took
    say("sweep", measured)


def haircut(rows, accounts, thief, since, services):
    clean, tainted = [0] * accounts, [0] * accounts
    tainted_in = at_services = fees = 0
    for source, target, moment, asset, (low, high) in rows:
        if asset:
            continue
        amount, taint = low | high << 64, 0
        if source != NOBODY and source not in services:
            dirty = tainted[source]
            held = clean[source] + dirty
            taint = dirty if amount >= held else amount * dirty // held
            tainted[source] = dirty - taint
            clean[source] -= min(amount - taint, clean[source])
            if source == thief and moment >= since and target not in (NOBODY, thief):
                tainted_in += amount - taint
                taint = amount
        if target == NOBODY:
            fees += taint
        elif target in services:
            at_services += taint
        else:
            tainted[target] += taint
            clean[target] += amount - taint
    return tainted_in, sum(tainted), at_services, fees


def poison(rows, accounts, thief, since, services):
    held, is_tainted = [0] * accounts, [False] * accounts
    tainted_in = at_services = fees = 0
    for source, target, moment, asset, (low, high) in rows:
        if asset:
            continue
        amount, taint = low | high << 64, 0
        if source != NOBODY and source not in services:
            held[source] = max(0, held[source] - amount)
            taint = amount if is_tainted[source] else 0
            if source == thief and moment >= since and target not in (NOBODY, thief):
                tainted_in += amount - taint
                taint = amount
        if target == NOBODY:
            fees += taint
        elif target in services:
            at_services += taint
        else:
            held[target] += amount
            if taint:
                is_tainted[target] = True
    resting = sum(h for h, t in zip(held, is_tainted) if t)
    return tainted_in, resting, at_services, fees


def parse(files):
    from bitcoin.core import CBlock

    blocks = [open(file, "rb").read() for file in files]
    seconds = []
    for _ in range(5):
        since = time.perf_counter()
        parsed = [CBlock.deserialize(block) for block in blocks]
        # What an import needs of them: the identifier of each transaction.
        ids = [tx.GetTxid() for block in parsed for tx in block.vtx]
        seconds.append(time.perf_counter() - since)
    size = sum(map(len, blocks))
    say("parse", {"bytes_per_second": size / statistics.median(seconds), "transactions": len(ids)})


def clusters(folder):
    import numpy
    import pyarrow
    from gs_clustering import Clustering

    pairs = numpy.fromfile(f"{folder}/pairs.bin", "<u4").reshape(-1, 2)
    right = int(open(f"{folder}/pairs.digest").read())
    batch, count = 100_000, len(pairs)
    flat = pairs.reshape(-1)
    arrays = []
    for at in range(0, count, batch):
        some = min(batch, count - at)
        offsets = pyarrow.array(numpy.arange(0, 2 * some + 1, 2, dtype="int32"))
        values = pyarrow.array(flat[2 * at : 2 * (at + some)])
        arrays.append(pyarrow.ListArray.from_arrays(offsets, values))
    since = time.perf_counter()
    lists = [pairs[at : at + batch].tolist() for at in range(0, count, batch)]
    tolist = time.perf_counter() - since
    seconds = {"lists": [], "arrays": []}
    mapped = []
    for _ in range(3):
        for how, batches in (("lists", lists), ("arrays", arrays)):
            since = time.perf_counter()
            clustering = Clustering(max_address_id=count - 1)
            take = clustering.process_transactions if how == "lists" else clustering.process_transactions_arrow
            for some in batches:
                take(some)
            seconds[how].append(time.perf_counter() - since)
            since = time.perf_counter()
            mapping = clustering.get_mapping()
            mapped.append(time.perf_counter() - since)
            got = clusters_digest(mapping, numpy)
            if got != right:
                sys.exit(f"the clusters are others: {got}, should be {right}")
    say("clusters", {
        "pairs_per_second": count / statistics.median(seconds["lists"]),
        "pairs_per_second_unconverted": count / statistics.median(seconds["arrays"]),
        "tolist_seconds": tolist,
        "mapping_seconds": statistics.median(mapped),
    })


def clusters_digest(mapping, numpy):
    addresses = mapping.column(0).to_numpy().astype("u8")
    clusters = mapping.column(1).to_numpy().astype("u8")
    words = (addresses << numpy.uint64(32) | clusters) * numpy.uint64(0x9E3779B97F4A7C15)
    return int((words ^ (words >> numpy.uint64(29))).sum(dtype="u8"))


def load(folder, name):
    with open(f"{folder}/{name}.json") as file:
        return json.load(file)


def say(work, numbers):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    numbers = {**numbers, "peak_resident_bytes": peak}
    print("RESULT " + json.dumps([{"work": work, "numbers": numbers}]), flush=True)


if __name__ == "__main__":
    peer, folder = sys.argv[1:3]
    if peer == "networkx":
        reach(folder, networkx_graph)
    elif peer == "igraph":
        reach(folder, igraph_graph)
    elif peer == "numpy":
        sweep(folder)
    elif peer == "graphsense-clustering":
        clusters(folder)
    elif peer == "python-bitcoinlib":
        parse(sys.argv[3:])
    else:
        sys.exit(f"no peer {peer!r}")
