#!/usr/bin/env python3
"""What 200 annotated functions add to the compile time, beside 200 `#[tracing::instrument]`.

    python3 benches/compile_time.py [rounds]        # 5 rounds by default, some minutes
    python3 benches/compile_time.py --instructions [functions]        # 40 by default, some minutes, needs valgrind

The same 200 functions (every second one async) stand in a crate for each variant: bare, instrumented (with arguments, and without),
as shutdown steps, tracked. In those named `_once` only the first is annotated: what 200 add over bare includes that the crate's
metadata and its macros are loaded, once, and what 199 add over one does not.
Each round touches one body and checks each crate incrementally, then checks each from scratch with its dependencies warm;
the order within a round is random. Printed are medians, what each attribute adds over bare, and in parentheses what the other 199 add
over the first.

With `--instructions`, what the compiler executes for each crate is counted in the place of time, once: it does not depend on
what else the machine does. Nor on the number of functions, of which fewer do.
"""

import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = 200
VARIANTS = {
    "bare": ("", ""),
    "instrument": ("#[tracing::instrument]", 'tracing = "0.1"'),
    "skip_all": ("#[tracing::instrument(skip_all)]", 'tracing = "0.1"'),
    "on_shutdown": ("#[lifecycle::on_shutdown]", f'lifecycle = {{ path = "{ROOT / "lifecycle"}" }}'),
    "tracked": ("#[lifecycle::tracked]", f'lifecycle = {{ path = "{ROOT / "lifecycle"}" }}'),
}
ONCE = "_once"
VARIANTS |= {name + ONCE: VARIANTS[name] for name in ("instrument", "on_shutdown", "tracked")}


def function(index: int, attribute: str, error: str) -> str:
    asyncness, tick = ("async ", "later(acc).await") if index % 2 == 0 else ("", "now(acc)")
    return f"""{attribute}
pub {asyncness}fn step_{index}(id: u64, name: &str, tags: Vec<String>) -> Result<(), {error}> {{
    let mut acc = id.wrapping_mul({index * 2654435761 % 4294967291});
    for (k, t) in tags.iter().enumerate() {{
        if t.is_empty() {{ return Err({error}(format!("tag {{k}} of {{name}} is empty in step {index}"))); }}
        acc ^= t.bytes().fold(k as u64, |a, b| a.rotate_left(5) ^ u64::from(b));
    }}
    let extra = {tick};
    match name.len() {{
        0 => Err({error}(String::from("no name"))),
        n if n > 64 => Err({error}(format!("name too long: {{n}}"))),
        n => {{ std::hint::black_box(acc.wrapping_add(n as u64).wrapping_add(extra)); Ok(()) }}
    }}
}}
"""


def write(folder: pathlib.Path, variant: str, functions: int) -> None:
    attribute, dependency = VARIANTS[variant]
    (folder / variant / "src").mkdir(parents=True)
    (folder / variant / "Cargo.toml").write_text(
        f'[package]\nname = "{variant}"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n{dependency}\n'
    )
    refusal = "impl From<lifecycle::Rejected> for Fault { fn from(r: lifecycle::Rejected) -> Self { Fault(r.to_string()) } }\n"
    (folder / variant / "src/lib.rs").write_text(
        "#![allow(dead_code)]\n"
        "#[derive(Debug)] pub struct Fault(pub String);\n"
        "impl std::fmt::Display for Fault {\n"
        "    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }\n}\n"
        + (refusal if variant.startswith("tracked") else "")
        + "async fn later(x: u64) -> u64 { std::future::ready(x & 7).await }\n"
        "fn now(x: u64) -> u64 { x & 7 }\n"
        + "".join(
            function(index, "" if index > 0 and variant.endswith(ONCE) else attribute, "Fault") for index in range(functions)
        )
    )


# Counts what the compiler executes for a crate of the workspace, and only for those.
COUNTING = """#!/bin/sh
case " $* " in
*" --crate-name ___ "*) exec "$@" ;;
*" --crate-name "*) exec valgrind -q --tool=cachegrind --cache-sim=no --cachegrind-out-file="$COUNTED" "$@" ;;
*) exec "$@" ;;
esac
"""


def check(folder: pathlib.Path, variant: str, environment: dict[str, str] | None = None) -> float:
    began = time.monotonic()
    command = ["cargo", "check", "-q", "--offline", "-p", variant]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **(environment or {})})
    return time.monotonic() - began


def count(folder: pathlib.Path, variant: str, environment: dict[str, str]) -> float:
    counted = folder / "counted"
    check(folder, variant, {**environment, "COUNTED": str(counted)})
    return int(re.search(r"^summary: (\d+)", counted.read_text(), re.M).group(1)) / 1e6


def touch(folder: pathlib.Path, variant: str, round_: int) -> None:
    path = folder / variant / "src/lib.rs"
    text = path.read_text()
    start = text.index("fn now(")
    end = text.index("\n", start)
    path.write_text(text[:start] + f"fn now(x: u64) -> u64 {{ x & {7 + round_} }}" + text[end:])


def forget(folder: pathlib.Path, variant: str) -> None:
    subprocess.run(["cargo", "clean", "-q", "-p", variant], cwd=folder, check=True)
    for incremental in (folder / "target/debug/incremental").glob(f"{variant}-*"):
        shutil.rmtree(incremental)


def counted(folder: pathlib.Path) -> dict[tuple[str, str], list[float]]:
    wrapper = folder / "counting"
    wrapper.write_text(COUNTING)
    wrapper.chmod(0o755)
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], cwd=ROOT, capture_output=True, text=True, check=True)
    environment = {"RUSTC": f"{sysroot.stdout.strip()}/bin/rustc", "RUSTC_WORKSPACE_WRAPPER": str(wrapper)}
    took = {}
    for variant in VARIANTS:
        # What it depends on is built by the first check.
        check(folder, variant, {**environment, "COUNTED": str(folder / "counted")})
        forget(folder, variant)
        took["clean", variant] = [count(folder, variant, environment)]
        touch(folder, variant, 1)
        took["incremental", variant] = [count(folder, variant, environment)]
    return took


def timed(folder: pathlib.Path, rounds: int) -> dict[tuple[str, str], list[float]]:
    for variant in VARIANTS:
        check(folder, variant)
    took = {(kind, variant): [] for kind in ("incremental", "clean") for variant in VARIANTS}
    for round_ in range(1, rounds + 1):
        for variant in random.sample(list(VARIANTS), len(VARIANTS)):
            touch(folder, variant, round_)
            took["incremental", variant].append(check(folder, variant))
            forget(folder, variant)
            took["clean", variant].append(check(folder, variant))
    return took


def main() -> None:
    counting = "--instructions" in sys.argv
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    functions = (numbers or [40])[0] if counting else FUNCTIONS
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for variant in VARIANTS:
            write(folder, variant, functions)
        members = ", ".join(f'"{variant}"' for variant in VARIANTS)
        (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "3"\nmembers = [{members}]\n')
        (folder / "Cargo.lock").write_bytes((ROOT / "Cargo.lock").read_bytes())
        subprocess.run(["cargo", "fetch", "-q"], cwd=folder, check=True)
        took = counted(folder) if counting else timed(folder, (numbers or [5])[0])
    unit = "M" if counting else "s"
    for kind in ("clean", "incremental"):
        median = {variant: statistics.median(took[kind, variant]) for variant in VARIANTS}
        added = {variant: median[variant] - median["bare"] for variant in VARIANTS}
        further = {name: median[name] - median[name + ONCE] for name in VARIANTS if name + ONCE in VARIANTS}
        for variant in VARIANTS:
            print(
                f"{kind:12} {variant:16} {median[variant]:6.2f} {unit}   {median[variant] / median['bare']:5.2f} x bare"
                f"   {added[variant] / added['instrument']:5.2f} of what instrument adds"
                + (f"  ({further[variant] / further['instrument']:5.2f})" if variant in further else " " * 9)
                + (f"   {added[variant] / functions:5.2f} M a function" if counting else "")
            )


if __name__ == "__main__":
    main()
