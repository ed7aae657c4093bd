/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/sound_metric.h"

#include "base/metric.h"

enum { BOUNDS_MAX = 8, WHOLE = 10000 };

enum direction { HEARD, TOLD, DIRECTIONS }; /* of the party; by the party, in its RTCP */

struct bound {
	uint32_t value; /* the last one of a histogram: all */
	const char *labels[DIRECTIONS];
};

#define BOUND(value)                                                  \
	{                                                             \
		value,                                                \
		{                                                     \
			"direction=\"in\",le=\"" #value "\"",         \
				"direction=\"out\",le=\"" #value "\"" \
		}                                                     \
	}
#define ALL                                                                             \
	{                                                                               \
		UINT32_MAX,                                                             \
		{                                                                       \
			"direction=\"in\",le=\"+Inf\"", "direction=\"out\",le=\"+Inf\"" \
		}                                                                       \
	}

static const char *const g_direction[DIRECTIONS] = { "direction=\"in\"", "direction=\"out\"" };

enum histogram { MOS, LOSS, JITTER, RTT, HISTOGRAMS };

static const struct {
	const char *name, *help;
	struct bound bounds[BOUNDS_MAX];
} g_histograms[HISTOGRAMS] = {
	[MOS] = { "tandem_call_mos_hundredths",
		  "Estimated MOS of audio at the end of calls, in hundredths",
		  { BOUND(200), BOUND(260), BOUND(310), BOUND(360), BOUND(400), BOUND(430), ALL } },
	[LOSS] = { "tandem_call_loss_hundredths",
		   "Packets of audio lost, at the end of calls, in hundredths of a per cent",
		   { BOUND(0), BOUND(50), BOUND(100), BOUND(300), BOUND(500), BOUND(1000),
		     BOUND(3000), ALL } },
	[JITTER] = { "tandem_call_jitter_microseconds",
		     "Interarrival jitter of audio at the end of calls",
		     { BOUND(1000), BOUND(5000), BOUND(10000), BOUND(20000), BOUND(50000),
		       BOUND(100000), BOUND(500000), ALL } },
	[RTT] = { "tandem_call_rtt_microseconds",
		  "Round trip to the party and back at the end of calls, where it is known",
		  { BOUND(10000), BOUND(50000), BOUND(100000), BOUND(200000), BOUND(300000),
		    BOUND(500000), BOUND(1000000), ALL } },
};

static struct {
	metric_id buckets[BOUNDS_MAX], sum, count;
} g_ids[HISTOGRAMS][DIRECTIONS];

static bool is_known(enum histogram h, enum direction d)
{
	return h != RTT || d == TOLD; /* there is but one, and the party's reports give it */
}

static void open_one(enum histogram h, enum direction d)
{
	const char *name = g_histograms[h].name, *help = g_histograms[h].help;

	for (size_t i = 0; i < BOUNDS_MAX && g_histograms[h].bounds[i].labels[d]; i++)
		g_ids[h][d].buckets[i] = metric_register(METRIC_BUCKET, name,
							 g_histograms[h].bounds[i].labels[d], help);
	g_ids[h][d].sum = metric_register(METRIC_SUM, name, g_direction[d], help);
	g_ids[h][d].count = metric_register(METRIC_COUNT, name, g_direction[d], help);
}

void sound_metrics_open(void)
{
	for (enum histogram h = 0; h < HISTOGRAMS; h++) {
		for (enum direction d = 0; d < DIRECTIONS; d++) {
			if (is_known(h, d))
				open_one(h, d);
		}
	}
}

static void add(enum histogram h, enum direction d, uint32_t value)
{
	for (size_t i = 0; i < BOUNDS_MAX && g_histograms[h].bounds[i].labels[d]; i++) {
		if (value <= g_histograms[h].bounds[i].value)
			metric_add(g_ids[h][d].buckets[i], 1);
	}
	metric_add(g_ids[h][d].sum, value);
	metric_add(g_ids[h][d].count, 1);
}

static uint32_t share(uint64_t lost, uint64_t of)
{
	return lost >= of ? WHOLE : (uint32_t)(lost * WHOLE / of);
}

static void add_leg(const struct flow_stats *s, const struct cdr_sound *sound)
{
	if (s->packets_in) {
		add(LOSS, HEARD, share(s->lost, s->packets_in + s->lost));
		add(JITTER, HEARD, s->jitter_us);
	}
	if (sound->mos_in)
		add(MOS, HEARD, sound->mos_in);
	if (sound->mos_out) { /* it reported */
		add(MOS, TOLD, sound->mos_out);
		add(LOSS, TOLD, share(s->remote_lost, s->packets_out));
		add(JITTER, TOLD, s->remote_jitter_us);
	}
	if (s->rtt_us)
		add(RTT, TOLD, s->rtt_us);
}

void sound_metrics_add(const struct cdr *cdr)
{
	add_leg(&cdr->a, &cdr->a_sound);
	add_leg(&cdr->b, &cdr->b_sound);
}
