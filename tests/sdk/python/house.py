"""A gateway and a simulated provider for the SDK tests: the same call is made to both, and must look the same.

Not here: any SDK. `test_*.py` beside this file hold one SDK each.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("TOLLHOUSE_BIN", str(ROOT / "target/release/tollhouse"))
KEY = "th-sdk-tests-0123456789abcdef"
# A red dot of 1 × 1 pixels.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


class Running:
    """A process of the binary, whose output is kept."""

    def __init__(self, args, env=None):
        self.process = subprocess.Popen(
            [BINARY, *args], env={**os.environ, **(env or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def wait_for(self, pattern):
        """The first group of the first line that matches."""
        for _ in range(1000):
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"no line matches {pattern}:\n{''.join(self.lines)}")

    def end(self):
        self.process.terminate()
        self.process.wait(30)
        self.reader.join()
        self.process.stdout.close()


class House:
    """Both, with the simulator's truth."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        self.truth_file, self.data = folder / "truth.ndjson", folder / "data"
        self.simulator = Running(["simulate", "--listen", "127.0.0.1:0", "--truth", str(self.truth_file)])
        self.direct = self.simulator.wait_for(r"http://([\d.:]+)")
        config = folder / "tollhouse.toml"
        template = (ROOT / "tests/sdk/house.toml").read_text()
        config.write_text(template.replace("SIMULATOR", self.direct))
        env = {"SDK_KEY": KEY, "SDK_PROVIDER_KEY": "any-key"}
        self.gateway = Running(["serve", "--config", str(config), "--data", str(self.data)], env)
        self.gate = self.gateway.wait_for(r"^gateway: +http://([\d.:]+)")

    def records(self):
        """What the books say of every attempt, by attempt."""
        said = subprocess.run(
            [BINARY, "calls", "--data", str(self.data), "--format", "json", "--limit", "0"],
            check=True, capture_output=True, text=True,
        ).stdout
        records = [json.loads(line) for line in said.splitlines()]
        return {record["attempt_id"]: record for record in records if record["kind"] != "refused"}

    def truth(self):
        """What the simulator served through the gateway, by attempt; its direct calls carry no attempt."""
        lines = [json.loads(line) for line in self.truth_file.read_text().splitlines()]
        return {line["attempt_id"]: line for line in lines if line["event"] == "ended" and line["attempt_id"]}

    def check_usage(self, at_least):
        """Every attempt is in the books with exactly the tokens that were served."""
        records, truth = self.records(), self.truth()
        assert len(truth) >= at_least, f"only {len(truth)} calls went through the gateway"
        assert records.keys() == truth.keys(), records.keys() ^ truth.keys()
        for attempt, record in records.items():
            served = {kind: n for kind, n in truth[attempt]["tokens"].items() if n}
            booked = {kind: n for kind, n in record.get("tokens", {}).items() if n}
            assert booked == served, f"{attempt}: booked {booked}, served {served}"
            assert record["provenance"] == "provider_final", record

    def end(self):
        self.gateway.end()
        self.simulator.end()
        self.folder.cleanup()


def plain(answer):
    """All that an SDK shows of an answer. Two things are taken out: the clock, as the calls are not made at one instant,
    and OpenAI's `obfuscation`, padding that hides a chunk's length and follows from what else is in the chunk."""
    if isinstance(answer, list):
        return [plain(part) for part in answer]
    shown = answer.model_dump()
    if "created" in shown:
        assert abs(shown["created"] - time.time()) < 60, shown
        shown["created"] = 0
    if "obfuscation" in shown:
        shown["obfuscation"] = "padding"
    return shown
