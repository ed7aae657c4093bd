/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/sound_metric.h"

#include "base/histogram.h"

enum { BOUNDS_MAX = 8, WHOLE = 10000 };

enum direction { HEARD, TOLD, DIRECTIONS }; /* of the party; by the party, in its RTCP */

#define BOUND(way, value, text)                                  \
	{                                                        \
		(value), "direction=\"" way "\",le=\"" text "\"" \
	}
#define BOTH(bounds)                         \
	{                                    \
		{ bounds(BOUND, "in") },     \
		{                            \
			bounds(BOUND, "out") \
		}                            \
	}
#define MOS_BOUNDS(X, way)                                                            \
	X(way, 200, "2"), X(way, 260, "2.6"), X(way, 310, "3.1"), X(way, 360, "3.6"), \
		X(way, 400, "4"), X(way, 430, "4.3"), X(way, UINT64_MAX, "+Inf")
#define LOSS_BOUNDS(X, way)                                                            \
	X(way, 0, "0"), X(way, 50, "0.005"), X(way, 100, "0.01"), X(way, 300, "0.03"), \
		X(way, 500, "0.05"), X(way, 1000, "0.1"), X(way, 3000, "0.3"),         \
		X(way, UINT64_MAX, "+Inf")
#define JITTER_BOUNDS(X, way)                                                        \
	X(way, 1000, "0.001"), X(way, 5000, "0.005"), X(way, 10000, "0.01"),         \
		X(way, 20000, "0.02"), X(way, 50000, "0.05"), X(way, 100000, "0.1"), \
		X(way, 500000, "0.5"), X(way, UINT64_MAX, "+Inf")
#define RTT_BOUNDS(X, way)                                                           \
	X(way, 10000, "0.01"), X(way, 50000, "0.05"), X(way, 100000, "0.1"),         \
		X(way, 200000, "0.2"), X(way, 300000, "0.3"), X(way, 500000, "0.5"), \
		X(way, 1000000, "1"), X(way, UINT64_MAX, "+Inf")

enum histogram_kind { MOS, LOSS, JITTER, RTT, HISTOGRAMS };

static const struct {
	const char *name, *help;
	uint32_t per;
	struct histogram_bound bounds[DIRECTIONS][BOUNDS_MAX];
} g_kinds[HISTOGRAMS] = {
	[MOS] = { "tandem_call_mos", "Estimated MOS of audio at the end of calls", 100,
		  BOTH(MOS_BOUNDS) },
	[LOSS] = { "tandem_call_loss_ratio",
		   "Packets of audio lost, at the end of calls, of all that were sent", WHOLE,
		   BOTH(LOSS_BOUNDS) },
	[JITTER] = { "tandem_call_jitter_seconds",
		     "Interarrival jitter of audio at the end of calls", 1000000,
		     BOTH(JITTER_BOUNDS) },
	[RTT] = { "tandem_call_rtt_seconds",
		  "Round trip to the party and back at the end of calls, where it is known",
		  1000000, BOTH(RTT_BOUNDS) },
};

static struct histogram g_histograms[HISTOGRAMS][DIRECTIONS];

static bool sound_is_known(enum histogram_kind h, enum direction d)
{
	return h != RTT || d == TOLD; /* there is but one, and the party's reports give it */
}

void sound_metrics_open(void)
{
	static const char *const directions[DIRECTIONS] = { "direction=\"in\"",
							    "direction=\"out\"" };

	if (g_histograms[0][0].bounds)
		return; /* all shards have the same */
	for (enum histogram_kind h = 0; h < HISTOGRAMS; h++) {
		for (enum direction d = 0; d < DIRECTIONS; d++) {
			if (sound_is_known(h, d))
				histogram_open(&g_histograms[h][d], g_kinds[h].name, directions[d],
					       g_kinds[h].help, g_kinds[h].bounds[d],
					       g_kinds[h].per);
		}
	}
}

static void sound_metric_add(enum histogram_kind h, enum direction d, uint32_t value)
{
	histogram_add(&g_histograms[h][d], value);
}

static uint32_t lost_share(uint64_t lost, uint64_t of)
{
	return lost >= of ? WHOLE : (uint32_t)(lost * WHOLE / of);
}

static void add_leg(const struct flow_stats *s, const struct cdr_sound *sound)
{
	if (s->packets_in) {
		sound_metric_add(LOSS, HEARD, lost_share(s->lost, s->packets_in + s->lost));
		sound_metric_add(JITTER, HEARD, s->jitter_us);
	}
	if (sound->mos_in)
		sound_metric_add(MOS, HEARD, sound->mos_in);
	if (sound->mos_out) { /* it reported */
		sound_metric_add(MOS, TOLD, sound->mos_out);
		sound_metric_add(LOSS, TOLD, lost_share(s->remote_lost, s->packets_out));
		sound_metric_add(JITTER, TOLD, s->remote_jitter_us);
	}
	if (s->rtt_us)
		sound_metric_add(RTT, TOLD, s->rtt_us);
}

void sound_metrics_add(const struct cdr *cdr)
{
	bool sound = !cdr->lines; /* of other lines loss and jitter are not known */

	if (sound || cdr->audio & 1)
		add_leg(&cdr->a, &cdr->a_sound);
	if (sound || cdr->audio & 2)
		add_leg(&cdr->b, &cdr->b_sound);
}
