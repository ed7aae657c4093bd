"""The figures of `./tandem bench media` for people: a Markdown table and a plot, beside the JSON."""
import os
import pathlib
import platform
import typing

import lib

class Ratio(typing.NamedTuple):
    name: str
    what: str
    peer: str               # among the peers, or the build itself
    needs: tuple            # "row contestant", as media.py names them
    wanted: float
    more: bool              # is better


SELF = "tandem"
RATIOS = (
    Ratio("ratio_sockets_vs_rtpengine", "packets per CPU second on sockets, rtpengine = 1",
          "rtpengine", ("wire sockets", "wire rtpengine"), 2.2, True),
    Ratio("ratio_sockets_vs_rtpengine_with_softirq", "the same with what the machine does to receive",
          "rtpengine", ("wire sockets", "wire rtpengine"), 1.6, True),
    Ratio("ratio_xdp_vs_rtpengine", "packets per CPU second on AF_XDP, rtpengine = 1",
          "rtpengine", ("wire xdp", "wire rtpengine"), 5, True),
    Ratio("ratio_xdp_vs_rtpengine_with_softirq", "the same with what the machine does to receive",
          "rtpengine", ("wire xdp", "wire rtpengine"), 3, True),
    Ratio("ratio_kernel_vs_rtpengine_with_receiving", "packets per CPU second where the kernel forwards, receiving included, rtpengine = 1",
          "rtpengine", ("wire kernel", "wire rtpengine"), 4, True),
    Ratio("ratio_kernel_vs_rtpengine_with_receiving_100k", "the same with 100,000 packets a second",
          "rtpengine", ("wire_100k kernel", "wire_100k rtpengine"), 6, True),
    Ratio("ratio_kernel_vs_xdp", "the same as the first, AF_XDP = 1",
          SELF, ("wire kernel", "wire xdp"), 1.3, True),
    Ratio("ratio_kernel_vs_xdp_100k", "the same with 100,000 packets a second",
          SELF, ("wire_100k kernel", "wire_100k xdp"), 2, True),
    Ratio("kernel_share", "part of the packets that the kernel forwards, 500 calls with digits, holds and RTCP",
          SELF, ("share kernel",), 0.97, True),
    Ratio("kernel_added_p50_ms", "latency p50 where the kernel forwards, ms, less that of the wire alone (bench/mirror)",
          SELF, ("wire kernel", "wire mirror"), 0.05, False),
    Ratio("kernel_added_p50_ms_100k", "the same with 100,000 packets a second",
          SELF, ("wire_100k kernel", "wire_100k mirror"), 0.05, False),
    Ratio("ratio_ring_vs_rtpengine", "the stages on a memory device, rtpengine over a wire = 1: a limit, and no comparison",
          "rtpengine", ("ring plain", "wire rtpengine"), None, True),
    Ratio("ratio_ring_vs_testpmd", "packets per CPU second on DPDK's ring, testpmd macswap = 1",
          "dpdk", ("ring plain", "ring testpmd"), 0.35, True),
    Ratio("ratio_srtp_vs_libsrtp2", "SRTP packets per CPU second, libsrtp2 = 1, one stream",
          "libsrtp2", ("srtp 1",), 10, True),
    Ratio("ratio_srtp_gcm_vs_libsrtp2", "the same with AES-GCM",
          "libsrtp2", ("srtp gcm_1",), None, True),
    Ratio("ratio_srtp_vs_ipsec_mb", "cost of SRTP, the transforms alone = 1 (the worst of 1, 100 and 8,192 streams)",
          "ipsec-mb", ("srtp 1", "srtp 100", "srtp 8192", "srtp ipsec_mb"), 2, False),
    Ratio("ratio_srtp_gcm_vs_ipsec_mb", "the same with AES-GCM",
          "ipsec-mb", ("srtp gcm_1", "srtp gcm_100", "srtp gcm_8192", "srtp gcm_ipsec_mb"), 2, False),
    Ratio("ratio_srtp_relay_vs_floor", "cost of a packet from SRTP to RTP or back on the ring; plain and ipsec-mb's bare transform together = 1",
          "ipsec-mb", ("ring plain", "ring srtp_relay", "srtp 100", "srtp ipsec_mb"), 1.3, False),
    Ratio("ratio_srtp_relay_gcm_vs_floor", "the same with AES-GCM",
          "ipsec-mb", ("ring plain", "ring srtp_relay_gcm", "srtp gcm_100", "srtp gcm_ipsec_mb"), 1.3, False),
    Ratio("ratio_srtp_relay_vs_plain", "the same, plain alone = 1",
          SELF, ("ring plain", "ring srtp_relay"), None, False),
    Ratio("ratio_srtp_relay_gcm_vs_plain", "the same with AES-GCM",
          SELF, ("ring plain", "ring srtp_relay_gcm"), None, False),
    Ratio("ratio_latency_p999_vs_rtpengine", "latency p99.9 at half of rtpengine's saturation, rtpengine = 1",
          "rtpengine", ("latency sockets", "latency rtpengine"), 0.5, False),
    Ratio("sockets_added_p50_us", "latency p50 there, us, less that of the path alone (bench/reflect), at the default media.batch_wait_us",
          SELF, ("latency sockets", "latency path"), 1000, False),
    Ratio("ratio_100k_flows_vs_100", "cost of a packet with 100,000 flows, with 100 = 1",
          SELF, ("flows few", "flows many"), 1.5, False),
    Ratio("ratio_10k_slots_vs_100", "cost of a packet that the kernel forwards with 10,000 flows, with 100 = 1",
          SELF, ("slots both",), 1.1, False),
    Ratio("ratio_two_workers", "packets of two workers, of one = 1",
          SELF, ("ring plain", "ring two"), 1.8, True),
)


class Line(typing.NamedTuple):
    """A ratio as it is shown."""
    name: str
    what: str
    peer: str
    value: float            # None: there is none that can be judged
    wanted: str
    verdict: str


def is_met(value, ratio):
    return value >= ratio.wanted if ratio.more else value <= ratio.wanted


def is_void(name, lossy, lossy_of_row):
    """Whether a figure of a row has no value as packets were lost. lossy: "row contestant", all who lost some; lossy_of_row: those of the row."""
    needs = next((ratio.needs for ratio in RATIOS if ratio.name == name), None)
    return bool(lossy.intersection(needs) if needs else lossy_of_row and name.startswith("ratio_"))


def by_cpu_time(figures, ratio):
    """What two workers cost each other, where they had no two cores, is not what two cores carry."""
    return ratio.name == "ratio_two_workers" and not figures.get("two_workers_cores_free")


def why_none(figures, ratio):
    """Why a ratio has no value; the first cause that is known."""
    for contestant in ratio.needs:
        if contestant in figures["not_run"]:
            return " ".join(figures["not_run"][contestant].split())
        if contestant in figures["lost_by"]:
            return f"{contestant.split()[1]} lost packets in the row {contestant.split()[0]}"
    for row in (contestant.split()[0] for contestant in ratio.needs):
        if not any(key.startswith(f"{row}_") and key.endswith("_packets") for key in figures):
            return f"the row {row} was not asked for"
    return "it cannot be counted here"


def verdict(figures, ratio):
    value = figures.get(ratio.name)
    if value is None:
        return f"no figure ({why_none(figures, ratio)})"
    if by_cpu_time(figures, ratio):
        return f"no figure (two cores were not free; by CPU time {value})"
    return "" if ratio.wanted is None else "met" if is_met(value, ratio) else "missed"


def lines_of(figures, peers):
    for ratio in RATIOS:
        value = None if by_cpu_time(figures, ratio) else figures.get(ratio.name)
        wanted = "" if ratio.wanted is None else f"{'≥' if ratio.more else '≤'} {ratio.wanted}"
        peer = SELF if ratio.peer == SELF else f"{ratio.peer} {peers.get(ratio.peer) or 'is missing'}"
        yield Line(ratio.name, ratio.what, peer, value, wanted, verdict(figures, ratio))


def text(figures, peers):
    """For who looks on."""
    return "".join(f"{'' if line.value is None else line.value:>8} {line.wanted:8} {line.name:40} {line.peer:24} {line.verdict}".rstrip() + "\n"
                   for line in lines_of(figures, peers))


def cell(words):
    """In a table of Markdown a bar is none of its own."""
    return words.replace("|", "\\|")


def markdown(figures, peers):
    lines = ["# Media path", "", f"{platform.machine()}, {os.cpu_count()} CPUs, kernel {platform.release()}; load of the machine at the end "
             f"{os.getloadavg()[0]:.1f}.", "",
             f"{figures['turns']} rounds in turn, medians; {figures['packets']} packets, {figures['lost']} lost; "
             f"{figures['cpu_seconds']} CPU seconds in {figures['seconds']} s.", "",
             "| figure | | against | value | wanted | |", "|---|---|---|---|---|---|"]
    lines += [f"| `{line.name}` | {line.what} | {line.peer} | {'' if line.value is None else line.value} | {line.wanted} | {cell(line.verdict)} |"
              for line in lines_of(figures, peers)]
    lines += [f"\nLost packets, so no rates: {', '.join(figures['lost_by'])}."] if figures["lost_by"] else []
    lines += ["", "Not run:", ""] + [f"- {name}: {why}" for name, why in figures["not_run"].items()] if figures["not_run"] else []
    lines += ["", "| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in figures.items() if isinstance(value, (int, float)) and not key.startswith("ratio_")]
    return "\n".join(lines) + "\n"


def svg(figures):
    """One bar a ratio, each on a scale of its own, whose mark is what is wanted, or 1."""
    bars = [(ratio._replace(wanted=1 if ratio.wanted is None else ratio.wanted), figures[ratio.name])
            for ratio in RATIOS if figures.get(ratio.name) is not None and not by_cpu_time(figures, ratio)]
    width, step, left, right = 900, 26, 330, 500
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{step * len(bars) + 40}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (ratio, value) in enumerate(bars):
        mark = ratio.wanted
        y, most = 20 + i * step, 1.15 * max(value, mark)
        fill = "#4a7ebb" if is_met(value, ratio) else "#c0504d"
        x = left + right * mark / most
        out += [f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{ratio.name.removeprefix("ratio_")}</text>',
                f'<rect x="{left}" y="{y + 3}" width="{right * value / most:.1f}" height="14" fill="{fill}"/>',
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 20}" stroke="black"/>',
                f'<text x="{left + right + 8}" y="{y + 14}">{value:g} ({"≥" if ratio.more else "≤"} {mark:g})</text>']
    return "\n".join(out + ["</svg>"]) + "\n"


def write(json_file, figures, peers):
    """The judgement is printed; table and plot are beside the JSON where there is one, else in the build folder."""
    lib.say(text(figures, peers).rstrip("\n"))
    stem = pathlib.Path(json_file).with_suffix("") if json_file else lib.BUILD / "media"
    for suffix, content in ((".md", markdown(figures, peers)), (".svg", svg(figures))):
        path = stem.with_name(stem.name + suffix)
        path.write_text(content)
        lib.say(f"# wrote {path}")
