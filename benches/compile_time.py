#!/usr/bin/env python3
"""What 200 annotated functions add to the compile time, beside 200 `#[tracing::instrument]`.

    python3 benches/compile_time.py [rounds]        # 5 rounds by default, some minutes

The same 200 functions (every second one async) stand in three crates: bare, instrumented, and as shutdown steps. Each
round touches one body and checks each crate incrementally, then checks each from scratch with its dependencies warm;
the order within a round is random. Printed are medians, and what each attribute adds over bare.
"""

import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = 200
VARIANTS = {
    "bare": ("", ""),
    "instrument": ("#[tracing::instrument(skip_all)]", 'tracing = "0.1"'),
    "on_shutdown": ("#[lifecycle::on_shutdown]", f'lifecycle = {{ path = "{ROOT / "lifecycle"}" }}'),
    "tracked": ("#[lifecycle::tracked]", f'lifecycle = {{ path = "{ROOT / "lifecycle"}" }}'),
}


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


def write(folder: pathlib.Path, variant: str) -> None:
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
        + (refusal if variant == "tracked" else "")
        + "async fn later(x: u64) -> u64 { std::future::ready(x & 7).await }\n"
        "fn now(x: u64) -> u64 { x & 7 }\n"
        + "".join(function(index, attribute, "Fault") for index in range(FUNCTIONS))
    )


def check(folder: pathlib.Path, variant: str) -> float:
    began = time.monotonic()
    subprocess.run(["cargo", "check", "-q", "--offline", "-p", variant], cwd=folder, check=True)
    return time.monotonic() - began


def touch(folder: pathlib.Path, variant: str, round_: int) -> None:
    path = folder / variant / "src/lib.rs"
    text = path.read_text()
    start = text.index("fn now(")
    end = text.index("\n", start)
    path.write_text(text[:start] + f"fn now(x: u64) -> u64 {{ x & {7 + round_} }}" + text[end:])


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for variant in VARIANTS:
            write(folder, variant)
        members = ", ".join(f'"{variant}"' for variant in VARIANTS)
        (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "3"\nmembers = [{members}]\n')
        (folder / "Cargo.lock").write_bytes((ROOT / "Cargo.lock").read_bytes())
        subprocess.run(["cargo", "fetch", "-q"], cwd=folder, check=True)
        for variant in VARIANTS:
            check(folder, variant)
        took = {(kind, variant): [] for kind in ("incremental", "clean") for variant in VARIANTS}
        for round_ in range(1, rounds + 1):
            for variant in random.sample(list(VARIANTS), len(VARIANTS)):
                touch(folder, variant, round_)
                took["incremental", variant].append(check(folder, variant))
                subprocess.run(["cargo", "clean", "-q", "-p", variant], cwd=folder, check=True)
                for incremental in (folder / "target/debug/incremental").glob(f"{variant}-*"):
                    subprocess.run(["rm", "-rf", str(incremental)], check=True)
                took["clean", variant].append(check(folder, variant))
        for kind in ("clean", "incremental"):
            median = {variant: statistics.median(took[kind, variant]) for variant in VARIANTS}
            added = {variant: median[variant] - median["bare"] for variant in VARIANTS}
            for variant in VARIANTS:
                print(
                    f"{kind:12} {variant:12} {median[variant]:6.2f} s   {median[variant] / median['bare']:5.2f} x bare"
                    f"   {added[variant] / added['instrument']:5.2f} of what instrument adds"
                )


if __name__ == "__main__":
    main()
