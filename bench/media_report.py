"""The figures of `./tandem bench media` for people: a Markdown table and a plot, beside the JSON."""
import os
import pathlib
import platform

import lib

# ratio, what it is, wanted, and whether more is better
RATIOS = (
    ("ratio_sockets_vs_rtpengine", "packets per CPU second on sockets, rtpengine = 1", 1.99, True),
    ("ratio_sockets_vs_rtpengine_with_softirq", "the same with what the machine does to receive", None, True),
    ("ratio_xdp_vs_rtpengine", "packets per CPU second on AF_XDP, rtpengine = 1", None, True),
    ("ratio_xdp_vs_rtpengine_with_softirq", "the same with what the machine does to receive", None, True),
    ("ratio_ring_vs_rtpengine", "packets per CPU second on DPDK's ring, rtpengine over a wire = 1", None, True),
    ("ratio_ring_vs_testpmd", "packets per CPU second on DPDK's ring, testpmd macswap = 1", 0.35, True),
    ("ratio_srtp_vs_libsrtp2", "SRTP packets per CPU second, libsrtp2 = 1 (the worse of 1 and 8,192 streams)", None, True),
    ("ratio_srtp_vs_ipsec_mb", "cost of SRTP, the transforms alone = 1 (the worse of both)", None, False),
    ("ratio_srtp_relay_vs_plain", "cost of a packet from SRTP to RTP or back on the ring, plain = 1", 1.5, False),
    ("ratio_srtp_relay_gcm_vs_plain", "the same with AES-GCM", 1.5, False),
    ("ratio_latency_p999_vs_rtpengine", "latency p99.9 at half of rtpengine's saturation, rtpengine = 1", 0.5, False),
    ("ratio_100k_flows_vs_100", "cost of a packet with 100,000 flows, with 100 = 1", 1.5, False),
    ("ratio_two_workers", "packets of two workers, of one = 1", 1.8, True),
)


def is_met(value, wanted, more):
    return value >= wanted if more else value <= wanted


def verdict(figures, name, value, wanted, more):
    if value is None:
        return "no figure"
    if name == "ratio_two_workers" and not figures["two_workers_cores_free"]:
        return "not shown"      # what they cost each other is not what two cores carry
    return "" if wanted is None else "met" if is_met(value, wanted, more) else "missed"


def rows(figures):
    """(name, what, value or None, wanted as text, verdict)"""
    for name, what, wanted, more in RATIOS:
        value = figures.get(name)
        text = "" if wanted is None else f"{'≥' if more else '≤'} {wanted}"
        yield name, what, value, text, verdict(figures, name, value, wanted, more)


def markdown(figures, peers):
    lines = ["# Media path", "", f"{platform.machine()}, {os.cpu_count()} CPUs, kernel {platform.release()}; load of the machine at the end "
             f"{os.getloadavg()[0]:.1f}. " + ", ".join(f"{name} {version}" for name, version in peers.items()) + ".", "",
             f"{figures['turns']} rounds in turn, medians; {figures['packets']} packets, {figures['lost']} lost; "
             f"{figures['cpu_seconds']} CPU seconds in {figures['seconds']} s.", "",
             "| figure | | value | wanted | |", "|---|---|---|---|---|"]
    lines += [f"| `{name}` | {what} | {'' if value is None else value} | {wanted} | {verdict} |" for name, what, value, wanted, verdict in rows(figures)]
    if figures.get("two_workers_cores_free") is False:
        lines += ["", "Two cores were not free: `ratio_two_workers` is by CPU time, and says what the workers cost each other alone."]
    lines += [f"\nLost packets, so no rates: {', '.join(figures['rows_with_loss'])}."] if figures["rows_with_loss"] else []
    lines += ["", "Not run:", ""] + [f"- {name}: {why}" for name, why in figures["not_run"].items()] if figures["not_run"] else []
    lines += ["", "| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in figures.items() if isinstance(value, (int, float)) and not key.startswith("ratio_")]
    return "\n".join(lines) + "\n"


def svg(figures):
    """One bar a ratio, each on a scale of its own, whose mark is what is wanted, or 1."""
    bars = [(name, value, wanted if wanted is not None else 1, more)
            for name, _, wanted, more in RATIOS for value in [figures.get(name)] if value is not None]
    width, step, left, right = 900, 26, 330, 500
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{step * len(bars) + 40}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (name, value, mark, more) in enumerate(bars):
        y, most = 20 + i * step, 1.15 * max(value, mark)
        fill = "#4a7ebb" if is_met(value, mark, more) else "#c0504d"
        x = left + right * mark / most
        out += [f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{name.removeprefix("ratio_")}</text>',
                f'<rect x="{left}" y="{y + 3}" width="{right * value / most:.1f}" height="14" fill="{fill}"/>',
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 20}" stroke="black"/>',
                f'<text x="{left + right + 8}" y="{y + 14}">{value:g} ({"≥" if more else "≤"} {mark:g})</text>']
    return "\n".join(out + ["</svg>"]) + "\n"


def write(json_file, figures, peers):
    """Beside the JSON where there is one, else in the build folder."""
    stem = pathlib.Path(json_file).with_suffix("") if json_file else lib.BUILD / "media"
    for suffix, text in ((".md", markdown(figures, peers)), (".svg", svg(figures))):
        path = stem.with_name(stem.name + suffix)
        path.write_text(text)
        lib.say(f"# wrote {path}")
