#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speaks the default prompts (espeak-ng) into a folder of sounds: FOLDER/.prompts/LANGUAGE/NAME.wav for each text of LANGUAGE.txt
beside this file, and those of the default language in FOLDER/.prompts itself. docs/guides/prompts.md says how they are chosen."""
import argparse
import array
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
QUIET = 200             # of 32,767: softer is silence, which is cut off around a prompt
EDGE_S = 0.05           # ... but for so much


def texts(language):
    """The voice, and what to say by name."""
    path = os.path.join(HERE, language + ".txt")
    voice, out = language, {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        sys.exit(f"make.py: {path}: {error.strerror}: there is a text for {', '.join(known())}")
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, mark, text = (part.strip() for part in line.partition("="))
        if not mark or not text or not re.fullmatch(r"[a-z0-9-]{1,40}", name):
            sys.exit(f"make.py: {path}:{number}: a line is NAME = text, and a name has a-z, 0-9 and '-'")
        if name in out:
            sys.exit(f"make.py: {path}:{number}: {name} is there twice")
        if name == "voice":
            voice = text
        else:
            out[name] = text
    return voice, out


def known():
    return sorted(name[:-4] for name in os.listdir(HERE) if name.endswith(".txt"))


def spoken(voice, text):
    """What the program says: samples a second, and the samples."""
    done = subprocess.run(["espeak-ng", "-v", voice, "--stdin", "--stdout"], input=text.encode(), capture_output=True)
    if done.returncode or done.stdout[:4] != b"RIFF":
        sys.exit(f"make.py: espeak-ng cannot say {text!r} as {voice}: {done.stderr.decode(errors='replace').strip()}")
    with wave.open(io.BytesIO(done.stdout)) as file:    # to a pipe it says no length: read goes to the end
        samples = array.array("h", file.readframes(len(done.stdout)))
        return file.getframerate(), samples


def trimmed(rate, samples):
    first, last = (next((i for i in order if abs(samples[i]) > QUIET), None) for order in (range(len(samples)), reversed(range(len(samples)))))
    edge = int(rate * EDGE_S)
    return samples if first is None else samples[max(0, first - edge):last + edge]


def written(path, rate, samples):
    """Whole, or not at all."""
    with wave.open(path + ".new", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    os.rename(path + ".new", path)


def coded(path):
    """Opus in place of WAV, a tenth as large, and the same each time."""
    opus = path[:-4] + ".opus"
    subprocess.run(["opusenc", "--quiet", "--bitrate", "24", "--serial", "1", path, opus], check=True)
    os.unlink(path)
    return opus


def linked(path, other):
    """The same file under another name."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(other)
    os.link(path, other)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="media.sounds of the node")
    parser.add_argument("--languages", default=",".join(known()), help="those to speak, by commas")
    parser.add_argument("--default", default="en", help="that of whoever has no language")
    parser.add_argument("--opus", action="store_true", help="as Opus in Ogg (opusenc)")
    options = parser.parse_args()
    if options.opus and not shutil.which("opusenc"):
        sys.exit("make.py: there is no opusenc: apt install opus-tools")
    if not shutil.which("espeak-ng"):
        sys.exit("make.py: there is no espeak-ng: apt install espeak-ng")
    languages = options.languages.split(",")
    if options.default not in languages:
        sys.exit(f"make.py: --default {options.default} is none of {options.languages}")
    if not options.opus:
        os.umask(0o077)
    for language in languages:
        voice, prompts = texts(language)
        folders = [os.path.join(options.folder, ".prompts", language)]
        if language == options.default:
            folders.append(os.path.join(options.folder, ".prompts"))
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
        for name, text in prompts.items():
            rate, samples = spoken(voice, text)
            path, *others = (os.path.join(folder, name + ".wav") for folder in folders)
            written(path, rate, trimmed(rate, samples))
            if options.opus:
                path = coded(path)
            for other in others:
                linked(path, os.path.splitext(other)[0] + os.path.splitext(path)[1])
        print(f"{len(prompts)} prompts in {language}: {folders[0]}")


if __name__ == "__main__":
    main()
