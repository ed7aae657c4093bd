/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/webrtc.h"

static const struct load_kind g_audio = { .packet = LOAD_RTP_HEAD + 160,
					  .frame_ns = 20 * NS_PER_MS,
					  .frame_units = 160,
					  .burst = 1,
					  .burst_large = 1 };
/* About 1 Mbit/s of H.264: three packets a frame, and a key frame of twenty each second. */
static const struct load_kind g_video = { .payload_type = 96,
					  .packet = LOAD_PACKET_MAX,
					  .frame_ns = NS_PER_S / 30,
					  .frame_units = 3000,
					  .burst = 3,
					  .burst_large = 20 };

static uint64_t utc_ms(void)
{
	return (uint64_t)time(NULL) * 1000;
}

static uint64_t number(const char *text)
{
	return strtoul(text, NULL, 10);
}

/* False: it is none, or its value cannot be used. */
static bool option_take(struct load_options *o, int option, const char *value)
{
	switch (option) {
	case 's':
		o->seconds = strtod(value, NULL);
		return true;
	case 'w':
		o->warm_up = strtod(value, NULL);
		return true;
	case 'c':
		o->calls = fopen(value, "r");
		return o->calls != NULL;
	case 't':
		o->tick_ns = number(value) * NS_PER_US;
		return true;
	case 'b':
		o->tick_frames = (uint32_t)number(value);
		return true;
	case 'd':
		o->drain_ns = number(value) * NS_PER_MS;
		return true;
	case 'v':
		o->kind = g_video;
		return true;
	case 'X':
		o->interface = value;
		return true;
	case 'i':
		o->kind.frame_ns = number(value) * NS_PER_MS;
		return true;
	case 'r':
		o->tell_ns = number(value) * NS_PER_MS;
		return true;
	case 'x':
		o->ssrc = (uint32_t)number(value);
		return true;
	case 'S':
		o->speech = true;
		return true;
	case 'p':
		return load_webrtc_identity(value, utc_ms());
	default:
		return false;
	}
}

void load_options_read(struct load_options *o, int argc, char **argv, uint64_t now_ns)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "warm-up", required_argument, NULL, 'w' },
		{ "calls", required_argument, NULL, 'c' },
		{ "tick-us", required_argument, NULL, 't' },
		{ "tick-frames", required_argument, NULL, 'b' },
		{ "drain-ms", required_argument, NULL, 'd' },
		{ "video", no_argument, NULL, 'v' },
		{ "xdp", required_argument, NULL, 'X' },
		{ "interval-ms", required_argument, NULL, 'i' },
		{ "tell-ms", required_argument, NULL, 'r' },
		{ "ssrc", required_argument, NULL, 'x' },
		{ "identity", required_argument, NULL, 'p' },
		{ "speech", no_argument, NULL, 'S' },
		{ 0 },
	};
	int c;

	*o = (struct load_options){ .kind = g_audio,
				    .seconds = 10,
				    .tick_ns = 200 * NS_PER_US,
				    .drain_ns = 300 * NS_PER_MS,
				    .ssrc = (uint32_t)(now_ns / NS_PER_MS) << 11,
				    .calls = stdin };
	while ((c = getopt_long(argc, argv, "s:w:c:t:b:d:vi:r:x:p:", options, NULL)) != -1) {
		if (!option_take(o, c, optarg))
			load_fail("usage: rtpload [--seconds S] [--warm-up S] [--calls FILE] "
				  "[--tick-us N] "
				  "[--tick-frames N] "
				  "[--drain-ms N] [--video] [--xdp INTERFACE] [--interval-ms N] "
				  "[--tell-ms N] [--ssrc N] "
				  "[--identity FILE] [--speech]",
				  EINVAL);
	}
}
