"""aics-witness, unmodified, both ways: its client asks our witness, and our conversation asks its witness.

usage: judge.py AMANA        (run by an interpreter that has aics-witness; from the top of the source tree)

Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
"""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from aics_tlog import MerkleTree, format_vkey, parse_note, parse_vkey, verify_checkpoint
from aics_tlog.checkpoint import Checkpoint, sign_checkpoint
from aics_tlog.note import vkey_from_ed25519
from aics_witness.feeder import WitnessAhead, WitnessClient, WitnessRejected, merge_cosignatures
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# The log of tests/it/witness.rs.
ORIGIN = "log.example/judged"
KEY = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
LOG_VKEY = vkey_from_ed25519(ORIGIN, KEY.public_key())
PATIENCE_SECONDS = 60


def main():
    amana = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="amana-witness-") as folder:
        their_client_asks_us(amana, Path(folder))
        we_ask_their_witness(Path(folder))


def their_client_asks_us(amana, folder):
    place = folder / "ours"
    made = run(amana, "--json", "witness", "new", "--dir", place, "--name", "witness.example")
    vkey = parse_vkey(json.loads(made)["witness"])
    holds("their library reads our witness's key")
    arguments = ["--json", "witness", "serve", "--dir", place, "--listen", "127.0.0.1:0", "--log", format_vkey(LOG_VKEY)]
    with serving([amana, *arguments], stdout=subprocess.PIPE) as process:
        url = json.loads(process.stdout.readline())["url"]
        log = grown(40)
        with WitnessClient(url, vkey) as client:
            for size in (1, 2, 8, 40):
                line = client.submit(checkpoint(log, size), log.consistency_proof)
            note = merge_cosignatures(checkpoint(log, 40), line)
        result = verify_checkpoint(parse_note(note), LOG_VKEY, [vkey], 1, expected_origin=ORIGIN, max_age_seconds=60)
        assert result.ok, result.error
        holds("their client feeds our witness a growing log, and their library verifies the cosignature")
        with WitnessClient(url, vkey) as forgetful:
            forgetful.submit(checkpoint(log, 40), log.consistency_proof)
        holds("their client goes on from the size our witness names")
        refused_as(WitnessAhead, url, vkey, log, 8)
        fork = grown(41, first="another")
        rejected = refused_as(WitnessRejected, url, vkey, fork, 40)
        assert rejected.status == 422, rejected
        assert refused_as(WitnessRejected, url, vkey, fork, 41).status == 422
        holds("their client understands our refusals of a log that went back and of a fork")
        origin = hashlib.sha256(ORIGIN.encode()).hexdigest()
        with urllib.request.urlopen(f"{url}/{origin}/checkpoint", timeout=10) as answer:
            served = parse_note(answer.read())
        result = verify_checkpoint(served, LOG_VKEY, [vkey], 1, expected_origin=ORIGIN)
        assert result.ok and result.size == 40, result
        holds("their library verifies the checkpoint our witness serves to everybody")


def we_ask_their_witness(folder):
    program = Path(sys.executable).parent / "aics-witness"
    config, port = folder / "witness.json", free_port()
    run(program, "init", "--config", config, "--name", "witness.example/theirs", "--listen", f"127.0.0.1:{port}")
    run(program, "add-log", "--config", config, "--origin", ORIGIN, "--vkey", format_vkey(LOG_VKEY))
    status = json.loads(run(program, "status", "--config", config, "--json"))
    with serving([program, "serve", "--config", config]) as process:
        listening(process, port)
        environment = {
            **os.environ,
            "AMANA_WITNESS_URL": f"http://127.0.0.1:{port}",
            "AMANA_WITNESS_VKEY": status["witness"]["vkey"],
        }
        test = "witness::conversation_with_somebody_elses_witness"
        command = ["cargo", "test", "--quiet", "--test", "it", "--", "--ignored", "--exact", test, "--nocapture"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    claims = [line for line in done.stdout.splitlines() if "ok: " in line]
    if done.returncode != 0 or len(claims) != 4:
        sys.exit(f"our conversation with their witness failed:\n{done.stdout}\n{done.stderr}")
    for claim in claims:
        holds("our conversation with their witness: " + claim.partition("ok: ")[2])


def grown(size, first="entry"):
    return MerkleTree(f"{first} {n}".encode() for n in range(size))


def checkpoint(log, size):
    return sign_checkpoint(Checkpoint(ORIGIN, size, log.root(size)), KEY, ORIGIN).to_bytes()


def refused_as(kind, url, vkey, log, size):
    with WitnessClient(url, vkey) as client:
        try:
            client.submit(checkpoint(log, size), log.consistency_proof)
        except kind as refusal:
            return refusal
    sys.exit(f"a log of {size} entries was cosigned, which it should not have been")


@contextlib.contextmanager
def serving(command, **options):
    said = tempfile.TemporaryFile("w+")
    command = [str(part) for part in command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=said, **options)
    try:
        yield process
    except BaseException:
        said.seek(0)
        print(f"{command[0]} said:\n{said.read()}", file=sys.stderr)
        raise
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listening(process, port):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("their witness does not listen")
            time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def holds(claim):
    print(f"ok: witness: {claim}", flush=True)


main()
