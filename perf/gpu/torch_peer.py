#!/usr/bin/env python3
"""Our own CS-UNet in PyTorch: checked against the golden cases, then timed as a peer of csunet on the same GPU.

  torch_peer.py --check-only --device cpu      checks logits, gradients, ten training steps; needs no GPU
  torch_peer.py --json FILE                    checks, then times steps and inference, and the card's copy and matrix-product limits
  torch_peer.py --compare FOLDER               compares with what 'csunet selftest --device cuda --write FOLDER' computed

Needs torch and numpy. Exit code 1 if a check, a comparison or a measurement fails.
"""

import argparse
import contextlib
import json
import pathlib
import re
import statistics
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F

from torch_csunet import CsUnet, formula_input, tiny

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = [HERE / "bin" / "golden", HERE.parent.parent / "tests" / "Golden" / "data"]
TYPES = {"F32": numpy.float32, "F64": numpy.float64, "I64": numpy.int64, "U8": numpy.uint8}


# Checking -------------------------------------------------------------------------------------------------------------------------------

def read_safetensors(path):
    """(metadata, tensors) of a safetensors file."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        array = numpy.frombuffer(data[8 + size + start:8 + size + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return metadata, tensors


def numbers(text):
    return tuple(int(part) for part in text.split(","))


def network(metadata, fused):
    sides = [int(side) for side in metadata["size"].split("x")]
    return CsUnet({
        "height": sides[0], "width": sides[-1], "classes": int(metadata["classes"]), "embed": int(metadata["embed"]),
        "depths": numbers(metadata["depths"]), "heads": numbers(metadata["heads"]), "window": int(metadata["window"]),
        "mlp": metadata["mlp"], "cnn": metadata["cnn"], "cnn_layers": numbers(metadata["cnn_layers"]),
        "cnn_width": int(metadata["cnn_width"]), "fused": fused}).fill_by_formula()


def loss_of(logits, labels, cross_entropy, dice):
    """cross_entropy * CE + dice * soft Dice: 1 - (2 sum(p g) + 1e-5) / (sum(p^2) + sum(g^2) + 1e-5), mean over classes, sums over the batch."""
    logits = logits if logits.dtype == torch.float64 else logits.float()
    p = torch.softmax(logits, 1)
    g = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
    sums = (0, 2, 3)
    score = (2 * (p * g).sum(sums) + 1e-5) / ((p * p).sum(sums) + (g * g).sum(sums) + 1e-5)
    return cross_entropy * F.cross_entropy(logits, labels) + dice * (1 - score).mean()


def run_case(path, metadata, tensors, device, dtype, fused):
    """What PyTorch computes for a golden case: {name: tensor in float64 on the CPU}."""
    model = network(metadata, fused).to(device, dtype)
    training = metadata["training"] == "true"
    model.train(training)
    got = {}

    def keep(name, value):
        got[name] = value.detach().to("cpu", torch.float64)

    if "steps" in metadata:
        weights = re.fullmatch(r"([0-9.]+)\*ce\+([0-9.]+)\*dice", metadata["loss"])
        if weights is None:
            raise ValueError(f"{path.name}: loss={metadata['loss']} is not known, expected A*ce+B*dice")
        optimizer = torch.optim.AdamW(model.parameters(), lr=float(metadata["lr"]), weight_decay=float(metadata["weight_decay"]))
        images, labels = tensors["in.x"].to(device, dtype), tensors["in.y"].to(device)
        losses = []
        for _ in range(int(metadata["steps"])):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(images), labels, float(weights[1]), float(weights[2]))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        keep("out.losses", torch.stack(losses))
        model.eval()
        with torch.no_grad():
            keep("out.logits_eval", model(images))
        return got

    name = path.stem[:-5] if path.stem.endswith("_eval") else path.stem
    stored = "in.0" in tensors
    size = [int(side) for side in metadata["size"].split("x")]
    images = (tensors["in.0"] if stored else formula_input(f"{name}.x", (1, 3, size[0], size[-1]))).to(device, dtype)
    if not training:
        with torch.no_grad():
            if not stored:
                # Evaluation continues from the one training pass of the file without the suffix.
                model.train()
                model(images)
                model.eval()
            keep("out" if stored else "out.logits_eval", model(images))
        return got
    images = images.detach().requires_grad_(stored)
    logits = model(images)
    keep("out" if stored else "out.logits_train", logits)
    cotangent = tensors["cotangent"] if stored else formula_input(f"{name}.cotangent", tuple(logits.shape))
    logits.backward(cotangent.to(device, dtype))
    leaves = [(f"param.{key}", parameter.grad) for key, parameter in model.named_parameters()]
    if stored:
        leaves.append(("in.0", images.grad))
    for key, gradient in leaves:
        gradient = gradient.detach().to("cpu", torch.float64).contiguous()
        for tag in {f"grad.{key}", f"gradnorm.{key}", f"gradnorm.{key[6:]}", f"gradsample.{key}", f"gradsample.{key[6:]}"} & set(tensors):
            if tag.startswith("gradnorm."):
                got[tag] = gradient.norm().reshape(1)
            elif tag.startswith("gradsample."):
                flat = gradient.flatten()
                got[tag] = flat[torch.arange(1024) * (flat.numel() // 1024)]
            else:
                got[tag] = gradient
    for key, buffer in model.named_buffers():
        if f"buffer.{key}" in tensors:
            keep(f"buffer.{key}", buffer)
    if "out.parameter_count" in tensors:
        got["out.parameter_count"] = torch.tensor([float(sum(p.numel() for p in model.parameters()))], dtype=torch.float64)
    return got


def differences(got, expected, references):
    """(largest error, its tensor): relative to the largest entry of each tensor of 'expected'; zero gradients as DATA of the cases says."""
    gradients = [value.double().norm().item() for name, value in references.items() if name.startswith(("grad.", "gradnorm."))]
    largest = max(gradients, default=0.0)
    worst, where = 0.0, "none"
    for name, reference in expected.items():
        value, reference = got[name], reference.double()
        if value.shape != reference.shape:
            raise ValueError(f"{name}: shape {tuple(value.shape)}, expected {tuple(reference.shape)}")
        scale = reference.abs().max().item()
        if name.startswith("grad") and references[name].double().abs().max().item() < 1e-10 * largest:
            scale = 1e-4 * largest
        error = (value - reference).abs().max().item() / scale
        # A number that is not finite is as wrong as can be.
        error = error if error == error else float("inf")
        if error >= worst:
            worst, where = error, name
    return worst, where


def references_of(tensors):
    return {name: value for name, value in tensors.items() if not name.startswith("in.") and name != "cotangent"}


def tolerance_of(metadata, dtype):
    return 1e-6 if dtype == torch.float64 else max(4 * float(metadata["float32_error"]), 1e-5)


def check(folder, device, types, filter_text, attention):
    """Every csunet case of the folder, in each type and attention; a list of results."""
    results = []
    for path in sorted(folder.glob("csunet_*.safetensors")):
        if filter_text not in path.stem:
            continue
        metadata, tensors = read_safetensors(path)
        for dtype in types:
            for fused in attention:
                start = time.perf_counter()
                got, references = run_case(path, metadata, tensors, device, dtype, fused), references_of(tensors)
                missing = sorted(set(references) - set(got))
                error, where = differences(got, references, references) if not missing else (float("inf"), f"missing {missing[:4]}")
                tolerance = tolerance_of(metadata, dtype)
                results.append({
                    "case": path.stem, "type": str(dtype)[6:], "attention": "sdpa" if fused else "matmul", "error": error,
                    "tolerance": tolerance, "tensor": where, "tensors": len(references), "passed": error <= tolerance,
                    "seconds": time.perf_counter() - start})
                print("{case:26} {type:8} {attention:7} error {error:.1e} of {tolerance:.1e} ({tensor}, {tensors} tensors) {seconds:.1f} s"
                      .format(**results[-1]) + ("" if error <= tolerance else "  FAILED"), flush=True)
    if not results:
        raise SystemExit(f"error: {folder} holds no csunet_*.safetensors" + (f" with '{filter_text}' in its name" if filter_text else ""))
    return results


def compare(written, golden, device):
    """What csunet wrote against PyTorch on the same device, both in float32; each may be its tolerance off, so together twice that."""
    results = []
    for path in sorted(written.glob("csunet_*.safetensors")):
        metadata, tensors = read_safetensors(golden / path.name)
        _, engine = read_safetensors(path)
        references = references_of(tensors)
        if set(engine) != set(references):
            raise SystemExit(f"error: {path} holds {len(engine)} tensors, expected the {len(references)} references of {golden / path.name}")
        torch_values = run_case(path, metadata, tensors, device, torch.float32, fused=False)
        error, where = differences({name: value.double() for name, value in engine.items()}, torch_values, references)
        tolerance = 2 * tolerance_of(metadata, torch.float32)
        results.append({"case": path.stem, "error": error, "tolerance": tolerance, "tensor": where, "tensors": len(references),
                        "passed": error <= tolerance})
        print("{case:26} csunet against PyTorch: {error:.1e} of {tolerance:.1e} ({tensor})".format(**results[-1])
              + ("" if error <= tolerance else "  FAILED"), flush=True)
    if not results:
        raise SystemExit(f"error: {written} holds no csunet_*.safetensors; 'csunet selftest --filter csunet --write {written}' writes them")
    return results


# Timing ---------------------------------------------------------------------------------------------------------------------------------

class Clock:
    """Times calls: with events on a GPU, else with the CPU's clock."""

    def __init__(self, device):
        self.device = device

    def times(self, action, warmup, seconds, least=5, most=200):
        """Milliseconds of single calls, for about the given time."""
        for _ in range(warmup):
            action()
        self.wait()
        results, start = [], time.perf_counter()
        while len(results) < least or (time.perf_counter() - start < seconds and len(results) < most):
            results.append(self.once(action))
        return results

    def once(self, action):
        if self.device.type != "cuda":
            start = time.perf_counter()
            action()
            return 1e3 * (time.perf_counter() - start)
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        first.record()
        action()
        last.record()
        last.synchronize()
        return first.elapsed_time(last)

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def spread(times):
    ordered = sorted(times)
    return {"median_ms": statistics.median(ordered), "least_ms": ordered[0], "p90_ms": ordered[int(0.9 * (len(ordered) - 1))],
            "largest_ms": ordered[-1], "repeats": len(ordered)}


@contextlib.contextmanager
def precision(name, device):
    """fp32, tf32 or bf16 (autocast) for what runs inside."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"
    # Every weight is used once a pass, so the cache of casts would gain nothing, and recorded graphs must not keep one.
    with torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16", cache_enabled=False):
        yield
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def limits(device, seconds, side):
    """The card's copy bandwidth and matrix-product rates on random numbers, never zeros."""
    clock, result = Clock(device), {}
    elements = 1 << (29 if device.type == "cuda" else 24)
    source = torch.rand(elements, device=device)
    target = torch.empty_like(source)
    times = spread(clock.times(lambda: target.copy_(source), 3, seconds))
    result["copy"] = {**times, "bytes_moved": 8 * elements, "gb_per_s": 8 * elements / times["median_ms"] / 1e6}
    del source, target
    for name in ("fp32", "tf32", "bf16"):
        with precision(name, device):
            dtype = torch.bfloat16 if name == "bf16" else torch.float32
            a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
            times = spread(clock.times(lambda: a @ b, 3, seconds))
        result[f"gemm_{name}"] = {**times, "side": side, "tflop_per_s": 2 * side ** 3 / times["median_ms"] / 1e9}
    return result


def time_network(options, variant, precision_name, device, batch, seconds):
    """Training step (forward, loss, backward, AdamW) and inference, in milliseconds."""
    clock = Clock(device)
    torch.manual_seed(0)
    model = CsUnet(options).fill_by_formula().to(device).to(memory_format=torch.channels_last)
    size, classes = options["height"], options["classes"]
    images = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, classes, (batch, size, size), device=device)
    on_gpu = device.type == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, **({"fused": True} if on_gpu else {}),
                                  **({"capturable": True} if variant == "graph" else {}))
    call = torch.compile(model) if variant == "compile" else model

    def forward():
        with precision(precision_name, device):
            return call(images)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(forward(), labels, 0.5, 0.5).backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            forward()

    start = time.perf_counter()
    step()
    clock.wait()
    first = time.perf_counter() - start
    action = capture(step) if variant == "graph" else step
    result = {"first_step_s": first, "step": spread(clock.times(action, 3, seconds))}
    if on_gpu:
        result["peak_bytes"] = torch.cuda.max_memory_allocated()
    model.eval()
    infer()
    action = capture(infer) if variant == "graph" else infer
    result["inference"] = spread(clock.times(action, 3, seconds / 2))
    for part in ("step", "inference"):
        result[part]["images_per_s"] = 1e3 * batch / result[part]["median_ms"]
    return result


def capture(action):
    """Records an action as a CUDA graph; returns its replay."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            action()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        action()
    return graph.replay


def measure(arguments, device, report):
    """Every size, precision and variant that fits into the time; what does not is named as skipped."""
    started, failures = time.perf_counter(), 0
    report["limits"] = limits(device, arguments.seconds, arguments.gemm_side)
    for name, entry in report["limits"].items():
        print(f"{name:10} " + (f"{entry['gb_per_s']:.0f} GB/s" if name == "copy" else f"{entry['tflop_per_s']:.1f} TFLOP/s"), flush=True)
    fused = hasattr(F, "scaled_dot_product_attention")
    report["attention"], report["timings"] = "sdpa" if fused else "matmul", []
    # Compiling takes minutes: what is quick comes first.
    for variant in arguments.variants.split(","):
        for size in numbers(arguments.sizes):
            for precision_name in arguments.precisions.split(","):
                entry = {"variant": variant, "size": size, "batch": arguments.batch, "precision": precision_name}
                label = f"{variant:8} {size:4} {precision_name}"
                report["timings"].append(entry)
                if time.perf_counter() - started > arguments.budget:
                    entry["skipped"] = f"the time given by --budget, {arguments.budget:.0f} s, is over"
                    print(f"{label} skipped: {entry['skipped']}", flush=True)
                    continue
                try:
                    entry.update(time_network(tiny(size, 3, fused), variant, precision_name, device, arguments.batch, arguments.seconds))
                    print("{} step {:.2f} ms, {:.0f} images/s; inference {:.2f} ms, {:.0f} images/s".format(
                        label, entry["step"]["median_ms"], entry["step"]["images_per_s"], entry["inference"]["median_ms"],
                        entry["inference"]["images_per_s"]), flush=True)
                except Exception as failure:  # One variant that this PyTorch cannot run must not cost the others; it is counted below.
                    entry["failure"] = f"{type(failure).__name__}: {failure}"[:2000]
                    failures += 1
                    print(f"{label} FAILED: {entry['failure'].splitlines()[0]}", flush=True)
                if device.type == "cuda":
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
                if hasattr(torch, "_dynamo"):
                    torch._dynamo.reset()
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: cuda)")
    parser.add_argument("--golden", type=pathlib.Path, help="folder of golden cases (default: those beside this file, or of the checkout)")
    parser.add_argument("--filter", default="", help="only cases with this text in their name")
    parser.add_argument("--types", default="float32,float64", help="element types of the check (default: float32,float64)")
    parser.add_argument("--check-only", action="store_true", help="no timing")
    parser.add_argument("--time-only", action="store_true", help="no check")
    parser.add_argument("--compare", type=pathlib.Path, metavar="FOLDER", help="compare what csunet selftest --write wrote; nothing else")
    parser.add_argument("--sizes", default="224,512", help="image sides (default: 224,512)")
    parser.add_argument("--batch", type=int, default=16, help="images per step (default: 16)")
    parser.add_argument("--precisions", default="fp32,tf32,bf16")
    parser.add_argument("--variants", default="eager,graph,compile", help="eager, graph (whole step as a CUDA graph), compile (torch.compile)")
    parser.add_argument("--gemm-side", type=int, default=8192, help="side of the square matrices that give the limits (default: 8192)")
    parser.add_argument("--seconds", type=float, default=1.5, help="time of one measurement (default: 1.5)")
    parser.add_argument("--budget", type=float, default=420, help="seconds after which no further network is timed (default: 420)")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    arguments = parser.parse_args()

    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("error: PyTorch finds no GPU; --device cpu --check-only checks the network without one")
    golden = arguments.golden or next((folder for folder in GOLDEN if folder.is_dir()), None)
    if golden is None or not golden.is_dir():
        raise SystemExit(f"error: no folder of golden cases ({golden or ', '.join(map(str, GOLDEN))}); name it with --golden")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    report = {"what": "PyTorch peer of csunet", "command": " ".join(sys.argv), "torch": torch.__version__, "cuda": torch.version.cuda,
              "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"}
    failures = 0
    try:
        if arguments.compare is not None:
            report["comparison"] = compare(arguments.compare, golden, device)
            failures += sum(not result["passed"] for result in report["comparison"])
        else:
            if not arguments.time_only:
                types = [getattr(torch, name) for name in arguments.types.split(",")]
                attention = [False, True] if hasattr(F, "scaled_dot_product_attention") else [False]
                report["checks"] = check(golden, device, types, arguments.filter, attention)
                failures += sum(not result["passed"] for result in report["checks"])
                if failures:
                    print("error: a network that is not CS-UNet is not timed", file=sys.stderr)
            if not arguments.check_only and failures == 0:
                failures += measure(arguments, device, report)
    finally:
        report["failures"] = failures
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
