"""What a bench starts does not outlive it, however it ends."""
import atexit
import ctypes
import json
import signal
import subprocess

CHILDREN = []
END_S = 15      # a child that was asked to end has so long


def _die_with_us():
    """Told to end when this process is gone, however it went; kept over exec."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)      # PR_SET_PDEATHSIG


def spawn(command, **options):
    """A child that does not outlive this process."""
    child = subprocess.Popen([*map(str, command)], preexec_fn=_die_with_us, **options)
    CHILDREN.append(child)
    return child


def end(child):
    """Asks a child to end, and makes it."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Asked:
    """A child that is asked by lines, and answers each with a line of JSON."""

    def __init__(self, command, **options):
        self.process = spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the generator ended with {self.process.wait()}")
        return json.loads(answer)

    def stop(self):
        self.process.stdin.close()
        end(self.process)


def _end_all():
    for child in reversed(CHILDREN):
        end(child)


def _stop(number, _frame):
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)     # what is being ended ends in peace
    raise SystemExit(128 + number)


def guard():
    """Whatever ends this process by a signal ends its children first."""
    atexit.register(_end_all)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
