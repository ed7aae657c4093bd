/* SPDX-License-Identifier: Apache-2.0 */
/* Packets. */
#include "app/settings/settings_schema.h"

/* In the order of enum engine_port. */
static const char *const g_port_names[] = { "auto", "io_uring", "epoll", "dpdk", "xdp", NULL };
/* In the order of enum engine_forward. */
static const char *const g_forward_names[] = { "off", "auto", "on", NULL };
/* As dsp/tone.h has them. */
const char *const g_settings_tones[] = { "off", "au", "de", "etsi", "fr", "jp", "uk", "us", NULL };

/* In the order of enum latch_mode. */
static const char *const g_latch_names[] = { "strict", "same-ip", "any-once", NULL };
static const char *const g_opus_rate_names[] = { "auto", "48000", NULL };

static const struct conf_field g_dpdk_fields[] = {
	{ .key = "device",
	  TEXT(settings_dpdk, device),
	  .at_start = true,
	  .help = "The device: a PCI address (\"0000:03:00.0\") or a driver with its parameters "
		  "(\"net_memif0,role=server,socket=/run/m.sock\"). Take role=server with "
		  "net_memif: DPDK's client does not connect again when its peer comes back." },
	{ .key = "args",
	  TEXTS(settings_dpdk, args, arg_count),
	  .at_start = true,
	  .help = "More arguments for DPDK's EAL, after those that the node gives it." },
	{ .key = "hugepages",
	  FLAG(settings_dpdk, hugepages),
	  .preset = "true",
	  .at_start = true,
	  .help = "false: ordinary memory. Enough for devices that are none of hardware." },
	{ .key = "tap",
	  TEXT(settings_dpdk, tap),
	  .at_start = true,
	  .help = "Name of a TAP interface that is made with the device's MAC address: all that is "
		  "not media passes through it, so the device's addresses and routes belong on it. "
		  "It is gone with the node. Needs CAP_NET_ADMIN at start alone." },
	{ .key = "gateway",
	  TEXT(settings_dpdk, gateway),
	  .at_start = true,
	  .help = "Where no interface of the kernel stands for the device: the MAC address frames "
		  "go to. Without it a party must send first." },
	{ .key = NULL },
};

const struct conf_field g_media_fields[] = {
	{ .key = "port",
	  WORD(settings_media, port, g_port_names),
	  .preset = "auto",
	  .at_start = true,
	  .help = "How packets come and go: io_uring or epoll over the kernel's sockets (auto: the "
		  "first that is allowed), dpdk, or xdp: AF_XDP on networks[].interface, which "
		  "needs CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON at start alone. An "
		  "interface that "
		  "is made again while the node runs is used again, on Linux 6.0 and newer." },
	{ .key = "xdp_forward",
	  WORD(settings_media, xdp_forward, g_forward_names),
	  .preset = "auto",
	  .at_start = true,
	  .help = "With media.port: xdp, whether the kernel forwards plain RTP of two parties by "
		  "itself while nothing is to be decided about it: auto (where a frame surely "
		  "leaves by the interface that it came by), on (also from one interface to "
		  "another, and over veth, whose other end must have an XDP program then), or "
		  "off." },
	{ .key = "xdp_forward_alive",
	  DURATION(settings_media, xdp_forward_alive, SECONDS(2), SECONDS(3600)),
	  .preset = "10s",
	  .at_start = true,
	  .help = "With xdp_forward: the kernel goes on for so long after the last sign of life of "
		  "the "
		  "thread that carries a call's packets. Then it drops them, so that a node that "
		  "hangs "
		  "does not speak for ever." },
	{ .key = "workers",
	  U32(settings_media, workers, 1, 16),
	  .preset = "1",
	  .at_start = true,
	  .help = "Threads that carry packets. A call goes to the one with the least load, and "
		  "stays there." },
	{ .key = "latch",
	  WORD(settings_media, latch, g_latch_names),
	  .preset = "same-ip",
	  .help = "Whose RTP is believed: strict (the signalled address and port), same-ip (the "
		  "signalled address, its "
		  "first port), any-once (the first source at all)." },
	{ .key = "dscp_audio",
	  U32(settings_media, dscp_audio, 0, 63),
	  .preset = "46",
	  .help = "DSCP of all but video, for calls set up from now on." },
	{ .key = "dscp_video",
	  U32(settings_media, dscp_video, 0, 63),
	  .preset = "34",
	  .help = "DSCP of video, for calls set up from now on." },
	{ .key = "dscp_sip",
	  U32(settings_media, dscp_sip, 0, 63),
	  .preset = "24",
	  .at_start = true,
	  .help = "DSCP of SIP." },
	{ .key = "video",
	  FLAG(settings_media, video),
	  .preset = "true",
	  .help = "Relay H.264 video; false: video is refused, the call goes on with audio." },
	{ .key = "transcode",
	  FLAG(settings_media, transcode),
	  .preset = "true",
	  .help = "Audio is decoded and encoded again between two parties that have no codec in "
		  "common, where the node codes one of each: PCMA, PCMU, G722, opus, G726-32, and "
		  "G729 where its module is installed. A codec profile may say otherwise. For "
		  "calls set up from now on." },
	{ .key = "transcode_complexity",
	  U32(settings_media, transcode_complexity, 0, 10),
	  .preset = "5",
	  .help = "Complexity of Opus with which audio is encoded again, while a media worker has "
		  "time: at 10 it takes nearly twice the CPU of 5, at 0 half. Under load it is "
		  "half "
		  "of that, and then 0." },
	{ .key = "transcode_busy",
	  U32(settings_media, transcode_busy, 10, 100),
	  .preset = "70",
	  .help = "Load of a media worker, in percent of a core, from which on the complexity goes "
		  "down by a step each second; below three quarters of it for 5 seconds, up "
		  "again." },
	{ .key = "transcode_opus_rate",
	  WORD(settings_media, transcode_opus_rate, g_opus_rate_names),
	  .preset = "auto",
	  .help = "Hz at which Opus is decoded, and encoded, where audio is encoded again. auto: "
		  "as the other codec has it, 8000 or 16000; there is nothing to hear above. "
		  "48000: as servers do that know no other rate, so that calls sound and cost as "
		  "with them: 24 kbit/s, up to four times the CPU, and 1 to 2 ms of delay. For "
		  "calls set up or changed from now on." },
	{ .key = "timeout",
	  DURATION(settings_media, timeout, 0, SECONDS(86400)),
	  .preset = "300s",
	  .help = "A call ends when a party that should send audio or video sends neither RTP nor "
		  "RTCP for so long; 0s: never. For calls set up or changed from now on." },
	{ .key = "port_rest",
	  DURATION(settings_media, port_rest, 0, SECONDS(3600)),
	  .preset = "60s",
	  .at_start = true,
	  .help = "A media port of an ended call is not used again before this." },
	{ .key = "batch_wait_us",
	  U32(settings_media, batch_wait_us, 100, 20000),
	  .preset = "1000",
	  .help = "Microseconds a packet may wait for others, so that they share a system call. "
		  "Less is less delay, more is less CPU: docs/benchmarks.md has the table. An idle "
		  "worker waits a quarter of it." },
	{ .key = "sounds",
	  TEXT(settings_media, sounds),
	  .help = "Folder of sounds, which the node's user can read; in it a folder for each "
		  "tenant: default. An absolute path. Without it: sounds in state_dir." },
	{ .key = "music",
	  TEXT(settings_media, music),
	  .help = "What a party hears while it is held: name of a WAV file in the tenant's folder "
		  "of sounds, such as music.wav, of at most 64 MiB and 10 minutes; it begins anew "
		  "at "
		  "its end. SIGHUP reads the file again. One that cannot be used changes nothing; "
		  "it "
		  "is tried again every 10 seconds. Without it: nothing is heard." },
	{ .key = "tones",
	  WORD(settings_media, tones, g_settings_tones),
	  .preset = "etsi",
	  .help = "The country whose tones a party hears of the node, such as ringback while "
		  "another is rung for it, or that another call waits: au, de, fr, jp, uk or us; "
		  "etsi: those that most "
		  "countries of Europe are close to; off: nothing is heard." },
	{ .key = "dpdk",
	  MAP(settings_media, dpdk, g_dpdk_fields),
	  .help = "With port: dpdk. The packages of deploy/packages/dpdk.txt must be installed." },
	{ .key = NULL },
};
