"""Whether files of recordings have each payload that the load sent, octet by octet and in order (bench/load/send.c makes them)."""
import json
import pathlib
import struct

MAGIC = struct.pack("<I", 0x52544C44)
STAMP, HEAD, PACKET = struct.Struct("<IIIIQ"), 12, 172
PAYLOAD = PACKET - HEAD
WAV_DATA_AT = 58
DIGITS = "0123456789abcdefghijklmnopqrstuv"


def pattern(stream):
    """What follows the stamp."""
    return bytes((stream * 31 + i) & 0xFF for i in range(HEAD + STAMP.size, PACKET))


def payloads(data, streams):
    """How many of each stream's payloads are there, whole and behind one another: {stream: count}."""
    tails = {stream: pattern(stream) for stream in streams}
    following, at = dict.fromkeys(streams, 0), data.find(MAGIC)
    found = dict.fromkeys(streams, 0)
    while at >= 0 and at + PAYLOAD <= len(data):
        _, stream, number, _, _ = STAMP.unpack_from(data, at)
        if stream in tails and number >= following[stream] and data[at + STAMP.size:at + PAYLOAD] == tails[stream]:
            found[stream] += 1
            following[stream] = number + 1
            at = data.find(MAGIC, at + PAYLOAD)
        else:
            at = data.find(MAGIC, at + 1)
    return found


def call_name(call):
    return "".join(DIGITS[call >> shift & 31] for shift in range(60, -1, -5))


def of_files(folder, ending, calls, sent, read):
    """read(data, call) gives how many payloads of the call's two streams the file has."""
    files = {path.name: path for path in pathlib.Path(folder).rglob(f"*.{ending}")}
    missing_files = missing = 0
    for call in range(calls):
        path = files.get(f"{call_name(call + 1)}-1.1.{ending}")
        if not path or not pathlib.Path(f"{path}.json").exists():
            missing_files += 1
        missing += 2 * sent - (sum(read(path.read_bytes(), call).values()) if path else 0)
    return {"files": len(files), "files_missing": missing_files, "payloads": 2 * sent * calls, "payloads_missing": missing}


def wav_payloads(data, call):
    sound = data[WAV_DATA_AT:]
    return payloads(sound[0::2], [2 * call]) | payloads(sound[1::2], [2 * call + 1])


def check_wav(folder, calls, sent):
    return of_files(folder, "wav", calls, sent, wav_payloads)


def check_pcapng(folder, calls, sent):
    return of_files(folder, "pcapng", calls, sent, lambda data, call: payloads(data, [2 * call, 2 * call + 1]))


def check_peer(folder, calls, sent):
    """rtpengine's files have both parties' packets, and names of its own: only how many there are is asked."""
    files = list(pathlib.Path(folder).rglob("*.pcap"))
    found = sum(path.read_bytes().count(MAGIC) for path in files)
    return {"files": len(files), "files_missing": calls - len(files), "payloads": 2 * sent * calls, "payloads_missing": 2 * sent * calls - found}


def stated(folder):
    """What the sidecars say is missing, of both sides together."""
    sidecars = [json.loads(path.read_text()) for path in pathlib.Path(folder).rglob("*.wav.json")]
    return {"stated_ms": sum(gap["ms"] * (2 if gap["side"] == "both" else 1) for sidecar in sidecars for gap in sidecar["gaps"])}
